"""Short periods become seasons and years, and what is missing is not overlooked. Lazy in, lazy out.

The rules for missing values have xclim's names and meanings, https://doi.org/10.21105/joss.05415.
"""

from datetime import date, timedelta
from typing import Literal

import numpy as np
import xarray as xr
from xarray import DataArray

from sco.climatology import step_of
from sco.errors import CubeError
from sco.period import Every, Slice, divide, slice_of

Missing = Literal["any", "wmo", "pct", "at_least_n", "skip"]
"""When a season or year has no value: `any` of its periods is missing; `wmo`, a month lacks 11 days or 5 in a row, or
a longer one a month (WMO-No. 1203); `pct`, the missing share is `tolerance` or more; `at_least_n`, fewer than `n` are
there; `skip`, none is."""
How = Literal["mean", "sum", "min", "max", "std", "count"]
LENGTHS: tuple[Every, ...] = ("day", "dekad", "month", "season", "year")
WMO_DAYS = 11
WMO_IN_A_ROW = 5


def aggregate(
    series: DataArray,
    to: Every,
    how: How = "mean",
    missing: Missing = "any",
    *,
    tolerance: float = 0.2,
    n: int = 1,
) -> DataArray:
    """One value a longer period, at its start; NaN where the rule finds too much missing.

    `series` has a `time` dimension of starts of days, dekads, months or seasons. A period that the axis does not
    reach is as missing as one that is NaN, so that half a year at the end is no year. Raises CubeError where `to` is
    not made of whole periods, as a year is not of seasons, or where `wmo` is asked of dekads or seasons.
    """
    every = step_of(series["time"])
    if LENGTHS.index(every) > LENGTHS.index(to) or (every, to) == ("season", "year"):
        raise CubeError(f"a {to} is not made of whole {every}s; take the series of a shorter period")
    days = [day.date() for day in series.indexes["time"]]
    wholes = divide(days[0], days[-1], to)
    values = [_one(series, whole, every, how, missing, tolerance, n) for whole in wholes]
    starts = np.array([whole.start for whole in wholes], "datetime64[ns]")
    joined = xr.concat(values, dim="time").assign_coords(time=starts)
    return joined.transpose(*series.dims).astype(np.result_type(series.dtype, np.float32))


def error(
    errors: DataArray,
    to: Every,
    how: Literal["mean", "sum"] = "mean",
    missing: Missing = "any",
    *,
    tolerance: float = 0.2,
    n: int = 1,
) -> DataArray:
    """The standard error of what `aggregate` makes of values that are wrong by these, independently of one another.

    Root of the sum of their squares, and of a mean that over their number; NaN where the rule finds too many errors
    missing. What the values have in common, as a calibration that is off, does not become less by adding them up.
    JCGM 100:2008, 5.1.2, https://doi.org/10.59161/JCGM100-2008E.
    """
    squares = aggregate(errors**2, to, "sum", missing, tolerance=tolerance, n=n)
    total: DataArray = squares**0.5
    return total / aggregate(errors, to, "count", "skip") if how == "mean" else total


def _one(
    series: DataArray, whole: Slice, every: Every, how: How, missing: Missing, tolerance: float, n: int
) -> DataArray:
    expected = divide(whole.start, whole.end - timedelta(days=1), every)
    starts = np.array([one.start for one in expected], "datetime64[ns]")
    there = series.reindex(time=starts)
    known = there.notnull()
    match missing:
        case "any":
            lacks = ~known.all("time")
        case "wmo":
            lacks = _by_wmo(known, [one.start for one in expected], every)
        case "pct":
            lacks = (~known).mean("time") >= tolerance
        case "at_least_n":
            lacks = known.sum("time") < n
        case "skip":
            lacks = ~known.any("time")
    return _reduced(there, how).where(~lacks)


def _reduced(there: DataArray, how: How) -> DataArray:
    match how:
        case "mean" | "sum":
            # float32 would be added up in float32
            reduced: DataArray = getattr(there, how)("time", dtype="float64")
            return reduced
        case "std":
            return there.std("time", ddof=1, dtype="float64")
        case "count":
            return there.count("time").astype("float64")
        case _:
            extreme: DataArray = getattr(there, how)("time")
            return extreme


def _by_wmo(known: DataArray, starts: list[date], every: Every) -> DataArray:
    """Missing by the rule for a month of days; a longer period where any of its months is."""
    if every not in ("day", "month"):
        raise CubeError(f"the rule 'wmo' counts days or months, and the series has a {every} a step; take 'pct'")
    if every == "month":
        return ~known.all("time")
    months = np.array([slice_of(day, "month").start for day in starts], "datetime64[D]")
    each = [_month(known.isel(time=np.flatnonzero(months == one))) for one in np.unique(months)]
    return xr.concat(each, dim="month").any("month")


def _month(known: DataArray) -> DataArray:
    gone = ~known
    in_a_row = gone.rolling(time=WMO_IN_A_ROW).sum() == WMO_IN_A_ROW
    return (gone.sum("time") >= WMO_DAYS) | in_a_row.any("time")
