"""Many observations of a pixel become one value: exact, without a float64 copy, outside the interpreter's lock."""

from collections.abc import Callable
from functools import cache
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


def _median(stack: Stack, result: Composite) -> None:
    _middle(stack, result, _network(stack.shape[0]))


@cache
def _network(lanes: int) -> NDArray[np.int64]:
    """Pairs to compare and swap, one after another, that sort so many lanes: Batcher's odd-even merge.

    Knuth, The Art of Computer Programming 3, algorithm 5.2.2 M.
    """
    pairs: list[tuple[int, int]] = []
    top = 1 << max(lanes - 1, 0).bit_length() >> 1
    step = top
    while step:
        width, residue, distance = top, 0, step
        while True:
            pairs += [(lane, lane + distance) for lane in range(lanes - distance) if lane & step == residue]
            if width == step:
                break
            distance, width, residue = width - step, width // 2, step
        step //= 2
    return np.array(pairs, np.int64).reshape(-1, 2)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _middle(stack: Any, result: Any, network: Any) -> None:
    """Sort the observations of a whole row of pixels at once, so that the processor compares many in one step."""
    count, height, width = stack.shape
    lanes = np.empty((count, width), np.float32)
    seen = np.empty(width, np.int64)
    for row in range(height):
        seen[:] = 0
        for observation in range(count):
            for column in range(width):
                value = stack[observation, row, column]
                there = value == value
                lanes[observation, column] = value if there else np.float32(np.inf)
                seen[column] += there
        for pair in range(network.shape[0]):
            low, high = lanes[network[pair, 0]], lanes[network[pair, 1]]
            for column in range(width):
                one, other = low[column], high[column]
                low[column] = min(one, other)
                high[column] = max(one, other)
        for column in range(width):
            n = seen[column]
            if n == 0:
                result[row, column] = np.nan
            elif n % 2:
                result[row, column] = lanes[n // 2, column]
            else:
                result[row, column] = (lanes[n // 2 - 1, column] + lanes[n // 2, column]) * np.float32(0.5)


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
