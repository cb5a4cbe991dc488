"""Mann-Kendall and Theil-Sen of many series at once, outside the interpreter's lock.

The slopes between all pairs of values are not listed. Those below a given slope are the pairs that fall once it is
taken from the series, and pairs are compared many at a time: so counting tells the rank of a slope, and each count
where to look next, until some dozen slopes are left between two that are counted. Counting is done in float32. What is
left is computed in float64, and must lie further from either end than rounding can have moved a pair; where it does
not, all slopes are listed after all. So the result is exact.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sco.series import Columns

MEASURES = ("slope", "low", "high", "p", "z", "tau", "n")
PIXELS = 32
"""How many series are laid out at a time: they fit the processor's cache."""
LANES = 16
"""Numbers that the processor compares at a time; behind its end a series has as many of NaN, so that none are over."""
ROWS = 4
"""Values that are compared at a time with all that are later; their pairs are a block."""
SAMPLE = 64
"""Slopes that are drawn to guess where the median is."""
NEAR = 12
"""How many of them, to either side of their median, tell how dense the slopes are."""
SEVERAL = 1024
"""Pairs, up to which their slopes are listed."""
STEPS = 8
"""Counts after which the search for a rank ends."""
CLOSE = 30
"""How many ranks off a guess may be for the next to aim beyond, by BEYOND ranks and a SHARE of what it is off."""
BEYOND = 4.0
SHARE = 0.15
LEFT = 60
"""How many slopes may be left between two guesses, to be looked at one by one."""
ROUNDING = 2.0**-22
"""Twice what float32 may lose of a difference between two values, as a share of the largest of them."""
TINY = 2.0**-147
"""The same of the smallest numbers."""


class Room(NamedTuple):
    """What is laid out for one series after another: room for the longest, and NaN behind its end."""

    values: Any
    times: Any
    same: Any
    """The values in the dtype that they came in."""
    tilted: Any
    """The values less a slope: one row for either end of the search and one to spare, float32."""
    blocks: Any
    """Of each row how many pairs fall in each block."""
    inside: Any
    listed: Any
    draws: Any
    drawn: Any


def tested(columns: Columns, corrected: bool, critical: float, fewest: int) -> Columns:
    """(measure, series) of (time, series), in the order of MEASURES; `corrected` after Hamed and Rao 1998.

    `critical` is the normal quantile of the confidence interval and of significant autocorrelations.
    """
    result = np.empty((len(MEASURES), columns.shape[1]), columns.dtype)
    _walk(columns, corrected, critical, fewest, _room(columns.shape[0], columns.dtype), result)
    return result


def _room(length: int, kind: Any) -> Room:
    draws = np.random.default_rng(1).random((SAMPLE, 2))  # always the same
    draws[:, 0] = 1 - np.sqrt(draws[:, 0])  # an earlier value has more later ones
    return Room(
        values=np.empty(length + LANES),
        times=np.empty(length + LANES),
        same=np.empty(length + LANES, kind),
        tilted=np.full((3, length + LANES), np.nan, np.float32),
        blocks=np.zeros((3, length // ROWS + 1), np.int64),
        inside=np.zeros((length // LANES + 2) * LANES, np.uint8),
        listed=np.empty(length * (length - 1) // 2 + 1),
        draws=draws,
        drawn=np.empty(SAMPLE),
    )


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _walk(columns: Any, corrected: Any, critical: Any, fewest: Any, room: Any, result: Any) -> None:
    length, series = columns.shape
    laid = np.empty((PIXELS, length), columns.dtype)
    one = np.empty(len(MEASURES))
    for first in range(0, series, PIXELS):
        width = min(PIXELS, series - first)
        for time in range(length):
            for pixel in range(width):
                laid[pixel, time] = columns[time, first + pixel]
        for pixel in range(width):
            n = _lay(laid[pixel], room)
            one[:] = np.nan
            one[6] = n
            if n >= max(fewest, 3):
                _test(n, room, corrected, critical, one)
            result[:, first + pixel] = one


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _lay(y: Any, room: Any) -> Any:
    """Lay out the values that are there, one behind the other: how many."""
    n = 0
    for time in range(y.size):
        room.values[n] = y[time]
        room.times[n] = time
        room.same[n] = y[time]
        n += not np.isnan(y[time])
    room.values[n : n + LANES] = np.nan
    room.same[n : n + LANES] = np.nan
    room.tilted[:, n : n + LANES] = np.nan
    return n


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _test(n: Any, room: Any, corrected: Any, critical: Any, one: Any) -> None:
    pairs = n * (n - 1) // 2
    middle = (pairs - 1) // 2
    score, variance = _score(n, room)
    guess, rate = _sampled(n, room) if pairs > SEVERAL else (0.0, 0.0)
    slope, rate = _ranked(n, room, middle, pairs // 2, guess, rate)
    if corrected:
        variance *= _inflation(room.values[:n] - np.arange(1, n + 1) * slope, critical)
    low, high = _ends(pairs, critical * math.sqrt(max(variance, 0.0)))
    z = _normal_deviate(score, variance)
    one[0] = slope
    one[1], _ = _ranked(n, room, low, low, slope + (low - middle) * rate, rate)
    one[2], _ = _ranked(n, room, high, high, slope + (high - middle) * rate, rate)
    one[3] = math.erfc(abs(z) / math.sqrt(2.0))
    one[4] = z
    one[5] = score / pairs


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _score(n: Any, room: Any) -> Any:
    """Pairs that rise minus pairs that fall; and its variance where there is no trend, less what ties take from it."""
    falling = _falls(n, room.same, room.blocks[0])
    rising = _falls(n, -room.same, room.blocks[0])
    total = n * (n - 1) * (2 * n + 5)
    if rising + falling < n * (n - 1) // 2:
        total -= _lost_to_ties(np.sort(room.same[:n]))
    return rising - falling, total / 18.0


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _falls(n: Any, values: Any, blocks: Any) -> Any:
    """Pairs of which the later is less, and how many of them are in each block."""
    falls = np.int64(0)
    for block in range((n + ROWS - 1) // ROWS):
        i = ROWS * block
        a, b, c, d = values[i], values[i + 1], values[i + 2], values[i + 3]
        found = np.uint32((b < a) + (c < a) + (d < a) + (c < b) + (d < b) + (d < c))
        later = values[i + ROWS : i + ROWS + _whole(n - i - ROWS)]
        for j in range(later.size):
            found = np.uint32(found + np.uint32(later[j] < a))
            found = np.uint32(found + np.uint32(later[j] < b))
            found = np.uint32(found + np.uint32(later[j] < c))
            found = np.uint32(found + np.uint32(later[j] < d))
        blocks[block] = found
        falls += np.int64(found)
    return falls


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _whole(count: Any) -> Any:
    return (max(count, 0) + LANES - 1) // LANES * LANES


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


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[misc, unused-ignore]
def _sampled(n: Any, room: Any) -> Any:
    """A guess at the median slope, and by how much slopes grow from one rank to the next."""
    for k in range(SAMPLE):
        i = int(room.draws[k, 0] * (n - 1))
        j = i + 1 + int(room.draws[k, 1] * (n - 1 - i))
        room.drawn[k] = (room.values[j] - room.values[i]) / (room.times[j] - room.times[i])
    middle = SAMPLE // 2
    median = _select(room.drawn, SAMPLE, middle)
    less = _select(room.drawn, middle, middle - NEAR)
    more = _select(room.drawn[middle:], SAMPLE - middle, NEAR)
    return median, (more - less) / (2 * NEAR) * SAMPLE / (n * (n - 1) // 2)


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[misc, unused-ignore]
def _ranked(n: Any, room: Any, first: Any, last: Any, guess: Any, rate: Any) -> Any:
    """The mean of the slopes of these two ranks, from 0, equal or neighbours; and the rate of slopes near them.

    `guess` is a slope near them, `rate` by how much slopes grow from one rank to the next.
    """
    if n * (n - 1) // 2 <= SEVERAL:
        return _of_all(n, room, first, last), rate
    floor, ceiling, below, upto = -np.inf, np.inf, 0, 0
    low, high, spare = 0, 1, 2
    before, count_before = np.nan, 0
    for step in range(STEPS):
        count = _falls(n, _tilt(n, room, guess, spare), room.blocks[spare])
        rate = _rate(rate, guess - before, count - count_before)
        if count <= first and guess > floor:
            floor, below, low, spare = guess, count, spare, low
        if count > last and guess < ceiling:
            ceiling, upto, high, spare = guess, count, spare, high
        before, count_before = guess, count
        guess = _next(guess, rate, first - count, floor, ceiling)
        if ceiling - floor < np.inf and (upto - below < LEFT or step == STEPS - 1):
            left = _list(n, room, low, high)
            one, other = _selected(room.listed, left, first - below, last - below)
            margin = _margin(n, room, low, high)
            if floor + margin <= one and other <= ceiling - margin:
                return 0.5 * (one + other), rate
            if one < floor + margin:
                guess, floor = floor - 2 * BEYOND * rate, -np.inf
            else:
                guess, ceiling = ceiling + 2 * BEYOND * rate, np.inf
        if guess == before:
            break
    return _of_all(n, room, first, last), rate


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[misc, unused-ignore]
def _rate(rate: Any, slopes: Any, ranks: Any) -> Any:
    """By how much slopes grow from one rank to the next, as two counts show; as it was before where they do not."""
    return abs(slopes / ranks) if ranks != 0 and abs(slopes) > 0.0 else rate


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _next(guess: Any, rate: Any, off: Any, floor: Any, ceiling: Any) -> Any:
    """The guess moved by so many ranks, a few more where it is close, but between the ends where both are known."""
    beyond = BEYOND + SHARE * abs(off) if abs(off) <= CLOSE else 0.0
    moved = guess + rate * (off + beyond if off >= 0 else off - beyond)
    return moved if floor < moved < ceiling or ceiling - floor == np.inf else 0.5 * (floor + ceiling)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _tilt(n: Any, room: Any, slope: Any, row: Any) -> Any:
    """The series less a slope, about its middle."""
    tilted = room.tilted[row]
    value, time = room.values[n // 2], room.times[n // 2]
    for i in range(n):
        tilted[i] = (room.values[i] - value) - slope * (room.times[i] - time)
    return tilted


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[misc, unused-ignore]
def _list(n: Any, room: Any, low: Any, high: Any) -> Any:
    """List the slopes of the pairs that fall in the tilt `high` and not in `low`: how many."""
    values, times, inside, listed = room.values, room.times, room.inside, room.listed
    eights = inside.view(np.uint64)
    less, more = room.tilted[low], room.tilted[high]
    count = 0
    for i in range(0, n, ROWS):
        if room.blocks[low, i // ROWS] == room.blocks[high, i // ROWS]:
            continue
        a, b, c, d = less[i], less[i + 1], less[i + 2], less[i + 3]
        e, f, g, h = more[i], more[i + 1], more[i + 2], more[i + 3]
        size = _whole(n - i - 1)
        x, y = less[i + 1 : i + 1 + size], more[i + 1 : i + 1 + size]
        for k in range(size):
            either = ((x[k] >= a) & (y[k] < e)) | ((x[k] >= b) & (y[k] < f))
            inside[k] = either | ((x[k] >= c) & (y[k] < g)) | ((x[k] >= d) & (y[k] < h))
        for eight in range(size // 8):
            if eights[eight]:
                for j in range(i + 1 + 8 * eight, i + 9 + 8 * eight):
                    for row in range(i, min(i + ROWS, j) if inside[j - i - 1] else i):
                        if less[j] >= less[row] and more[j] < more[row]:
                            listed[count] = (values[j] - values[row]) / (times[j] - times[row])
                            count += 1
    return count


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _margin(n: Any, room: Any, low: Any, high: Any) -> Any:
    """How far from the ends a slope must lie for its rank to be sure."""
    largest = np.float32(0)
    for i in range(n):
        largest = max(largest, abs(room.tilted[low, i]), abs(room.tilted[high, i]))
    return ROUNDING * largest + TINY


@njit(nogil=True, cache=True, error_model="numpy")  # type: ignore[misc, unused-ignore]
def _of_all(n: Any, room: Any, first: Any, last: Any) -> Any:
    count = 0
    for i in range(n):
        for j in range(i + 1, n):
            room.listed[count] = (room.values[j] - room.values[i]) / (room.times[j] - room.times[i])
            count += 1
    one, other = _selected(room.listed, count, first, last)
    return 0.5 * (one + other)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _selected(numbers: Any, count: Any, first: Any, last: Any) -> Any:
    if last >= count:
        return np.nan, np.nan
    one = _select(numbers, count, first)
    return one, one if first == last else _select(numbers, count, last)


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
    n = values.size
    ranks = np.empty(n)
    for i in range(n):
        less = np.uint32(0)
        for j in range(n):
            less = np.uint32(less + np.uint32(values[j] < values[i]))
        ranks[i] = less + 1.0
    if ranks.sum() < n * (n + 1) // 2:
        for i in range(n):
            upto = np.uint32(0)
            for j in range(n):
                upto = np.uint32(upto + np.uint32(values[j] <= values[i]))
            ranks[i] = (ranks[i] + upto) / 2.0
    return ranks
