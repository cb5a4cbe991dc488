"""What the library knows of every sensor in every catalog, held against items and pixels as they were recorded.

`python -m tests.test_conventions > docs/conventions.md` writes the table that the last test compares.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio

from catalogs import nasa_cmr, planetary_computer, usgs
from sco import quality, radiometry
from sco.errors import SceneError
from sco.item import read_item
from sco.library import catalogs, sensors
from sco.model import Band, BitField, Bits, Collection, Identity, Quality, Scene, Sensor
from sco.quality import State
from sco.witness import Verdict, Vote

PAGE = Path(__file__).parents[1] / "docs" / "conventions.md"
TEN_SCENES = "s2_l2a_earthsearch_33TW_2023"
NEW_YORK = "landsat8_ny2018_gdalcubes"
Key = tuple[str, str, str]
"""Sensor, catalog, collection."""


@dataclass(frozen=True)
class Recorded:
    """A real item as its catalog gave it, and what is to be read from it."""

    file: str
    """Under stac/ of the data folder; of several items in it, the one of `item`."""
    item: str
    assets: Mapping[str, str]
    """Band -> name of the file that it is to be read from."""
    calibrations: Mapping[tuple[str, ...], tuple[float, float]]
    """Bands -> scale and offset."""
    evidence: str
    """Why the first band has its offset."""
    identity: Identity


def named(pattern: str, **parts: str) -> dict[str, str]:
    return {band: pattern.format(part) for band, part in parts.items()}


SENTINEL2_BANDS = tuple(band.name for band in sensors["sentinel2"].bands if band.positive)
LANDSAT_BANDS = ("coastal", "blue", "green", "red", "nir", "swir16", "swir22")
HLS_BANDS = LANDSAT_BANDS
REFLECTANCE = (2.75e-5, -0.2)
TEMPERATURE = (0.00341802, 149.0)
EARTH_SEARCH_FILES = named(
    "{}.tif",
    coastal="B01",
    blue="B02",
    green="B03",
    red="B04",
    rededge071="B05",
    rededge075="B06",
    rededge078="B07",
    nir="B08",
    nir08="B8A",
    nir09="B09",
    swir16="B11",
    swir22="B12",
    scl="SCL",
)
SENTINEL2_PARTS = {
    "coastal": "B01_60m",
    "blue": "B02_10m",
    "green": "B03_10m",
    "red": "B04_10m",
    "rededge071": "B05_20m",
    "rededge075": "B06_20m",
    "rededge078": "B07_20m",
    "nir": "B08_10m",
    "nir08": "B8A_20m",
    "nir09": "B09_60m",
    "swir16": "B11_20m",
    "swir22": "B12_20m",
    "scl": "SCL_20m",
}
OLI_PARTS = {
    "coastal": "SR_B1",
    "blue": "SR_B2",
    "green": "SR_B3",
    "red": "SR_B4",
    "nir": "SR_B5",
    "swir16": "SR_B6",
    "swir22": "SR_B7",
    "qa_pixel": "QA_PIXEL",
    "qa_radsat": "QA_RADSAT",
}
SAME_ACQUISITION = Identity("s2b", "20200705T101559", "32TMT", "20200705T101917")

MODIS_11_PARTS = {"lst_day": "LST_Day_1km", "lst_night": "LST_Night_1km", "qc_day": "QC_Day", "qc_night": "QC_Night"}


def modis(
    file: str, item: str, parts: Mapping[str, str], calibrations: Mapping[tuple[str, ...], tuple[float, float]]
) -> Recorded:
    product, day, tile, *_ = item.split(".")
    return Recorded(
        file=f"planetary-computer/GET_api-stac-v1-collections-{file}.json",
        item=item,
        assets=named(f"{item}_{{}}.tif", **parts),
        calibrations=calibrations,
        evidence="sensor gives the offset",
        identity=Identity({"MOD": "terra", "MYD": "aqua"}[product[:3]], day[1:], tile, ""),
    )


RECORDED: dict[Key, Recorded] = {
    ("sentinel2", "earth_search", "sentinel-2-c1-l2a"): Recorded(
        file="earth-search/POST_v1-search_947a1d.json",
        item="S2B_T20EPT_20250731T131905_L2A",
        assets=EARTH_SEARCH_FILES,
        calibrations={SENTINEL2_BANDS: (1e-4, -0.1)},
        evidence="baseline 05.11 is at or after 04.00; item announces offset -0.1",
        identity=Identity("s2b", "20250731T131909", "20EPT", "20250731T131905"),
    ),
    ("sentinel2", "earth_search", "sentinel-2-l2a"): Recorded(
        file="earth-search/GET_v1-collections-sentinel-2-l2a-items-S2A-32TMT-20200302-1-L2A_cb6fe3.json",
        item="S2A_32TMT_20200302_1_L2A",
        assets=EARTH_SEARCH_FILES,
        calibrations={SENTINEL2_BANDS: (1e-4, 0.0)},
        evidence="flag says that the offset was already taken; item announces offset -0.1",
        identity=Identity("s2a", "20200302T102021", "32TMT", "20200302T102554"),
    ),
    ("sentinel2", "planetary_computer", "sentinel-2-l2a"): Recorded(
        file="planetary-computer/GET_api-stac-v1-collections-sentinel-2-l2a-items-S2B-MSIL2A-20200705T10155_69eb4f.json",
        item="S2B_MSIL2A_20200705T101559_R065_T32TMT_20200825T083452",
        assets=named("T32TMT_20200705T101559_{}.tif", **SENTINEL2_PARTS),
        calibrations={SENTINEL2_BANDS: (1e-4, 0.0)},
        evidence="baseline 02.12 is before 04.00",
        identity=SAME_ACQUISITION,
    ),
    ("sentinel2", "copernicus", "sentinel-2-l2a"): Recorded(
        file="cdse/GET_v1-collections-sentinel-2-l2a-items-S2B-MSIL2A-20200705T101559-N0500-R_404dbc.json",
        item="S2B_MSIL2A_20200705T101559_N0500_R065_T32TMT_20230530T175912",
        assets=named("T32TMT_20200705T101559_{}.jp2", **SENTINEL2_PARTS),
        calibrations={SENTINEL2_BANDS: (1e-4, -0.1)},
        evidence="baseline 05.00 is at or after 04.00; item announces offset -0.1",
        identity=SAME_ACQUISITION,
    ),
    ("landsat", "earth_search", "landsat-c2-l2"): Recorded(
        file="earth-search/POST_v1-search_fe7511.json",
        item="LC08_L2SP_033032_20231008_02_T1",
        assets=named("LC08_L2SP_033032_20231008_20231017_02_T1_{}.TIF", **OLI_PARTS, lwir="ST_B10"),
        calibrations={LANDSAT_BANDS: REFLECTANCE, ("lwir",): TEMPERATURE},
        evidence="item gives the offset",
        identity=Identity("landsat-8", "20231008", "033032", ""),
    ),
    ("landsat", "planetary_computer", "landsat-c2-l2"): Recorded(
        file="planetary-computer/GET_api-stac-v1-collections-landsat-c2-l2-items-limit-1_a2dbee.json",
        item="LC09_L2SP_090091_20250310_02_T1",
        assets=named("LC09_L2SP_090091_20250310_20250311_02_T1_{}.TIF", **OLI_PARTS, lwir="ST_B10"),
        calibrations={LANDSAT_BANDS: REFLECTANCE, ("lwir",): TEMPERATURE},
        evidence="item gives the offset",
        identity=Identity("landsat-9", "20250310", "090091", ""),
    ),
    ("landsat", "usgs", "landsat-c2l2-sr"): Recorded(
        file="usgs-landsatlook/POST_stac-server-search_8c2705.json",
        item="LC08_L2SP_047027_20201204_20210313_02_T1_SR",
        assets=named("LC08_L2SP_047027_20201204_20210313_02_T1_{}.TIF", **OLI_PARTS),
        calibrations={LANDSAT_BANDS: REFLECTANCE},
        evidence="sensor gives the offset",
        identity=Identity("landsat-8", "20201204", "047027", ""),
    ),
    ("hls", "nasa_cmr", "HLSL30_2.0"): Recorded(
        file="nasa-cmr/GET_search-granules-stac-point-5B-5D-105-78-35-79-temporal-5B-5D-2021-02-0_cef79e.json",
        item="G2147556158-LPCLOUD",
        assets=named(
            "HLS.L30.T13SDV.2021035T173836.v2.0.{}.tif",
            coastal="B01",
            blue="B02",
            green="B03",
            red="B04",
            nir="B05",
            swir16="B06",
            swir22="B07",
            fmask="Fmask",
        ),
        calibrations={HLS_BANDS: (1e-4, 0.0)},
        evidence="sensor gives the offset",
        identity=Identity("hls-l30", "2021035T173836", "13SDV", ""),
    ),
    ("sentinel1_rtc", "planetary_computer", "sentinel-1-rtc"): Recorded(
        file="planetary-computer/GET_api-stac-v1-collections-sentinel-1-rtc-items-limit-1_d9b7f8.json",
        item="S1A_IW_GRDH_1SDV_20250311T044231_20250311T044249_058252_073302_rtc",
        assets=named("iw-{}.rtc.tiff", vv="vv", vh="vh"),
        calibrations={("vv", "vh"): (1.0, 0.0)},
        evidence="sensor gives the offset",
        identity=Identity("s1a", "058252_073302", "20250311T044231", ""),
    ),
    ("modis_vi", "planetary_computer", "modis-13Q1-061"): modis(
        "modis-13Q1-061-items-limit-1_e4898c",
        "MOD13Q1.A2025049.h35v10.061.2025070114834",
        named("250m_16_days_{}", ndvi="NDVI", evi="EVI", pixel_reliability="pixel_reliability"),
        {("ndvi", "evi"): (1e-4, 0.0)},
    ),
    ("modis_vi", "planetary_computer", "modis-13A1-061"): modis(
        "modis-13A1-061-items-limit-1_dacf91",
        "MOD13A1.A2025049.h35v10.061.2025070114721",
        named("500m_16_days_{}", ndvi="NDVI", evi="EVI", pixel_reliability="pixel_reliability"),
        {("ndvi", "evi"): (1e-4, 0.0)},
    ),
    ("modis_lst", "planetary_computer", "modis-11A1-061"): modis(
        "modis-11A1-061-items-limit-1_71d98d",
        "MYD11A1.A2025068.h35v10.061.2025070002721",
        MODIS_11_PARTS,
        {("lst_day", "lst_night"): (0.02, 0.0)},
    ),
    ("modis_lst", "planetary_computer", "modis-11A2-061"): modis(
        "modis-11A2-061-items-limit-1_ba330d",
        "MYD11A2.A2025057.h35v10.061.2025066034929",
        MODIS_11_PARTS,
        {("lst_day", "lst_night"): (0.02, 0.0)},
    ),
    ("modis_snow_8day", "planetary_computer", "modis-10A2-061"): modis(
        "modis-10A2-061-items-limit-1_5164e9",
        "MYD10A2.A2025057.h35v10.061.2025066035003",
        {"snow_extent": "Maximum_Snow_Extent"},
        {("snow_extent",): (1.0, 0.0)},
    ),
    ("modis_snow", "planetary_computer", "modis-10A1-061"): modis(
        "modis-10A1-061-items-limit-1_868b85",
        "MYD10A1.A2025067.h35v10.061.2025069032950",
        {"ndsi_snow_cover": "NDSI_Snow_Cover"},
        {("ndsi_snow_cover",): (0.01, 0.0)},
    ),
}


def pairs() -> Iterator[tuple[Key, Sensor, Collection]]:
    for sensor_id in sensors:
        for catalog_id in catalogs:
            for collection in catalogs[catalog_id].collections.get(sensor_id, ()):
                yield (sensor_id, catalog_id, collection.id), sensors[sensor_id], collection


def collection_of(key: Key) -> Collection:
    return next(collection for found, _, collection in pairs() if found == key)


def items_in(file: Path) -> Iterator[dict[str, Any]]:
    content = json.loads(file.read_text("utf-8"))
    yield from content.get("features", [content])


def scene_of(key: Key, data: Path, file: str, item_id: str) -> Scene:
    (item, *_) = (item for item in items_in(data / "stac" / file) if item["id"] == item_id)
    return as_scene(key, item)


def as_scene(key: Key, item: Mapping[str, Any]) -> Scene:
    catalog, collection = catalogs[key[1]], collection_of(key)
    item = catalog.normalise(item) if catalog.normalise else item
    assert item["collection"] == collection.id
    return read_item(item, sensors[key[0]], catalog, collection)


@pytest.mark.parametrize("key", RECORDED, ids="-".join)
def test_a_recorded_item_is_read_from_the_right_files_with_the_right_numbers(key: Key, data: Path) -> None:
    recorded, sensor = RECORDED[key], sensors[key[0]]
    scene = scene_of(key, data, recorded.file, recorded.item)
    assert {band: asset.href.rpartition("/")[2] for band, asset in scene.assets.items()} == recorded.assets
    assert scene.identity == recorded.identity
    assert set(sensor.quality_bands) <= scene.assets.keys()
    found = {
        bands: {calibration_of(scene, sensor.band(band), sensor) for band in bands} for bands in recorded.calibrations
    }
    assert found == {bands: {numbers} for bands, numbers in recorded.calibrations.items()}
    first = next(iter(recorded.calibrations))[0]
    evidence = radiometry.calibration_of(scene, sensor.band(first), sensor).evidence
    assert "; ".join(evidence) == recorded.evidence
    calibrated = {band for bands in recorded.calibrations for band in bands}
    assert calibrated | set(sensor.quality_bands) == scene.assets.keys()


def calibration_of(scene: Scene, band: Band, sensor: Sensor) -> tuple[float, float]:
    calibration = radiometry.calibration_of(scene, band, sensor)
    return calibration.scale, calibration.offset


@pytest.mark.parametrize("key", RECORDED, ids="-".join)
def test_a_recorded_item_lies_where_its_catalog_says(key: Key, data: Path) -> None:
    scene = scene_of(key, data, RECORDED[key].file, RECORDED[key].item)
    catalog = catalogs[key[1]]
    places = {urlsplit(asset.href)[:2] for asset in scene.assets.values()}
    open_to = {*catalog.hosts, urlsplit(catalog.url).netloc}
    assert all(scheme == "s3" or (scheme == "https" and host in open_to) for scheme, host in places)


S2 = ("sentinel2", "earth_search", "sentinel-2-l2a")
C1 = ("sentinel2", "earth_search", "sentinel-2-c1-l2a")
PC = ("sentinel2", "planetary_computer", "sentinel-2-l2a")
CDSE = ("sentinel2", "copernicus", "sentinel-2-l2a")
MARCH_0 = ("earth-search/GET_v1-collections-sentinel-2-l2a-items-S2A-32TMT-20200302-0-L2A_e412d4.json",)


@pytest.mark.parametrize(
    ("key", "file", "item", "told", "offset"),
    [
        (S2, *MARCH_0, "S2A_32TMT_20200302_0_L2A", ("02.14", False, 0.0), 0.0),
        (S2, RECORDED[S2].file, RECORDED[S2].item, ("05.00", True, -0.1), 0.0),
        (C1, RECORDED[C1].file, RECORDED[C1].item, ("05.11", None, -0.1), -0.1),
        (
            PC,
            "planetary-computer/GET_api-stac-v1-collections-sentinel-2-l2a-items-limit-1_273fac.json",
            "S2B_MSIL2A_20250312T014549_R074_T53NKG_20250312T041213",
            ("05.11", None, None),
            -0.1,
        ),
        (CDSE, RECORDED[CDSE].file, RECORDED[CDSE].item, ("05.00", None, -0.1), -0.1),
    ],
    ids=["before the offset", "taken although announced", "announced", "by baseline alone", "old, reprocessed"],
)
def test_the_five_cases_of_sentinel2s_offset(
    key: Key, file: str, item: str, told: tuple[Any, ...], offset: float, data: Path
) -> None:
    scene = scene_of(key, data, file, item)
    red = sensors["sentinel2"].band("red")
    assert (scene.baseline, scene.offset_applied, scene.assets["red"].offset) == told
    assert calibration_of(scene, red, sensors["sentinel2"]) == (1e-4, offset)


def test_a_flag_that_the_pixels_contradict_quarantines_or_follows_the_pixels(data: Path) -> None:
    scene = replace(scene_of(S2, data, RECORDED[S2].file, RECORDED[S2].item), offset_applied=False)
    sensor, red = sensors["sentinel2"], sensors["sentinel2"].band("red")
    vote = Vote(Verdict.TAKEN, "9 % of dark ground at or above 1000")
    assert collection_of(S2).votes
    with pytest.raises(SceneError, match="quarantined"):
        radiometry.calibration_of(scene, red, sensor, vote)
    assert radiometry.calibration_of(scene, red, sensor, vote, "pixels").offset == 0.0
    assert radiometry.calibration_of(scene, red, sensor).offset == -0.1


def test_two_catalogs_and_two_baselines_of_one_acquisition_have_one_identity(data: Path) -> None:
    planetary, copernicus = (scene_of(key, data, RECORDED[key].file, RECORDED[key].item) for key in (PC, CDSE))
    assert planetary.identity == copernicus.identity == SAME_ACQUISITION
    assert (planetary.baseline, copernicus.baseline) == ("02.12", "05.00")
    older = scene_of(S2, data, *MARCH_0, "S2A_32TMT_20200302_0_L2A")
    newer = scene_of(S2, data, RECORDED[S2].file, RECORDED[S2].item)
    assert older.identity == newer.identity
    assert (older.baseline, newer.baseline) == ("02.14", "05.00")


def test_collection_1_and_the_older_collection_of_earth_search_share_identities(data: Path) -> None:
    items = list(items_in(data / "stac/earth-search/POST_v1-search_947a1d.json"))
    first = {as_scene(C1, item).identity for item in items if item["collection"] == C1[2]}
    second = {as_scene(S2, item).identity for item in items if item["collection"] == S2[2]}
    assert len(first) == 3
    assert second < first


@pytest.mark.parametrize(
    ("item_id", "identity"),
    [
        ("LC08_L2SP_047027_20201204_20210313_02_T1_SR", ("landsat-8", "20201204", "047027")),
        ("LC08_L2SP_047027_20201204_20210313_02_T1_ST", ("landsat-8", "20201204", "047027")),
        ("LC08_L2SP_047027_20201204_02_T1", ("landsat-8", "20201204", "047027")),
        ("LC08_L2SR_047027_20201204_20201204_02_RT", ("landsat-8", "20201204", "047027")),
        ("LE07_L2SP_044033_20210329_20210424_02_T1_SR", ("landsat-7", "20210329", "044033")),
        ("LT04_L2SP_044033_19890329_20210424_02_T2", ("landsat-4", "19890329", "044033")),
    ],
)
def test_landsats_versions_and_spellings_are_one_acquisition(item_id: str, identity: tuple[str, str, str]) -> None:
    assert sensors["landsat"].identify(item_id, {}) == Identity(*identity, "")


def test_landsat_is_identified_by_its_properties_where_the_id_tells_nothing(data: Path) -> None:
    for item in items_in(
        data / "stac/planetary-computer/GET_api-stac-v1-collections-landsat-c2-l2-items-limit-1_a2dbee.json"
    ):
        identify = sensors["landsat"].identify
        assert identify("unheard-of", item["properties"]) == identify(item["id"], {})


def test_a_landsat_scene_of_reflectance_only_offers_no_temperature(data: Path) -> None:
    key = ("landsat", "planetary_computer", "landsat-c2-l2")
    file = "planetary-computer/GET_api-stac-v1-collections-landsat-c2-l2-items-collections-landsat-c2-l2_3e2bfe.json"
    offers = {
        (scene.id[5:9], "lwir" in scene.assets)
        for scene in (as_scene(key, one) for one in items_in(data / "stac" / file))
    }
    assert offers == {("L2SR", False), ("L2SP", True)}


def test_the_temperature_of_older_landsats_is_the_same_band(data: Path) -> None:
    items = items_in(data / "stac" / RECORDED["landsat", "earth_search", "landsat-c2-l2"].file)
    item = next(one for one in items if one["collection"] == "landsat-c2-l2")
    older = {("lwir" if name == "lwir11" else name): asset for name, asset in item["assets"].items()}
    scene = as_scene(("landsat", "earth_search", "landsat-c2-l2"), {**item, "assets": older})
    assert scene.assets["lwir"].scale == 0.00341802


def test_landsat_numbers_become_reflectance_and_kelvin() -> None:
    sensor = sensors["landsat"]
    red, lwir = sensor.band("red"), sensor.band("lwir")
    reflectances = radiometry.apply(
        np.array([7273, 18182, 43636], np.uint16), red, radiometry.Calibration(*REFLECTANCE, ())
    )
    np.testing.assert_allclose(reflectances, [2.75e-5, 0.300005, 0.99999], rtol=1e-4)
    kelvins = radiometry.apply(np.array([44177], np.uint16), lwir, radiometry.Calibration(*TEMPERATURE, ()))
    np.testing.assert_allclose(kelvins, [300.0], atol=0.01)
    assert red.valid == (7273, 43636)


def test_nir_of_hls_is_the_pair_that_was_harmonised() -> None:
    for catalog_id in ("planetary_computer", "nasa_cmr"):
        told = {collection.id: collection.assets["nir"] for collection in catalogs[catalog_id].collections["hls"]}
        assert sorted(told.values()) == ["B05", "B8A"]
        assert {id_: key for id_, key in told.items() if "s30" in id_.lower()}.popitem()[1] == "B8A"


def test_bands_that_only_their_files_name_are_found_whatever_the_assets_are_called(data: Path) -> None:
    key = ("hls", "nasa_cmr", "HLSL30_2.0")
    items = list(items_in(data / "stac" / RECORDED[key].file))
    reds = {item["id"]: next(k for k, v in item["assets"].items() if v["href"].endswith(".B04.tif")) for item in items}
    scenes = [as_scene(key, item) for item in items]
    assert len(set(reds.values())) == 2
    assert [scene.assets["red"].href[-8:] for scene in scenes] == [".B04.tif", ".B04.tif"]
    assert [scene.identity.datatake for scene in scenes] == ["2021035T173836", "2021051T173832"]
    named_well = nasa_cmr.by_file_names(items[0])
    assert nasa_cmr.by_file_names(named_well) == named_well
    for other in ({}, {"assets": None}, {"assets": {"a": 1}}, {"id": "x", "assets": {"a": {"href": "s3://b/c.tif"}}}):
        assert nasa_cmr.by_file_names(other) == other


def test_footprints_of_modis_end_at_the_date_line(data: Path) -> None:
    key = ("modis_lst", "planetary_computer", "modis-11A1-061")
    (item,) = items_in(data / "stac" / RECORDED[key].file)
    assert item["bbox"][2] > 180.1
    scene = as_scene(key, item)
    assert scene.bbox == (172.4793, -19.1807, 180, -9.9753)
    for other in ({}, {**item, "geometry": None}, {**item, "collection": "sentinel-2-l2a"}):
        assert planetary_computer.within_the_world(other) == other


def test_orbit_direction_of_sentinel1_is_known(data: Path) -> None:
    key = ("sentinel1_rtc", "planetary_computer", "sentinel-1-rtc")
    scene = scene_of(key, data, RECORDED[key].file, RECORDED[key].item)
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


def test_qa_pixel_and_qa_radsat_are_the_bits_that_the_item_itself_describes(data: Path) -> None:
    key = ("landsat", "planetary_computer", "landsat-c2-l2")
    (item,) = items_in(data / "stac" / RECORDED[key].file)
    pixel, radsat = sensors["landsat"].qualities
    told = {field["name"]: field["offset"] for field in item["assets"]["qa_pixel"]["classification:bitfields"]}
    ours = {"fill": pixel.not_acquired, **pixel.flags}
    same_names = {"cloud_shadow": "shadow", "dilated_cloud": "dilated_cloud"}
    single = {name: offset for name, offset in told.items() if "confidence" not in name}
    assert {same_names.get(name, name): Bits((offset,)) for name, offset in single.items()} == ours
    fields = {field["name"]: field["offset"] for field in item["assets"]["qa_radsat"]["classification:bitfields"]}
    assert radsat.flags["saturated"] == Bits(tuple(fields[f"band{number}"] for number in range(1, 8)))
    occlusion = next(offset for name, offset in fields.items() if "occl" in name)
    assert radsat.flags["occluded"] == Bits((occlusion,))


def test_landsats_bits_by_arithmetic() -> None:
    pixel, radsat = sensors["landsat"].qualities
    codes = np.array([1, 21824, 21952, 21824 | 2, 21824 | 4, 22280, 23888, 30048], np.uint16)
    seen, masked = State.SEEN, State.MASKED
    states = [State.NOT_ACQUIRED, seen, seen, masked, masked, masked, masked, seen]
    assert quality.decode(codes, pixel, pixel.masked).tolist() == states
    assert pixel.flags["water"].raised(codes).tolist() == [False, False, True, *[False] * 5]
    assert pixel.flags["snow"].raised(codes)[-1]
    codes = np.array([0, 1, 64, 128, 2048], np.uint16)
    assert quality.decode(codes, radsat, radsat.masked).tolist() == [seen, masked, masked, seen, masked]


def test_fmask_by_arithmetic() -> None:
    (fmask,) = sensors["hls"].qualities
    codes = np.array([255, 0, 1, 2, 4, 8, 16, 32, 64 | 128, 64 | 32], np.uint8)
    seen, masked = State.SEEN, State.MASKED
    states = [State.NOT_ACQUIRED, seen, masked, masked, masked, masked, seen, seen, seen, seen]
    assert quality.decode(codes, fmask, fmask.masked).tolist() == states
    assert fmask.flags["hazy"].raised(codes)[1:].tolist() == [False] * 7 + [True, False]


COLLECTION_1_BQA = Quality(
    band="bqa",
    not_acquired=Bits((0,)),
    flags={
        "cloud": Bits((4,)),
        "likely_cloud": BitField(5, 2, (3,)),
        "shadow": BitField(7, 2, (3,)),
        "snow": BitField(9, 2, (3,)),
        "cirrus": BitField(11, 2, (3,)),
    },
    masked=frozenset({"cloud", "likely_cloud", "shadow", "cirrus"}),
)
"""The quality band that Collection 1 had, whose bits stand elsewhere than those of Collection 2's `qa_pixel`:
https://www.usgs.gov/landsat-missions/landsat-collection-1-level-1-quality-assessment-band"""


def clear_ndvi(folder: Path) -> float:
    """The median NDVI of clear pixels of one level 1 scene; the sun's height cancels in the ratio."""
    numbers = {}
    for band in ("B4", "B5", "BQA"):
        (file,) = folder.glob(f"*_{band}.TIF")
        with rasterio.open(file) as opened:
            numbers[band] = opened.read(1)
    clear = quality.decode(numbers["BQA"], COLLECTION_1_BQA, COLLECTION_1_BQA.masked) == State.SEEN
    clear &= (numbers["B4"] > 0) & (numbers["B5"] > 0)
    level_1 = radiometry.Calibration(2e-5, -0.1, ())
    red, nir = (radiometry.apply(numbers[band][clear], Band(band, 30), level_1) for band in ("B4", "B5"))
    return float(np.median((nir - red) / (nir + red)))


def test_landsat_of_2018_greens_in_spring_and_browns_in_autumn(data: Path) -> None:
    """Of the three path and rows one, 013032, is two thirds sea: the others tell of vegetation."""
    scenes = {folder.name.split("_")[3]: folder for folder in (data / NEW_YORK).glob("LC08_L1TP_014*")}
    days = ("20180311", "20180428", "20180530", "20180615", "20181005", "20181122", "20181208")
    march, april, may, june, october, november, december = (clear_ndvi(scenes[day]) for day in days)
    assert march == pytest.approx(0.12, abs=0.02)
    assert may == pytest.approx(0.75, abs=0.02)
    assert june == pytest.approx(0.75, abs=0.03)
    assert march < april < may
    assert june > october > november > december > march


def test_usgs_files_are_read_from_the_bucket_that_the_item_names_beside_them(data: Path) -> None:
    (item,) = items_in(data / "stac" / RECORDED["landsat", "usgs", "landsat-c2l2-sr"].file)
    for asset in item["assets"].values():
        if "alternate" in asset:
            assert usgs.in_bucket(asset["href"]) == asset["alternate"]["s3"]["href"]
    assert usgs.in_bucket("https://example.org/x.TIF") == "https://example.org/x.TIF"


HEAD = """# Sensors in catalogs

How each sensor's scenes are read from each catalog. One line a collection; where a catalog has several for a sensor,
all are asked, and of the same acquisition the first one's scene is taken. This page is written from `sensors/` and
`catalogs/` by `python -m tests.test_conventions > docs/conventions.md`, and a test keeps it equal to them. *Proven by*
names the real item, as its catalog gave it, that `tests/test_conventions.py` reads with exactly these conventions:
file of each band, scale and offset with the evidence, quality bands, identity. *No recorded item* says that they were
taken from documentation alone.

| Sensor | Catalog | Collection | Scale and offset | Masked | Proven by |
|---|---|---|---|---|---|
"""


def page() -> str:
    return HEAD + "".join(f"| {' | '.join(row(key, sensor, one))} |\n" for key, sensor, one in pairs())


def row(key: Key, sensor: Sensor, collection: Collection) -> tuple[str, ...]:
    recorded = RECORDED.get(key)
    proof = f"`{recorded.item}`" if recorded else proof_elsewhere(key)
    return f"`{key[0]}`", f"`{key[1]}`", f"`{key[2]}`", numbers(sensor, collection), masks(sensor), proof


def proof_elsewhere(key: Key) -> str:
    if catalogs[key[1]].simulated:
        return "its scenes are made, not recorded"
    return "files of one's own, in the spelling of the catalogs" if key[1] == "local" else "*no recorded item*"


def numbers(sensor: Sensor, collection: Collection) -> str:
    measured = collection.assets.keys() - set(sensor.quality_bands) or collection.assets.keys()
    bands = [sensor.band(name) for name in measured]
    packed = sorted({f"x {band.scale:g}{f' {band.offset:+g}' if band.offset else ''}" for band in bands})
    source = "item's own, else " if collection.announces and sensor.offset is None else ""
    return "; ".join([f"{source}{', '.join(packed)}", *offset_rule(sensor, collection)])


def offset_rule(sensor: Sensor, collection: Collection) -> Iterator[str]:
    if sensor.offset is None:
        return
    since = f"{sensor.offset.value:+g} from baseline {sensor.offset.from_baseline} on"
    yield f"{since} (`{collection.baseline}`)" if collection.baseline else "as the item announces"
    if collection.offset_applied:
        yield f"not where `{collection.offset_applied}` is true"
    if collection.votes:
        yield "the pixels are asked as well"


def masks(sensor: Sensor) -> str:
    told = [f"`{one.band}`: {', '.join(sorted(one.masked)).replace('_', ' ')}" for one in sensor.qualities]
    return "; ".join(told) or "no data only"


def test_the_page_is_what_the_library_knows() -> None:
    assert PAGE.read_text("utf-8") == page()


def matrix() -> str:
    """Sensors by catalogs, for the README: how each pair is proven."""
    found: dict[tuple[str, str], set[str]] = {}
    for key, _, _ in pairs():
        found.setdefault(key[:2], set()).add(mark(key))
    shelf = list(catalogs)
    lines = [f"| | {' | '.join(shelf)} |", f"|---|{'---|' * len(shelf)}"]
    for sensor in sensors:
        cells = (", ".join(sorted(found.get((sensor, one), {"–"}))) for one in shelf)
        lines.append(f"| `{sensor}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def mark(key: Key) -> str:
    if key in RECORDED:
        return "recorded"
    if catalogs[key[1]].simulated:
        return "simulated"
    return "own files" if key[1] == "local" else "documented"


def test_the_readme_shows_every_pair_and_how_it_is_proven() -> None:
    text = (PAGE.parents[1] / "README.md").read_text("utf-8")
    shown = text.split("<!-- conventions -->\n")[1].split("<!-- /conventions -->")[0]
    assert shown == matrix(), "write the table of the README again from tests.test_conventions.matrix()"


def test_what_is_recorded_is_of_pairs_that_exist() -> None:
    assert RECORDED.keys() <= {key for key, _, _ in pairs()}


if __name__ == "__main__":
    print(page(), end="")
