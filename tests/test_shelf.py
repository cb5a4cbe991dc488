"""Items in files are asked as a server is."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rustac
from observatory import page
from observatory.asking import (
    CAMARGUE,
    JULY,
    an_item,
    ids,
    one_collection,  # noqa: F401 - a fixture
)

from sco.choices import Source
from sco.errors import UpstreamError
from sco.model import BBox
from sco.search import recall, search


def local(place: Path, catalog: str = "earth_search") -> Source:
    content = {"sensor": "sentinel2", "catalogs": [{"id": catalog, "file": place.name}]}
    return Source.model_validate(content, context={"folder": place.parent})


def _laid(tmp_path: Path, kind: str, items: list[dict[str, Any]]) -> Path:
    place = tmp_path / kind
    match place.suffix:
        case ".json":
            place.write_text(json.dumps(page(*items)))
        case ".ndjson":
            place.write_text("\n".join(json.dumps(item) for item in items) + "\n\n")
        case ".parquet":
            rustac.write_sync(str(place), items)
        case _:
            for number, item in enumerate(items):
                (place / str(number)).mkdir(parents=True)
                (place / str(number) / "item.json").write_text(json.dumps(item))
            (place / "collection.json").write_text('{"type": "Collection"}')
            (place / "readme.txt").write_text("no items here")
    return place


@pytest.mark.parametrize("kind", ["items.json", "items.ndjson", "items.parquet", "items"])
def test_items_in_files_are_asked_as_a_server_is(tmp_path: Path, kind: str) -> None:
    items = [
        an_item(1, assets={"red": {"href": "scenes/B04.tif"}}),
        an_item(2, says={"eo:cloud_cover": 99}),
        an_item(3, geometry={"type": "Polygon", "coordinates": [[[7, 3], [8, 3], [8, 4], [7, 3]]]}, bbox=[7, 3, 8, 4]),
        an_item(4, datetime="2022-07-05T10:00:00Z"),
        an_item(5, collection="landsat-c2-l2"),
    ]
    place = _laid(tmp_path, kind, items)
    answer = search(local(place), CAMARGUE, *JULY, keep=tmp_path / "kept")
    assert recall(local(place), CAMARGUE, *JULY, keep=tmp_path / "kept") == answer
    with_cloud = search(local(place).model_copy(update={"max_cloud": 80}), CAMARGUE, *JULY)
    assert [scene.id for scene in with_cloud.scenes] == ["S2A_31TFJ_20230701_0_L2A"]
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A", "S2A_31TFJ_20230702_0_L2A"]
    assert answer.rejected == ()
    folder = place / "0" if kind == "items" else tmp_path
    assert answer.scenes[0].assets["red"].href == str(folder / "scenes/B04.tif")
    assert answer.scenes[1].assets["red"].href == "https://example.com/B04.tif"


def test_a_file_that_is_not_there_or_no_stac_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="there is no file or folder"):
        search(local(tmp_path / "gone.json"), CAMARGUE, *JULY)
    for name in ("broken.json", "broken.ndjson", "broken.parquet"):
        (tmp_path / name).write_text('{"type": "FeatureCollection", "features": [')
        with pytest.raises(UpstreamError, match=rf"{name} is no STAC"):
            search(local(tmp_path / name), CAMARGUE, *JULY)


def test_rubbish_in_a_folder_is_rejected_and_the_rest_is_used(tmp_path: Path) -> None:
    place = _laid(tmp_path, "items", [an_item(1), an_item(2, bbox=None)])
    (place / "broken.json").write_text("{")
    answer = search(local(place), CAMARGUE, *JULY)
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A"]
    assert [one.rubbish for one in answer.rejected] == [True, True]
    assert "broken.json is no STAC" in answer.rejected[0].id + answer.rejected[1].id


def test_a_hundred_real_items_of_geoparquet(data: Path) -> None:
    place = data / "stac/items_static/rustac/100-sentinel-2-items.parquet"
    colorado: BBox = (-106, 39, -104, 41)
    winter = (datetime(2024, 11, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
    answer = search(local(place, "local"), colorado, *winter)
    assert not any(one.rubbish for one in answer.rejected)
    assert len(answer.scenes) + len(answer.rejected) == answer.asked[0].items
    assert len(answer.scenes) > 10
    first = answer.scenes[0]
    assert {"red", "nir", "swir16", "scl"} <= first.assets.keys()
    assert "/R10m/" in first.assets["red"].href
    assert "B04_10m" in first.assets["red"].href


def test_bands_of_a_local_item_are_told_by_their_common_names() -> None:
    from catalogs.local import by_common_name

    item = {
        "assets": {
            "B04_20m": {"href": "20.jp2", "gsd": 20, "bands": [{"eo:common_name": "red"}]},
            "B04_10m": {"href": "10.jp2", "gsd": 10, "bands": [{"eo:common_name": "red"}]},
            "B08": {"href": "8.tif", "eo:bands": [{"name": "B08", "common_name": "nir"}]},
            "visual": {"href": "rgb.tif", "eo:bands": [{"common_name": "red"}, {"common_name": "green"}]},
            "blue": {"href": "key.tif"},
            "B02": {"href": "2.tif", "eo:bands": [{"common_name": "blue"}]},
            "odd": 7,
        }
    }
    assets = by_common_name(item)["assets"]
    assert {name: assets[name]["href"] for name in ("red", "nir", "blue")} == {
        "red": "10.jp2",
        "nir": "8.tif",
        "blue": "key.tif",
    }
    assert by_common_name({"assets": None}) == {"assets": None}
