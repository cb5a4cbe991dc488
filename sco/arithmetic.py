"""A formula of plain arithmetic as steps that one compiled loop takes its pixels through.

numpy goes over whole arrays once for every operation, and waits for the interpreter's lock after each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import kernels

Values = NDArray[np.float32]
Lane = int
"""Of pixels: the bands are the first lanes, then come constants and what the steps give, as they are written down."""


@dataclass(frozen=True)
class Calculation:
    """A formula's steps."""

    start: Values
    """(lane,): what each lane holds before the first step, which matters for constants alone."""
    steps: NDArray[np.int64]
    """(step, 5): what to do, with which three lanes, and the lane for what comes of it."""

    def __call__(self, bands: list[Values], into: Values) -> None:
        """Put the formula's values there; all (y, x), float32."""
        kernels.calculate(self.steps, self.start, tuple(bands), into)


def steps_of(formula: Callable[..., Any], bands: int) -> Calculation | None:
    """The steps of a formula of so many bands; None where it does anything that is no step."""
    writing = _Writing(bands)
    try:
        values = formula(*(Term(writing, band) for band in range(bands)))
    except (AttributeError, TypeError, ValueError):
        return None
    if not isinstance(values, Term) or values.is_truth or not writing.steps or writing.steps[-1][-1] != values.lane:
        return None
    return Calculation(np.array(writing.start, np.float32), np.array(writing.steps, np.int64))


class Term:
    """What a formula computes with instead of an array: each operation is written down, and stands for its values."""

    __array_ufunc__ = None

    def __init__(self, writing: "_Writing", lane: Lane, is_truth: bool = False) -> None:
        self.writing = writing
        self.lane = lane
        self.is_truth = is_truth

    def where(self, condition: Any, other: Any = np.nan) -> "Term":
        """The values where the condition holds, `other` elsewhere."""
        return self.writing.step(kernels.CHOOSE, _truth(condition), _number(self), _number(other))

    def notnull(self) -> "Term":
        """Where there is a number."""
        return self.writing.step(kernels.EQUAL, _number(self), self, is_truth=True)

    def isnull(self) -> "Term":
        """Where there is none."""
        return self.writing.step(kernels.DIFFERENT, _number(self), self, is_truth=True)

    def astype(self, kind: str) -> "Term":
        """Truths as numbers."""
        if kind != "float32":
            raise TypeError("lanes are float32")
        return self.writing.step(kernels.AS_NUMBER, _truth(self))

    def __add__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.ADD, self, other)

    def __radd__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.ADD, other, self)

    def __sub__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.SUBTRACT, self, other)

    def __rsub__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.SUBTRACT, other, self)

    def __mul__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.MULTIPLY, self, other)

    def __rmul__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.MULTIPLY, other, self)

    def __truediv__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.DIVIDE, self, other)

    def __rtruediv__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.DIVIDE, other, self)

    def __abs__(self) -> "Term":
        return self._arithmetic(kernels.ABSOLUTE, self, self)

    def __neg__(self) -> "Term":
        return self._arithmetic(kernels.NEGATE, self, self)

    def __lt__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.LESS, self, other, is_truth=True)

    def __le__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.AT_MOST, self, other, is_truth=True)

    def __gt__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.LESS, other, self, is_truth=True)

    def __ge__(self, other: Any) -> "Term":
        return self._arithmetic(kernels.AT_MOST, other, self, is_truth=True)

    def __and__(self, other: Any) -> "Term":
        return self.writing.step(kernels.BOTH, _truth(self), _truth(other), is_truth=True)

    def __or__(self, other: Any) -> "Term":
        return self.writing.step(kernels.EITHER, _truth(self), _truth(other), is_truth=True)

    def __invert__(self) -> "Term":
        return self.writing.step(kernels.NOT, _truth(self), self, is_truth=True)

    def __bool__(self) -> bool:
        raise TypeError("what is true differs from pixel to pixel")

    def _arithmetic(self, what: int, one: Any, other: Any, is_truth: bool = False) -> "Term":
        return self.writing.step(what, _number(one), _number(other), is_truth=is_truth)


class _Writing:
    """What a formula does, written down while it is run once with terms."""

    def __init__(self, bands: int) -> None:
        self.start = [float("nan")] * bands
        self.steps: list[tuple[int, ...]] = []

    def step(self, what: int, *of: Any, is_truth: bool = False) -> Term:
        """One step more, of up to three terms or constants; what it gives."""
        lanes = [self._lane(one) for one in of]
        into = self._new_lane(float("nan"))
        self.steps.append((what, *lanes, *lanes[:1] * (3 - len(lanes)), into))
        return Term(self, into, is_truth)

    def _lane(self, value: Any) -> Lane:
        if isinstance(value, Term):
            return value.lane
        if type(value) not in (int, float):  # a number of numpy's would make the values float64
            raise TypeError(f"{value!r} is no constant")
        return self._new_lane(float(value))

    def _new_lane(self, value: float) -> Lane:
        self.start.append(value)
        return len(self.start) - 1


def _number(value: Any) -> Any:
    if isinstance(value, Term) and value.is_truth:
        raise TypeError("truths are not computed with")
    return value


def _truth(value: Any) -> Term:
    if not isinstance(value, Term) or not value.is_truth:
        raise TypeError("only what was compared is true or false")
    return value
