"""Seasons and years, and the rules for what is missing, with xclim's meaning of each."""

from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from benchmarks.missing import LENGTHS, RULES, holed, ours
from sco.errors import CubeError
from sco.season import aggregate, error

XCLIM = pd.read_csv(Path(__file__).with_name("missing_xclim.csv"), parse_dates=["time"])
"""Which months, seasons and years of a series with holes xclim calls missing, recorded by `benchmarks/missing.py`."""
MONTHS = pd.date_range("2020-01-01", "2021-06-01", freq="MS")
DAYS = pd.date_range("2020-01-01", "2020-12-31")


def monthly(*holes: str) -> xr.DataArray:
    """Value = number of the month from 1; 18 months, so that 2021 is half a year."""
    series = xr.DataArray(np.arange(1.0, 19.0), {"time": MONTHS}, ("time",))
    for hole in holes:
        series.loc[hole] = np.nan
    return series


def daily(*holes: slice | str) -> xr.DataArray:
    series = xr.DataArray(np.ones(366, "float32"), {"time": DAYS}, ("time",))
    for hole in holes:
        series.loc[{"time": hole}] = np.nan
    return series


def test_half_a_year_is_no_year():
    years = aggregate(monthly(), "year")
    assert years["time"].dt.year.values.tolist() == [2020, 2021]
    assert years.values[0] == 6.5
    assert np.isnan(years.values[1])
    assert aggregate(monthly(), "year", missing="skip").values[1] == pytest.approx(15.5)


def test_a_winter_begins_in_december():
    seasons = aggregate(monthly(), "season", "sum")
    assert [str(day)[:7] for day in seasons["time"].values] == [
        "2019-12", "2020-03", "2020-06", "2020-09", "2020-12", "2021-03", "2021-06",
    ]  # fmt: skip
    assert np.isnan(seasons.values[[0, 6]]).all()
    assert seasons.values[1:6].tolist() == [12, 21, 30, 39, 48]


@pytest.mark.parametrize(
    ("missing", "options", "there"),
    [
        ("any", {}, False),
        ("skip", {}, True),
        ("pct", {"tolerance": 2 / 12}, False),
        ("pct", {"tolerance": 0.2}, True),
        ("at_least_n", {"n": 10}, True),
        ("at_least_n", {"n": 11}, False),
        ("wmo", {}, False),
    ],
)
def test_two_months_missing(missing, options, there):
    year = aggregate(monthly("2020-05", "2020-06"), "year", "mean", missing, **options)
    assert bool(year.notnull()[0]) is there
    if there:
        assert float(year[0]) == pytest.approx(67 / 10)


@pytest.mark.parametrize(
    ("holes", "there"),
    [
        ([slice("2020-03-01", "2020-03-04")], True),
        ([slice("2020-03-01", "2020-03-05")], False),  # 5 in a row
        ([f"2020-03-{day:02d}" for day in range(1, 21, 2)], True),
        ([f"2020-03-{day:02d}" for day in range(1, 23, 2)], False),  # 11 in all
    ],
)
def test_a_month_by_the_rule_of_the_wmo(holes, there):
    months = aggregate(daily(*holes), "month", missing="wmo")
    assert months.notnull().values.tolist() == [True, True, there] + [True] * 9
    assert bool(aggregate(daily(*holes), "year", missing="wmo").notnull()) is there


@pytest.mark.parametrize("to", LENGTHS)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_xclims_of_the_same_name(rule, to):
    found = ours(holed(), *RULES[rule], to)
    theirs = XCLIM[(XCLIM["rule"] == rule) & (XCLIM["to"] == to)].set_index("time")["missing"]
    assert found.index.tolist() == theirs.index.tolist()
    assert found.tolist() == theirs.astype(bool).tolist()


def test_the_recorded_rules_find_some_missing_and_some_not():
    by_rule = XCLIM.groupby("rule")["missing"].mean()
    assert set(by_rule.index) == set(RULES)
    assert by_rule.between(0.05, 0.95).all()


@pytest.mark.parametrize(("how", "value"), [("min", 1), ("max", 12), ("count", 12), ("std", np.sqrt(13))])
def test_other_ways(how, value):
    assert float(aggregate(monthly(), "year", how)[0]) == pytest.approx(value)


def test_the_error_of_a_mean_is_that_of_its_values_over_the_root_of_their_number():
    times = pd.date_range("2021-01-01", "2022-12-01", freq="MS")
    random = np.random.default_rng(5)
    errors = xr.DataArray(random.uniform(0.5, 2.0, (24, 3)), {"time": times}, ("time", "x")).chunk(x=1)
    draws = errors.values[:, None] * random.normal(size=(24, 20_000, 3))
    wrong = aggregate(xr.DataArray(draws, {"time": times}, ("time", "draw", "x")), "year")
    found = error(errors, "year")
    assert found.chunks is not None
    np.testing.assert_allclose(found, wrong.std("draw"), rtol=0.02)
    np.testing.assert_allclose(error(errors, "year", "sum"), 12 * found, rtol=1e-6)
    holed = errors.where(errors["time"] != np.datetime64("2022-03-01"))
    assert error(holed, "year").isnull().sum("x").values.tolist() == [0, 3]
    eleven = np.sqrt((errors[12:] ** 2).sum("time") - errors[14] ** 2) / 11
    np.testing.assert_allclose(error(holed, "year", missing="skip")[1], eleven, rtol=1e-6)


def test_what_is_not_made_of_whole_periods_is_refused():
    seasons = aggregate(monthly(), "season")
    with pytest.raises(CubeError, match="a year is not made of whole seasons"):
        aggregate(seasons, "year")
    with pytest.raises(CubeError, match="a day is not made of whole months"):
        aggregate(monthly(), "day")
    with pytest.raises(CubeError, match="counts days or months"):
        aggregate(seasons, "season", missing="wmo")


def test_lazy_in_lazy_out():
    lazy = aggregate(daily().expand_dims(x=3).transpose("time", "x").chunk(time=50), "month", missing="wmo")
    assert isinstance(lazy.data, da.Array)
    assert lazy.dtype == np.float32
    assert lazy.dims == ("time", "x")
    assert (lazy.compute() == 1).all()
