"""What is asked of catalogs that behave, what of their answers is chosen, and why the rest is not."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from observatory import offering
from observatory.asking import (
    CAMARGUE,
    JULY,
    an_item,
    ids,
    of,
    one_collection,  # noqa: F401 - a fixture
    source,
)

from sco.choices import Source
from sco.errors import ConfigurationError, UpstreamError
from sco.known_bad import known_bad
from sco.model import Identity
from sco.search import search


def test_only_what_every_server_understands_is_asked() -> None:
    with offering(an_item()) as play:
        of(play, max_cloud=80)
    (request,) = play.searches
    assert request.method == "POST"
    assert request.body == {
        "collections": ["sentinel-2-l2a"],
        "bbox": [4.2, 43.3, 4.9, 43.7],
        "datetime": "2023-07-01T00:00:00Z/2023-08-01T00:00:00Z",
        "limit": 250,
    }
    assert request.headers["User-Agent"].startswith("space-for-climate-observatory")


def test_items_that_were_not_asked_for_are_rejected_here() -> None:
    beside = [[[5.5, 43], [6, 43], [6, 44], [5.5, 44], [5.5, 43]]]
    corner = [[[4, 43], [5, 43], [4, 43.2], [4, 43]]]
    items = [
        an_item(1),
        an_item(2, collection="sentinel-2-l1c"),
        an_item(3, geometry={"type": "Polygon", "coordinates": beside}),
        an_item(4, geometry={"type": "Polygon", "coordinates": corner}),
        an_item(5, datetime="2022-07-05T10:00:00Z"),
        "not an item",
    ]
    with offering(*items) as play:
        answer = of(play)
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A"]
    assert [(one.id, one.reason) for one in answer.rejected] == [
        ("S2A_31TFJ_20230702_0_L2A", "it is of collection 'sentinel-2-l1c', not 'sentinel-2-l2a'"),
        ("S2A_31TFJ_20230703_0_L2A", "its footprint does not touch the area that was asked"),
        ("S2A_31TFJ_20230704_0_L2A", "its footprint does not touch the area that was asked"),
        ("S2A_31TFJ_20230705_0_L2A", "its time 2022-07-05T10:00:00Z is outside what was asked"),
        ("'not an item'", "it is 'not an item', not an object"),
    ]


def test_the_newest_baseline_wins_then_the_newest_update() -> None:
    copies = [
        an_item(1, id="old", says={"s2:processing_baseline": "02.14", "updated": "2024-01-01T00:00:00Z"}),
        an_item(1, id="early", updated="2023-07-02T00:00:00.5Z"),
        an_item(1, id="late", updated="2023-07-02T03:00:00+01:00"),
        an_item(1, id="silent", says={"s2:processing_baseline": None}),
    ]
    with offering(*copies) as play:
        answer = of(play)
    assert ids(answer) == ["late"]
    assert {one.id: one.reason for one in answer.rejected} == {
        "old": "superseded by late: baseline 05.09 over 02.14",
        "early": "superseded by late: updated 2023-07-02T03:00:00+01:00 over 2023-07-02T00:00:00.5Z",
        "silent": "superseded by late: baseline 05.09 over none",
    }


def test_both_halves_of_a_tile_that_two_datastrips_share_are_kept() -> None:
    with offering(an_item(1, strip="104020", id="north"), an_item(1, strip="104310", id="south")) as play:
        assert ids(of(play)) == ["north", "south"]


def test_scenes_that_do_not_tell_their_tile_are_never_taken_for_one_another() -> None:
    with offering(an_item(1, tile="", id="one"), an_item(1, tile="", id="two")) as play:
        assert ids(of(play)) == ["one", "two"]


def test_an_older_copy_does_not_come_back_when_the_newest_is_too_cloudy() -> None:
    old = an_item(1, id="old", says={"s2:processing_baseline": "02.14", "eo:cloud_cover": 10})
    new = an_item(1, id="new", says={"eo:cloud_cover": 93})
    with offering(old, new) as play:
        answer = of(play, max_cloud=80)
    assert answer.scenes == ()
    assert {one.id: one.reason for one in answer.rejected} == {
        "old": "superseded by new: baseline 05.09 over 02.14",
        "new": "cloud 93 % is over the project's 80 %",
    }


def test_an_item_that_comes_twice_counts_once_as_it_came_last() -> None:
    with offering(an_item(1, updated="then"), an_item(2), an_item(1, updated="now")) as play:
        answer = of(play)
    assert [(scene.id[10:18], scene.updated) for scene in answer.scenes] == [("20230701", "now"), ("20230702", None)]
    assert answer.asked[0].items == 3


def test_a_later_catalog_only_fills_what_the_earlier_one_lacks() -> None:
    one, two = an_item(1), an_item(2, says={"eo:cloud_cover": 99})
    same_one = an_item(1, id="one", says={"s2:datastrip_id": None, "s2:processing_baseline": "05.10"})
    same_two = an_item(2, id="two")
    with offering(one, two) as first, offering(same_one, same_two, an_item(3, id="three")) as second:
        answer = search(source(first.url, second.url, max_cloud=80), CAMARGUE, *JULY)
    assert [(scene.id, scene.catalog) for scene in answer.scenes] == [
        ("S2A_31TFJ_20230701_0_L2A", "earth_search"),
        ("three", "simulated"),
    ]
    first_reason = "the same acquisition as S2A_31TFJ_20230701_0_L2A of earth_search, which comes first"
    assert {one.id: one.reason for one in answer.rejected} == {
        "one": first_reason,
        "two": first_reason.replace("0701", "0702"),
        "S2A_31TFJ_20230702_0_L2A": "cloud 99 % is over the project's 80 %",
    }


def test_a_refused_scene_is_filled_by_the_mirror() -> None:
    with offering(an_item(1, bbox=None)) as first, offering(an_item(1, id="whole")) as second:
        answer = search(source(first.url, second.url), CAMARGUE, *JULY)
    assert [(scene.id, scene.catalog) for scene in answer.scenes] == [("whole", "simulated")]
    assert [one.catalog for one in answer.rejected] == ["earth_search"]


def test_a_catalog_that_is_away_is_passed_over_quickly(paused: list[float]) -> None:
    with offering(an_item()) as play:
        answer = search(source("http://127.0.0.1:9", play.url), CAMARGUE, *JULY)
    assert sum(paused) < 2
    assert [scene.catalog for scene in answer.scenes] == ["simulated"]
    assert "Connection refused" in str(answer.asked[0].failure)
    assert (answer.asked[0].items, answer.asked[1].failure) == (0, None)


def test_when_no_catalog_answers_each_is_named_with_its_cause(paused: list[float]) -> None:
    with pytest.raises(UpstreamError) as error:
        search(source("http://127.0.0.1:9", "http://127.0.0.1:10"), CAMARGUE, *JULY)
    assert sum(paused) < 2 * 2
    lines = str(error.value).splitlines()
    assert lines[1].startswith("  earth_search at http://127.0.0.1:9: ")
    assert lines[2].startswith("  simulated at http://127.0.0.1:10: ")
    assert all("Connection refused" in line for line in lines[1:3])
    assert lines[3].startswith("check the network")


def test_a_scene_that_is_known_to_be_bad_is_left_out_and_says_why() -> None:
    bad = "S2B_33UXP_20250302_0_L2A"
    with offering(an_item(1), an_item(2, id=bad)) as play:
        answer = of(play)
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A"]
    (one,) = answer.rejected
    assert (one.id, one.rubbish) == (bad, False)
    assert one.reason.startswith("known to be bad: its flag says")
    assert "https://github.com/Element84/earth-search/issues/71" in one.reason
    with offering(an_item(1), an_item(2, id=bad)) as play:
        mirror = Source.model_validate({"sensor": "sentinel2", "catalogs": [{"id": "simulated", "url": play.url}]})
        assert bad in ids(search(mirror, CAMARGUE, *JULY))  # another catalog's copy is another file


@pytest.mark.parametrize("text", ["[[scene]]\nid = 'x'", "version = 1\n[[scene]]\nid = 'x'", "version = ", "scene = 7"])
def test_a_list_of_bad_scenes_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"list\.toml is no list of scenes"):
        known_bad(tmp_path / "list.toml")


def test_only_what_is_no_scene_counts_as_rubbish() -> None:
    items = [
        an_item(1, says={"eo:cloud_cover": 99}),
        an_item(2, collection="sentinel-2-l1c"),
        an_item(3, datetime="2022-07-05T10:00:00Z"),
        an_item(4, id="old", says={"s2:processing_baseline": "02.14"}),
        an_item(4, id="new"),
        an_item(5, bbox=None),
        an_item(6, id="../x"),
        {"type": "Feature"},
    ]
    with offering(*items) as play:
        answer = of(play, max_cloud=80)
    rubbish = {one.id for one in answer.rejected if one.rubbish}
    assert ids(answer) == ["new"]
    assert rubbish == {"S2A_31TFJ_20230705_0_L2A", "'../x'", "None"}


def test_bands_that_a_catalog_keeps_in_another_collection_join_their_acquisition() -> None:
    from catalogs.usgs import CATALOG as USGS
    from sco.model import Asset, Scene
    from sco.search import Candidate, _merged

    reflectance, temperature = USGS.collections["landsat"]
    shared = Scene(
        id="LC08_L2SP_047027_20201204_20210313_02_T1_SR",
        sensor="landsat",
        catalog="usgs",
        collection=reflectance.id,
        identity=Identity("landsat-8", "20201204", "047027", ""),
        time=datetime(2020, 12, 4, 19, tzinfo=UTC),
        footprint="POLYGON ((0 0, 1 0, 1 1, 0 0))",
        bbox=(0, 0, 1, 1),
        assets={"red": Asset("s3://a/red.tif"), "qa_pixel": Asset("s3://a/qa.tif")},
    )
    warm = replace(
        shared,
        id="LC08_L2SP_047027_20201204_20210313_02_T1_ST",
        collection=temperature.id,
        assets={"lst": Asset("s3://a/st.tif"), "qa_pixel": Asset("s3://a/other_qa.tif")},
    )
    (chosen,), _ = _merged([Candidate.of(shared)], [Candidate.of(warm)])
    merged = chosen.make()
    assert {band: asset.href for band, asset in merged.assets.items()} == {
        "red": "s3://a/red.tif",
        "lst": "s3://a/st.tif",
        "qa_pixel": "s3://a/qa.tif",
    }


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("local", 'is nowhere by itself: write { id = "local", file = "items.json" }'),
        ({"id": "local"}, "by one of url, file"),
        ({"id": "local", "file": "a.json", "url": "https://a.org"}, "by one of url, file"),
        ({"id": "geodes", "url": "https://a.org"}, "catalog 'geodes' has no 'sentinel2'"),
    ],
)
def test_a_catalog_is_at_one_place(entry: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Source.model_validate({"sensor": "sentinel2", "catalogs": [entry]})
