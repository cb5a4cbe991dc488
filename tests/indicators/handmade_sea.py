"""A sea that was built by hand, so that its marine heatwaves are known; and one with weather that nobody built."""

import numpy as np
import pandas as pd
import xarray as xr

TIMES = pd.date_range("2001-01-01", "2006-12-31")
REFERENCE = TIMES.year <= 2004
WARM = {
    "four days are none": ("2005-02-01", 4),
    "five days are one": ("2005-03-01", 5),
    "six and five with a gap of two are one": ("2005-05-01", 6),
    "its second half": ("2005-05-09", 5),
    "five and five with a gap of three are two": ("2005-07-01", 5),
    "its second": ("2005-07-09", 5),
    "five and four with a gap of one: the four do not count": ("2005-09-01", 5),
    "its four": ("2005-09-07", 4),
    "seven days, of which one is not seen, are none": ("2005-10-01", 7),
}
EVENTS = {
    "2005-03-01": 5, "2005-05-01": 13, "2005-07-01": 5, "2005-07-09": 5, "2005-09-01": 5, "2006-08-01": 6,
}  # fmt: skip
"""First day -> days, as they were built."""


def sea() -> np.ndarray:
    """Five degrees of season, and until 2003 a wiggle of half a degree every eleven days: then it is calm."""
    day = np.asarray(TIMES.day_of_year) - 1
    wiggle = 0.5 * np.sin(2 * np.pi * np.arange(len(TIMES)) / 11) * (TIMES.year <= 2003)
    return 15 + 5 * np.sin(2 * np.pi * (day - 100) / 366) + wiggle


def built() -> xr.DataArray:
    values = sea()
    for first, days in WARM.values():
        start = TIMES.get_loc(first)
        values[start : start + days] += 3.0
    values[TIMES.get_loc("2005-10-04")] = np.nan
    start = TIMES.get_loc("2006-08-01")
    values[start : start + 6] += [2, 4, 8, 6, 3, 2]
    return xr.DataArray(values[:, None, None], {"time": TIMES}, ("time", "y", "x"))


def weathered() -> xr.DataArray:
    """The same days with a turn of the year, weather that keeps 0.9 of itself, and some days not seen; float32."""
    random = np.random.default_rng(16)
    shocks = 0.35 * random.normal(size=len(TIMES))
    weather = np.zeros(len(TIMES))
    for day in range(1, len(TIMES)):
        weather[day] = 0.9 * weather[day - 1] + shocks[day]
    values = 15 + 5 * np.sin(2 * np.pi * (np.asarray(TIMES.day_of_year) - 101) / 365.25) + weather
    values[random.random(len(TIMES)) < 0.01] = np.nan
    rounded = np.round(values, 2).astype("float32")
    return xr.DataArray(rounded[:, None, None], {"time": TIMES}, ("time", "y", "x"))


SEAS = {"built": built, "weathered": weathered}


def events_of(found: xr.Dataset) -> pd.DataFrame:
    """What `heatwaves` found at one place, an event a row, by its first day: the words are the reference's."""
    series = found.isel(y=0, x=0).to_dataframe()
    lasted = series["days"].to_numpy().copy()
    for day in np.flatnonzero(np.isnan(lasted))[::-1]:  # not seen, and in an event if that goes on the day after
        lasted[day] = max(lasted[day + 1] - 1, 0)
    ends = np.flatnonzero((lasted > 0) & ~(np.append(lasted[1:], 0) > lasted))
    rows = [series.iloc[int(end - lasted[end]) + 1 : end + 1] for end in ends]
    peaks = [event.loc[event["intensity"].idxmax()] for event in rows]
    table = {
        "duration": lasted[ends],
        "intensity_max": [event["intensity"].max() for event in rows],
        "intensity_mean": [event["intensity"].fillna(0).mean() for event in rows],  # as usual where it is not seen
        "category": [event["category"].max() for event in rows],
        "climate": [peak["climate"] for peak in peaks],
        "threshold": [peak["threshold"] for peak in peaks],
    }
    return pd.DataFrame(table, pd.DatetimeIndex([event.index[0] for event in rows], name="time"))
