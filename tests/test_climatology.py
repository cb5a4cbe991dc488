from datetime import date

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sco.climatology import (
    anomaly,
    autocorrelation,
    days_of,
    expected,
    parts,
    percentile,
    reference,
    short_record_warning,
    standard_error,
    step_of,
)

MONTHS = pd.date_range("2020-01-01", "2022-12-01", freq="MS")


def series() -> xr.DataArray:
    """Value = 10 x month + year since 2020, with no July in 2021."""
    values = np.array([10.0 * time.month + time.year - 2020 for time in MONTHS])
    values[18] = np.nan
    return xr.DataArray(values, {"time": MONTHS}, ("time",), attrs={"units": "1"})


def test_the_reference_is_the_mean_and_spread_of_each_month() -> None:
    normal = reference(series(), date(2020, 1, 1), date(2022, 12, 31), "month")
    assert normal["part"].values.tolist() == list(range(1, 13))
    assert float(normal["mean"].sel(part=3)) == pytest.approx(31)
    assert float(normal["std"].sel(part=3)) == pytest.approx(1)
    assert normal["n_years"].sel(part=[3, 7]).values.tolist() == [3, 2]
    assert float(normal["mean"].sel(part=7)) == pytest.approx(71)
    assert float(normal["std"].sel(part=7)) == pytest.approx(np.sqrt(2))


def test_too_few_years_give_no_reference() -> None:
    normal = reference(series(), date(2020, 1, 1), date(2022, 12, 31), "month", minimum_years=3)
    assert np.isnan(normal["mean"].sel(part=7))
    assert float(normal["mean"].sel(part=6)) == 61
    one_year = reference(series(), date(2021, 1, 1), date(2021, 12, 31), "month", minimum_years=1)
    assert float(one_year["mean"].sel(part=1)) == 11
    assert np.isnan(one_year["std"]).all()


def test_the_anomaly_is_the_difference_from_the_same_month() -> None:
    normal = reference(series(), date(2020, 1, 1), date(2021, 12, 31), "month")
    difference = anomaly(series(), normal, "month")
    assert difference.sel(time="2022-03-01").item() == pytest.approx(1.5)
    assert difference.sel(time="2020-03-01").item() == pytest.approx(-0.5)
    assert np.isnan(difference.sel(time="2022-07-01"))
    assert difference.attrs["units"] == "1"
    assert set(difference.coords) == {"time"}


def test_a_part_without_reference_has_no_anomaly() -> None:
    normal = reference(series().isel(time=slice(0, 30)), date(2020, 1, 1), date(2020, 6, 30), "month", minimum_years=1)
    laid = expected(series()["time"], normal, "month")["mean"]
    assert laid.sel(time="2022-06-01").item() == 60
    assert np.isnan(laid.sel(time="2022-08-01"))


def test_no_period_in_the_reference_is_no_reference() -> None:
    normal = reference(series(), date(1990, 1, 1), date(1991, 1, 1), "month")
    assert normal.sizes["part"] == 0
    assert np.isnan(anomaly(series(), normal, "month")).all()


@pytest.mark.parametrize(
    ("every", "days", "places"),
    [
        ("day", ["2023-02-28", "2023-03-01", "2024-02-29", "2024-03-01"], [59, 61, 60, 61]),
        ("dekad", ["2023-01-01", "2023-01-21", "2023-12-21"], [1, 3, 36]),
        ("season", ["2022-12-01", "2023-03-01", "2023-06-01", "2023-09-01"], [1, 2, 3, 4]),
        ("year", ["2022-01-01", "2023-01-01"], [1, 1]),
    ],
)
def test_every_period_has_its_place_in_the_year(every: str, days: list[str], places: list[int]) -> None:
    time = xr.DataArray(pd.to_datetime(days), dims="time")
    assert parts(time, every).values.tolist() == places  # type: ignore[arg-type]


def test_lazy_in_lazy_out() -> None:
    lazy = series().expand_dims(x=4).transpose("time", "x").chunk({"time": 1, "x": 2})
    normal = reference(lazy, date(2020, 1, 1), date(2021, 12, 31), "month")
    difference = anomaly(lazy, normal, "month")
    assert normal["mean"].chunks is not None
    assert difference.chunks is not None
    assert difference.sel(time="2022-03-01").values.tolist() == pytest.approx([1.5] * 4)


def test_a_short_record_is_said_to_be_short() -> None:
    words = short_record_warning(date(2018, 1, 1), date(2022, 12, 31))
    assert words is not None
    assert "covers 5 years" in words.en
    assert "couvre 5 ans" in words.fr
    assert short_record_warning(date(1991, 1, 1), date(2020, 12, 31)) is None


def test_a_short_record_is_told_in_the_metadata_in_the_words_of_the_page() -> None:
    short = date(2020, 1, 1), date(2021, 12, 31)
    words = short_record_warning(*short)
    assert words is not None
    told = {"reference_period": "2020-01-01/2021-12-31", "warning_en": words.en, "warning_fr": words.fr}
    normal = reference(series(), *short, "month")
    assert normal.attrs == told
    named = series().assign_attrs(standard_name="sea_surface_temperature", units="degC")
    for how, unit in {"difference": "degC", "ratio": "1", "percent": "percent", "z_score": "1"}.items():
        assert anomaly(named, normal, "month", how).attrs == {"units": unit, **told}  # type: ignore[arg-type]
    assert percentile(series(), *short, "month").attrs == {"units": "percent", **told}
    thirty = reference(series(), date(1993, 1, 1), date(2022, 12, 31), "month")
    assert thirty.attrs == {"reference_period": "1993-01-01/2022-12-31"}
    assert anomaly(series(), thirty, "month").attrs == {"units": "1", "reference_period": "1993-01-01/2022-12-31"}


def years_of_july(values: list[float]) -> xr.DataArray:
    times = pd.to_datetime([f"{1991 + year}-07-01" for year in range(len(values))])
    return xr.DataArray(values, {"time": times}, ("time",))


def test_percentiles_are_numpys() -> None:
    values = [*list(np.random.default_rng(0).normal(size=30)), np.nan]
    normal = reference(
        years_of_july(values), date(1991, 1, 1), date(2021, 12, 31), "month", percentiles=(5, 10, 50, 90)
    )
    for share in (5, 10, 50, 90):
        assert float(normal[f"p{share}"].item()) == pytest.approx(np.percentile(values[:30], share), abs=1e-12)
    assert float(normal["min"].item()) == min(values[:30])
    assert float(normal["max"].item()) == max(values[:30])
    assert float(normal["standard_error"].item()) == pytest.approx(np.std(values[:30], ddof=1) / np.sqrt(30))
    assert set(reference(series(), date(2020, 1, 1), date(2022, 12, 31), "month")) >= {"p10", "p90"}


def test_a_value_from_too_few_observations_does_not_count() -> None:
    july = years_of_july([1.0, 2.0, 30.0])
    seen = years_of_july([5.0, 3.0, 2.0])
    normal = reference(july, date(1991, 1, 1), date(1993, 12, 31), "month", n_seen=seen, minimum_seen=3)
    assert float(normal["mean"].item()) == 1.5
    assert int(normal["n_years"].item()) == 2


def test_float32_is_kept_and_added_up_in_double() -> None:
    kelvin = years_of_july(list(300 + np.random.default_rng(1).normal(size=30))).astype("float32")
    normal = reference(kelvin, date(1991, 1, 1), date(2020, 12, 31), "month")
    assert all(normal[name].dtype == np.float32 for name in ("mean", "std", "min", "p90", "standard_error"))
    assert normal["mean"].values[0] == np.float32(kelvin.values.astype("float64").mean())


@pytest.mark.parametrize(
    ("how", "expected", "units"),
    [("difference", 3, "1"), ("ratio", 1.5, "1"), ("percent", 50, "percent"), ("z_score", 3 / np.sqrt(8), "1")],
)
def test_other_anomalies(how: str, expected: float, units: str) -> None:
    july = years_of_july([4.0, 8.0, 9.0]).assign_attrs(units="1")
    normal = reference(july, date(1991, 1, 1), date(1992, 12, 31), "month")
    departure = anomaly(july, normal, "month", how)  # type: ignore[arg-type]
    assert float(departure[-1]) == pytest.approx(expected)
    assert departure.attrs["units"] == units


def test_no_ratio_to_nothing() -> None:
    never = years_of_july([0.0, 0.0, 1.0])
    normal = reference(never, date(1991, 1, 1), date(1992, 12, 31), "month")
    for how in ("ratio", "percent", "z_score"):
        assert anomaly(never, normal, "month", how).isnull().all()  # type: ignore[arg-type]


def test_where_a_value_stands_among_the_reference_years() -> None:
    july = years_of_july([1.0, 2.0, 3.0, np.nan, 2.0, 0.0, 9.0, np.nan])
    stands = percentile(july.chunk(time=3), date(1991, 1, 1), date(1994, 12, 31), "month", 3)
    assert stands.chunks is not None
    assert stands.values[[0, 4, 5, 6]] == pytest.approx([100 / 6, 50, 0, 100])
    assert np.isnan(stands.values[[3, 7]]).all()
    assert percentile(july, date(1991, 1, 1), date(1994, 12, 31), "month", 4).isnull().all()


def test_a_mean_of_values_with_a_memory_is_less_sure() -> None:
    count = xr.DataArray([30, 30, 1, 0])
    spread = xr.DataArray(np.float32([2, 2, 2, 2]))
    assert standard_error(spread, count).values == pytest.approx([2 / np.sqrt(30)] * 2 + [2, np.nan], nan_ok=True)
    memory = standard_error(spread, count, autocorrelation=xr.DataArray([0.5, -0.5, 0.9, 0.9]))
    assert memory.values == pytest.approx([2 / np.sqrt(10), 2 / np.sqrt(30), 2, np.nan], nan_ok=True)
    assert memory.dtype == np.float32
    median = standard_error(spread, count, "median")
    assert float(median[0]) == pytest.approx(2 / np.sqrt(30) * 1.2533141, rel=1e-6)


def test_the_error_of_a_mean_holds_for_a_series_with_a_memory() -> None:
    random = np.random.default_rng(3)
    noise = random.normal(size=(400, 2000))
    for step in range(1, 400):
        noise[step] += 0.6 * noise[step - 1]
    walk = xr.DataArray(noise, dims=("time", "x"))
    r = autocorrelation(walk)
    assert float(r.mean()) == pytest.approx(0.6, abs=0.02)
    error = standard_error(walk.std("time", ddof=1), walk.count("time"), autocorrelation=r)
    assert float(error.mean()) == pytest.approx(float(walk.mean("time").std()), rel=0.05)


def test_the_memory_is_that_of_neighbours_only() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 3.0, 5.0, 1.0])
    r = autocorrelation(xr.DataArray(values, dims="time"))
    pairs = np.array([[1, 2], [4, 3], [3, 5], [5, 1]], float)
    assert float(r) == pytest.approx(np.corrcoef(pairs.T)[0, 1])


@pytest.mark.parametrize(
    ("frequency", "every", "days"),
    [("D", "day", [1, 1]), ("MS", "month", [31, 28]), ("QS-DEC", "season", [92, 92]), ("YS", "year", [365, 365])],
)
def test_the_step_of_an_axis(frequency: str, every: str, days: list[int]) -> None:
    time = xr.DataArray(pd.date_range("2021-01-01", periods=30, freq=frequency), dims="time")
    assert step_of(time) == every
    assert days_of(time, every)[:2].tolist() == days  # type: ignore[arg-type]


def test_a_time_axis_may_say_what_its_steps_are() -> None:
    one = xr.DataArray(np.array(["2023-02-01"], "datetime64[ns]"), dims="time", name="time")
    assert step_of(one) == "year"
    assert step_of(one.assign_attrs(every="month")) == "month"
    assert days_of(one, "month").tolist() == [28]


def test_the_step_of_dekads() -> None:
    dekads = [f"2024-{month:02d}-{day:02d}" for month in (1, 2) for day in (1, 11, 21)]
    time = xr.DataArray(pd.to_datetime(dekads), dims="time")
    assert step_of(time) == "dekad"
    assert days_of(time, "dekad").tolist() == [10, 10, 11, 10, 10, 9]
    assert step_of(time[:1]) == "year"
