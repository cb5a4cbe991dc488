import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sco.harmonic import YEAR_DAYS, deseasoned, harmonics

TIMES = pd.date_range("2001-01-01", "2010-12-31", freq="MS")
YEARS = ((TIMES - pd.Timestamp("2000-01-01")).days / YEAR_DAYS).to_numpy()


def waves() -> xr.DataArray:
    """3 on average, rising by 0.2 a year; 2 high on day 60, and 0.5 on days 30 and 212; (time, x), x = 2 noisy."""
    annual = 2 * np.cos(2 * np.pi * (YEARS - 60 / YEAR_DAYS))
    half = 0.5 * np.cos(4 * np.pi * (YEARS - 30 / YEAR_DAYS))
    clean = 3 + 0.2 * (YEARS - YEARS.mean()) + annual + half
    noise = 0.3 * np.random.default_rng(4).normal(size=clean.size)
    return xr.DataArray(np.stack([clean, clean + noise], 1), {"time": TIMES}, ("time", "x"), attrs={"units": "m"})


def test_known_waves_are_found_through_gaps():
    series = waves()
    series[5:9, 0] = np.nan
    found = harmonics(series).isel(x=0)
    expected = {"mean": 3, "slope": 0.2, "amplitude_1": 2, "day_1": 60, "amplitude_2": 0.5, "day_2": 30}
    for name, value in expected.items():
        assert float(found[name]) == pytest.approx(value, abs=1e-9), name
    assert float(found["residual"]) < 1e-9


def test_what_is_left_over_tells_the_error_of_the_mean():
    found = harmonics(waves()).isel(x=1)
    assert float(found["residual"]) == pytest.approx(0.3, abs=0.05)
    assert float(found["standard_error"]) == pytest.approx(float(found["residual"]) / np.sqrt(120), rel=0.01)
    assert abs(float(found["mean"]) - 3) < 2 * float(found["standard_error"])


def test_without_its_waves_only_mean_and_trend_are_left():
    left = deseasoned(waves())
    np.testing.assert_allclose(left.isel(x=0), 3 + 0.2 * (YEARS - YEARS.mean()), atol=1e-9)
    assert left.attrs == {"units": "m"}
    assert left.dims == ("time", "x")


def test_too_few_values_to_fit_give_none():
    series = waves()
    series[6:, 0] = np.nan
    assert harmonics(series).isel(x=0)["mean"].isnull()
    assert deseasoned(series).isel(x=0).isnull().all()
    assert deseasoned(series).isel(x=1).notnull().all()
    yearly = series.isel(time=slice(0, None, 12))  # one month a year says nothing of the season
    assert harmonics(yearly)["mean"].isnull().all()


def test_lazy_in_lazy_out():
    series = waves().astype("float32")
    lazy = harmonics(series.chunk({"time": 10, "x": 1}))
    assert isinstance(lazy["mean"].data, da.Array)
    assert lazy["mean"].dtype == np.float32
    xr.testing.assert_allclose(lazy.compute(), harmonics(series))
