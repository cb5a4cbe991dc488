"""Land whose change is known, and the real land of the MODIS series."""

import numpy as np
import pandas as pd
import pymannkendall
import pytest
import xarray as xr

from indicators.land_productivity import annual
from sco import library

TIMES = pd.date_range("2001-01-01", "2020-12-01", freq="MS")
CLASS, Z = library.indicators["land_productivity"], library.indicators["land_productivity_z"]


def land() -> xr.DataArray:
    """Twenty years of a season: rising, falling, neither, and never seen; (time, y, x = 4)."""
    random = np.random.default_rng(6)
    years = np.asarray(TIMES.year) - 2001
    season = 0.4 + 0.2 * np.sin(2 * np.pi * (np.asarray(TIMES.month) - 4) / 12)
    changes = np.stack([0.004 * years, -0.004 * years, 0.0 * years, np.nan * years], 1)
    values = season[:, None] + changes + 0.02 * random.normal(size=(240, 4))
    return xr.DataArray(values[:, None].astype("float32"), {"time": TIMES}, ("time", "y", "x"))


def test_the_classes_of_known_changes():
    assert CLASS.formula(land()).values[0].tolist() == pytest.approx([2, -2, 0, np.nan], nan_ok=True)


def test_z_is_mann_kendalls_of_the_yearly_means():
    series = land()
    z = Z.formula(series)
    for x in range(3):
        means = series[:, 0, x].values.astype(float).reshape(20, 12).mean(1)
        assert float(z[0, x]) == pytest.approx(pymannkendall.original_test(means).z, abs=1e-6)


@pytest.mark.parametrize(("order", "z", "expected"), [([4, 3, 0, 1, 2, 8, 5, 6, 7], 1.56, 1), (range(9), 3.65, 2)])
def test_the_limits_of_the_classes(order, z, expected):
    times = pd.date_range("2001-01-01", periods=108, freq="MS")
    yearly = xr.DataArray(np.repeat(np.array(order), 12) / 100, {"time": times}, ("time",))
    assert float(Z.formula(yearly)) == pytest.approx(z, abs=0.01)
    assert float(CLASS.formula(yearly)) == expected
    assert float(CLASS.formula(-yearly)) == -expected


def test_a_gap_is_filled_and_a_year_with_too_many_is_left_out():
    series = land().isel(x=[2])
    series[12:14] = np.nan  # January and February of 2002
    series[24:27] = np.nan  # a quarter of 2003
    means = annual(series)
    assert means.isnull().values[:, 0, 0].tolist() == [False, False, True] + [False] * 17
    # winter is brown: a mean of the ten other months alone would be too green
    assert float(means[1, 0, 0]) == pytest.approx(0.4, abs=0.02)
    assert float(np.nanmean(series[12:24])) > 0.42


def test_three_years_cannot_show_a_change():
    three = land().isel(time=slice(0, 36))
    assert CLASS.formula(three).values[0, :3].tolist() == [0, 0, 0]
    assert CLASS.formula(land().isel(time=slice(0, 30))).isnull().all()


def test_lazy_one_map_for_the_whole_series():
    lazy = CLASS.formula(land().chunk({"time": 24, "x": 1}))
    assert lazy.chunks is not None
    assert lazy.dims == ("y", "x")
    assert lazy.dtype == np.float32
    np.testing.assert_array_equal(lazy, CLASS.formula(land()))
