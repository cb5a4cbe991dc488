import warnings

import numpy as np
import pytest

from sco.composite import compose


@pytest.fixture
def stack() -> np.ndarray:
    random = np.random.default_rng(1)
    values = random.normal(size=(9, 40, 50)).astype(np.float32)
    values[random.random(values.shape) < 0.4] = np.nan
    values[:, 0, 0] = np.nan
    return values


@pytest.mark.parametrize(
    ("how", "peer"), [("median", np.nanmedian), ("mean", np.nanmean), ("min", np.nanmin), ("max", np.nanmax)]
)
def test_composites_equal_numpy(stack, how, peer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = peer(stack.astype(np.float64), axis=0)
    result = compose(stack, how)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=2e-6, atol=1e-7)


def test_no_observation_gives_nan_never_zero(stack):
    assert np.isnan(compose(stack, "median")[0, 0])
    assert np.isnan(compose(np.empty((0, 2, 3), np.float32), "mean")).all()


def test_the_median_of_two_is_their_middle():
    pair = np.array([[[0.25]], [[0.75]]], np.float32)
    assert compose(pair, "median")[0, 0] == np.float32(0.5)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 16, 31, 33, 100])
def test_the_median_is_exact_for_any_number_of_observations(count):
    values = np.random.default_rng(count).normal(size=(count, 7, 13)).astype(np.float32)
    np.testing.assert_array_equal(compose(values, "median"), np.median(values, axis=0).astype(np.float32))
