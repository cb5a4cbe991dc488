"""Coarser layers: means of measures, and of classes the one that most pixels have."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sco.model import Indicator


def coarsen(values: NDArray[Any], step: int) -> NDArray[np.float64]:
    """(y, x) means over squares of `step` pixels that have a value, the last ones smaller; NaN where none has."""
    return np.asarray(values, "float64") if step == 1 else np.asarray(_means(values, step))


def commonest(values: NDArray[Any], step: int) -> NDArray[np.float64]:
    """(y, x) whole values that most pixels of squares of `step` have, the lowest of those alike; NaN where none has."""
    seen = values[np.isfinite(values)]
    if step == 1 or not seen.size:
        return coarsen(values, step)
    low = int(seen.min())
    return np.asarray(_modes(values, step, low, int(seen.max()) - low + 1))


def of(indicator: Indicator, values: NDArray[Any], step: int) -> NDArray[np.float64]:
    """An indicator's values over squares of `step` pixels."""
    return commonest(values, step) if indicator.classes else coarsen(values, step)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _means(values: Any, step: Any) -> Any:
    height, width = values.shape
    means = np.empty((-(-height // step), -(-width // step)))
    for row in range(means.shape[0]):
        for column in range(means.shape[1]):
            total, seen = 0.0, 0
            for y in range(row * step, min((row + 1) * step, height)):
                for x in range(column * step, min((column + 1) * step, width)):
                    if values[y, x] == values[y, x]:
                        total += values[y, x]
                        seen += 1
            means[row, column] = total / seen if seen else np.nan
    return means


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _modes(values: Any, step: Any, low: Any, number: Any) -> Any:
    height, width = values.shape
    modes = np.empty((-(-height // step), -(-width // step)))
    counts = np.empty(number, np.int64)
    for row in range(modes.shape[0]):
        for column in range(modes.shape[1]):
            counts[:] = 0
            for y in range(row * step, min((row + 1) * step, height)):
                for x in range(column * step, min((column + 1) * step, width)):
                    if values[y, x] == values[y, x]:
                        counts[int(values[y, x]) - low] += 1
            most = int(np.argmax(counts))
            modes[row, column] = most + low if counts[most] else np.nan
    return modes
