"""Many observations of a pixel become one value: exact, without a float64 copy, outside the interpreter's lock."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Stack = NDArray[np.float32]
"""(observation, y, x); NaN where a pixel was not seen."""
Composite = NDArray[np.float32]
"""(y, x); NaN where no observation saw the pixel."""


def compose(stack: Stack, how: str) -> Composite:
    """One value a pixel from its observations: median, mean, min or max of those that are not NaN."""
    if stack.shape[0] == 0:
        return np.full(stack.shape[1:], np.nan, np.float32)
    result = np.empty(stack.shape[1:], np.float32)
    KERNELS[how](np.ascontiguousarray(stack, np.float32), result)
    return result


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _median(stack: Any, result: Any) -> None:
    count, height, width = stack.shape
    seen = np.empty(count, np.float32)
    for row in range(height):
        for column in range(width):
            n = 0
            for observation in range(count):
                value = stack[observation, row, column]
                if not np.isnan(value):
                    place = n
                    while place > 0 and seen[place - 1] > value:
                        seen[place] = seen[place - 1]
                        place -= 1
                    seen[place] = value
                    n += 1
            if n == 0:
                result[row, column] = np.nan
            elif n % 2:
                result[row, column] = seen[n // 2]
            else:
                result[row, column] = (seen[n // 2 - 1] + seen[n // 2]) * np.float32(0.5)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _mean(stack: Any, result: Any) -> None:
    count, height, width = stack.shape
    for row in range(height):
        for column in range(width):
            n = 0
            total = 0.0
            for observation in range(count):
                value = stack[observation, row, column]
                if not np.isnan(value):
                    total += value
                    n += 1
            result[row, column] = total / n if n else np.nan


def _min(stack: Stack, result: Composite) -> None:
    np.fmin.reduce(stack, axis=0, out=result)


def _max(stack: Stack, result: Composite) -> None:
    np.fmax.reduce(stack, axis=0, out=result)


KERNELS: dict[str, Callable[[Stack, Composite], None]] = {"median": _median, "mean": _mean, "min": _min, "max": _max}
