"""Marine heatwaves of a hand-built sea whose events are known, and of Hobday's definition spelt out in plain Python."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from indicators.marine_heatwave import heatwaves
from sco import library
from tests.indicators.handmade_sea import EVENTS, REFERENCE, SEAS, TIMES, built, events_of, sea, weathered

OLIVER = pd.read_csv(Path(__file__).with_name("marine_heatwave_oliver.csv"), parse_dates=["time"])
"""What the reference implementation finds in the same seas, recorded by `benchmarks/heatwaves.py`."""


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


@pytest.mark.parametrize("name", SEAS)
def test_events_are_those_of_the_reference_implementation(name):
    held = xr.DataArray(REFERENCE, {"time": TIMES}, ("time",))
    ours = events_of(heatwaves(SEAS[name]().astype("float32"), held))
    theirs = OLIVER[OLIVER["sea"] == name].set_index("time").drop(columns="sea")
    assert ours.index.tolist() == theirs.index.tolist()
    assert len(theirs) == {"built": 6, "weathered": 13}[name]
    for column in theirs:
        np.testing.assert_allclose(ours[column], theirs[column], rtol=0, atol=1e-5, err_msg=column)


def test_a_day_that_was_not_seen_takes_no_threshold_from_its_neighbours():
    whole = weathered().isel(time=slice(0, 4 * 365))
    whole = whole.fillna(whole.interpolate_na("time"))
    three_years = xr.DataArray(whole["time"].dt.year <= 2003, dims="time")
    holed = whole.copy()
    holed.loc["2002-07-14"] = np.nan
    before, after = (heatwaves(one, three_years)["threshold"] for one in (whole, holed))
    assert after.notnull().all()
    assert 0 < float(abs(before - after).max()) < 0.05
    # of an ice cover of eleven days and more in one year of three nothing can be said on its middle day
    holed.loc[{"time": slice("2002-07-09", "2002-07-19")}] = np.nan
    assert heatwaves(holed, three_years)["threshold"].sel(time="2003-07-14").isnull().all()


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
