"""Real items, one a collection that a catalog offers, as the service gave them; and what is to be read from each.

Where each comes from, and under which licence, is told in README.md beside them. They are shorter than they came:
assets that no sensor reads, links and descriptions are mostly left out, and nothing else was changed.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sco.item import read_item
from sco.library import catalogs, sensors
from sco.model import Collection, Identity, Scene, Sensor

FOLDER = Path(__file__).parent
Key = tuple[str, str, str]
"""Sensor, catalog, collection."""


@dataclass(frozen=True)
class Recorded:
    """What is to be read from a real item."""

    item: str
    """Its id, as the service gave it."""
    assets: Mapping[str, str]
    """Band -> name of the file that it is to be read from."""
    calibrations: Mapping[tuple[str, ...], tuple[float, float]]
    """Bands -> scale and offset."""
    evidence: str
    """Why the first band has its offset."""
    identity: Identity


def pairs() -> Iterator[tuple[Key, Sensor, Collection]]:
    """Every collection that any catalog offers for any sensor."""
    for sensor_id in sensors:
        for catalog_id in catalogs:
            for collection in catalogs[catalog_id].collections.get(sensor_id, ()):
                yield (sensor_id, catalog_id, collection.id), sensors[sensor_id], collection


def collection_of(key: Key) -> Collection:
    return next(collection for found, _, collection in pairs() if found == key)


def item_of(key: Key) -> dict[str, Any]:
    """The recorded item of this collection, in the words of its catalog."""
    item: dict[str, Any] = json.loads((FOLDER / f"{key[1]}_{key[2]}.json").read_text("utf-8"))
    return item


def scene_of(key: Key) -> Scene:
    """The scene that the recorded item of this collection is read as."""
    return as_scene(key, item_of(key))


def as_scene(key: Key, item: Mapping[str, Any]) -> Scene:
    catalog, collection = catalogs[key[1]], collection_of(key)
    item = catalog.normalise(item) if catalog.normalise else item
    assert item["collection"] == collection.id
    return read_item(item, sensors[key[0]], catalog, collection)


def items_in(file: Path) -> Iterator[dict[str, Any]]:
    """The items in a reply of a service."""
    content = json.loads(file.read_text("utf-8"))
    yield from content.get("features", [content])


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
HLS_PARTS = {"coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "fmask": "Fmask"}
HLS_L30_PARTS = {**HLS_PARTS, "nir": "B05", "swir16": "B06", "swir22": "B07"}
HLS_S30_PARTS = {**HLS_PARTS, "nir": "B8A", "swir16": "B11", "swir22": "B12"}
SAME_ACQUISITION = Identity("s2b", "20200705T101559", "32TMT", "20200705T101917")

SAME_GRANULE = Identity("hls-s30", "2023215T190921", "10TES", "")
MODIS_11_PARTS = {"lst": "LST_Day_1km", "lst_night": "LST_Night_1km", "qc_day": "QC_Day", "qc_night": "QC_Night"}


def modis(item: str, parts: Mapping[str, str], calibrations: Mapping[tuple[str, ...], tuple[float, float]]) -> Recorded:
    product, day, tile, *_ = item.split(".")
    return Recorded(
        item=item,
        assets=named(f"{item}_{{}}.tif", **parts),
        calibrations=calibrations,
        evidence="sensor gives the offset",
        identity=Identity({"MOD": "terra", "MYD": "aqua"}[product[:3]], day[1:], tile, ""),
    )


RECORDED: dict[Key, Recorded] = {
    ("sentinel2", "earth_search", "sentinel-2-c1-l2a"): Recorded(
        item="S2B_T20EPT_20250731T131905_L2A",
        assets=EARTH_SEARCH_FILES,
        calibrations={SENTINEL2_BANDS: (1e-4, -0.1)},
        evidence="baseline 05.11 is at or after 04.00; item announces offset -0.1",
        identity=Identity("s2b", "20250731T131909", "20EPT", "20250731T131905"),
    ),
    ("sentinel2", "earth_search", "sentinel-2-l2a"): Recorded(
        item="S2A_32TMT_20200302_1_L2A",
        assets=EARTH_SEARCH_FILES,
        calibrations={SENTINEL2_BANDS: (1e-4, 0.0)},
        evidence="flag says that the offset was already taken; item announces offset -0.1",
        identity=Identity("s2a", "20200302T102021", "32TMT", "20200302T102554"),
    ),
    ("sentinel2", "planetary_computer", "sentinel-2-l2a"): Recorded(
        item="S2B_MSIL2A_20200705T101559_R065_T32TMT_20200825T083452",
        assets=named("T32TMT_20200705T101559_{}.tif", **SENTINEL2_PARTS),
        calibrations={SENTINEL2_BANDS: (1e-4, 0.0)},
        evidence="baseline 02.12 is before 04.00",
        identity=SAME_ACQUISITION,
    ),
    ("sentinel2", "copernicus", "sentinel-2-l2a"): Recorded(
        item="S2B_MSIL2A_20200705T101559_N0500_R065_T32TMT_20230530T175912",
        assets=named("T32TMT_20200705T101559_{}.jp2", **SENTINEL2_PARTS),
        calibrations={SENTINEL2_BANDS: (1e-4, -0.1)},
        evidence="baseline 05.00 is at or after 04.00; item announces offset -0.1",
        identity=SAME_ACQUISITION,
    ),
    ("landsat", "earth_search", "landsat-c2-l2"): Recorded(
        item="LC08_L2SP_033032_20231008_02_T1",
        assets=named("LC08_L2SP_033032_20231008_20231017_02_T1_{}.TIF", **OLI_PARTS, lst="ST_B10"),
        calibrations={LANDSAT_BANDS: REFLECTANCE, ("lst",): TEMPERATURE},
        evidence="item gives the offset",
        identity=Identity("landsat-8", "20231008", "033032", ""),
    ),
    ("landsat", "planetary_computer", "landsat-c2-l2"): Recorded(
        item="LC09_L2SP_090091_20250310_02_T1",
        assets=named("LC09_L2SP_090091_20250310_20250311_02_T1_{}.TIF", **OLI_PARTS, lst="ST_B10"),
        calibrations={LANDSAT_BANDS: REFLECTANCE, ("lst",): TEMPERATURE},
        evidence="item gives the offset",
        identity=Identity("landsat-9", "20250310", "090091", ""),
    ),
    ("landsat", "usgs", "landsat-c2l2-sr"): Recorded(
        item="LC08_L2SP_047027_20201204_20210313_02_T1_SR",
        assets=named("LC08_L2SP_047027_20201204_20210313_02_T1_{}.TIF", **OLI_PARTS),
        calibrations={LANDSAT_BANDS: REFLECTANCE},
        evidence="sensor gives the offset",
        identity=Identity("landsat-8", "20201204", "047027", ""),
    ),
    ("hls", "nasa_cmr", "HLSL30_2.0"): Recorded(
        item="G2147556158-LPCLOUD",
        assets=named("HLS.L30.T13SDV.2021035T173836.v2.0.{}.tif", **HLS_L30_PARTS),
        calibrations={HLS_BANDS: (1e-4, 0.0)},
        evidence="sensor gives the offset",
        identity=Identity("hls-l30", "2021035T173836", "13SDV", ""),
    ),
    ("sentinel1_rtc", "planetary_computer", "sentinel-1-rtc"): Recorded(
        item="S1A_IW_GRDH_1SDV_20250311T044231_20250311T044249_058252_073302_rtc",
        assets=named("iw-{}.rtc.tiff", vv="vv", vh="vh"),
        calibrations={("vv", "vh"): (1.0, 0.0)},
        evidence="sensor gives the offset",
        identity=Identity("s1a", "058252_073302", "20250311T044231", ""),
    ),
    ("modis_vi", "planetary_computer", "modis-13Q1-061"): modis(
        "MOD13Q1.A2025049.h35v10.061.2025070114834",
        named("250m_16_days_{}", ndvi="NDVI", evi="EVI", pixel_reliability="pixel_reliability"),
        {("ndvi", "evi"): (1e-4, 0.0)},
    ),
    ("modis_vi", "planetary_computer", "modis-13A1-061"): modis(
        "MOD13A1.A2025049.h35v10.061.2025070114721",
        named("500m_16_days_{}", ndvi="NDVI", evi="EVI", pixel_reliability="pixel_reliability"),
        {("ndvi", "evi"): (1e-4, 0.0)},
    ),
    ("modis_lst", "planetary_computer", "modis-11A1-061"): modis(
        "MYD11A1.A2025068.h35v10.061.2025070002721",
        MODIS_11_PARTS,
        {("lst", "lst_night"): (0.02, 0.0)},
    ),
    ("modis_lst", "planetary_computer", "modis-11A2-061"): modis(
        "MYD11A2.A2025057.h35v10.061.2025066034929",
        MODIS_11_PARTS,
        {("lst", "lst_night"): (0.02, 0.0)},
    ),
    ("modis_snow_8day", "planetary_computer", "modis-10A2-061"): modis(
        "MYD10A2.A2025057.h35v10.061.2025066035003",
        {"snow_extent": "Maximum_Snow_Extent"},
        {("snow_extent",): (1.0, 0.0)},
    ),
    ("modis_snow", "planetary_computer", "modis-10A1-061"): modis(
        "MYD10A1.A2025067.h35v10.061.2025069032950",
        {"ndsi_snow_cover": "NDSI_Snow_Cover"},
        {("ndsi_snow_cover",): (0.01, 0.0)},
    ),
    ("hls", "nasa_cmr", "HLSS30_2.0"): Recorded(
        item="HLS.S30.T10TES.2023215T190921.v2.0",
        assets=named("HLS.S30.T10TES.2023215T190921.v2.0.{}.tif", **HLS_S30_PARTS),
        calibrations={HLS_BANDS: (1e-4, 0.0)},
        evidence="sensor gives the offset",
        identity=SAME_GRANULE,
    ),
    ("hls", "planetary_computer", "hls2-s30"): Recorded(
        item="HLS.S30.T10TES.2023215T190921.v2.0",
        assets=named("HLS.S30.T10TES.2023215T190921.v2.0.{}.tif", **HLS_S30_PARTS),
        calibrations={HLS_BANDS: (1e-4, 0.0)},
        evidence="sensor gives the offset",
        identity=SAME_GRANULE,
    ),
    ("landsat", "usgs", "landsat-c2l2-st"): Recorded(
        item="LT05_L2SP_010067_19860424_20200918_02_T2_ST",
        assets=named(
            "LT05_L2SP_010067_19860424_20200918_02_T2_{}.TIF", lst="ST_B6", qa_pixel="QA_PIXEL", qa_radsat="QA_RADSAT"
        ),
        calibrations={("lst",): TEMPERATURE},
        evidence="sensor gives the offset",
        identity=Identity("landsat-5", "19860424", "010067", ""),
    ),
    ("oisst", "planetary_computer", "noaa-cdr-sea-surface-temperature-optimum-interpolation"): Recorded(
        item="oisst-avhrr-v02r01.20220913",
        assets=named("oisst-avhrr-v02r01.20220913-{}.tif", sst="sst", anom="anom", err="err", ice="ice"),
        calibrations={("sst", "anom", "err", "ice"): (0.009999999776482582, 0.0)},
        evidence="sensor gives the offset",
        identity=Identity("oisst-avhrr-v02r01", "20220913", "global", "final"),
    ),
}
