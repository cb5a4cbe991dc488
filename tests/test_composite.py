"""Composites and their standard errors against numpy, on stacks with holes."""

import warnings
from functools import partial

import numpy as np
import pytest

from sco.composite import KERNELS, compose
from sco.errors import ConfigurationError

PEERS = {
    "median": np.nanmedian,
    "mean": np.nanmean,
    "fraction": np.nanmean,
    "min": np.nanmin,
    "max": np.nanmax,
    "sum": np.nansum,
    "count": lambda stack, axis: np.sum(~np.isnan(stack), axis=axis),
    "first": lambda stack, axis: np.take_along_axis(stack, np.argmin(np.isnan(stack), axis=axis)[None], axis)[0],
}


@pytest.fixture
def stack() -> np.ndarray:
    random = np.random.default_rng(1)
    values = random.normal(size=(9, 40, 50)).astype(np.float32)
    values[random.random(values.shape) < 0.4] = np.nan
    values[:, 0, 0] = np.nan
    return values


def by_numpy(peer, stack):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return peer(stack.astype(np.float64), axis=0)


@pytest.mark.parametrize("how", PEERS)
def test_composites_equal_numpy(stack, how):
    result = compose(stack, how).values
    expected = by_numpy(PEERS[how], stack)
    if how == "sum":
        expected[np.isnan(stack).all(axis=0)] = np.nan  # no observation has no sum, where numpy says 0
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("quantile", [0, 0.05, 0.1, 0.25, 0.5, 0.9, 0.99, 1])
def test_percentiles_equal_numpy(stack, quantile):
    expected = by_numpy(partial(np.nanquantile, q=quantile), stack)
    np.testing.assert_allclose(compose(stack, "percentile", quantile).values, expected, rtol=2e-6, atol=1e-6)


def test_the_medoid_is_the_value_of_the_observation_nearest_to_the_median_bands(stack):
    random = np.random.default_rng(2)
    bands = [np.where(np.isnan(stack), np.nan, random.normal(size=stack.shape)).astype(np.float32) for _ in range(3)]
    middles = [by_numpy(np.nanmedian, band) for band in bands]
    distance = sum((band - middle) ** 2 for band, middle in zip(bands, middles, strict=True))
    found = compose(stack, "medoid", bands=bands).values
    chosen = np.nansum(np.where(stack == found, distance, 0), axis=0)
    least = by_numpy(np.nanmin, distance)
    seen = ~np.isnan(least)
    np.testing.assert_allclose(chosen[seen], least[seen], rtol=1e-4)
    assert np.isnan(found[~seen]).all()


def test_of_observations_that_are_equally_near_the_medoid_is_the_earliest():
    random = np.random.default_rng(5)
    values, band = (random.normal(size=(2, 30, 30)).astype(np.float32) for _ in range(2))
    np.testing.assert_array_equal(compose(values, "medoid", bands=[band]).values, values[0])


def test_a_medoid_leaves_out_observations_whose_formula_gave_nothing():
    values = np.array([[[np.nan]], [[2.0]], [[3.0]], [[4.0]]], np.float32)
    band = np.array([[[1.0]], [[5.0]], [[6.0]], [[9.0]]], np.float32)  # 5.5 is the median of all, 6 of those that count
    assert compose(values, "medoid", bands=[band]).values[0, 0] == 3


def test_no_observation_gives_nan_never_zero(stack):
    nothing = np.empty((0, 2, 3), np.float32)
    for how in sorted(KERNELS.keys() - {"count"}):
        assert np.isnan(compose(stack, how, 0.9, [stack]).values[0, 0]), how
        assert np.isnan(compose(nothing, how, 0.9, [nothing]).values).all(), how
    assert compose(stack, "count").values[0, 0] == 0
    assert not compose(nothing, "count").values.any()


def test_the_median_of_two_is_their_middle():
    pair = np.array([[[0.25]], [[0.75]]], np.float32)
    assert compose(pair, "median").values[0, 0] == np.float32(0.5)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 16, 31, 33, 100])
def test_the_median_is_exact_for_any_number_of_observations(count):
    values = np.random.default_rng(count).normal(size=(count, 7, 13)).astype(np.float32)
    np.testing.assert_array_equal(compose(values, "median").values, np.median(values, axis=0).astype(np.float32))


def test_the_standard_error_of_a_mean_is_that_of_the_sample(stack):
    found = compose(stack, "mean", with_error=True).uncertainty
    seen = np.sum(~np.isnan(stack), axis=0)
    expected = by_numpy(partial(np.nanstd, ddof=1), stack) / np.sqrt(np.maximum(seen, 1))
    np.testing.assert_allclose(found[seen >= 2], expected[seen >= 2], rtol=2e-6)
    assert np.isnan(found[seen < 2]).all()
    assert (seen < 2).any()


def test_the_standard_error_of_a_median_rests_on_the_quartiles(stack):
    found = compose(stack, "median", with_error=True).uncertainty
    seen = np.sum(~np.isnan(stack), axis=0)
    upper, lower = (by_numpy(partial(np.nanquantile, q=q), stack) for q in (0.75, 0.25))
    factors = np.array([np.nan, np.nan, 1, 0.7008, 0.5035, 0.4691, 0.3958, 0.3825, 0.336, 0.3298])
    np.testing.assert_allclose(found, (factors[seen] * (upper - lower)), rtol=2e-6, atol=1e-7)
    assert np.isnan(found[seen < 2]).all()
    assert set(np.unique(seen)) == set(range(10))


def test_of_two_a_median_is_as_sure_as_a_mean():
    pair = np.random.default_rng(8).normal(size=(2, 10, 10)).astype(np.float32)
    errors = [compose(pair, how, with_error=True).uncertainty for how in ("median", "mean")]
    np.testing.assert_allclose(*errors, rtol=1e-5)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 13, 30, 31, 60])
def test_the_square_of_a_median_s_standard_error_is_its_variance_on_average(count):
    samples = np.random.default_rng(count).normal(size=(count, 400, 400)).astype(np.float32)
    composed = compose(samples, "median", with_error=True)
    claimed = np.sqrt(np.mean(composed.uncertainty**2, dtype=np.float64))
    # 160,000 medians: their standard deviation is known to 0.2 %; beyond 30 observations the limit is 2 % too low
    assert claimed == pytest.approx(composed.values.std(dtype=np.float64), rel=0.01 if count <= 30 else 0.025)


def test_the_standard_error_of_a_fraction_adds_two_of_each_kind():
    seen = np.array([[[1, 1, 0, np.nan, np.nan]], [[1, 0, 0, np.nan, 1]], [[1, 0, 0, 0, np.nan]]], np.float32)
    composed = compose(seen, "fraction", with_error=True)
    np.testing.assert_allclose(composed.values[0], [1, 1 / 3, 0, 0, 1], rtol=1e-6)
    p = np.array([5, 3, 2]) / 7
    np.testing.assert_allclose(composed.uncertainty[0, :3], np.sqrt(p * (1 - p) / 7), rtol=1e-6)
    assert np.isnan(composed.uncertainty[0, 3:]).all()


def test_the_standard_error_of_a_median_is_what_repeating_gives():
    samples = np.random.default_rng(3).normal(0, 0.1, size=(41, 100, 100)).astype(np.float32)
    composed = compose(samples, "median", with_error=True)
    assert np.median(composed.uncertainty) == pytest.approx(composed.values.std(), rel=0.05)


def test_one_cloud_that_slipped_through_does_not_make_the_uncertainty_of_a_median():
    calm = np.random.default_rng(4).normal(0.5, 0.01, size=(15, 20, 20)).astype(np.float32)
    spoiled = calm.copy()
    spoiled[7] = -0.9
    clean, dirty = (np.median(compose(one, "median", with_error=True).uncertainty) for one in (calm, spoiled))
    assert dirty < 1.5 * clean
    assert np.median(compose(spoiled, "mean", with_error=True).uncertainty) > 10 * clean


def claimed_over_real(count: int, how: str, quantile: float | None = None) -> float:
    """Root mean square of the standard errors over the standard deviation of 90,000 values of normal observations."""
    samples = np.random.default_rng(count).normal(size=(count, 300, 300)).astype(np.float32)
    composed = compose(samples, how, quantile, [samples], with_error=True)
    return float(np.sqrt(np.mean(composed.uncertainty**2, dtype=np.float64)) / composed.values.std(dtype=np.float64))


@pytest.mark.parametrize("count", [2, 3, 8, 30])
@pytest.mark.parametrize("how", ["min", "max", "first"])
def test_the_standard_error_of_an_extreme_and_of_one_is_how_far_they_vary(how, count):
    assert claimed_over_real(count, how) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("quantile", [0.1, 0.25, 0.5, 0.9])
def test_the_standard_error_of_a_percentile_is_that_of_many_observations_and_never_too_small(quantile):
    few, more, many = (claimed_over_real(count, "percentile", quantile) for count in (3, 12, 60))
    assert few > more > many == pytest.approx(1.02, abs=0.03)


def test_of_a_medoid_the_standard_error_is_the_most_it_can_be():
    assert claimed_over_real(2, "medoid") == pytest.approx(1, rel=0.01)
    assert claimed_over_real(8, "medoid") > 1


@pytest.mark.parametrize("how", ["min", "max", "first", "medoid", "percentile"])
def test_one_observation_alone_has_no_standard_error(stack, how):
    found = compose(stack, how, 0.9, [stack], with_error=True).uncertainty
    np.testing.assert_array_equal(np.isnan(found), np.sum(~np.isnan(stack), axis=0) < 2)


@pytest.mark.parametrize("how", ["sum", "count"])
def test_totals_of_what_was_seen_claim_no_standard_error(stack, how):
    assert compose(stack, how, with_error=True).uncertainty is None


def test_asking_for_the_standard_error_changes_no_value(stack):
    for how in ("median", "mean", "fraction", "min", "max", "first"):
        plain, told = compose(stack, how), compose(stack, how, with_error=True)
        assert plain.uncertainty is None
        np.testing.assert_array_equal(plain.values, told.values)


def test_what_cannot_be_composed_is_refused(stack):
    with pytest.raises(ConfigurationError, match="no composite 'mode'; there is: count, first"):
        compose(stack, "mode")
    with pytest.raises(ConfigurationError, match="quantile"):
        compose(stack, "percentile")
    with pytest.raises(ConfigurationError, match="bands"):
        compose(stack, "medoid")
