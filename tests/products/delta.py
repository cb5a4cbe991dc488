"""A made-up delta: a small record of known numbers, as a publication that can be published."""

import dataclasses
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr
from rasterio.crs import CRS

from sco.library import indicators
from sco.packing import pack
from sco.partition import Empty, Partition, Record
from sco.period import divide
from sco.products.publication import Publication
from sco.project import Project
from sco.tile import Tile

HEIGHT, WIDTH, RESOLUTION = 150, 180, 100
FEW = 2
LEFT, TOP = 600_000.0, 4_820_000.0
PERIODS = divide(date(2022, 1, 1), date(2023, 2, 28), "month")
INDICATORS = ("ndvi", "water_extent")

CONFIG = """
id = "delta"
title = {{ en = {en}, fr = {fr} }}
summary = {{ en = "A made-up delta.", fr = "Un delta inventé." }}
indicators = {indicators}
store = "store"
[period]
start = 2022-01-01
end = 2023-02-28
reference = [2022-01-01, 2023-02-28]
[area]
bounds = [600000.0, 4805000.0, 618000.0, 4820000.0]
crs = "EPSG:32631"
resolution = 100
tile = 128
[[sources]]
sensor = "sentinel2"
catalogs = ["simulated"]
{zones}
[publish]
to = "products"
"""
ZONES = '[zones]\nfile = "zones.geojson"\nname = "nom"\n'


@dataclasses.dataclass(frozen=True)
class Known:
    indicator: str = "ndvi"
    bias: float = -0.0012
    rmse: float = 0.0134
    n: int = 12345
    unit: str = "1"


def ndvi_at(month: int) -> np.ndarray:
    """Whole steps of the packing, between 0.1 and 0.9, with a hole that was never seen."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    values = np.rint(1000 + 3000 * columns / WIDTH + 2000 * (1 - np.cos(month / 12 * 2 * np.pi)) + 10 * (rows % 7))
    values[40:60, 20:50] = np.nan
    return (values * 1e-4).astype("float32")


def water_at(month: int) -> np.ndarray:
    """The first rows are water, fewer of them each month."""
    values = np.zeros((HEIGHT, WIDTH), "float32")
    values[: 60 - 2 * month] = 1
    return values


def record_of(failed: int = 0, months: int = len(PERIODS)) -> xr.Dataset:
    """Every indicator, whichever of them a project asks for."""
    periods = PERIODS[:months]
    layers: dict[str, Callable[[int], np.ndarray]] = {"ndvi": ndvi_at, "water_extent": water_at}
    starts = np.array([np.datetime64(period.start, "ns") for period in periods])
    ends = np.array([np.datetime64(period.end, "ns") for period in periods])
    beyond = np.datetime64(periods[-1].end, "ns")
    time = np.append(starts, beyond)
    variables: dict[str, object] = {
        "time_bnds": (("time", "bnds"), np.stack([time, np.append(ends, beyond + np.timedelta64(31, "D"))], axis=1))
    }
    for name, draw in layers.items():
        indicator = indicators[name]
        stack = np.stack([draw(month) for month in range(months)] + [np.full((HEIGHT, WIDTH), np.nan, "float32")])
        attrs = {
            "long_name": indicator.title.en,
            "units": indicator.unit,
            "cell_methods": indicator.cell_methods,
            "grid_mapping": "spatial_ref",
            "ancillary_variables": f"{name}_n_seen {name}_n_masked {name}_n_failed",
            "scale_factor": indicator.packing.scale,
            "add_offset": indicator.packing.offset,
            "_FillValue": np.int16(indicator.packing.fill),
        }
        variables[name] = (("time", "y", "x"), pack(stack, indicator.packing), attrs)
        for count, number in (("n_seen", 4), ("n_masked", 2), ("n_failed", failed)):
            whole = np.full(stack.shape, number, "uint16")
            whole[-1] = 0
            variables[f"{name}_{count}"] = (("time", "y", "x"), whole, {"units": "1", "grid_mapping": "spatial_ref"})
    transform = f"{LEFT} {RESOLUTION} 0 {TOP} 0 -{RESOLUTION}"
    coords = {
        "time": time,
        "x": ("x", LEFT + RESOLUTION * (np.arange(WIDTH) + 0.5), {"standard_name": "projection_x_coordinate"}),
        "y": ("y", TOP - RESOLUTION * (np.arange(HEIGHT) + 0.5), {"standard_name": "projection_y_coordinate"}),
        "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(32631).to_wkt(), "GeoTransform": transform}),
    }
    attrs = {"Conventions": "CF-1.11", "title": "Delta", "project": "delta", "every": "month", "simulated": "true"}
    return xr.decode_cf(xr.Dataset(variables, coords, attrs)).chunk({"time": 1, "y": 128, "x": 128})


def scene(month: int) -> dict[str, object]:
    period = PERIODS[month]
    return {
        "id": f"S2A_{period.label}",
        "sensor": "sentinel2",
        "catalog": "simulated",
        "collection": "sentinel-2-l2a",
        "time": f"{period.label}-11T10:30:00+00:00",
        "updated": None,
        "baseline": "05.10",
        "cloud_percent": 12.5,
        "assets": {"red": "http://127.0.0.1/red.tif"},
        "calibration": {},
        "failed": {"nir": "truncated"} if month == 3 else {},
    }


def publication_in(
    folder: Path,
    title: str = "The delta",
    zones: bool = True,
    data: xr.Dataset | None = None,
    zone_name: str = "West",
    months: int = FEW,
    names: tuple[str, ...] = INDICATORS,
) -> Publication:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"en": json.dumps(title), "fr": json.dumps(title), "zones": ZONES if zones else ""}
    config = CONFIG.format(indicators=json.dumps(names), **told)
    (folder / "delta.toml").write_text(config, "utf-8")
    west = [[LEFT, TOP], [LEFT + 9000, TOP], [LEFT + 9000, TOP - 15000], [LEFT, TOP - 15000], [LEFT, TOP]]
    corner = [
        [LEFT + 50, TOP - 50],
        [LEFT + 250, TOP - 50],
        [LEFT + 250, TOP - 250],
        [LEFT + 50, TOP - 250],
        [LEFT + 50, TOP - 50],
    ]
    features = [
        {"type": "Feature", "properties": {"nom": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in ((zone_name, west), ("=Corner", corner))
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    partitions = [
        Partition(period, tile, name)
        for name in names
        for period in PERIODS[:months]
        for tile in (Tile(0, 0), Tile(0, 1), Tile(1, 0), Tile(1, 1))
    ]
    manifests = {
        one: {
            "partition": {"indicator": one.indicator, "period": one.period.label, "tile": str(one.tile)},
            "indicator_version": 1,
            "sensors": {"sentinel2": 1},
            "code": "0.1.0+abc",
            "scenes": [scene(PERIODS.index(one.period))],
            "rejected": [{"id": "S2B_x", "catalog": "simulated", "reason": "cloud over 80 %"}],
            "counts": {"seen": 4, "masked": 2, "failed": 0, "pixels": 16384},
        }
        for one in partitions
    }
    records = {
        one: Record(f"{place:064x}", "run-1", Empty.ALL_MASKED if place == 0 else None)
        for place, one in enumerate(partitions)
    }
    dataset = record_of(months=months) if data is None else data
    return Publication(Project.load(folder / "delta.toml"), dataset, "SNAP1", records, manifests, (Known(),))
