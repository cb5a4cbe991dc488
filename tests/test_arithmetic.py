"""Formulas as steps of a compiled loop give numpy's numbers to the bit, or are left to numpy."""

import operator

import numpy as np
import pytest

from sco import arithmetic
from sco.library import indicators
from sco.quality import State
from sco.radiometry import AS_IT_IS, Steps

EDGES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.1, 1e-40, 3e38, -3e38, 7.5], np.float32)
ONE, OTHER = (np.ascontiguousarray(side) for side in np.meshgrid(EDGES, EDGES))
OF_TWO = [operator.add, operator.sub, operator.mul, operator.truediv]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]


def computed(formula, *bands):
    steps, values = arithmetic.steps_of(formula, len(bands)), np.empty_like(bands[0])
    assert steps is not None
    by, seen = np.array([AS_IT_IS.numbers] * len(bands)), np.zeros(values.shape, np.uint8)
    steps(bands, by, seen, values)
    return values


def finite(values):
    """The values, and one and the same NaN where there is no number."""
    return np.where(np.isfinite(values), values, np.float32(np.nan))


@pytest.mark.parametrize("what", OF_TWO)
def test_arithmetic_of_bands_and_constants_is_numpys(what):
    with np.errstate(all="ignore"):
        for formula in (what, lambda one, _: what(one, 0.1), lambda one, _: what(2, one)):
            assert computed(formula, ONE, OTHER).tobytes() == finite(formula(ONE, OTHER)).tobytes()


@pytest.mark.parametrize("what", [operator.neg, operator.abs])
def test_signs_are_numpys(what):
    assert computed(what, ONE).tobytes() == finite(what(ONE)).tobytes()


@pytest.mark.parametrize("what", COMPARISONS)
def test_what_is_compared_is_true_where_numpy_says_so(what):
    found = computed(lambda one, other: what(one, other).astype("float32"), ONE, OTHER)
    np.testing.assert_array_equal(found, what(ONE, OTHER).astype(np.float32))


def test_truths_are_combined_and_chosen_by():
    def formula(one, other):
        chosen = (one > 0) & ~(other >= 1) | one.isnull() & other.notnull()
        return one.where(chosen, other).where(one.notnull() | (other < 0))

    chosen = (ONE > 0) & ~(OTHER >= 1) | np.isnan(ONE) & ~np.isnan(OTHER)
    expected = np.where(~np.isnan(ONE) | (OTHER < 0), np.where(chosen, ONE, OTHER), np.float32(np.nan))
    np.testing.assert_array_equal(computed(formula, ONE, OTHER), finite(expected))


def test_wide_rows_are_taken_in_parts():
    one, other = np.random.default_rng(1).random((2, 3, 1300), np.float32)
    np.testing.assert_array_equal(computed(operator.mul, one, other), one * other)


def test_stored_numbers_are_calibrated_on_their_way_and_what_was_not_seen_is_nan():
    stored = np.array([[0, 1000, 1001, 9000, 65535]] * 2, np.uint16)
    states = np.array([[State.SEEN] * 5, [State.MASKED, State.SEEN, State.FAILED, State.NOT_ACQUIRED, 0]], np.uint8)
    values, by = np.empty(stored.shape, np.float32), Steps(np.float32(-1000), np.float32(1), np.float32(1e-4))
    steps = arithmetic.steps_of(operator.add, 2)
    assert steps is not None
    steps([stored, stored], np.array([by.numbers, AS_IT_IS.numbers]), states, values)
    reflectance = np.maximum(stored.astype(np.float32) - 1000, 1) * np.float32(1e-4)
    expected = np.where(states == State.SEEN, reflectance + stored.astype(np.float32), np.nan)
    np.testing.assert_array_equal(values, expected)


def test_most_indicators_of_bands_are_such_formulas():
    of_bands = {name for name, one in indicators.items() if one.bands}
    others = {
        name for name in of_bands if not arithmetic.steps_of(indicators[name].formula, len(indicators[name].bands))
    }
    assert others == {"backscatter", "snow_cover"}  # a logarithm, a hyperbolic tangent


LEFT_TO_OTHERS = {
    "a band": lambda one, other: one,
    "a constant": lambda one, other: 0.5,
    "a truth": lambda one, other: one > other,
    "a sum with a truth": lambda one, other: (one > other) + one,
    "a choice by a number": lambda one, other: one.where(other),
    "a choice of a truth": lambda one, other: one.where(one > 0, other > 0),
    "a number that would make float64": lambda one, other: one * np.float64(2),
    "another type": lambda one, other: one.astype("float64"),
    "a power": lambda one, other: one**2,
    "a function of numpy": lambda one, other: np.sqrt(one),
    "a question": lambda one, other: one + 1 if one > other else one,
    "a method": lambda one, other: one.clip(0, 1),
}


@pytest.mark.parametrize("what", LEFT_TO_OTHERS)
def test_what_is_no_step_is_left_to_others(what):
    assert arithmetic.steps_of(LEFT_TO_OTHERS[what], 2) is None
