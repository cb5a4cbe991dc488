"""Items as five catalogs write them, and items that nobody should have written."""

import copy
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.earth_search import CATALOG
from sco.errors import SceneError
from sco.item import read_item, shown, told_time
from sco.model import Collection, Identity, Scene
from sensors.sentinel2 import SENSOR

COLLECTION = CATALOG.collections["sentinel2"][-1]
CDSE = Collection(
    id="sentinel-2-l2a",
    assets={"red": "B04_10m", "scl": "SCL_20m"},
    baseline="processing:version",
)


@pytest.fixture
def data_folder() -> Path:
    folder = Path(__file__).parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real items: the data folder {folder} is absent")
    return folder.resolve()


def plain_item() -> dict[str, Any]:
    """A square item at 4 to 5 degrees east, 43 to 44 north, in the spelling of STAC 1.0."""
    corners = [[4.0, 43.0], [5.0, 43.0], [5.0, 44.0], [4.0, 44.0], [4.0, 43.0]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2A_31TFJ_20230707_0_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "bbox": [4.0, 43.0, 5.0, 44.0],
        "properties": {
            "datetime": "2023-07-07T10:40:31.5Z",
            "updated": "2023-07-08T00:00:00Z",
            "platform": "sentinel-2a",
            "grid:code": "MGRS-31TFJ",
            "proj:epsg": 32631,
            "eo:cloud_cover": 12.5,
            "s2:datatake_id": "GS2A_20230707T103631_042001_N05.09",
            "s2:datastrip_id": "S2A_OPER_MSI_L2A_DS_2APS_20230707T170000_S20230707T104020_N05.09",
            "s2:processing_baseline": "05.09",
            "earthsearch:boa_offset_applied": True,
        },
        "assets": {
            "red": {
                "href": "https://example.com/B04.tif",
                "proj:shape": [10980, 10980],
                "proj:transform": [10, 0, 600000, 0, -10, 4900020],
                "raster:bands": [{"nodata": 0, "data_type": "uint16", "scale": 0.0001, "offset": -0.1}],
            },
            "scl": {"href": "https://example.com/SCL.tif", "raster:bands": [{"nodata": 0, "data_type": "uint8"}]},
            "thumbnail": {"href": "https://example.com/small.jpg"},
        },
    }


def read(item: Any, collection: Collection = COLLECTION) -> Scene:
    return read_item(item, SENSOR, CATALOG, collection)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The plain item with the value at a dotted path replaced, or removed where the value is `...`."""
    item = plain_item()
    *parents, last = path.split("/")
    place: Any = item
    for parent in parents:
        place = place[int(parent) if isinstance(place, list) else parent]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return item


def test_the_spelling_of_stac_1_0_is_read_whole() -> None:
    scene = read(plain_item())
    assert scene.identity == Identity("s2a", "20230707T103631", "31TFJ", "20230707T104020")
    assert scene.time == datetime(2023, 7, 7, 10, 40, 31, 500_000, UTC)
    assert scene.bbox == (4.0, 43.0, 5.0, 44.0)
    assert shapely.from_wkt(scene.footprint).area == 1.0
    assert (scene.cloud_percent, scene.baseline, scene.offset_applied) == (12.5, "05.09", True)
    assert scene.updated == "2023-07-08T00:00:00Z"
    assert set(scene.assets) == {"red", "scl"}
    red = scene.assets["red"]
    assert (red.crs, red.shape, red.dtype, red.nodata) == ("EPSG:32631", (10980, 10980), "uint16", 0)
    assert red.transform == (10.0, 0.0, 600000.0, 0.0, -10.0, 4900020.0)
    assert (red.scale, red.offset, red.checksum) == (0.0001, -0.1, None)
    assert scene.assets["scl"].scale is None
    assert scene.assets["scl"].shape is None


def test_the_spelling_of_stac_1_1_says_the_same() -> None:
    item = plain_item()
    properties, red = item["properties"], item["assets"]["red"]
    del properties["proj:epsg"], red["raster:bands"]
    properties["proj:code"] = "EPSG:4326"
    red |= {"proj:code": "EPSG:32631", "nodata": 7, "data_type": "uint16", "raster:scale": 0.0001}
    red |= {"bands": [{"name": "B04", "raster:offset": -0.1, "nodata": 0}], "file:checksum": "1220ab"}
    red["proj:transform"] = [10, 0, 600000, 0, -10, 4900020, 0, 0, 1]
    expected = read(plain_item()).assets["red"]
    found = read(item).assets["red"]
    assert found.checksum == "1220ab"
    assert (found.crs, found.shape, found.transform) == (expected.crs, expected.shape, expected.transform)
    assert (found.scale, found.offset, found.nodata, found.dtype) == (0.0001, -0.1, 0, "uint16")


def test_what_an_item_may_leave_open_stays_open() -> None:
    item = plain_item()
    for name in ("eo:cloud_cover", "s2:processing_baseline", "earthsearch:boa_offset_applied", "updated", "proj:epsg"):
        del item["properties"][name]
    scene = read(item)
    assert (scene.cloud_percent, scene.baseline, scene.offset_applied, scene.updated) == (None, None, None, None)
    assert scene.assets["red"].crs is None
    assert read(changed("properties/eo:cloud_cover", -1)).cloud_percent is None
    assert read(changed("properties/eo:cloud_cover", math.nan)).cloud_percent is None
    assert read(changed("properties/s2:processing_baseline", 5.09)).baseline == "05.09"


def test_times_are_utc_whatever_they_are_written_in() -> None:
    noon = datetime(2023, 7, 7, 12, 0, tzinfo=UTC)
    assert read(changed("properties/datetime", "2023-07-07T14:00:00+02:00")).time == noon
    assert read(changed("properties/datetime", "2023-07-07T12:00:00")).time == noon
    item = changed("properties/datetime", None)
    item["properties"]["start_datetime"] = "2023-07-07T12:00:00.000000Z"
    assert read(item).time == noon
    assert read(item).time.tzinfo is UTC


def test_nodata_that_json_cannot_write() -> None:
    scenes = [read(changed("assets/red/raster:bands/0/nodata", "nan")) for _ in range(2)]
    assert math.isnan(scenes[0].assets["red"].nodata or 0)
    assert scenes[0] == scenes[1]
    assert read(changed("assets/red/raster:bands/0/nodata", "-inf")).assets["red"].nodata == -math.inf


def test_a_box_with_heights_and_a_footprint_with_heights_lose_them() -> None:
    item = changed("bbox", [4.0, 43.0, -10.0, 5.0, 44.0, 4000.0])
    item["geometry"]["coordinates"] = [[[*corner, 7.0] for corner in item["geometry"]["coordinates"][0]]]
    assert read(item).bbox == (4.0, 43.0, 5.0, 44.0)
    assert read(item).footprint == read(plain_item()).footprint


def test_a_footprint_that_crosses_itself_is_mended() -> None:
    bow = [[4.0, 43.0], [5.0, 44.0], [5.0, 43.0], [4.0, 44.0], [4.0, 43.0]]
    footprint = shapely.from_wkt(read(changed("geometry/coordinates", [bow])).footprint)
    assert footprint.is_valid
    assert footprint.area == pytest.approx(0.5)


RUBBISH = [
    ("geometry", ..., "it has no geometry"),
    ("geometry", None, "it has no geometry"),
    ("geometry/type", "Point", "its geometry is 'Point', not a Polygon or MultiPolygon"),
    ("geometry/coordinates", "everywhere", "its geometry"),
    ("geometry/coordinates", [], "its geometry has 0 vertices"),
    ("geometry/coordinates/0/1/0", math.nan, "its geometry has coordinates that are not numbers"),
    ("geometry/coordinates/0/1/0", math.inf, "its geometry has coordinates that are not numbers"),
    ("geometry/coordinates/0/1/0", 500000.0, "its geometry is outside the world"),
    ("geometry/coordinates/0/1/1", -91.0, "its geometry is outside the world"),
    ("geometry/coordinates/0", [[4.0, 43.0]] * 4, "its geometry covers no ground"),
    ("geometry/coordinates/0", [[4.0, 43.0]] * 100_001, "its geometry has 100,001 vertices"),
    ("bbox", ..., "its bbox is None, not 4 or 6 numbers"),
    ("bbox", [4.0, 43.0, math.nan, 44.0], "its bbox has nan, not a number"),
    ("bbox", [4.0, 43.0, "5", 44.0], "its bbox has '5', not a number"),
    ("bbox", [4.0, 44.0, 5.0, 43.0], "outside the world"),
    ("bbox", [4.0, 43.0, 361.0, 44.0], "outside the world"),
    ("properties", ..., "it has no properties"),
    ("properties/datetime", ..., "it has no datetime"),
    ("properties/datetime", "yesterday", "its datetime 'yesterday' is not a time"),
    ("properties/datetime", 20230707, "its datetime is 20230707, not text"),
    ("properties/datetime", "0001-01-01T00:00:00+14:00", "is not a time"),
    ("properties/eo:cloud_cover", "clear", "its eo:cloud_cover has 'clear', not a number"),
    ("properties/eo:cloud_cover", True, "its eo:cloud_cover has True, not a number"),
    ("properties/earthsearch:boa_offset_applied", "yes", "is 'yes', not true or false"),
    ("properties/s2:processing_baseline", ["05.09"], "is ['05.09'], not text"),
    ("properties/proj:epsg", "32631\n", "its CRS is '32631\\n', not a code"),
    ("properties/title", "x" * 70_000, "its property 'title' is 70,000 characters long"),
    ("properties/platform", ["x"] * 70_000, "its property 'platform' is 350,000 characters long"),
    ("id", ..., "its id None is not"),
    ("id", 7, "its id 7 is not"),
    ("id", "../../x", "its id '../../x' is not"),
    ("id", "a..b", "its id 'a..b' is not"),
    ("id", "x" * 129, "is not 1 to 128 letters"),
    ("id", "S2A\n", "its id 'S2A\\n' is not"),
    ("assets", [], "it has no assets"),
    ("assets", {"B04": {"href": "a.tif"}}, "its assets are ['B04']"),
    ("assets/red", "B04.tif", "its asset 'red' is 'B04.tif', not an object"),
    ("assets/red/href", ..., "its asset 'red' has no href"),
    ("assets/red/href", "", "its asset 'red' has no href"),
    ("assets/red/href", ["a.tif"], "its href is ['a.tif'], not text"),
    ("assets/red/href", "x" * 70_000, "its href is 70,000 characters long"),
    ("assets/red/proj:shape", [0, 10], "its proj:shape is [0, 10], not rows and columns"),
    ("assets/red/proj:transform", [10, 0, 0], "its proj:transform is [10, 0, 0], not 6 or 9 numbers"),
    ("assets/red/proj:transform", [10, 0, math.inf, 0, -10, 0], "its proj:transform has inf, not a number"),
    ("assets/red/raster:bands/0/scale", math.nan, "its scale has nan, not a number"),
    ("assets/red/raster:bands/0/offset", 10**400, "its offset has a number that is too large"),
    ("assets/red/raster:bands/0/nodata", "none", "its nodata has 'none', not a number"),
]


@pytest.mark.parametrize(("path", "value", "reason"), RUBBISH, ids=lambda part: shown(part)[:40])
def test_rubbish_is_refused_with_a_reason_in_one_line(path: str, value: Any, reason: str) -> None:
    with pytest.raises(SceneError) as refusal:
        read(changed(path, value))
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 400


def test_the_time_of_an_item_that_is_no_scene() -> None:
    assert told_time(changed("id", "../x")) == datetime(2023, 7, 7, 10, 40, 31, 500_000, UTC)
    assert told_time(changed("properties/datetime", "soon")) is None
    assert told_time("an item") is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PLACES = sorted(
    {path for path, _, _ in RUBBISH}
    | {"geometry/coordinates/0", "geometry/coordinates/0/2", "properties/updated", "properties/platform"}
    | {"properties/s2:datatake_id", "assets/scl", "assets/red/raster:bands", "assets/red/raster:bands/0"}
)


@settings(max_examples=300, deadline=None)
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_whatever_a_stranger_writes_is_a_scene_or_a_refusal(place: str, value: Any) -> None:
    try:
        verdict: Scene | str = read(changed(place, value))
    except SceneError as refusal:
        verdict = str(refusal)
    assert isinstance(verdict, Scene) or "\n" not in verdict


def one_item(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text("utf-8"))
    return copy.deepcopy(content["features"][0] if "features" in content else content)


def test_a_real_item_of_earth_search_with_proj_code(data_folder: Path) -> None:
    scene = read(one_item(data_folder / "stac/items_static/openeo-processes-dask/s2_l2a_test_item.json"))
    assert scene.identity == Identity("s2a", "20230602T100601", "32TPS", "20230602T100832")
    assert scene.assets["red"].crs == "EPSG:32632"
    assert scene.assets["red"].transform == (10.0, 0.0, 600000.0, 0.0, -10.0, 5200020.0)
    assert (scene.baseline, scene.offset_applied, len(scene.assets)) == ("05.09", True, 13)


def test_a_real_item_of_the_copernicus_data_space_in_stac_1_1(data_folder: Path) -> None:
    name = "S2C_MSIL2A_20250330T100051_N0511_R122_T33UWP_20250330T145914_cdse_stac_v110.json"
    scene = read(one_item(data_folder / "stac/items_static/odc-stac" / name), CDSE)
    assert (scene.identity.platform, scene.identity.datatake, scene.identity.tile) == (
        "s2c",
        "20250330T100051",
        "33UWP",
    )
    red = scene.assets["red"]
    assert (red.crs, red.shape, red.scale, red.offset) == ("EPSG:32633", (10980, 10980), 0.0001, -0.1)
    assert (red.nodata, red.dtype) == (0, "uint16")
    assert scene.baseline == "05.11"
    assert red.checksum is not None
    assert red.href.startswith("s3://eodata/")


def test_real_items_of_every_kind_are_scenes_or_are_refused(data_folder: Path) -> None:
    folder = data_folder / "stac/items_static"
    verdicts = {path.name: _verdict(path) for path in sorted(folder.rglob("*.json"))}
    readable = {name for name, verdict in verdicts.items() if verdict.startswith("scene")}
    assert {name: verdicts[name] for name in readable if "L2A" in name} == {
        "S2A_12RWT_20240106_0_L2A.json": "scene of 12RWT",
        "S2A_28QCH_20200714_0_L2A.json": "scene of 28QCH",
        "S2A_OPER_MSI_L2A_TL_2APS_20230602T025701_A041483_T01WCR.json": "scene of 01WCR",
        "S2B_31QGB_20200831_0_L2A.json": "scene of 31QGB",
        "S2B_T37MGP_20240710T073012_L2A_C1.json": "scene of 37MGP",
        "S2B_T37MGP_20240710T073012_L2A_C1_rel_links.json": "scene of 37MGP",
    }
    refused = {name: verdict for name, verdict in verdicts.items() if name not in readable}
    assert "it offers none of blue" in refused["S2B_42TUM_20220107_0_L2A.json"]
    assert "its id 'URN:FEATURE" in refused["geodes_search.json"]
    assert refused["collection.json"] == refused["G1593453400-LAADS_umm.json"] == "it has no properties"


def _verdict(path: Path) -> str:
    content = json.loads(path.read_text("utf-8"))
    features = content.get("features", [content]) if isinstance(content, dict) else content
    try:
        return f"scene of {read(features[0]).identity.tile}"
    except SceneError as refusal:
        return str(refusal)
