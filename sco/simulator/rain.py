"""Thirty years of rain whose distribution is known, as daily grids in the manner of CHIRPS.

The rain of a month follows a gamma distribution with a shape of the month and one SCALE, so that the sum of several
months follows one too, and how unusual any sum is can be told exactly. It falls on the days of the month in shares
drawn at random. What is written is that rain as a satellite sees it: each day is wrong by a factor of its own.
"""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammainc, ndtri

from sco.period import divide
from sco.simulator.cells import Cells, days_of, times_of, write_items

CELLS = Cells(west=5.5, north=45.8, step=0.05, shape=(8, 8))
FIRST, LAST = date(1991, 1, 1), date(2020, 12, 31)
SCALE = 25.0
"""Millimetres: the mean rain of a month is its shape times this."""
SHAPES = 2.5 + 1.5 * np.cos(2 * np.pi * np.arange(12) / 12)
"""From January, the wettest, on; in July the rain is the most uneven."""
SPELLS = 0.3
"""The lower, the more of a month's rain falls on few of its days."""
DAILY_ERROR = 0.3
"""Standard deviation of the logarithm of the factor that a day is wrong by; the factors' mean is 1."""
MONTHS = divide(FIRST, LAST, "month")
ENDS = 8.21
Amounts = NDArray[np.float64]


def true_rain() -> xr.Dataset:
    """The truth, (time, y, x): `precipitation` of each month in mm, `spi_1`, `spi_3`, `spi_6` and `spi_12`."""
    totals = _totals()
    shapes = np.array([SHAPES[month.start.month - 1] for month in MONTHS])
    layers = {
        "precipitation": totals,
        **{f"spi_{months}": _unusual(totals, shapes, months) for months in (1, 3, 6, 12)},
    }
    coords: dict[str, Any] = {"time": times_of(MONTHS), **CELLS.axes}
    return xr.Dataset({name: (("time", "y", "x"), values) for name, values in layers.items()}, coords)


def write_rain(folder: Path) -> Path:
    """Write a file a year under `folder`/rain and the items of all days beside; the items' file."""
    days = days_of(FIRST, LAST)
    rain = _daily().astype(np.float32)
    (folder / "rain").mkdir(parents=True)
    axes = {"latitude": CELLS.axes["y"][::-1], "longitude": CELLS.axes["x"]}
    items = []
    for year in range(FIRST.year, LAST.year + 1):
        path = folder / "rain" / f"chirps-v2.0.{year}.days_p05.nc"
        here = [place for place, day in enumerate(days) if day.year == year]
        data = xr.Dataset(
            {"precip": (("time", "latitude", "longitude"), rain[here][:, ::-1], {"units": "mm/day"})},
            {"time": times_of(days[place] for place in here), **axes},
            {"title": "Simulated rain"},
        )
        data["latitude"].attrs["units"], data["longitude"].attrs["units"] = "degrees_north", "degrees_east"
        data.to_netcdf(path, encoding={"precip": {"_FillValue": np.float32(-9999)}})
        assets = {"data": {"href": str(path)}}
        named = ((days[place], f"chirps-v2.0.{days[place]:%Y.%m.%d}") for place in here)
        items += [CELLS.item(name, "chirps-daily", day, assets) for day, name in named]
    return write_items(items, folder / "rain.json")


def _totals() -> Amounts:
    random = np.random.default_rng([7, 1])
    return np.stack([random.gamma(SHAPES[month.start.month - 1], SCALE, CELLS.shape) for month in MONTHS])


def _daily() -> Amounts:
    """What the satellite says of each day, (day, y, x)."""
    random = np.random.default_rng([7, 2])
    return np.concatenate([_spread(total, month, random) for total, month in zip(_totals(), MONTHS, strict=True)])


def _spread(total: Amounts, month: Any, random: np.random.Generator) -> Amounts:
    shape = ((month.end - month.start).days, *CELLS.shape)
    shares = random.gamma(SPELLS, size=shape)
    error = np.exp(random.normal(-(DAILY_ERROR**2) / 2, DAILY_ERROR, shape))
    return np.asarray(total * shares / shares.sum(axis=0) * error)


def _unusual(totals: Amounts, shapes: Amounts, months: int) -> Amounts:
    """Normal deviates of the sums of so many months, from the distribution that they are drawn from."""
    found = np.full(totals.shape, np.nan)
    for place in range(months - 1, len(totals)):
        window = slice(place - months + 1, place + 1)
        probability = gammainc(shapes[window].sum(), totals[window].sum(axis=0) / SCALE)
        found[place] = np.clip(ndtri(probability), -ENDS, ENDS)
    return found
