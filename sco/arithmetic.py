"""A formula of plain arithmetic as steps that one compiled loop takes its pixels through.

numpy goes over whole arrays once for every operation, and waits for the interpreter's lock after each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import kernels
from sco.quality import States

Values = NDArray[np.float32]
OTHERWISE = (AttributeError, TypeError, ValueError)
"""What a formula raises that asks for more than it is given."""
Lane = int
"""Of pixels: the bands are the first lanes, then come constants and what the steps give, as they are written down."""

Operation = Callable[["Term", Any], "Term"]


@dataclass(frozen=True)
class Calculation:
    """A formula's steps."""

    start: Values
    """(lane,): what each lane holds before the first step, which matters for constants alone."""
    steps: NDArray[np.int64]
    """(step, 5): what to do, with which three lanes, and the lane for what comes of it."""

    def __call__(self, numbers: Sequence[NDArray[Any]], by: Values, states: States, into: Values) -> None:
        """Put the formula's values there, NaN where nothing was seen or no number comes out.

        All are (y, x), the numbers of one type, which are calibrated `by` shift, floor and scale, (band, 3).
        """
        kernels.calculate(self.steps, self.start, tuple(numbers), by, states, into)


def steps_of(formula: Callable[..., Any], bands: int) -> Calculation | None:
    """The steps of a formula of so many bands; None where it does anything that is no step."""
    writing = _Writing(bands)
    try:
        values = formula(*(Term(writing, band) for band in range(bands)))
    except OTHERWISE:
        return None
    if not isinstance(values, Term) or values.is_truth or not writing.steps or writing.steps[-1][-1] != values.lane:
        return None
    return Calculation(np.array(writing.start, np.float32), np.array(writing.steps, np.int64))


def _of_numbers(what: int, swapped: bool = False, is_truth: bool = False) -> Operation:
    def operation(one: "Term", other: Any) -> "Term":
        first, second = (other, one) if swapped else (one, other)
        return one.writing.step(what, _number(first), _number(second), is_truth=is_truth)

    return operation


def _comparing(what: int, swapped: bool = False) -> Operation:
    return _of_numbers(what, swapped, is_truth=True)


def _of_truths(what: int) -> Operation:
    def operation(one: "Term", other: Any) -> "Term":
        return one.writing.step(what, _truth(one), _truth(other), is_truth=True)

    return operation


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

    __add__, __radd__ = _of_numbers(kernels.ADD), _of_numbers(kernels.ADD, swapped=True)
    __sub__, __rsub__ = _of_numbers(kernels.SUBTRACT), _of_numbers(kernels.SUBTRACT, swapped=True)
    __mul__, __rmul__ = _of_numbers(kernels.MULTIPLY), _of_numbers(kernels.MULTIPLY, swapped=True)
    __truediv__, __rtruediv__ = _of_numbers(kernels.DIVIDE), _of_numbers(kernels.DIVIDE, swapped=True)
    __lt__, __gt__ = _comparing(kernels.LESS), _comparing(kernels.LESS, swapped=True)
    __le__, __ge__ = _comparing(kernels.AT_MOST), _comparing(kernels.AT_MOST, swapped=True)
    __and__, __or__ = _of_truths(kernels.BOTH), _of_truths(kernels.EITHER)

    def __abs__(self) -> "Term":
        return self.writing.step(kernels.ABSOLUTE, _number(self))

    def __neg__(self) -> "Term":
        return self.writing.step(kernels.NEGATE, _number(self))

    def __invert__(self) -> "Term":
        return self.writing.step(kernels.NOT, _truth(self), is_truth=True)

    def __bool__(self) -> bool:
        raise TypeError("what is true differs from pixel to pixel")


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
