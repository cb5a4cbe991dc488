"""Slopes and tests against pymannkendall and scipy, pixel by pixel; false discoveries against scipy's."""

import dask.array as da
import numpy as np
import pymannkendall
import pytest
import scipy.stats
import xarray as xr

from sco.mann_kendall import SEVERAL
from sco.trend import significant, trend

PEERS = {"original": pymannkendall.original_test, "hamed_rao": pymannkendall.hamed_rao_modification_test}


def stack(length: int, ties: bool, gaps: bool, pixels: int = 24) -> xr.DataArray:
    """Walks with noise, so that some have a trend and all have a memory."""
    random = np.random.default_rng([length, ties, gaps])
    values = 0.3 * random.normal(size=(length, 4, pixels // 4)).cumsum(0) + random.normal(size=(length, 4, pixels // 4))
    if ties:
        values = np.round(values)
    if gaps:
        values[random.random(values.shape) < 0.2] = np.nan
    return xr.DataArray(values, dims=("time", "y", "x"))


def pixels(series: xr.DataArray):
    return [(i, j, series.values[:, i, j]) for i in range(series.sizes["y"]) for j in range(series.sizes["x"])]


@pytest.mark.parametrize("variant", PEERS)
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("length", [9, 40, 240])
def test_equal_to_pymannkendall(length, gaps, ties, variant):
    series = stack(length, ties, gaps)
    found = trend(series, variant, fewest=3)  # type: ignore[arg-type]
    for i, j, values in pixels(series):
        with np.errstate(invalid="ignore"):  # a corrected variance below 0
            peer = PEERS[variant](values)
        ours = {name: float(found[name][i, j]) for name in found}
        theirs = {"slope": peer.slope, "p": peer.p, "z": peer.z, "tau": peer.Tau, "n": np.isfinite(values).sum()}
        for name, value in theirs.items():
            assert ours[name] == pytest.approx(value, abs=1e-12, nan_ok=True), (name, i, j)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("length", [9, 40, 240])
def test_equal_to_scipys_theil_sen_with_its_interval(length, gaps, ties):
    series = stack(length, ties, gaps)
    found = trend(series, confidence=0.9, fewest=3)
    for i, j, values in pixels(series):
        there = np.flatnonzero(np.isfinite(values))
        peer = scipy.stats.theilslopes(values[there], there, alpha=0.9)
        ours = [float(found[name][i, j]) for name in ("slope", "low", "high")]
        assert ours == pytest.approx([peer.slope, peer.low_slope, peer.high_slope], abs=1e-12)


def awkward() -> dict[str, np.ndarray]:
    """Series whose slopes are hard to count apart: many equal, steps, outliers, and little above much."""
    random = np.random.default_rng(11)
    noise = random.normal(size=120)
    flat = np.zeros(120)
    flat[-1] = 1.0
    flat[::7] += 1e-9
    return {
        "all but the last equal": flat,
        "ten values": random.integers(0, 10, 120).astype(float),
        "mostly none": np.where(random.random(120) < 0.85, 0.0, noise),
        "a step": np.where(np.arange(120) < 60, 0.0, 1.0),
        "a straight line": 0.1 * np.arange(120),
        "an outlier of 1e12": np.where(np.arange(120) == 50, 1e12, noise),
        "a millionth above 300": 300 + 1e-6 * noise,
        "a trend far above the noise": 1e6 * np.arange(120) + noise,
        "tiny": 1e-44 * noise,
        "tinier": 1e-300 * noise,
        "huge": 1e37 * noise,
    }


@pytest.mark.parametrize("name", awkward())
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_slopes_that_are_hard_to_count_apart_cost_no_accuracy(name, kind):
    values = awkward()[name].astype(kind).astype(float)
    assert values.size * (values.size - 1) // 2 > SEVERAL
    found = trend(xr.DataArray(values.astype(kind)[:, None, None], dims=("time", "y", "x")), fewest=3)
    peer = scipy.stats.theilslopes(values)
    expected = np.array([peer.slope, peer.low_slope, peer.high_slope]).astype(kind)
    assert [float(found[one].item()) for one in ("slope", "low", "high")] == expected.tolist()


def test_a_line_has_its_slope_and_a_flat_series_none():
    months = np.arange(60.0)
    series = xr.DataArray(np.stack([0.5 * months, 0 * months], 1)[:, None], dims=("time", "y", "x"))
    found = trend(series, periods_per_unit=12)
    assert found["slope"].values.tolist() == [[6.0, 0.0]]
    assert found["tau"].values.tolist() == [[1.0, 0.0]]
    assert float(found["p"][0, 0]) < 1e-20
    assert float(found["p"][0, 1]) == 1.0


def test_too_few_values_are_no_trend():
    series = stack(20, False, False)
    series[7:, 0, 0] = np.nan
    series[:, 0, 1] = np.nan
    found = trend(series)
    assert found["n"].values[0, :3].tolist() == [7, 0, 20]
    assert found["slope"].isnull().sum() == 2
    assert found["p"].isnull().values[0, :2].all()


def test_memory_makes_a_trend_less_sure():
    # 0.7 of each value is its predecessor's: more than one in three trendless series pass the plain test at 5 %
    random = np.random.default_rng(1)
    noise = random.normal(size=(150, 10, 30))
    for step in range(1, 150):
        noise[step] += 0.7 * noise[step - 1]
    series = xr.DataArray(noise, dims=("time", "y", "x"))
    plain, corrected = (float((trend(series, one)["p"] < 0.05).mean()) for one in ("original", "hamed_rao"))
    assert plain > 0.33
    assert corrected < 0.6 * plain


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_lazy_in_lazy_out_whatever_the_chunks(kind):
    series = stack(60, True, True).astype(kind)
    lazy = trend(series.chunk({"time": 7, "y": 2, "x": 3}), "hamed_rao")
    assert isinstance(lazy["slope"].data, da.Array)
    assert all(variable.dtype == kind for variable in lazy.values())
    xr.testing.assert_equal(lazy.compute(), trend(series, "hamed_rao"))


def test_false_discoveries_are_held_down_as_scipy_does():
    random = np.random.default_rng(5)
    p = random.random((40, 50))
    p[:10] *= 1e-3
    p[0, 0] = np.nan
    tested = p[np.isfinite(p)]
    expected = np.zeros(p.shape, bool)
    expected[np.isfinite(p)] = scipy.stats.false_discovery_control(tested) <= 0.1
    lazy = significant(xr.DataArray(p, dims=("y", "x")).chunk(x=20), level=0.1)
    assert isinstance(lazy.data, da.Array)
    assert (lazy.values == expected).all()
    assert 300 < expected.sum() < (p < 0.1).sum()


def test_a_field_of_chance_has_next_to_no_significant_place():
    p = xr.DataArray(np.random.default_rng(2).random((60, 60)), dims=("y", "x"))
    assert int((p < 0.05).sum()) > 100
    assert int(significant(p).sum()) == 0
    assert not significant(p * np.nan).any()
