"""Many observations of a pixel become one value: exact, without a float64 copy, outside the interpreter's lock.

With the value comes its standard error, from the spread of the observations, which count as independent; those of
neighbouring days are not quite.

- A mean's is s / sqrt(n). JCGM 100:2008, 4.2.3, https://doi.org/10.59161/JCGM100-2008E.
- A median's is the distance between the quartiles times a factor that depends on n alone, and of which no single cloud
  that slipped through makes much: for many normal observations 1.2533 s / sqrt(n) with s = IQR / 1.349, and for few
  what makes its square the variance of their median on average, as a mean's is. Hojo 1931,
  https://doi.org/10.2307/2332422.
- A percentile's is s sqrt(q (1 - q) / n) / f(q), f being the density of normal observations there. Mosteller 1946,
  https://doi.org/10.1214/aoms/1177730881.
- The least's and the greatest's are s times the standard deviation of the extreme of n normal observations. Tippett
  1925, https://doi.org/10.2307/2332087.
- That of one observation, `first` or `medoid`, is s.
- A fraction's is sqrt(p (1 - p) / (n + 4)) with p = (k + 2) / (n + 4), so that three of three are not certain. Agresti
  and Coull 1998, https://doi.org/10.1080/00031305.1998.10480550.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from statistics import NormalDist
from typing import Any, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sco.errors import ConfigurationError
from sco.uncertainty import FEWEST, METHODS

Stack = NDArray[np.float32]
"""(observation, y, x); NaN where a pixel was not seen."""
Plane = NDArray[np.float32]
"""(y, x)."""
Factors = NDArray[np.float32]
"""(number of observations,)."""
NEARER = 1 - 1e-5
"""Of a distance, by which another must be shorter to be nearer; less is rounding."""
ABREAST = 128
"""Pixels that are sorted at once: dozens of observations of them stay in the nearest memory."""
MEDIAN_OVER_MEAN = float(np.sqrt(np.pi / 2))
IQR_OF_NORMAL = 1.3489795
FROM_QUARTILES = (
    *(1.0000, 0.7008, 0.5035, 0.4691, 0.3958, 0.3825, 0.3360, 0.3298, 0.2985, 0.2949),
    *(0.2711, 0.2688, 0.2504, 0.2489, 0.2338, 0.2326, 0.2202, 0.2193, 0.2087, 0.2080),
    *(0.1988, 0.1983, 0.1903, 0.1898, 0.1827, 0.1824, 0.1760, 0.1757, 0.1700),
)
"""By number of normal observations from 2 to 30: sqrt(variance of their median / mean square of their IQR), quantiles
being interpolated linearly. Integrated over the order statistics; for more it is the limit, within 2 %."""


@dataclass(frozen=True)
class Composed:
    """What the observations of a period come to; NaN where no observation saw the pixel."""

    values: Plane
    uncertainty: Plane | None = None
    """Standard error of the values, NaN where fewer than two observations saw the pixel; None if not asked."""


def compose(
    stack: Stack, how: str, quantile: float | None = None, bands: Sequence[Stack] = (), *, with_error: bool = False
) -> Composed:
    """One value a pixel from those of its observations that are not NaN, and its standard error where asked for.

    `first` is the earliest; `sum` the total; `count` how many there are, 0 where there is none; `fraction` the mean of
    zeros and ones; `percentile` the `quantile` between 0 and 1, interpolated linearly as numpy does; `medoid` the value
    of the observation whose `bands` lie nearest to their medians. Raises ConfigurationError for an unknown composite, a
    percentile without a quantile and a medoid without bands.
    """
    kernel = KERNELS.get(how)
    if kernel is None:
        raise ConfigurationError(f"there is no composite {how!r}; there is: {', '.join(sorted(KERNELS))}")
    shape = stack.shape[1:]
    known = with_error and how in METHODS
    values, error = np.empty(shape, np.float32), np.empty(shape if known else (0, 0), np.float32)
    if stack.shape[0] == 0:
        values.fill(0 if how == "count" else np.nan)
        error.fill(np.nan)
    else:
        kernel(_Job(np.ascontiguousarray(stack, np.float32), values, error, quantile, bands))
    return Composed(values, error if known else None)


@dataclass(frozen=True)
class _Job:
    stack: Stack
    values: Plane
    error: Plane
    quantile: float | None
    bands: Sequence[Stack]


def _median(job: _Job) -> None:
    lanes = job.stack.shape[0]
    _ranked(job.stack, _network(lanes), np.float32(0.5), job.values, *_quartiles(lanes), job.error)


def _percentile(job: _Job) -> None:
    if job.quantile is None:
        raise ConfigurationError("a percentile composite needs the indicator's quantile, from 0 to 1")
    lanes, none = job.stack.shape[0], np.empty((0, 0), np.float32)
    _ranked(job.stack, _network(lanes), np.float32(job.quantile), job.values, *_quartiles(lanes), none)
    _spread(job, partial(_over_quantile, job.quantile))


def _mean(job: _Job) -> None:
    _moments(job.stack, False, job.values, job.error)


def _fraction(job: _Job) -> None:
    _moments(job.stack, True, job.values, job.error)


def _min(job: _Job) -> None:
    np.fmin.reduce(job.stack, axis=0, out=job.values)
    _spread(job, _over_extreme)


def _max(job: _Job) -> None:
    np.fmax.reduce(job.stack, axis=0, out=job.values)
    _spread(job, _over_extreme)


def _first(job: _Job) -> None:
    _earliest(job.stack, job.values)
    _spread(job, _over_one)


def _sum(job: _Job) -> None:
    _total(job.stack, False, job.values)


def _count(job: _Job) -> None:
    _total(job.stack, True, job.values)


def _medoid(job: _Job) -> None:
    if not job.bands:
        raise ConfigurationError("a medoid composite needs the bands of every observation")
    middles = np.stack([compose(_where_seen(band, job.stack), "median").values for band in job.bands])
    _nearest(job.stack, np.stack(job.bands), middles, job.values)
    _spread(job, _over_one)


def _spread(job: _Job, over_mean: Callable[[int], Factors]) -> None:
    """Standard errors that are the mean's times a factor, which depends on the number of observations alone."""
    if job.error.size:
        numbers = np.empty(job.values.shape, np.float32)
        _total(job.stack, True, numbers)
        _moments(job.stack, False, np.empty(job.values.shape, np.float32), job.error)
        job.error[:] *= over_mean(job.stack.shape[0])[numbers.astype(np.int64)]


def _over_one(most: int) -> Factors:
    """By number of observations, up to `most`: the spread of one of them over that of their mean."""
    return np.sqrt(np.arange(most + 1)).astype(np.float32)


@cache
def _over_extreme(most: int) -> Factors:
    """The same of the greatest, or the least, of normal observations."""
    places = np.linspace(-9, 9, 3601)
    normal = NormalDist()
    below, density = (np.array([found(place) for place in places.tolist()]) for found in (normal.cdf, normal.pdf))
    step, deviations = places[1] - places[0], [0.0]
    for number in range(1, most + 1):
        weights = number * below ** (number - 1) * density * step
        deviations.append(float(np.sqrt(weights @ places**2 - (weights @ places) ** 2)))
    return (_over_one(most) * deviations).astype(np.float32)


@cache
def _over_quantile(quantile: float, most: int) -> Factors:
    """The same of a quantile of many normal observations; at the ends, of the extreme."""
    if not 0 < quantile < 1:
        return _over_extreme(most)
    density = NormalDist().pdf(NormalDist().inv_cdf(quantile))
    return np.full(most + 1, np.sqrt(quantile * (1 - quantile)) / density, np.float32)


def _where_seen(band: Stack, stack: Stack) -> Stack:
    return np.where(np.isnan(stack), np.float32(np.nan), band)


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


@cache
def _quartiles(most: int) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """By number of observations, up to `most`: where both quartiles begin, how far on they lie, and the factor.

    (quartile, number), (quartile, number), (number,); the factor is NaN where they are too few.
    """
    numbers = np.arange(most + 1)
    places = np.array([[0.25], [0.75]]) * np.maximum(numbers - 1, 0)
    begins = places.astype(np.int64)
    limit = MEDIAN_OVER_MEAN / IQR_OF_NORMAL / np.sqrt(np.maximum(numbers, 1))
    exact = min(most + 1, FEWEST + len(FROM_QUARTILES))
    limit[FEWEST:exact] = FROM_QUARTILES[: max(0, exact - FEWEST)]
    limit[:FEWEST] = np.nan
    return begins, (places - begins).astype(np.float32), limit.astype(np.float32)


def _compiled(kernel: Callable[..., None]) -> Callable[..., None]:
    return cast("Callable[..., None]", njit(nogil=True, cache=True, error_model="numpy")(kernel))


@_compiled
def _sort(stack: Any, row: int, left: int, width: int, network: Any, lanes: Any, seen: Any) -> None:
    """Sort the observations of `width` pixels of a row into `lanes`, those not seen last, and count those `seen`."""
    seen[:] = 0
    for observation in range(stack.shape[0]):
        line, lane = stack[observation, row, left : left + width], lanes[observation]
        for column in range(width):
            value = line[column]
            there = value == value
            lane[column] = value if there else np.float32(np.inf)
            seen[column] += np.int32(there)  # a number of its own type, or the pixels are done one by one
    for pair in range(network.shape[0]):
        low, high = lanes[network[pair, 0]], lanes[network[pair, 1]]
        for column in range(width):
            one, other = low[column], high[column]
            # without the sum LLVM stores only what changes, by an instruction that is four times as slow
            low[column] = min(one, other) + np.float32(0)
            high[column] = max(one, other) + np.float32(0)


@_compiled
def _ranked(
    stack: Any, network: Any, quantile: Any, values: Any, begins: Any, rests: Any, factors: Any, error: Any
) -> None:
    """Quantiles, sorting many pixels of a row at once, so that the processor compares many in one step."""
    count, height, whole = stack.shape
    lanes = np.empty((count, ABREAST), np.float32)
    seen = np.empty(ABREAST, np.int32)
    for row in range(height):
        for left in range(0, whole, ABREAST):
            width = min(ABREAST, whole - left)
            _sort(stack, row, left, width, network, lanes, seen)
            for column in range(width):
                n = seen[column]
                if n == 0:
                    value = np.float32(np.nan)
                elif quantile != np.float32(0.5):
                    value = _at(lanes, column, n, quantile)
                elif n % 2:
                    value = lanes[n // 2, column]
                else:
                    value = (lanes[n // 2 - 1, column] + lanes[n // 2, column]) * np.float32(0.5)
                values[row, left + column] = value
            if error.size:
                _median_error(lanes, seen, begins, rests, factors, error[row, left : left + width])


@njit(nogil=True, cache=True, error_model="numpy", inline="always")  # type: ignore[misc, unused-ignore]
def _at(lanes: Any, column: int, n: int, quantile: Any) -> Any:
    """The quantile of the first n of sorted lanes, interpolated linearly."""
    place = quantile * np.float32(n - 1)
    below = int(place)
    low, high = lanes[below, column], lanes[min(below + 1, n - 1), column]
    return low + (high - low) * (place - np.float32(below))


@_compiled
def _median_error(lanes: Any, seen: Any, begins: Any, rests: Any, factors: Any, error: Any) -> None:
    """The distance between the quartiles of a row of sorted pixels, times its factor."""
    last = lanes.shape[0] - 1
    for column in range(len(error)):
        n = seen[column]
        lower, upper = begins[0, n], begins[1, n]
        low, high = lanes[lower, column], lanes[upper, column]
        low += (lanes[min(lower + 1, last), column] - low) * rests[0, n]
        high += (lanes[min(upper + 1, last), column] - high) * rests[1, n]
        error[column] = factors[n] * (high - low)


@_compiled
def _binomial_error(share: Any, seen: Any, error: Any) -> None:
    for column in range(len(error)):
        n = seen[column]
        p = (share[column] * n + 2) / (n + 4)
        error[column] = np.sqrt(p * (1 - p) / (n + 4)) if n >= FEWEST else np.nan


@_compiled
def _moments(stack: Any, binary: bool, values: Any, error: Any) -> None:
    """Mean, and its standard error from the sample, or of zeros and ones if `binary`."""
    count, height, width = stack.shape
    total, spread, seen = np.empty(width), np.empty(width), np.empty(width)
    for row in range(height):
        total[:], spread[:], seen[:] = 0, 0, 0
        for observation in range(count):
            for column in range(width):
                value = np.float64(stack[observation, row, column])
                there = value == value
                total[column] += value if there else 0.0
                seen[column] += there
        for column in range(width):
            total[column] = total[column] / seen[column] if seen[column] else np.nan
            values[row, column] = total[column]
        if error.size and binary:
            _binomial_error(total, seen, error[row])
        elif error.size:
            for observation in range(count):
                for column in range(width):
                    step = np.float64(stack[observation, row, column]) - total[column]
                    spread[column] += step * step if step == step else 0.0
            for column in range(width):
                n = seen[column]
                error[row, column] = np.sqrt(spread[column] / (n - 1) / n) if n >= FEWEST else np.nan


@_compiled
def _earliest(stack: Any, values: Any) -> None:
    count, height, width = stack.shape
    for row in range(height):
        for column in range(width):
            values[row, column] = stack[0, row, column]
        for observation in range(1, count):
            for column in range(width):
                before = values[row, column]
                values[row, column] = before if before == before else stack[observation, row, column]


@_compiled
def _total(stack: Any, only_count: bool, values: Any) -> None:
    """The sum of what was seen, NaN where nothing was; or how many were."""
    count, height, width = stack.shape
    total, seen = np.empty(width), np.empty(width, np.int64)
    for row in range(height):
        total[:], seen[:] = 0, 0
        for observation in range(count):
            for column in range(width):
                value = stack[observation, row, column]
                there = value == value
                total[column] += value if there else 0.0
                seen[column] += there
        for column in range(width):
            if only_count:
                values[row, column] = seen[column]
            else:
                values[row, column] = total[column] if seen[column] else np.nan


@_compiled
def _nearest(stack: Any, bands: Any, middles: Any, values: Any) -> None:
    """The value of the observation whose bands are nearest to `middles`, (band, y, x); the earliest of equals."""
    count, height, width = stack.shape
    for row in range(height):
        for column in range(width):
            least, chosen = np.inf, np.float32(np.nan)
            for observation in range(count):
                value = stack[observation, row, column]
                distance = 0.0
                for band in range(bands.shape[0]):
                    step = np.float64(bands[band, observation, row, column]) - middles[band, row, column]
                    distance += step * step
                if value == value and (distance < least * NEARER or least == np.inf):
                    least, chosen = distance, value
            values[row, column] = chosen


KERNELS: dict[str, Callable[[_Job], None]] = {
    "median": _median,
    "mean": _mean,
    "min": _min,
    "max": _max,
    "first": _first,
    "sum": _sum,
    "count": _count,
    "fraction": _fraction,
    "percentile": _percentile,
    "medoid": _medoid,
}
