"""What is usual for the time of year, how sure that is, and how far from it a value is. Lazy in, lazy out."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray import DataArray, Dataset

from sco.model import Words
from sco.period import Every, slice_of
from sco.series import Columns, maps_of, series_of

PART = "part"
"""Dimension of a reference: the place of a period in its year, from 1; month 7 is July, season 1 is December on."""
NORMAL_YEARS = 30
"""Length of a climatological normal. WMO-No. 1203, https://library.wmo.int/idurl/4/55797"""
Departure = Literal["difference", "ratio", "percent", "z_score"]
"""How far a value is from the mean: minus it, divided by it, in percent of it, in standard deviations."""


def reference(
    series: DataArray,
    start: date,
    end: date,
    every: Every,
    minimum_years: int = 2,
    *,
    percentiles: Sequence[float] = (10, 90),
    n_seen: DataArray | None = None,
    minimum_seen: int = 1,
) -> Dataset:
    """What is usual in each part of the year, over the periods that start from `start` to `end`; both days count.

    mean, std (n - 1), min, max, p10, p90 (or the `percentiles` asked for), n_years, and standard_error, of the mean.
    `series` has a `time` dimension; the result has `part` in its place. A year without a value does not count, nor
    one whose value was made from fewer than `minimum_seen` observations, where `n_seen` tells. All is NaN where fewer
    than `minimum_years` count, and std needs two. Its attributes name the years, and warn where they are few.
    """
    seen = series if n_seen is None else series.where(n_seen >= minimum_seen)
    chosen = seen.sel(time=slice(np.datetime64(start), np.datetime64(end)))
    codes = parts(chosen["time"], every)
    present = np.unique(codes.values)
    years = [chosen.isel(time=np.flatnonzero(codes.values == code)) for code in present]
    usual = partial(_normal, minimum_years=minimum_years, percentiles=tuple(percentiles))
    normal = xr.concat([usual(values) for values in years], dim=PART) if years else _nothing(usual(chosen))
    return normal.assign_coords({PART: present}).drop_attrs(deep=False).assign_attrs(described(start, end))


def anomaly(series: DataArray, normal: Dataset, every: Every, how: Departure = "difference") -> DataArray:
    """How far `series` is from the mean of its part of the year; NaN where there is no reference.

    A difference is in the unit of `series`; ratio, percent and z-score have none of it. NaN where the mean, or for
    the z-score the standard deviation, is 0. What the reference's attributes say of it is said here, too.
    """
    usual = expected(series["time"], normal, every)
    unit = {"ratio": "1", "percent": "percent", "z_score": "1"}.get(how) or series.attrs.get("units")
    attrs = ({"units": unit} if unit else {}) | normal.attrs  # and no standard name, which is of the values themselves
    return _departure(series, usual["mean"], usual["std"], how).drop_attrs(deep=False).assign_attrs(attrs)


def _departure(series: DataArray, mean: DataArray, spread: DataArray, how: Departure) -> DataArray:
    match how:
        case "difference":
            return series - mean
        case "ratio":
            return series / mean.where(mean != 0)
        case "percent":
            return 100 * (series - mean) / abs(mean.where(mean != 0))
        case "z_score":
            return (series - mean) / spread.where(spread > 0)


def percentile(series: DataArray, start: date, end: date, every: Every, minimum_years: int = 2) -> DataArray:
    """Where each value stands among those of the same part of the year in the reference, from 0 to 100 percent.

    The share of the reference years that are lower, equal ones counting half; NaN where fewer than `minimum_years`
    have a value.
    """
    days = series["time"].values
    held = (days >= np.datetime64(start)) & (days <= np.datetime64(end))
    codes = parts(series["time"], every).values
    kernel = partial(_standing, codes=codes, held=held, fewest=minimum_years)
    return series_of(series, kernel).assign_attrs(units="percent", **described(start, end))


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


LONGEST: dict[Every, int] = {"day": 1, "dekad": 11, "month": 31, "season": 92}
"""Days of the longest period of each kind but the year."""


def step_of(time: DataArray) -> Every:
    """What the periods are whose starts are on a time axis: what its attribute `every` says, or else its steps.

    The year where there is but one and nothing is said.
    """
    if "every" in time.attrs:
        said: Every = time.attrs["every"]
        return said
    days = np.diff(time.values) / np.timedelta64(1, "D")
    step = float(np.median(days)) if days.size else np.inf
    return next((every for every, longest in LONGEST.items() if step <= longest), "year")


def days_of(time: DataArray, every: Every) -> NDArray[np.float64]:
    """How many days each period has, by the days that they start."""
    slices = [slice_of(day.date(), every) for day in time.to_index()]
    return np.array([(one.end - one.start).days for one in slices], np.float64)


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


def described(start: date, end: date) -> dict[str, str]:
    """What the metadata of all that is measured against a reference says of it: its years, and the warning if short."""
    warning = short_record_warning(start, end)
    years = {"reference_period": f"{start}/{end}"}
    return years | ({"warning_en": warning.en, "warning_fr": warning.fr} if warning else {})


def standard_error(
    spread: DataArray, count: DataArray, how: Literal["mean", "median"] = "mean", autocorrelation: Any = 0.0
) -> DataArray:
    """Of a mean or median of `count` values with the standard deviation `spread`; NaN where there is no value.

    `autocorrelation`, from one value to the next, leaves fewer that count: n (1 - r) / (1 + r), and never more than
    n. Wilks 2019, Statistical Methods in the Atmospheric Sciences, 5.2.4, https://doi.org/10.1016/C2017-0-03921-6.
    A median of normal values is less sure than their mean by the square root of half pi.
    """
    effective = effective_count(count, autocorrelation)
    factor = np.sqrt(np.pi / 2) if how == "median" else 1.0
    return (factor * spread / np.sqrt(effective.where(count > 0))).astype(spread.dtype)


def effective_count(count: DataArray, autocorrelation: Any) -> DataArray:
    """How many independent values `count` autocorrelated ones are worth: at least 1, and no more than there are."""
    share = xr.zeros_like(count, float) + (1 - autocorrelation) / (1 + autocorrelation)
    fewest = np.minimum(count, 1)
    effective: DataArray = (count * share).where(share < 1, count).clip(fewest, count)
    return effective


def autocorrelation(series: DataArray) -> DataArray:
    """Correlation of each value with the next along `time`, over the pairs that have both; NaN for fewer than 3."""
    return maps_of(series, _lag_one, ("r",))["r"]


def _normal(values: DataArray, minimum_years: int, percentiles: tuple[float, ...]) -> Dataset:
    # In double precision inside: a mean of float32 along time would be added up in float32.
    names = ("mean", "std", "min", "max", *(f"p{one:g}" for one in percentiles), "n_years", "standard_error")
    usual = maps_of(values, partial(_usual, minimum_years=minimum_years, percentiles=percentiles), names)
    return usual.assign(n_years=usual["n_years"].astype("int64"))


def _usual(columns: Columns, minimum_years: int, percentiles: tuple[float, ...]) -> Columns:
    there = ~np.isnan(columns)
    count = there.sum(0)
    filled = np.where(there, columns, 0.0).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(0) / count
        spread = np.sqrt((np.where(there, filled - mean, 0.0) ** 2).sum(0) / (count - 1))
    spread[count < 2] = np.nan
    ordered = np.sort(columns, axis=0)  # NaN last
    ranked = [_at(ordered, count, share / 100) for share in (0, 100, *percentiles)]
    statistics = np.stack([mean, spread, *ranked, np.empty_like(mean), spread / np.sqrt(np.maximum(count, 1))])
    statistics[:, count < max(minimum_years, 1)] = np.nan
    statistics[-2] = count
    return statistics


def _at(ordered: Columns, count: NDArray[np.int64], share: float) -> NDArray[np.float64]:
    """The quantile of the first `count` of each ordered column, linear between two; as numpy's default has it."""
    place = np.maximum(count - 1, 0) * share
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    if ordered.shape[0] == 0:
        return np.full(count.shape, np.nan)
    low = np.take_along_axis(ordered, below[None], 0)[0].astype(np.float64)
    high = np.take_along_axis(ordered, above[None], 0)[0].astype(np.float64)
    quantile: NDArray[np.float64] = low + (high - low) * (place - below)
    return quantile


def _standing(columns: Columns, codes: NDArray[Any], held: NDArray[np.bool_], fewest: int) -> Columns:
    result = np.full_like(columns, np.nan)
    for code in np.unique(codes):
        here = np.flatnonzero(codes == code)
        years = columns[here[held[here]]]
        count = (~np.isnan(years)).sum(0)
        for step in here:
            lower = (years < columns[step]).sum(0) + 0.5 * (years == columns[step]).sum(0)
            known = (count >= max(fewest, 1)) & ~np.isnan(columns[step])
            result[step, known] = 100 * lower[known] / count[known]
    return result


def _lag_one(columns: Columns) -> Columns:
    now, after = columns[:-1].astype(np.float64), columns[1:].astype(np.float64)
    both = ~np.isnan(now) & ~np.isnan(after)
    count = both.sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (np.where(both, one - np.where(both, one, 0).sum(0) / count, 0) for one in (now, after))
        r = (first * second).sum(0) / np.sqrt((first**2).sum(0) * (second**2).sum(0))
    return np.where(count >= 3, r, np.nan)[None]


def _nothing(normal: Dataset) -> Dataset:
    """The same statistics of no part of the year at all."""
    return normal.expand_dims({PART: 1}).isel({PART: slice(0, 0)})
