"""The scenes as STAC 1.1 items, in the spelling of the catalog that the world imitates.

STAC: https://github.com/radiantearth/stac-spec/tree/v1.1.0
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np
from shapely import transform
from shapely.geometry import Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from sco.simulator.scenes import Pass, Written
from sco.simulator.sky import Swath, sun
from sco.simulator.world import CRS, Grid, Places, Tile, World, reproject

EXTENSIONS = [
    "https://stac-extensions.github.io/eo/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/grid/v1.1.0/schema.json",
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
    "https://stac-extensions.github.io/view/v1.0.0/schema.json",
]
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
SENTINEL2, LANDSAT = "sentinel-2-l2a", "landsat-c2-l2"
ORBIT = 108
"""Relative orbit of the Sentinel-2 passes."""
CLASS_NAMES = {
    0: "nodata_pixel",
    1: "saturated_defective_pixel",
    2: "dark_features",
    3: "cloud_shadow",
    4: "vegetation",
    5: "not_vegetated",
    6: "water",
    7: "unclassified",
    8: "medium_proba_clouds",
    9: "high_proba_clouds",
    10: "thin_cirrus",
    11: "snow_ice",
}
WAVELENGTHS_UM = {
    "blue": (0.490, 0.098),
    "green": (0.560, 0.045),
    "red": (0.665, 0.038),
    "nir": (0.842, 0.145),
    "nir08": (0.865, 0.028),
    "swir16": (1.610, 0.143),
    "swir22": (2.190, 0.242),
    "lwir11": (10.90, 0.590),
}


@dataclass(frozen=True)
class Spelling:
    """How a catalog writes its Sentinel-2 items."""

    assets: Mapping[str, str]
    """Band common name -> asset key."""
    describes_pixels: bool
    """Whether assets carry scale, offset, nodata and data type."""
    offset_flag: str | None
    """Property that says whether the offset was taken from the pixels already."""


SPELLINGS: Mapping[str, Spelling] = {
    "earth_search": Spelling(
        {band: band for band in ("blue", "green", "red", "nir", "swir16", "swir22", "scl")},
        describes_pixels=True,
        offset_flag="earthsearch:boa_offset_applied",
    ),
    "planetary_computer": Spelling(
        {
            "blue": "B02",
            "green": "B03",
            "red": "B04",
            "nir": "B08",
            "swir16": "B11",
            "swir22": "B12",
            "scl": "SCL",
        },
        describes_pixels=False,
        offset_flag=None,
    ),
}


def scene_id(world: World, tile: Tile, acquisition: Pass) -> str:
    """The item's id, as the imitated catalog would form it."""
    at = acquisition.time
    if acquisition.sensor == "landsat":
        return f"{acquisition.platform}_L2SP_{tile.code}_{at:%Y%m%d}_02_T1"
    if world.spelling == "planetary_computer":
        return f"{acquisition.platform}_MSIL2A_{at:%Y%m%dT%H%M%S}_R{ORBIT}_T{tile.code}_{_processed(at):%Y%m%dT%H%M%S}"
    return f"{acquisition.platform}_{tile.code}_{at:%Y%m%d}_0_L2A"


def asset_key(world: World, sensor: str, band: str) -> str:
    """The catalog's own key for a band."""
    return SPELLINGS[world.spelling].assets[band] if sensor == "sentinel2" else band


def sentinel2_item(
    world: World, tile: Tile, acquisition: Pass, files: Iterable[Written], shares: Mapping[int, float]
) -> dict[str, Any]:
    """The item of one Sentinel-2 scene; `shares` are the percentages of its SCL classes."""
    item = _item(world, tile, acquisition, files, SENTINEL2)
    item["properties"] |= _sentinel2_properties(world, tile, acquisition)
    item["properties"] |= {f"s2:{name}_percentage": round(shares[code], 6) for code, name in CLASS_NAMES.items()}
    item["properties"]["eo:cloud_cover"] = round(shares[8] + shares[9] + shares[10], 6)
    return item


def landsat_item(
    world: World, tile: Tile, acquisition: Pass, files: Iterable[Written], cloud_percent: float
) -> dict[str, Any]:
    """The item of one Landsat scene."""
    item = _item(world, tile, acquisition, files, LANDSAT)
    item["properties"] |= {
        "platform": f"landsat-{int(acquisition.platform[2:])}",
        "instruments": ["oli", "tirs"],
        "eo:cloud_cover": round(cloud_percent, 2),
        "landsat:wrs_path": tile.code[:3],
        "landsat:wrs_row": tile.code[3:],
        "landsat:wrs_type": "2",
        "landsat:correction": "L2SP",
        "landsat:collection_number": "02",
        "landsat:collection_category": "T1",
        "landsat:scene_id": f"{acquisition.platform}{tile.code}{acquisition.time:%Y%j}LGN00",
    }
    return item


def collection(world: World, name: str, bbox: list[float]) -> dict[str, Any]:
    """The collection that items of this id belong to."""
    title = "Sentinel-2 level 2A" if name == SENTINEL2 else "Landsat Collection 2 level 2"
    days = datetime.combine(world.start, time(), UTC), datetime.combine(world.end, time(23, 59, 59), UTC)
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": name,
        "title": f"Simulated {title}",
        "description": f"Simulated scenes in the manner of {title}, made by the SCO observatory from a world with a "
        "known truth. No satellite took them, and they say nothing about any real place.",
        "license": "CC0-1.0",
        "keywords": ["simulated"],
        "extent": {"spatial": {"bbox": [bbox]}, "temporal": {"interval": [[_stamp(day) for day in days]]}},
        "links": [],
    }


def footprint(world: World, grid: Grid, acquisition: Pass) -> BaseGeometry:
    """The acquired part of a tile, in degrees; empty where the swath missed it."""
    x, y = _outline(grid)
    if grid.crs != CRS:
        x, y = reproject(grid.crs, CRS, x, y)
    covered = Polygon(np.column_stack(world.relative(x, y))).intersection(_covered_side(acquisition.swath))
    if covered.is_empty:
        return covered

    def in_degrees(places: Places) -> Places:
        return np.asarray(np.round(np.column_stack(world.degrees(*places.T)), 6), np.float64)

    return transform(covered, in_degrees)


def moved(item: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The item with addresses under the folder `new` instead of under `old`."""
    assets = {key: _moved(asset, old, new) for key, asset in item["assets"].items()}
    return item | {"assets": assets, "links": [_moved(link, old, new) for link in item["links"]]}


def _moved(place: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return place | {"href": new + str(place["href"]).removeprefix(old)}


def _outline(grid: Grid) -> tuple[Places, Places]:
    left, bottom, right, top = grid.bounds
    step = np.linspace(0, 1, 8, endpoint=False)
    none, full = np.zeros(8), np.ones(8)
    east, north = np.concatenate([step, full, 1 - step, none]), np.concatenate([none, step, full, 1 - step])
    return left + (right - left) * east, bottom + (top - bottom) * north


def _covered_side(swath: Swath) -> Polygon:
    if swath.heading == (0.0, 0.0):
        return box(-9, -9, 9, 9)
    (east, north), far = swath.heading, 9.0
    middle = np.array([east, north]) * swath.limit
    along, back = np.array([-north, east]) * far, np.array([east, north]) * -far
    return Polygon([middle - along, middle + along, middle + along + back, middle - along + back])


def _processed(time: datetime) -> datetime:
    return time + timedelta(hours=9, minutes=3)


def _stamp(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _item(world: World, tile: Tile, acquisition: Pass, files: Iterable[Written], collection: str) -> dict[str, Any]:
    outline, light = footprint(world, tile.grid, acquisition), sun(acquisition.time)
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": EXTENSIONS,
        "id": scene_id(world, tile, acquisition),
        "collection": collection,
        "geometry": mapping(outline),
        "bbox": list(outline.bounds),
        "properties": {
            "datetime": _stamp(acquisition.time),
            "created": _stamp(_processed(acquisition.time)),
            "updated": _stamp(_processed(acquisition.time)),
            "title": f"Simulated scene {scene_id(world, tile, acquisition)}",
            "proj:code": tile.grid.crs,
            "view:sun_azimuth": round(light.azimuth, 6),
            "view:sun_elevation": round(light.elevation, 6),
            "sco:simulated": True,
        },
        "links": [],
        "assets": {asset_key(world, acquisition.sensor, file.band): _asset(world, acquisition, file) for file in files},
    }


def _sentinel2_properties(world: World, tile: Tile, acquisition: Pass) -> dict[str, Any]:
    at, platform, level = acquisition.time, acquisition.platform, acquisition.baseline
    long_name = f"Sentinel-{platform[1:]}"
    done, sensed = f"{_processed(at):%Y%m%dT%H%M%S}", f"{at + timedelta(seconds=4):%Y%m%dT%H%M%S}"
    plain = level.replace(".", "")
    flag = SPELLINGS[world.spelling].offset_flag
    return {
        "platform": long_name.lower() if world.spelling == "earth_search" else long_name,
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "grid:code": f"MGRS-{tile.code}",
        "mgrs:utm_zone": int(tile.code[:2]),
        "mgrs:latitude_band": tile.code[2],
        "mgrs:grid_square": tile.code[3:],
        "s2:mgrs_tile": tile.code,
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": level,
        "s2:product_uri": f"{platform}_MSIL2A_{at:%Y%m%dT%H%M%S}_N{plain}_R{ORBIT}_T{tile.code}_{done}.SAFE",
        "s2:generation_time": _stamp(_processed(at)),
        "s2:datatake_id": f"G{platform}_{at:%Y%m%dT%H%M%S}_{acquisition.orbit:06d}_N{level}",
        "s2:datatake_type": "INS-NOBS",
        "s2:datastrip_id": f"{platform}_OPER_MSI_L2A_DS_SIMU_{done}_S{sensed}_N{level}",
        "s2:sequence": "0",
        **({flag: acquisition.corrected} if flag else {}),
    }


def _asset(world: World, acquisition: Pass, file: Written) -> dict[str, Any]:
    asset: dict[str, Any] = {
        "href": str(file.path),
        "type": COG,
        "title": f"Simulated {file.band}",
        "roles": _roles(file.band),
        "gsd": file.grid.resolution_m,
        "proj:shape": list(file.grid.shape),
        "proj:transform": list(file.grid.transform),
        "file:size": file.size,
        "file:checksum": f"1220{file.sha256}",  # multihash: SHA-256, 32 bytes
    }
    if file.band in WAVELENGTHS_UM:
        centre, width = WAVELENGTHS_UM[file.band]
        words = {"eo:common_name": file.band, "eo:center_wavelength": centre, "eo:full_width_half_max": width}
        asset["bands"] = [{"name": asset_key(world, acquisition.sensor, file.band)} | words]
    if acquisition.sensor == "landsat" or SPELLINGS[world.spelling].describes_pixels:
        asset |= _pixels(acquisition, file)
    return asset


def _pixels(acquisition: Pass, file: Written) -> dict[str, Any]:
    words: dict[str, Any] = {"data_type": file.dtype, "raster:spatial_resolution": file.grid.resolution_m}
    if file.nodata is not None:
        words["nodata"] = file.nodata
    if file.band == "lwir11":
        words |= {"raster:scale": 0.00341802, "raster:offset": 149.0, "unit": "kelvin"}
    elif file.band in WAVELENGTHS_UM and acquisition.sensor == "landsat":
        words |= {"raster:scale": 2.75e-5, "raster:offset": -0.2}
    elif file.band in WAVELENGTHS_UM:
        words |= {"raster:scale": 1e-4, "raster:offset": acquisition.announced_offset}
    return words


def _roles(band: str) -> list[str]:
    if band == "lwir11":
        return ["data", "temperature"]
    if band == "qa_pixel":
        return ["cloud", "cloud-shadow", "snow-ice", "water-mask"]
    return ["saturation"] if band == "qa_radsat" else ["data", "reflectance"]
