"""What is true in the world, month by month on the project's grid, and how far a pipeline's answer is from it.

The months are sampled every SAMPLE_DAYS days. What an indicator makes of bands is true where its formula is given the
ground itself, flat and without snow, and all days of the month; what it says of snow and water is true as the world
has them. What is derived from other indicators is true where these are.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd
import pyproj
import xarray as xr
from zarr.errors import ZarrUserWarning

from sco import climatology, library
from sco.errors import CubeError
from sco.model import Input
from sco.period import Slice, divide
from sco.simulator.ground import BANDS, COVERS, Day, Ground
from sco.simulator.world import CRS, Floats, Grid, Places, World

SAMPLE_DAYS = 3
SNOW_SHARE = "snow_share"
"""The share of the days with any snow, which is no indicator's."""
DEMO = ("ndvi", "water_extent", "lst", SNOW_SHARE)
"""What the demonstration keeps of the truth."""
SEEN_OTHERWISE: Mapping[str, Callable[[Day], np.ndarray]] = {
    "water_extent": lambda day: day.water > 0.5,
    "snow_cover": lambda day: day.snow,
    "snow_days_share": lambda day: day.snow > 0.5,
    SNOW_SHARE: lambda day: day.snowy,
}
"""What the world knows better than a formula over bands does."""


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


def monthly(world: World, names: Sequence[str] = DEMO, grid: Grid | None = None) -> xr.Dataset:
    """The world's own monthly values of these, (time, y, x), on the project's grid or another in EPSG:32631.

    Also `burned` and `land_cover` (y, x). What leaves snow out is NaN where every day of the month has snow. Raises
    CubeError for an indicator that takes bands which the world does not have.
    """
    grid = grid or world.grid
    ground = Ground(world, *grid.centres())
    _ = ground.bare, ground.slope, ground.texture  # before threads share them
    months = divide(world.start, world.end, "month")
    looks = {name: _look(name) for name in names}
    with ThreadPoolExecutor(2) as pool:
        values = list(pool.map(lambda month: _month(world, ground, month, looks), months))
    layers = {name: (("time", "y", "x"), np.stack([month[name] for month in values])) for name in names}
    return _labelled(world, xr.Dataset({**layers, **_still(ground)}, coords=_coordinates(grid, months)), names)


def with_derived(
    truth: xr.Dataset, names: Sequence[str], reference: tuple[date, date], rural: xr.DataArray | None = None
) -> xr.Dataset:
    """The truth with these derived indicators, which are made from what is in it or comes before them.

    `reference` are the first and the last day of the reference; `rural`, (y, x) of bool, is the rural area.
    """
    for name in names:
        indicator = library.indicators[name]
        arguments = [_argument(truth, one, reference, indicator.minimum_years, rural) for one in indicator.inputs]
        found = indicator.formula(*arguments)
        if indicator.of_series:
            found = found.expand_dims(time=truth["time"][-1:]).reindex(time=truth["time"])
        truth = truth.assign({name: found.transpose("time", "y", "x")})
    return truth


def write_truth(world: World, path: Path) -> None:
    """Write the truth as plain Zarr."""
    data = monthly(world)
    encoding = {name: {"chunks": (12, *world.grid.shape)} for name in DEMO}
    with catch_warnings():
        simplefilter("ignore", ZarrUserWarning)  # consolidated metadata is not in the v3 specification, and xarray asks
        data.to_zarr(path, mode="w-", zarr_format=3, consolidated=True, encoding=encoding)


def compare(data: xr.Dataset, truth: xr.Dataset) -> tuple[Accuracy, ...]:
    """The accuracy of every indicator that both have, on the same grid, where the answer rests on observations.

    Raises CubeError if the two share no months or no pixels.
    """
    names = [name for name in map(str, data.data_vars) if name in truth and f"{name}_n_seen" in data]
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
    return Accuracy(name, float(bias), float(np.sqrt(square)), int(n), library.indicators[name].unit)


def _look(name: str) -> Callable[[Day], np.ndarray]:
    """How to see an indicator on one day of the true world."""
    if name in SEEN_OTHERWISE:
        return SEEN_OTHERWISE[name]
    indicator = library.indicators[name]
    if not indicator.bands or not {*indicator.bands} <= {*BANDS, "lst"}:
        raise CubeError(
            f"the simulated world cannot tell {name!r}: it has the bands {', '.join(BANDS)} and lst, and {name} takes "
            f"{', '.join(indicator.bands) or 'other indicators'}"
        )
    return partial(_formula, name)


def _formula(name: str, day: Day) -> Floats:
    indicator = library.indicators[name]
    bands = (day.temperature if band == "lst" else day.snow_free(band) for band in indicator.bands)
    values: Floats = indicator.formula(*(xr.DataArray(band, dims=("y", "x")) for band in bands)).to_numpy()
    return values


def _month(
    world: World, ground: Ground, month: Slice, looks: Mapping[str, Callable[[Day], np.ndarray]]
) -> Mapping[str, Floats]:
    days = [ground.on(day) for day in _sampled(world, month)]
    snow = np.stack([day.snowy for day in days])
    found = {}
    for name, look in looks.items():
        values = _each(days, look)
        indicator = None if name == SNOW_SHARE else library.indicators[name]
        if indicator and "snow" in indicator.mask:
            values[snow] = np.nan
        found[name] = _median(values) if indicator and indicator.composite == "median" else _mean(values)
    return found


def _argument(
    truth: xr.Dataset, one: Input, reference: tuple[date, date], minimum_years: int, rural: xr.DataArray | None
) -> xr.DataArray:
    series = truth[one.indicator]
    match one.statistic:
        case "value" | "series":
            return series
        case "year_before":
            later = [time + pd.DateOffset(years=1) for time in series["time"].to_index()]
            return series.assign_coords(time=later).reindex(time=series["time"])
        case "rural":
            return series.where(rural).mean(("y", "x"))
        case "in_reference":
            first, last = map(np.datetime64, reference)
            return (series["time"] >= first) & (series["time"] <= last)
        case _:
            normal = climatology.reference(series, *reference, "month", minimum_years)
            return climatology.expected(series["time"], normal, "month")[one.statistic]


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
    total = np.nansum(values, axis=0, dtype=np.float64)
    return np.where(count > 0, np.round(total / np.maximum(count, 1), 4), np.nan).astype(np.float32)


def _still(ground: Ground) -> dict[str, tuple[tuple[str, str], np.ndarray, dict[str, object]]]:
    kinds = np.stack(list(ground.covers.values())).argmax(axis=0)
    codes = np.array([cover.code for cover in COVERS.values()], np.uint8)
    meanings = {"flag_values": codes.tolist(), "flag_meanings": " ".join(COVERS)}
    burned = {"long_name": "Simulated truth: burned by the fire"}
    return {
        "burned": (("y", "x"), (ground.burns > 0.5).astype(np.uint8), burned),
        "land_cover": (("y", "x"), codes[kinds], {"long_name": "Simulated truth: most common land cover", **meanings}),
    }


def _coordinates(grid: Grid, months: tuple[Slice, ...]) -> dict[str, object]:
    x, y = grid.axes()
    mapping = pyproj.CRS.from_user_input(CRS).to_cf()
    mapping["GeoTransform"] = f"{grid.left} {grid.resolution_m} 0 {grid.top} 0 {-grid.resolution_m}"
    times = pd.DatetimeIndex([month.start for month in months]).as_unit("ns")
    return {"time": times, "y": y, "x": x, "spatial_ref": ((), 0, mapping)}


def _labelled(world: World, data: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    for name in names:
        title, unit = "Share of the days with snow", "1"
        if name != SNOW_SHARE:
            title, unit = library.indicators[name].title.en, library.indicators[name].unit
        data[name].attrs = {"long_name": f"Simulated truth: {title}", "units": unit, "grid_mapping": "spatial_ref"}
    data["x"].attrs = {"standard_name": "projection_x_coordinate", "units": "m"}
    data["y"].attrs = {"standard_name": "projection_y_coordinate", "units": "m"}
    data.attrs = {
        "title": "Simulated truth",
        "simulated": "true",
        "burn_day": world.burn_day.isoformat(),
        "sampled_every_days": SAMPLE_DAYS,
    }
    return data
