"""Marine heatwaves of a hand-built sea whose events are known, and of Hobday's definition spelt out in plain Python."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from indicators.marine_heatwave import heatwaves
from sco import library

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
    day = np.asarray(TIMES.dayofyear) - 1
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


def events(days: xr.DataArray) -> dict[str, int]:
    """First day -> days it lasted: the days count up from 1 in each event."""
    counted = days.values[:, 0, 0]
    firsts = np.flatnonzero(counted == 1)
    lasts = [next(i for i in range(first, len(counted)) if not counted[i + 1] > counted[i]) for first in firsts]
    return {str(TIMES[one].date()): int(counted[last]) for one, last in zip(firsts, lasts, strict=True)}


def in_plain_python(series: xr.DataArray, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Climate and threshold of each day of a year with a 29 February: Hobday et al. 2016, 2.1, word by word."""
    days = [day.date() for day in series.indexes["time"]]
    values = dict(zip(days, series.values.ravel(), strict=True))
    inside = {day for day, one in zip(days, held, strict=True) if one}
    climate, threshold = [], []
    for place in range(366):
        month_day = date(2004, 1, 1) + timedelta(days=place)
        pool = []
        for year in sorted({day.year for day in inside}):
            if (month_day.month, month_day.day) == (2, 29):
                break
            middle = date(year, month_day.month, month_day.day)
            around = [middle + timedelta(days=reach) for reach in range(-5, 6)]
            pool += [values[day] for day in around if day in inside and not np.isnan(values[day])]
        climate.append(np.mean(pool) if pool else np.nan)
        threshold.append(np.percentile(pool, 90) if pool else np.nan)
    for usual in (climate, threshold):
        usual[59] = (usual[58] + usual[60]) / 2
    smooth = [np.convolve(np.tile(usual, 3), np.ones(31) / 31, "same")[366:732] for usual in (climate, threshold)]
    return smooth[0], smooth[1]


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    return heatwaves(built(), xr.DataArray(REFERENCE, {"time": TIMES}, ("time",)))


def test_the_known_events_and_no_others(found):
    assert events(found["days"]) == EVENTS


def test_climate_and_threshold_are_hobdays(found):
    climate, threshold = in_plain_python(built(), REFERENCE)
    leap = np.array([(date(2004, day.month, day.day) - date(2003, 12, 31)).days - 1 for day in TIMES])
    np.testing.assert_allclose(found["climate"].values[:, 0, 0], climate[leap], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found["threshold"].values[:, 0, 0], threshold[leap], rtol=0, atol=1e-10)


def test_an_event_may_cross_the_leap_day():
    # the year 2004 as the one after a reference of 2001 to 2003
    values = sea()
    start = TIMES.get_loc("2004-02-27")
    values[start : start + 5] += 3
    series = xr.DataArray(values[:, None, None], {"time": TIMES}, ("time", "y", "x"))
    crossed = heatwaves(series, xr.DataArray(TIMES.year <= 2003, {"time": TIMES}, ("time",)))
    assert events(crossed["days"]) == {"2004-02-27": 5}
    assert float(crossed["days"].sel(time="2004-02-29").item()) == 3


def test_intensity_and_category_follow_the_distance_to_the_threshold(found):
    event = found.sel(time=slice("2006-08-01", "2006-08-06")).isel(y=0, x=0)
    above = built().sel(time=event["time"]).isel(y=0, x=0) - event["climate"]
    np.testing.assert_allclose(event["intensity"], above, atol=1e-12)
    margin = event["threshold"] - event["climate"]
    assert event["category"].values.tolist() == np.clip(above // margin, 0, 4).values.tolist()
    assert float(event["category"].max()) == 4
    assert float(event["intensity"].max()) == pytest.approx(8, abs=0.6)


def test_a_gap_belongs_to_the_event_and_has_no_category(found):
    gap = found.sel(time=slice("2005-05-07", "2005-05-08")).isel(y=0, x=0)
    assert gap["days"].values.tolist() == [7, 8]
    assert gap["category"].values.tolist() == [0, 0]
    assert (abs(gap["intensity"]) < 0.6).all()


def test_outside_of_events_is_0_and_not_seen_is_nan(found):
    quiet = found.sel(time=slice("2001-01-01", "2004-12-31"))
    assert float(quiet[["days", "intensity", "category"]].max().to_array().max()) == 0
    unseen = found.sel(time="2005-10-04")[["days", "intensity", "category"]]
    assert unseen.isnull().to_array().all()
    nothing = heatwaves(built() * np.nan, xr.DataArray(REFERENCE, {"time": TIMES}, ("time",)))
    assert nothing.isnull().to_array().all()


def test_a_short_reference_gives_no_threshold():
    two_years = heatwaves(built(), xr.DataArray(TIMES.year <= 2002, {"time": TIMES}, ("time",)))
    assert two_years["days"].isnull().all()


def test_the_maps_are_of_one_definition(found):
    held = xr.DataArray(REFERENCE, {"time": TIMES}, ("time",))
    lazy = built().astype("float32").chunk(time=400)
    names = {"days": "days", "intensity": "intensity", "category": "category"}
    for suffix, name in names.items():
        result = library.indicators[f"marine_heatwave_{suffix}"].formula(lazy, held)
        assert result.chunks is not None
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, found[name], atol=2e-5)
    happening = library.indicators["marine_heatwave"].formula(lazy, held)
    assert float(happening.sum()) == sum(EVENTS.values())


def test_of_months_each_above_the_90th_percentile_of_its_own():
    times = pd.date_range("1991-01-01", "2021-12-01", freq="MS")
    values = np.asarray(times.month) + np.asarray(times.year - 1991) % 10 * 0.1
    series = xr.DataArray(values[:, None, None].astype(float), {"time": times}, ("time", "y", "x"))
    series.loc[{"time": slice("2021-07-01", "2021-08-01")}] += 5
    found = heatwaves(series, xr.DataArray(times.year <= 2020, {"time": times}, ("time",)))
    # in each month of 30 years the three with 0.9 are above the 90th percentile, 0.81
    assert float(found["threshold"].sel(time="2021-07-01").item()) == pytest.approx(7.81)
    assert found["days"].sel(time=slice("2021-06-01", "2021-09-01")).values.ravel().tolist() == [0, 31, 62, 0]
    in_2000 = found["days"].sel(time=slice("2000-01-01", "2000-12-01")).values.ravel()
    assert in_2000[[0, 1, 11]].tolist() == [31, 60, 366]
