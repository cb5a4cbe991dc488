"""A forest that was cut on a known day; one that was not; and one whose radar echo rises."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from indicators.forest_loss import SHUFFLES, _share_reaching_less, breaks
from sco import library

TIMES = pd.date_range("2017-01-01", "2022-12-01", freq="MS")
LOSS, DATE, CONFIDENCE = (library.indicators[f"forest_loss{end}"] for end in ("", "_date", "_confidence"))
CUT = "2020-03-01"


def radar(step: float, noise: float = 0.7, pixels: int = 40) -> xr.DataArray:
    """dB: -8 with half a dB of season and noise, changed by `step` from March 2020 on; (time, y = 1, x)."""
    random = np.random.default_rng(9)
    season = 0.5 * np.sin(2 * np.pi * np.asarray(TIMES.month) / 12)
    values = -8 + season[:, None] + noise * random.normal(size=(len(TIMES), pixels))
    values[TIMES >= CUT] += step
    return xr.DataArray(values[:, None].astype("float32"), {"time": TIMES}, ("time", "y", "x"))


def test_the_day_of_a_known_cut_is_found():
    series = radar(-3)
    assert (LOSS.formula(series) == 1).all()
    dates = DATE.formula(series)
    truth = 2020 + 60 / 366
    assert float(abs(dates - truth).max()) < 2.5 / 12
    assert float((abs(dates - truth) < 0.01).mean()) > 0.8
    assert float(breaks(series)["drop"].mean()) == pytest.approx(3, abs=0.2)


def test_a_forest_that_stands_is_seldom_called_lost():
    series = radar(0, pixels=400)
    assert float((CONFIDENCE.formula(series) >= 0.95).mean()) < 0.05
    assert float(LOSS.formula(series).mean()) == 0  # no drop of a whole dB
    assert DATE.formula(series).isnull().all()


def test_a_rise_is_no_loss():
    series = radar(3)
    assert float(CONFIDENCE.formula(series).max()) == 0
    assert float(LOSS.formula(series).max()) == 0


def test_a_small_drop_is_sure_and_still_no_loss():
    series = radar(-0.6, noise=0.2)
    assert float(CONFIDENCE.formula(series).min()) >= 0.95
    assert float(LOSS.formula(series).max()) == 0


def test_confidence_is_the_share_of_orders_that_reach_less():
    values = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    # of the 20 orders, 6 reach 3 as this one does: three ups in a row, or three downs in a row, wherever they begin
    share = _share_reaching_less(values.copy(), 3.0, 100_000)
    assert share == pytest.approx(0.7, abs=0.005)
    assert SHUFFLES == 499


def test_gaps_and_too_few_values():
    series = radar(-3)
    series[np.random.default_rng(1).random(72) < 0.3, 0, 0] = np.nan
    series[23:, 0, 1] = np.nan
    series[:, 0, 2] = np.nan
    found = LOSS.formula(series).values[0]
    assert found[0] == 1
    assert np.isnan(found[1:3]).all()
    assert CONFIDENCE.formula(series).isnull().values[0, :4].tolist() == [False, True, True, False]


def test_lazy_and_the_same_whatever_the_chunks():
    series = radar(-1)
    lazy = CONFIDENCE.formula(series.chunk({"time": 10, "x": 7}))
    assert lazy.chunks is not None
    assert lazy.dtype == np.float32
    np.testing.assert_array_equal(lazy, CONFIDENCE.formula(series))
