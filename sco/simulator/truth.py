"""What is true in the world, month by month on the project's grid, and how far a pipeline's answer is from it.

The months are sampled every SAMPLE_DAYS days.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
import pyproj
import xarray as xr
from zarr.errors import ZarrUserWarning

from sco.errors import CubeError
from sco.period import Slice, divide
from sco.simulator.ground import COVERS, Day, Ground
from sco.simulator.world import CRS, Floats, Places, World

SAMPLE_DAYS = 3
INDICATORS = ("ndvi", "water_extent")
UNITS = {"ndvi": "1", "water_extent": "1", "lst": "K", "snow_share": "1"}
NAMES = {
    "ndvi": "Simulated truth: median NDVI of the snow-free days",
    "water_extent": "Simulated truth: share of the snow-free days under water",
    "lst": "Simulated truth: mean morning surface temperature",
    "snow_share": "Simulated truth: share of the days under snow",
}


@dataclass(frozen=True)
class Accuracy:
    """How far an indicator is from the truth, over the pixels and months where both have a value."""

    indicator: str
    bias: float
    """Mean of answer minus truth; NaN where there is nothing to compare."""
    rmse: float
    n: int
    """Pixels and months compared."""
    unit: str


def surface(world: World, band: str, x: Places, y: Places, day: date) -> Floats:
    """The true reflectance at places in EPSG:32631 on one day, or the temperature in kelvin for `lwir11`."""
    true = Ground(world, x, y).on(day)
    return true.temperature if band == "lwir11" else true.reflectance("nir" if band == "nir08" else band)


def monthly(world: World) -> xr.Dataset:
    """The world's own monthly values on the project's grid: ndvi, water_extent, lst, snow_share (time, y, x).

    Also `burned` and `land_cover` (y, x). NDVI and water are NaN where every day of the month has snow.
    """
    ground = Ground(world, *world.grid.centres())
    _ = ground.bare, ground.slope, ground.texture  # before threads share them
    months = divide(world.start, world.end, "month")
    with ThreadPoolExecutor(2) as pool:
        values = list(pool.map(lambda month: _month(world, ground, month), months))
    layers = {name: (("time", "y", "x"), np.stack([month[name] for month in values])) for name in NAMES}
    return _labelled(world, xr.Dataset({**layers, **_still(ground)}, coords=_coordinates(world, months)))


def write_truth(world: World, path: Path) -> None:
    """Write the truth as plain Zarr."""
    data = monthly(world)
    encoding = {name: {"chunks": (12, *world.grid.shape)} for name in NAMES}
    with catch_warnings():
        simplefilter("ignore", ZarrUserWarning)  # consolidated metadata is not in the v3 specification, and xarray asks
        data.to_zarr(path, mode="w-", zarr_format=3, consolidated=True, encoding=encoding)


def compare(data: xr.Dataset, truth: xr.Dataset) -> tuple[Accuracy, ...]:
    """The accuracy of every indicator that both have, on the same grid, where the answer rests on observations.

    Raises CubeError if the two share no months or no pixels.
    """
    names = [name for name in INDICATORS if name in data and name in truth]
    answer, true = xr.align(data[[*names, *(f"{name}_n_seen" for name in names)]], truth[names], join="inner")
    if 0 in answer.sizes.values():
        raise CubeError(
            f"the answer {dict(data.sizes)} and the truth {dict(truth.sizes)} share no months or no pixels: "
            "compare a store with the truth of the world that its scenes came from"
        )
    return tuple(_accuracy(answer, true, name) for name in names)


def _accuracy(answer: xr.Dataset, true: xr.Dataset, name: str) -> Accuracy:
    error = (answer[name].astype("float64") - true[name]).where(answer[f"{name}_n_seen"] >= 1)
    found = xr.Dataset({"n": error.count(), "bias": error.mean(), "square": (error**2).mean()}).compute()
    n, bias, square = (found[key].item() for key in ("n", "bias", "square"))
    return Accuracy(name, float(bias), float(np.sqrt(square)), int(n), UNITS[name])


def _month(world: World, ground: Ground, month: Slice) -> Mapping[str, Floats]:
    days = [ground.on(day) for day in _sampled(world, month)]
    snow = np.stack([day.snowy for day in days])
    kelvin = np.mean(_each(days, lambda day: day.temperature), axis=0)
    return {
        "ndvi": _median(np.where(snow, np.nan, _each(days, lambda day: day.ndvi))),
        "water_extent": _mean(np.where(snow, np.nan, _each(days, lambda day: day.water > 0.5))),
        "lst": np.asarray(np.round(kelvin, 2), np.float32),
        "snow_share": np.asarray(np.mean(snow, axis=0), np.float32),
    }


def _sampled(world: World, month: Slice) -> list[date]:
    first, last = max(month.start, world.start), min(month.end, world.end + timedelta(days=1))
    return [first + timedelta(days=day) for day in range(0, (last - first).days, SAMPLE_DAYS)]


def _each(days: list[Day], look: Callable[[Day], np.ndarray]) -> Floats:
    return np.stack([look(day) for day in days]).astype(np.float32)


def _median(values: Floats) -> Floats:
    ordered, count = np.sort(values, axis=0), np.sum(~np.isnan(values), axis=0)
    low, high = np.maximum((count - 1) // 2, 0), count // 2
    high = np.minimum(high, len(values) - 1)
    picked = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high)]
    return np.where(count > 0, np.round((picked[0] + picked[1]) / 2, 4), np.nan).astype(np.float32)


def _mean(values: Floats) -> Floats:
    count = np.sum(~np.isnan(values), axis=0)
    return np.where(count > 0, np.nansum(values, axis=0) / np.maximum(count, 1), np.nan).astype(np.float32)


def _still(ground: Ground) -> dict[str, tuple[tuple[str, str], np.ndarray, dict[str, object]]]:
    kinds = np.stack(list(ground.covers.values())).argmax(axis=0)
    codes = np.array([cover.code for cover in COVERS.values()], np.uint8)
    meanings = {"flag_values": codes.tolist(), "flag_meanings": " ".join(COVERS)}
    burned = {"long_name": "Simulated truth: burned by the fire"}
    return {
        "burned": (("y", "x"), (ground.burns > 0.5).astype(np.uint8), burned),
        "land_cover": (("y", "x"), codes[kinds], {"long_name": "Simulated truth: most common land cover", **meanings}),
    }


def _coordinates(world: World, months: tuple[Slice, ...]) -> dict[str, object]:
    x, y = world.grid.axes()
    left, resolution = world.grid.left, world.grid.resolution_m
    mapping = pyproj.CRS.from_user_input(CRS).to_cf()
    mapping["GeoTransform"] = f"{left} {resolution} 0 {world.grid.top} 0 {-resolution}"
    times = pd.DatetimeIndex([month.start for month in months]).as_unit("ns")
    return {"time": times, "y": y, "x": x, "spatial_ref": ((), 0, mapping)}


def _labelled(world: World, data: xr.Dataset) -> xr.Dataset:
    for name in NAMES:
        data[name].attrs = {"long_name": NAMES[name], "units": UNITS[name], "grid_mapping": "spatial_ref"}
    data["x"].attrs = {"standard_name": "projection_x_coordinate", "units": "m"}
    data["y"].attrs = {"standard_name": "projection_y_coordinate", "units": "m"}
    data.attrs = {
        "title": "Simulated truth",
        "simulated": "true",
        "burn_day": world.burn_day.isoformat(),
        "sampled_every_days": SAMPLE_DAYS,
    }
    return data
