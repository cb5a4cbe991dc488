"""What is done to every pixel of every observation, compiled: one pass each, outside the interpreter's lock.

States are the numbers of `sco.quality.State`. All arrays are (y, x) and of one shape unless said otherwise.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

SEEN, FAILED, MASKED, NOT_ACQUIRED = 0, 1, 2, 3
ADD, SUBTRACT, MULTIPLY, DIVIDE, ABSOLUTE, NEGATE = range(6)
LESS, AT_MOST, EQUAL, DIFFERENT = range(6, 10)
BOTH, EITHER, NOT, CHOOSE, AS_NUMBER = range(10, 15)
"""What a step of a calculation does. What is true has all bits set, what is false none."""
TOGETHER = 512
"""Pixels that go through all steps together: what is between two steps stays in the nearest memory."""
BITS_OF_ONE = 0x3F800000


Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def _compiled(kernel: Kernel) -> Kernel:
    return cast("Kernel", njit(nogil=True, cache=True, error_model="numpy")(kernel))


@_compiled
def repeat(coarse: Any, times: int, top: int, left: int, result: Any) -> None:
    """Every number of `coarse` as `times` rows and columns; `result` begins so many fine rows and columns into it."""
    height, width = result.shape
    fine = np.empty(coarse.shape[1] * times, coarse.dtype)
    before = -1
    for row in range(height):
        source = (row + top) // times
        if source != before:
            _spread(coarse[source], times, fine)
            before = source
        _copy(fine[left : left + width], result[row])


@_compiled
def _spread(line: Any, times: int, into: Any) -> None:
    if times == 2:  # what most sensors need: written out, many pixels are done in one step
        for place in range(len(line)):
            into[2 * place] = line[place]
            into[2 * place + 1] = line[place]
        return
    for part in range(times):
        for place in range(len(line)):
            into[part + place * times] = line[place]


@_compiled
def _copy(line: Any, into: Any) -> None:
    for place in range(len(into)):  # a loop, since a slice that is assigned costs as much as a thousand pixels
        into[place] = line[place]


@_compiled
def shrink(fine: Any, factor: int, nodata: Any, empty: Any, whole: bool, result: Any) -> None:
    """Means of groups of `factor` x `factor` numbers without `nodata` and NaN; `empty` where a group has none.

    They are rounded half up where they must be `whole`.
    """
    height, width = result.shape
    total, found = np.empty(width), np.empty(width, np.int64)
    for row in range(height):
        total[:], found[:] = 0, 0
        for line in range(row * factor, (row + 1) * factor):
            place = 0
            for column in range(width):
                for _ in range(factor):
                    number = fine[line, place]
                    there = (number != nodata) & (number == number)
                    total[column] += np.float64(number) if there else 0.0
                    found[column] += there
                    place += 1
        for column in range(width):
            mean = total[column] / found[column]
            mean = np.floor(mean + 0.5) if whole else mean
            result[row, column] = mean if found[column] else empty


@_compiled
def look_up(codes: Any, by_code: Any, states: Any) -> None:
    """The state of each code, by a table."""
    height, width = states.shape
    for row in range(height):
        for column in range(width):
            states[row, column] = by_code[codes[row, column]]


@_compiled
def let_go(states: Any, numbers: Any, nodata: Any, low: float, high: float) -> None:
    """Of the pixels seen, those that hold `nodata` were not acquired, and those not from `low` to `high` are masked.

    A `nodata` of NaN stands for every NaN, a `low` of NaN for no bounds.
    """
    height, width = states.shape
    bounded = low == low
    for row in range(height):
        for column in range(width):
            number = numbers[row, column]
            state = states[row, column]
            gone = (number == nodata) | ((nodata != nodata) & (number != number))
            if bounded:
                within = (number >= low) & (number <= high)
                state = state if (state != SEEN) | within | gone else MASKED
            states[row, column] = NOT_ACQUIRED if (state == SEEN) & gone else state


@_compiled
def sees_more(found: Any, states: Any) -> bool:
    """Whether any pixel is seen in `found` that is not in `states`."""
    height, width = states.shape
    for row in range(height):
        more = False
        for column in range(width):
            more |= (found[row, column] == SEEN) & (states[row, column] != SEEN)
        if more:
            return True
    return False


@_compiled
def any_seen(states: Any) -> bool:
    """Whether any pixel is seen."""
    for row in range(len(states)):  # noqa: SIM110 - numba knows no any() of a generator
        if _any_seen(states[row]):
            return True
    return False


@_compiled
def _any_seen(states: Any) -> bool:
    found = False
    for lane in range(len(states)):  # to the end, which is quicker than to look each time whether to go on
        found |= states[lane] == SEEN
    return found


@_compiled
def calibrate(numbers: Any, seen: Any, by: Any, fresh: bool, values: Any) -> None:
    """(number + shift) x scale, never below floor x scale, where the state is seen; `by` are these three.

    All float32, in this order. Elsewhere values become NaN where they are `fresh`, and stay as they are if not.
    """
    height, width = values.shape
    line = np.empty(width, np.float32)
    for row in range(height):
        _calibrate(numbers[row], by, line)
        for column in range(width):
            other = np.float32(np.nan) if fresh else values[row, column]
            values[row, column] = line[column] if seen[row, column] == SEEN else other


@_compiled
def calculate(steps: Any, start: Any, numbers: Any, by: Any, states: Any, result: Any) -> None:
    """Calibrate the seen pixels of bands and take them through `steps`; NaN elsewhere, and where no number comes out.

    `numbers` is a tuple of bands of one type, `by` has shift, floor and scale of each, (band, 3). A step says what to
    do, with which three lanes, and into which lane. The first lanes are the bands, the others hold what they `start`
    with. The last step gives the result.
    """
    height, whole = result.shape
    lanes = np.empty((len(start), TOGETHER), np.float32)
    bits = lanes.view(np.int32)
    for lane in range(len(start)):
        lanes[lane] = start[lane]
    for row in range(height):
        for left in range(0, whole, TOGETHER):
            width = min(TOGETHER, whole - left)
            seen = states[row, left : left + width]
            into = result[row, left : left + width]
            if not _any_seen(seen):
                into[:] = np.nan
                continue
            for band in range(len(numbers)):
                _calibrate(numbers[band][row, left : left + width], by[band], lanes[band])
            _take(steps, lanes, bits)
            _put(lanes[steps[-1, 4], :width], seen, into)


@_compiled
def _calibrate(numbers: Any, by: Any, into: Any) -> None:
    shift, floor, scale = by
    for lane in range(len(numbers)):
        value = np.float32(numbers[lane]) + shift
        value = floor if value < floor else value
        into[lane] = value * scale


@_compiled
def _take(steps: Any, lanes: Any, bits: Any) -> None:
    for step in range(len(steps)):
        what, one, other, third, into = steps[step]
        if what < ABSOLUTE:
            _compute(what, lanes[one], lanes[other], lanes[into])
        elif what < LESS:
            _sign(what, lanes[one], lanes[into])
        elif what < BOTH:
            _compare(what, lanes[one], lanes[other], bits[into])
        elif what < CHOOSE:
            _combine(what, bits[one], bits[other], bits[into])
        else:
            _choose(what, bits[one], bits[other], bits[third], bits[into])


@_compiled
def _put(values: Any, states: Any, into: Any) -> None:
    for lane in range(len(values)):
        value = values[lane]
        good = (states[lane] == SEEN) & (np.abs(value) < np.float32(np.inf))
        into[lane] = value if good else np.float32(np.nan)


@_compiled
def _compute(what: int, one: Any, other: Any, into: Any) -> None:
    lanes = range(len(into))
    if what == ADD:
        for lane in lanes:
            into[lane] = one[lane] + other[lane]
    elif what == SUBTRACT:
        for lane in lanes:
            into[lane] = one[lane] - other[lane]
    elif what == MULTIPLY:
        for lane in lanes:
            into[lane] = one[lane] * other[lane]
    elif what == DIVIDE:
        for lane in lanes:
            into[lane] = one[lane] / other[lane]


@_compiled
def _sign(what: int, one: Any, into: Any) -> None:
    lanes = range(len(into))
    if what == ABSOLUTE:
        for lane in lanes:
            into[lane] = abs(one[lane])
    elif what == NEGATE:
        for lane in lanes:
            into[lane] = -one[lane]


@_compiled
def _compare(what: int, one: Any, other: Any, into: Any) -> None:
    lanes = range(len(into))
    if what == LESS:
        for lane in lanes:
            into[lane] = -np.int32(one[lane] < other[lane])
    elif what == AT_MOST:
        for lane in lanes:
            into[lane] = -np.int32(one[lane] <= other[lane])
    elif what == EQUAL:
        for lane in lanes:
            into[lane] = -np.int32(one[lane] == other[lane])
    elif what == DIFFERENT:
        for lane in lanes:
            into[lane] = -np.int32(one[lane] != other[lane])


@_compiled
def _combine(what: int, one: Any, other: Any, into: Any) -> None:
    lanes = range(len(into))
    if what == BOTH:
        for lane in lanes:
            into[lane] = one[lane] & other[lane]
    elif what == EITHER:
        for lane in lanes:
            into[lane] = one[lane] | other[lane]
    elif what == NOT:
        for lane in lanes:
            into[lane] = ~one[lane]


@_compiled
def _choose(what: int, one: Any, other: Any, third: Any, into: Any) -> None:
    lanes = range(len(into))
    if what == CHOOSE:  # by bits, since LLVM stores a choice of numbers one at a time
        for lane in lanes:
            into[lane] = (one[lane] & other[lane]) | (~one[lane] & third[lane])
    elif what == AS_NUMBER:
        for lane in lanes:
            into[lane] = one[lane] & BITS_OF_ONE


@_compiled
def keep_seen(states: Any, values: Any) -> None:
    """In place: NaN where nothing was seen, and where there is no finite value."""
    for row in range(len(values)):
        _put(values[row], states[row], values[row])


@_compiled
def count(states: Any, values: Any, seen: Any, masked: Any, failed: Any) -> None:
    """Count what became of every pixel; one that was seen and has NaN counts as masked."""
    for row in range(len(states)):
        any_failed = _count(states[row], values[row], seen[row], masked[row])
        if any_failed:
            _count_failed(states[row], masked[row], failed[row])


@_compiled
def _count(states: Any, values: Any, seen: Any, masked: Any) -> bool:
    """Counts what failed as masked, and tells whether there is any."""
    any_failed = False
    for column in range(len(states)):
        state = states[column]
        good = (state == SEEN) & (values[column] == values[column])
        any_failed |= state == FAILED
        seen[column] += np.uint16(good)
        masked[column] += np.uint16((state != NOT_ACQUIRED) & (not good))
    return any_failed


@_compiled
def _count_failed(states: Any, masked: Any, failed: Any) -> None:
    for column in range(len(states)):
        has_failed = np.uint16(states[column] == FAILED)
        failed[column] += has_failed
        masked[column] -= has_failed


@_compiled
def pack(values: Any, scale: float, offset: float, low: float, high: float, fill: int, packed: Any) -> None:
    """Physical values to stored integers, computed in float64 and rounded half to even; NaN becomes the fill."""
    height, width = values.shape
    for row in range(height):
        for column in range(width):
            value = values[row, column]
            number = np.rint((np.float64(value) - offset) / scale)
            number = low if number < low else number
            number = high if number > high else number
            packed[row, column] = number if value == value else fill


@_compiled
def keep(values: Any, wanted: Any, other: Any, result: Any) -> None:
    """The values where they are wanted, `other` elsewhere."""
    height, width = values.shape
    for row in range(height):
        for column in range(width):
            result[row, column] = values[row, column] if wanted[row, column] else other


@cast("Callable[[Callable[[], None]], Callable[[], None]]", njit("void()", cache=True))
def _ready() -> None:
    """Compiled on import, and with it all that numba needs to compile anything: not while the first pixel waits."""
