"""Mann-Kendall and Theil-Sen of many series at once, outside the interpreter's lock.

The slopes between all pairs of values are never sorted. A sample tells between which two slopes the wanted ranks lie;
one pass counts what is below and keeps what is between; the ranks are selected among those. The result is exact.
"""

import math
from typing import Any

import numpy as np
from numba import njit

from sco.series import Columns

MEASURES = ("slope", "low", "high", "p", "z", "tau", "n")
PIXELS = 32
"""How many series are laid out at a time: they fit the processor's cache."""
SAMPLE = 512
"""Slopes that are drawn to guess between which two the wanted ranks lie."""
SIGMAS = 2.5
"""By how many standard errors of a sampled quantile the guess is widened; one that fails costs time, no accuracy."""
WIDER = 1.5
"""How far the slopes are kept for a corrected test, whose interval is not known before the median."""
BUCKETS = 256
"""Into how many equal steps the slopes that are kept are sorted before one is selected."""


def tested(columns: Columns, corrected: bool, critical: float, fewest: int) -> Columns:
    """(measure, series) of (time, series), in the order of MEASURES; `corrected` after Hamed and Rao 1998.

    `critical` is the normal quantile of the confidence interval and of significant autocorrelations.
    """
    result = np.empty((len(MEASURES), columns.shape[1]), columns.dtype)
    _walk(columns, corrected, critical, fewest, result)
    return result


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _walk(columns: Any, corrected: Any, critical: Any, fewest: Any, result: Any) -> None:
    length, series = columns.shape
    laid = np.empty((PIXELS, length))
    kept = np.empty((2, length * (length - 1) // 2 + 1))
    one = np.empty(len(MEASURES))
    for first in range(0, series, PIXELS):
        width = min(PIXELS, series - first)
        for time in range(length):
            for pixel in range(width):
                laid[pixel, time] = columns[time, first + pixel]
        for pixel in range(width):
            _test(laid[pixel], kept, corrected, critical, fewest, one)
            result[:, first + pixel] = one


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _test(y: Any, kept: Any, corrected: Any, critical: Any, fewest: Any, one: Any) -> None:
    values = y[~np.isnan(y)]
    n = values.size
    one[:] = np.nan
    one[6] = n
    if n < max(fewest, 3):
        return
    pairs = n * (n - 1) // 2
    score, variance = _score(values)
    reach = critical * math.sqrt(variance)
    slopes = _between(y, kept, pairs, WIDER * reach if corrected else reach)
    slope = _middle(kept, slopes, pairs)
    if corrected:
        variance *= _inflation(values - np.arange(1, n + 1) * slope, critical)
        reach = critical * math.sqrt(max(variance, 0.0))
        if not _enclose(slopes, pairs, reach):
            slopes = _between(y, kept, pairs, reach)
    low, high = _ends(pairs, reach)
    z = _normal_deviate(score, variance)
    one[0], one[1], one[2] = slope, _ranked(kept, slopes, low), _ranked(kept, slopes, high)
    one[3] = math.erfc(abs(z) / math.sqrt(2.0))
    one[4] = z
    one[5] = score / pairs


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _score(values: Any) -> Any:
    """Pairs that rise minus pairs that fall; and its variance where there is no trend, less what ties take from it."""
    n = values.size
    rising = 0
    falling = 0
    for i in range(n - 1):
        here = values[i]
        later = values[i + 1 :]
        for j in range(later.size):
            rising += later[j] > here
            falling += later[j] < here
    total = n * (n - 1) * (2 * n + 5)
    if rising + falling < n * (n - 1) // 2:
        total -= _lost_to_ties(np.sort(values))
    return rising - falling, total / 18.0


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _lost_to_ties(ordered: Any) -> Any:
    lost = 0
    tied = 1
    for i in range(1, ordered.size + 1):
        if i < ordered.size and ordered[i] == ordered[i - 1]:
            tied += 1
        else:
            lost += tied * (tied - 1) * (2 * tied + 5)
            tied = 1
    return lost


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _normal_deviate(score: Any, variance: Any) -> Any:
    if score == 0:
        return 0.0
    if variance <= 0.0:
        return np.nan
    return (score - 1.0 if score > 0 else score + 1.0) / math.sqrt(variance)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _ends(pairs: Any, reach: Any) -> Any:
    """Ranks, from 0, of the ends of the slope's confidence interval; `reach` is the score's. Sen 1968."""
    low = max(int(np.rint((pairs - reach) / 2.0)) - 1, 0)
    return low, min(int(np.rint((pairs + reach) / 2.0)), pairs - 1)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _enclose(slopes: Any, pairs: Any, reach: Any) -> Any:
    """Whether the median and both ends of the interval are among the slopes that are kept."""
    below, count = slopes[:2]
    low, high = _ends(pairs, reach)
    return below <= min(low, pairs // 2 - 1) and max(high, pairs // 2) < below + count


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _between(y: Any, kept: Any, pairs: Any, reach: Any) -> Any:
    """Keep all slopes from one end of the interval to the other: how many are below, how many kept, how they lie."""
    spans = np.arange(1.0, y.size)
    if pairs > 4 * SAMPLE:
        low, high = _ends(pairs, reach)
        floor, ceiling = _guess(y, spans, low / pairs, high / pairs)
        slopes = _keep(y, spans, kept[0], floor, ceiling)
        if _enclose(slopes, pairs, reach):
            return slopes[0], slopes[1], _spread(kept, slopes[1])
    below, count = _keep(y, spans, kept[0], -np.inf, np.inf)
    return below, count, _spread(kept, count)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _middle(kept: Any, slopes: Any, pairs: Any) -> Any:
    median = _ranked(kept, slopes, pairs // 2)
    return median if pairs % 2 else 0.5 * (median + _ranked(kept, slopes, pairs // 2 - 1))


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _guess(y: Any, spans: Any, low: Any, high: Any) -> Any:
    """Two slopes that likely enclose those at the shares `low` to `high`, from a sample that is always the same.

    Xorshift: Marsaglia 2003, https://doi.org/10.18637/jss.v008.i14.
    """
    drawn = np.empty(SAMPLE)
    state = np.uint64(88172645463325252)
    length = np.uint64(y.size)
    count = 0
    for _ in range(4 * SAMPLE):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        one = np.int64((state >> np.uint64(32)) * length >> np.uint64(32))
        other = np.int64((state & np.uint64(0xFFFFFFFF)) * length >> np.uint64(32))
        i, j = min(one, other), max(one, other)
        if i < j:
            drawn[count] = (y[j] - y[i]) / spans[j - i - 1]
            count += drawn[count] == drawn[count]
        if count == SAMPLE:
            break
    first = int(count * low - SIGMAS * math.sqrt(count * low * (1.0 - low))) - 1
    last = int(count * high + SIGMAS * math.sqrt(count * high * (1.0 - high))) + 1
    floor = _select(drawn, count, first) if first >= 0 else -np.inf
    return floor, _select(drawn, count, last) if last < count else np.inf


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[misc, unused-ignore]
def _keep(y: Any, spans: Any, kept: Any, floor: Any, ceiling: Any) -> Any:
    # First what the processor does eight at a time, then, without a branch, what it cannot: twice as fast.
    slopes = np.empty(y.size)
    between = np.empty(y.size, np.int64)
    below = 0
    count = 0
    for i in range(y.size - 1):
        here = y[i]
        later = y[i + 1 :]
        for j in range(later.size):
            slope = (later[j] - here) / spans[j]
            slopes[j] = slope
            between[j] = (slope >= floor) & (slope <= ceiling)
            below += slope < floor
        for j in range(later.size):
            kept[count] = slopes[j]
            count += between[j]
    return below, count


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _spread(kept: Any, count: Any) -> Any:
    """Put the slopes into `kept[1]` in BUCKETS steps of equal width, lowest first; where each step ends."""
    floor = np.inf
    ceiling = -np.inf
    for i in range(count):
        floor = min(floor, kept[0, i])
        ceiling = max(ceiling, kept[0, i])
    scale = (BUCKETS - 1) / (ceiling - floor) if ceiling > floor else 0.0
    ends = np.zeros(BUCKETS + 1, np.int64)
    for i in range(count):
        ends[np.uint64((kept[0, i] - floor) * scale) + np.uint64(1)] += 1
    for step in range(BUCKETS):
        ends[step + 1] += ends[step]
    for i in range(count):
        place = np.uint64((kept[0, i] - floor) * scale)
        kept[1, ends[place]] = kept[0, i]
        ends[place] += 1
    return ends


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _ranked(kept: Any, slopes: Any, rank: Any) -> Any:
    """The slope of this rank, from 0, among all."""
    below, _, ends = slopes
    step = np.searchsorted(ends[:BUCKETS], rank - below, side="right")
    start = ends[step - 1] if step > 0 else 0
    return _select(kept[1, start : ends[step]], ends[step] - start, rank - below - start)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _select(numbers: Any, count: Any, rank: Any) -> Any:
    """The number of this rank, from 0, of the first `count`, which are moved about. Hoare's quickselect."""
    left = 0
    right = count - 1
    while left < right:
        pivot = numbers[(left + right) // 2]
        i = left
        j = right
        while i <= j:
            while numbers[i] < pivot:
                i += 1
            while numbers[j] > pivot:
                j -= 1
            if i <= j:
                numbers[i], numbers[j] = numbers[j], numbers[i]
                i += 1
                j -= 1
        if rank <= j:
            right = j
        elif rank >= i:
            left = i
        else:
            break
    return numbers[rank]


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _inflation(detrended: Any, critical: Any) -> Any:
    """By how much the ranks' significant autocorrelations widen the variance of the score. Hamed and Rao 1998."""
    n = detrended.size
    ranks = _ranks(detrended)
    ranks -= ranks.mean()
    bound = critical / math.sqrt(n)
    power = (ranks * ranks).sum()
    total = 0.0
    for lag in range(1, n):
        correlation = _product(ranks, ranks[lag:]) / power if power > 0.0 else 0.0
        if abs(correlation) > bound:
            total += (n - lag) * (n - lag - 1.0) * (n - lag - 2.0) * correlation
    return 1.0 + 2.0 / (n * (n - 1.0) * (n - 2.0)) * total


@njit(nogil=True, cache=True, fastmath={"reassoc"})  # type: ignore[misc, unused-ignore]
def _product(values: Any, later: Any) -> Any:
    total = 0.0
    for i in range(later.size):
        total += values[i] * later[i]
    return total


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _ranks(values: Any) -> Any:
    """From 1; ties share the mean of theirs."""
    order = np.argsort(values)
    ranks = np.empty(values.size)
    first = 0
    while first < values.size:
        last = first
        while last + 1 < values.size and values[order[last + 1]] == values[order[first]]:
            last += 1
        for i in range(first, last + 1):
            ranks[order[i]] = (first + last) / 2.0 + 1.0
        first = last + 1
    return ranks
