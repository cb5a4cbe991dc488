"""HLS and MODIS: bands by their files, footprints within the world, bits, held against recorded items."""

from pathlib import Path

import numpy as np
from recorded import SAME_GRANULE, as_scene, item_of, items_in, scene_of

from catalogs import nasa_cmr, planetary_computer
from sco import quality
from sco.library import catalogs, sensors
from sco.quality import State

TWO_OF_L30 = "stac/nasa-cmr/GET_search-granules-stac-point-5B-5D-105-78-35-79-temporal-5B-5D-2021-02-0_cef79e.json"


def test_nir_of_hls_is_the_pair_that_was_harmonised() -> None:
    told = {one.id: one.assets["nir"] for name in catalogs for one in catalogs[name].collections.get("hls", ())}
    assert told == {"HLSL30_2.0": "B05", "HLSS30_2.0": "B8A", "hls2-s30": "B8A"}
    item = item_of(("hls", "planetary_computer", "hls2-s30"))
    (labelled,) = (
        key for key, one in item["assets"].items() if one.get("eo:bands", [{}])[0].get("common_name") == "nir"
    )
    assert labelled == "B08"


def test_a_granule_is_one_acquisition_in_both_catalogs() -> None:
    archive, copy = (
        scene_of(("hls", *place)) for place in (("nasa_cmr", "HLSS30_2.0"), ("planetary_computer", "hls2-s30"))
    )
    assert archive.identity == copy.identity == SAME_GRANULE
    assert archive.assets["red"].href.rpartition("/")[2] == copy.assets["red"].href.rpartition("/")[2]


def test_bands_that_only_their_files_name_are_found_whatever_the_assets_are_called(data: Path) -> None:
    key = ("hls", "nasa_cmr", "HLSL30_2.0")
    items = list(items_in(data / TWO_OF_L30))
    reds = {item["id"]: next(k for k, v in item["assets"].items() if v["href"].endswith(".B04.tif")) for item in items}
    scenes = [as_scene(key, item) for item in items]
    assert len(set(reds.values())) == 2
    assert [scene.assets["red"].href[-8:] for scene in scenes] == [".B04.tif", ".B04.tif"]
    assert [scene.identity.datatake for scene in scenes] == ["2021035T173836", "2021051T173832"]
    named_well = nasa_cmr.by_file_names(items[0])
    assert nasa_cmr.by_file_names(named_well) == named_well
    for other in ({}, {"assets": None}, {"assets": {"a": 1}}, {"id": "x", "assets": {"a": {"href": "s3://b/c.tif"}}}):
        assert nasa_cmr.by_file_names(other) == other


def test_footprints_of_modis_end_at_the_date_line() -> None:
    key = ("modis_lst", "planetary_computer", "modis-11A1-061")
    item = item_of(key)
    assert item["bbox"][2] > 180.1
    scene = as_scene(key, item)
    assert scene.bbox == (172.4793, -19.1807, 180, -9.9753)
    for other in ({}, {**item, "geometry": None}, {**item, "collection": "sentinel-2-l2a"}):
        assert planetary_computer.within_the_world(other) == other


def test_fmask_by_arithmetic() -> None:
    (fmask,) = sensors["hls"].qualities
    codes = np.array([255, 0, 1, 2, 4, 8, 16, 32, 64 | 128, 64 | 32], np.uint8)
    seen, masked = State.SEEN, State.MASKED
    states = [State.NOT_ACQUIRED, seen, masked, masked, masked, masked, seen, seen, seen, seen]
    assert quality.decode(codes, fmask, fmask.masked).tolist() == states
    assert fmask.flags["hazy"].raised(codes)[1:].tolist() == [False] * 7 + [True, False]
