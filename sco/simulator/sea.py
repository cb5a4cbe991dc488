"""A sea whose usual temperature, heatwaves and rise are known, as daily grids in the manner of OISST and altimetry.

Its temperature is a turn of the year and what the weather adds, which keeps a MEMORY from day to day: so the mean and
the 90th percentile of every day are known, and with them where a heatwave is. One more is added, hotter than weather
makes them. Its level has an annual and a semi-annual wave, eddies that keep a memory too, and rises by so much in each
column. What is written of both has noise.
"""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.special import ndtri

from sco.period import divide
from sco.simulator.cells import Cells, days_of, times_of, write_items

CELLS = Cells(west=4.0, north=43.0, step=0.25, shape=(6, 8))
FIRST, LAST = date(2014, 1, 1), date(2019, 12, 31)
"""Of the temperature."""
MEAN, TURN, WARMEST = 17.0, 5.0, 230
"""Degrees; degrees of the turn of the year; day of the year."""
WEATHER, MEMORY = 0.8, 0.9
"""Kelvin; share of a day's departure that the next one keeps."""
EVENT = (date(2019, 6, 20), date(2019, 7, 24))
HEAT = 3.0
"""Kelvin that the event adds, growing from nothing and falling back, in the western half."""
DEGREES_ERROR = 0.1
SHORTEST, LONGEST_GAP = 5, 2
"""Days of an event, and of a gap in it."""
LEVELS_FROM, LEVELS_TO, LEVELS_EVERY = date(1993, 1, 1), date(2012, 12, 31), 5
"""Of the sea level, and its days between two grids."""
RISES = np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0])
"""Millimetres a year, by column."""
MEAN_TOPOGRAPHY = 0.12
EDDIES, EDDY_MEMORY = 0.04, 0.97
"""Metres; share of a day's eddy that the next one keeps."""
METRES_ERROR = 0.02
A_YEAR = 365.2425
Values = NDArray[np.float64]


def true_temperature() -> xr.Dataset:
    """The truth, (time, y, x), a value a day: `sst`, `sst_anomaly`, and the four of `marine_heatwave`."""
    days = days_of(FIRST, LAST)
    sst, usual = _temperature(days), _usual(days)
    threshold = usual + WEATHER * ndtri(0.9)
    lasted = np.apply_along_axis(_lasted, 0, sst > threshold)
    above = sst - usual
    layers = {
        "sst": sst,
        "sst_anomaly": above,
        "marine_heatwave": lasted > 0,
        "marine_heatwave_days": lasted,
        "marine_heatwave_intensity": np.where(lasted > 0, above, 0),
        "marine_heatwave_category": np.where(lasted > 0, np.clip(above // (threshold - usual), 0, 4), 0),
    }
    return _dataset(layers, times_of(days))


def write_temperature(folder: Path) -> Path:
    """Write a file a day under `folder`/sst and the items of all beside; the items' file."""
    days = days_of(FIRST, LAST)
    noise = np.random.default_rng([7, 4]).normal(0, DEGREES_ERROR, (len(days), *CELLS.shape))
    stored = np.round((_temperature(days) + noise) * 100).astype(np.int16)
    (folder / "sst").mkdir(parents=True)
    profile = {"driver": "GTiff", "height": CELLS.shape[0], "width": CELLS.shape[1], "count": 1, "dtype": "int16"}
    place = {"crs": "EPSG:4326", "transform": CELLS.transform, "nodata": -999}
    items = []
    for day, values in zip(days, stored, strict=True):
        name = f"oisst-avhrr-v02r01.{day:%Y%m%d}"
        path = folder / "sst" / f"{name}.tif"
        with rasterio.open(path, "w", **profile, **place) as file:
            file.write(values, 1)
        assets = {"sst": {"href": str(path), "raster:bands": [{"nodata": -999, "scale": 0.01, "data_type": "int16"}]}}
        items.append(CELLS.item(name, "noaa-cdr-sea-surface-temperature-optimum-interpolation", day, assets))
    return write_items(items, folder / "sst.json")


def true_levels() -> xr.Dataset:
    """The truth: `sea_level` and `sea_level_anomaly` of each month in m, `sea_level_trend` in mm a year at the last."""
    months = divide(LEVELS_FROM, LEVELS_TO, "month")
    days = days_of(LEVELS_FROM, LEVELS_TO)
    of_days = xr.DataArray(_level(days), {"time": times_of(days), **CELLS.axes}, ("time", "y", "x"))
    level = of_days.resample(time="MS").mean().values
    trend = np.full(level.shape, np.nan)
    trend[-1] = RISES
    layers = {"sea_level": level, "sea_level_anomaly": level - MEAN_TOPOGRAPHY, "sea_level_trend": trend}
    return _dataset(layers, times_of(months))


def write_levels(folder: Path) -> Path:
    """Write one file under `folder`/levels and the items of all days in it beside; the items' file."""
    days = days_of(LEVELS_FROM, LEVELS_TO, LEVELS_EVERY)
    noise = np.random.default_rng([7, 6]).normal(0, METRES_ERROR, (len(days), *CELLS.shape))
    adt = (_level(days_of(LEVELS_FROM, LEVELS_TO))[::LEVELS_EVERY] + noise)[:, ::-1].astype(np.float32)
    (folder / "levels").mkdir(parents=True)
    path = folder / "levels" / "dt_med_allsat_phy_l4.nc"
    dims = ("time", "latitude", "longitude")
    data = xr.Dataset(
        {"adt": (dims, adt, {"units": "m"}), "sla": (dims, adt - np.float32(MEAN_TOPOGRAPHY), {"units": "m"})},
        {"time": times_of(days), "latitude": CELLS.axes["y"][::-1], "longitude": CELLS.axes["x"]},
        {"title": "Simulated sea level"},
    )
    data["latitude"].attrs["units"], data["longitude"].attrs["units"] = "degrees_north", "degrees_east"
    data.to_netcdf(path)
    assets = {"data": {"href": str(path)}}
    items = [CELLS.item(f"dt_med_allsat_phy_l4_{day:%Y%m%d}", "sea-level", day, assets) for day in days]
    return write_items(items, folder / "levels.json")


def _usual(days: list[date]) -> Values:
    """The climate of each day, (day, 1, 1)."""
    turn = np.array([day.timetuple().tm_yday - WARMEST for day in days]) / A_YEAR
    return np.asarray(MEAN + TURN * np.cos(2 * np.pi * turn))[:, None, None]


def _temperature(days: list[date]) -> Values:
    weather = WEATHER * _remembering(len(days), MEMORY, 3)
    first, last = EVENT
    share = np.array([(day - first).days / (last - first).days for day in days])
    heat = np.where((share > 0) & (share < 1), HEAT * np.sin(np.pi * share), 0)
    west = np.arange(CELLS.shape[1]) < CELLS.shape[1] // 2
    return np.asarray(_usual(days) + weather + heat[:, None, None] * west)


def _level(days: list[date]) -> Values:
    years = np.array([(day - LEVELS_FROM).days for day in days]) / A_YEAR
    waves = 0.06 * np.cos(2 * np.pi * (years - 0.75)) + 0.01 * np.cos(4 * np.pi * (years - 0.1))
    rise = RISES * years[:, None] / 1000
    level = MEAN_TOPOGRAPHY + waves[:, None] + rise
    return np.asarray(level[:, None] + EDDIES * _remembering(len(days), EDDY_MEMORY, 5))


def _remembering(days: int, memory: float, seed: int) -> Values:
    """Noise of variance 1 of which each day keeps a share for the next, (day, y, x)."""
    shocks = np.random.default_rng([7, seed]).normal(0, np.sqrt(1 - memory**2), (days, *CELLS.shape))
    shocks[0] /= np.sqrt(1 - memory**2)
    return np.asarray(lfilter([1], [1, -memory], shocks, axis=0))


def _lasted(warm: NDArray[np.bool_]) -> NDArray[np.int64]:
    """By day, how many days its heatwave has lasted; 0 outside. Hobday et al. 2016."""
    spells: list[tuple[int, int]] = []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], warm, [False]]).astype(int)))
    for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if end - start < SHORTEST:
            continue
        if spells and start - spells[-1][1] <= LONGEST_GAP:
            spells[-1] = spells[-1][0], end
        else:
            spells.append((start, end))
    lasted = np.zeros(len(warm), np.int64)
    for start, end in spells:
        lasted[start:end] = np.arange(1, end - start + 1)
    return lasted


def _dataset(layers: dict[str, Any], times: NDArray[np.datetime64]) -> xr.Dataset:
    coords: dict[str, Any] = {"time": times, **CELLS.axes}
    return xr.Dataset({name: (("time", "y", "x"), np.asarray(one, float)) for name, one in layers.items()}, coords)
