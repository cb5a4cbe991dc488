"""What is usual for the time of year, and how far from it a value is. Lazy in, lazy out."""

from datetime import date

import numpy as np
import xarray as xr
from xarray import DataArray, Dataset

from sco.model import Words
from sco.period import Every

PART = "part"
"""Dimension of a reference: the place of a period in its year, from 1; month 7 is July, season 1 is December on."""
NORMAL_YEARS = 30
"""Length of a climatological normal. WMO-No. 1203, https://library.wmo.int/idurl/4/55797"""


def reference(series: DataArray, start: date, end: date, every: Every, minimum_years: int = 2) -> Dataset:
    """mean, std (n - 1) and n_years of each part of the year, over the periods that start from `start` to `end`.

    Both days count. `series` has a `time` dimension; the result has `part` in its place. Years without a value do not
    count; mean and std are NaN where fewer than `minimum_years` have one, and std needs two.
    """
    chosen = series.sel(time=slice(np.datetime64(start), np.datetime64(end)))
    codes = parts(chosen["time"], every)
    present = np.unique(codes.values)
    years = [chosen.isel(time=np.flatnonzero(codes.values == code)) for code in present]
    normal = xr.concat([_normal(values, minimum_years) for values in years], dim=PART) if years else _nothing(chosen)
    return normal.assign_coords({PART: present})


def anomaly(series: DataArray, normal: Dataset, every: Every) -> DataArray:
    """`series` minus the mean of its part of the year; NaN where there is no reference."""
    usual = expected(series["time"], normal, every)["mean"]
    return (series - usual).assign_attrs(series.attrs)


def expected(time: DataArray, normal: Dataset, every: Every) -> Dataset:
    """The reference laid out along `time`: the same variables, NaN for parts of the year that it lacks."""
    codes = parts(time, every)
    laid = normal.reindex({PART: np.unique(codes.values)}).sel({PART: codes})
    return laid.drop_vars(PART)


def parts(time: DataArray, every: Every) -> DataArray:
    """The place of each period in its year, from 1; days are numbered as in a leap year."""
    match every:
        case "day":
            leap = time.dt.dayofyear + (~time.dt.is_leap_year & (time.dt.month > 2))
            return leap.astype("int64")
        case "dekad":
            return (time.dt.month - 1) * 3 + np.minimum((time.dt.day - 1) // 10, 2) + 1
        case "month":
            return time.dt.month
        case "season":
            return time.dt.month % 12 // 3 + 1
        case "year":
            return xr.ones_like(time.dt.year)


def short_record_warning(start: date, end: date) -> Words | None:
    """What to tell a reader where the reference is shorter than a climatological normal; None where it is not."""
    years = max(1, round(((end - start).days + 1) / 365.25))
    if years >= NORMAL_YEARS:
        return None
    return Words(
        f"The reference covers {years} {'year' if years == 1 else 'years'}; a climatological normal takes "
        f"{NORMAL_YEARS} (WMO). Read differences from it as differences from those years, not from the climate.",
        f"La référence couvre {years} {'an' if years == 1 else 'ans'} ; une normale climatique en demande "
        f"{NORMAL_YEARS} (OMM). Les écarts se lisent par rapport à ces années, et non par rapport au climat.",
    )


def _normal(values: DataArray, minimum_years: int) -> Dataset:
    count = values.count("time")
    enough = count >= minimum_years
    deviation = values.std("time", ddof=1) if values.sizes["time"] > 1 else values.mean("time") * np.nan
    return Dataset(
        {
            "mean": values.mean("time").where(enough),
            "std": deviation.where(enough & (count > 1)),
            "n_years": count,
        }
    )


def _nothing(series: DataArray) -> Dataset:
    empty = series.rename(time=PART).drop_vars(PART, errors="ignore")
    return Dataset({"mean": empty, "std": empty, "n_years": empty.astype("int64")})
