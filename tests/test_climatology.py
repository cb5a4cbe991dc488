from datetime import date

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sco.climatology import anomaly, expected, parts, reference, short_record_warning

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
    assert difference.attrs == {"units": "1"}
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
