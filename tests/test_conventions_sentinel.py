"""Sentinel-2's offset, identity and classes, and Sentinel-1's orbit, held against recorded items and real pixels."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from recorded import RECORDED, SAME_ACQUISITION, Key, as_scene, collection_of, items_in, scene_of

from sco import radiometry
from sco.errors import SceneError
from sco.library import sensors
from sco.model import Scene
from sco.witness import Verdict, Vote

TEN_SCENES = "s2_l2a_earthsearch_33TW_2023"
S2 = ("sentinel2", "earth_search", "sentinel-2-l2a")
C1 = ("sentinel2", "earth_search", "sentinel-2-c1-l2a")
PC = ("sentinel2", "planetary_computer", "sentinel-2-l2a")
CDSE = ("sentinel2", "copernicus", "sentinel-2-l2a")
MARCH_0 = "earth-search/GET_v1-collections-sentinel-2-l2a-items-S2A-32TMT-20200302-0-L2A_e412d4.json"


@pytest.mark.parametrize(
    ("key", "file", "item", "told", "offset"),
    [
        (S2, MARCH_0, "S2A_32TMT_20200302_0_L2A", ("02.14", False, 0.0), 0.0),
        (S2, None, RECORDED[S2].item, ("05.00", True, -0.1), 0.0),
        (C1, None, RECORDED[C1].item, ("05.11", None, -0.1), -0.1),
        (
            PC,
            "planetary-computer/GET_api-stac-v1-collections-sentinel-2-l2a-items-limit-1_273fac.json",
            "S2B_MSIL2A_20250312T014549_R074_T53NKG_20250312T041213",
            ("05.11", None, None),
            -0.1,
        ),
        (CDSE, None, RECORDED[CDSE].item, ("05.00", None, -0.1), -0.1),
    ],
    ids=["before the offset", "taken although announced", "announced", "by baseline alone", "old, reprocessed"],
)
def test_the_five_cases_of_sentinel2s_offset(
    key: Key, file: str | None, item: str, told: tuple[Any, ...], offset: float, request: pytest.FixtureRequest
) -> None:
    scene = scene_in(request.getfixturevalue("data"), key, file, item) if file else scene_of(key)
    assert scene.id == item
    assert (scene.baseline, scene.offset_applied, scene.assets["red"].offset) == told
    found = radiometry.calibration_of(scene, sensors["sentinel2"].band("red"), sensors["sentinel2"])
    assert (found.scale, found.offset) == (1e-4, offset)


def scene_in(data: Path, key: Key, file: str, item_id: str) -> Scene:
    """The scene of an item in a longer recorded reply."""
    (item, *_) = (item for item in items_in(data / "stac" / file) if item["id"] == item_id)
    return as_scene(key, item)


def test_a_flag_that_the_pixels_contradict_quarantines_or_follows_the_pixels() -> None:
    scene = replace(scene_of(S2), offset_applied=False)
    sensor, red = sensors["sentinel2"], sensors["sentinel2"].band("red")
    vote = Vote(Verdict.TAKEN, "9 % of dark ground at or above 1000")
    assert collection_of(S2).votes
    with pytest.raises(SceneError, match="quarantined"):
        radiometry.calibration_of(scene, red, sensor, vote)
    assert radiometry.calibration_of(scene, red, sensor, vote, "pixels").offset == 0.0
    assert radiometry.calibration_of(scene, red, sensor).offset == -0.1


def test_two_catalogs_and_two_baselines_of_one_acquisition_have_one_identity(data: Path) -> None:
    planetary, copernicus = scene_of(PC), scene_of(CDSE)
    assert planetary.identity == copernicus.identity == SAME_ACQUISITION
    assert (planetary.baseline, copernicus.baseline) == ("02.12", "05.00")
    older = scene_in(data, S2, MARCH_0, "S2A_32TMT_20200302_0_L2A")
    newer = scene_of(S2)
    assert older.identity == newer.identity
    assert (older.baseline, newer.baseline) == ("02.14", "05.00")


def test_collection_1_and_the_older_collection_of_earth_search_share_identities(data: Path) -> None:
    items = list(items_in(data / "stac/earth-search/POST_v1-search_947a1d.json"))
    first = {as_scene(C1, item).identity for item in items if item["collection"] == C1[2]}
    second = {as_scene(S2, item).identity for item in items if item["collection"] == S2[2]}
    assert len(first) == 3
    assert second < first


def test_orbit_direction_of_sentinel1_is_known() -> None:
    key = ("sentinel1_rtc", "planetary_computer", "sentinel-1-rtc")
    scene = scene_of(key)
    assert scene.orbit == "descending"
    assert scene.assets["vv"].nodata == sensors["sentinel1_rtc"].band("vv").nodata == -32768


MEANINGS = {
    "not_acquired": ("nodata_pixel",),
    "defective": ("saturated_defective_pixel",),
    "dark": ("dark_features",),
    "shadow": ("cloud_shadow",),
    "vegetation": ("vegetation",),
    "bare": ("not_vegetated",),
    "water": ("water",),
    "unclassified": ("unclassified",),
    "cloud": ("medium_proba_clouds", "high_proba_clouds"),
    "cirrus": ("thin_cirrus",),
    "snow": ("snow_ice",),
}


def test_scl_decodes_to_the_shares_that_ten_items_publish(data: Path) -> None:
    """The pixels are every sixth of the scene's, and were compressed with loss, which wears off the edges of classes.

    Measured: of the 110 shares the mean is 0.43 points away, and the farthest 2.3 (bare ground, 2.1 vegetation, 1.6
    cloud, 1.3 cirrus, 0.8 shadow, 0.5 water and snow); what is masked altogether 2.6 at most.
    """
    (scl,) = sensors["sentinel2"].qualities
    flags = {**scl.flags, "not_acquired": scl.not_acquired}
    away, masked = [], []
    for folder in sorted((data / TEN_SCENES).glob("S2*")):
        properties = json.loads((folder / f"{folder.name}.json").read_text())["properties"]
        with rasterio.open(folder / "SCL.tif") as file:
            codes = file.read(1)
        surplus = 0.0
        for meaning, names in MEANINGS.items():
            of = codes.size if meaning == "not_acquired" else np.count_nonzero(codes)
            share = 100 * np.count_nonzero(flags[meaning].raised(codes)) / of
            points = share - sum(properties[f"s2:{name}_percentage"] for name in names)
            away.append(abs(points))
            surplus += points if meaning in scl.masked else 0
        masked.append(abs(surplus))
    assert len(away) == 110
    assert max(away) < 2.4
    assert np.mean(away) < 0.45
    assert max(masked) < 2.6
