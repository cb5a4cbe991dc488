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
    for row in range(height):
        source = (row + top) // times
        if row and source == (row - 1 + top) // times:
            result[row] = result[row - 1]
        else:
            for part in range(times):
                begin = (part - left) % times
                line = coarse[source, (begin + left) // times :]
                for place in range((width - begin + times - 1) // times):
                    result[row, begin + place * times] = line[place]


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
    height, width = states.shape
    for row in range(height):
        for column in range(width):
            if states[row, column] == SEEN:
                return True
    return False


@_compiled
def calibrate(
    numbers: Any, found: Any, states: Any, shift: Any, floor: Any, scale: Any, fresh: bool, values: Any
) -> None:
    """(number + shift) x scale, never below `floor` x scale, where `found` is seen and `states` is not seen yet.

    All float32, in this order. Elsewhere values become NaN where they are `fresh`, and stay as they are if not.
    """
    height, width = values.shape
    for row in range(height):
        for column in range(width):
            value = np.float32(numbers[row, column]) + shift
            value = floor if value < floor else value
            wanted = (found[row, column] == SEEN) & (states[row, column] != SEEN)
            other = np.float32(np.nan) if fresh else values[row, column]
            values[row, column] = value * scale if wanted else other


@_compiled
def calculate(steps: Any, start: Any, bands: Any, result: Any) -> None:
    """Take pixels through `steps`, each of which says what to do, with which three lanes, and into which lane.

    The first lanes are `bands`, a tuple; the others hold what they `start` with. The last step gives the result.
    """
    height, whole = result.shape
    lanes = np.empty((len(start), TOGETHER), np.float32)
    bits = lanes.view(np.int32)
    for lane in range(len(start)):
        lanes[lane] = start[lane]
    for row in range(height):
        for left in range(0, whole, TOGETHER):
            width = min(TOGETHER, whole - left)
            for band in range(len(bands)):
                _copy(bands[band][row, left : left + width], lanes[band])
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
            _copy(lanes[steps[-1, 4], :width], result[row, left : left + width])


@_compiled
def _copy(numbers: Any, into: Any) -> None:
    for lane in range(len(numbers)):
        into[lane] = numbers[lane]


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
def count(states: Any, values: Any, seen: Any, masked: Any, failed: Any) -> None:
    """Keep the values that were seen, make the others NaN, and count what became of every pixel.

    A pixel that was seen and has no finite value counts as masked.
    """
    height, width = states.shape
    for row in range(height):
        for column in range(width):
            state = states[row, column]
            value = values[row, column]
            good = (state == SEEN) & (np.abs(value) < np.float32(np.inf))
            values[row, column] = value if good else np.float32(np.nan)
            seen[row, column] += np.uint16(good)
            masked[row, column] += np.uint16((state == MASKED) | ((state == SEEN) & (not good)))
            failed[row, column] += np.uint16(state == FAILED)


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
