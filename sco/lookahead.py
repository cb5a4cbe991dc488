"""Observers that read while the one before them is still computed with.

Local files are read by the thread that computes. Files behind a network are read by threads of their own, which wait
while others compute.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import Lock

from sco.block import AHEAD_BYTES
from sco.model import Indicator
from sco.observation import Observer
from sco.read import environment
from sco.roster import all_local
from sco.sighting import Sighting
from sco.solar import Observation

READS = 16
"""Observers of one process that read at once."""

_queueing = Lock()
"""Blocks that begin together queue one after the other: each has different files, and they do not all end at once."""

Wanted = Callable[[Observer], Iterable[Indicator]]
"""The indicators that an observer is still wanted for; it is asked as late as possible."""


@dataclass(frozen=True)
class Look:
    """What one observer sees for one indicator."""

    observer: Observer
    indicator: Indicator
    sighting: Sighting


def looks(observers: Iterable[Observer], wanted: Wanted, ahead: int) -> Iterator[Look]:
    """What every observer sees for the indicators that want it, in order; `ahead` observers read at once."""
    if ahead > 1:
        yield from _pooled(observers, wanted, ahead)
        return
    for observer in observers:
        for indicator in wanted(observer):
            yield _look(observer, indicator)
        observer.forget_pixels()


def reads_of(
    observations: Sequence[Observation], indicators: Sequence[Indicator], shape: tuple[int, int], idle: int = 1
) -> int:
    """How many observers should read at once: one more than `idle` cores if files are local, else as memory allows."""
    is_local = all_local(observation.scenes for observation in observations)
    if is_local and idle == 1:
        return 1
    bands = {band for indicator in indicators for band in indicator.bands}
    scenes = max((len(observation.scenes) for observation in observations), default=1)
    # what waits has all numbers as its scenes stored them, in four bytes at most, and states for each indicator
    a_pixel = scenes * (4 * len(bands) + len(indicators)) + len(indicators)
    most = idle + 1 if is_local else READS
    return max(2, min(most, AHEAD_BYTES // (a_pixel * shape[0] * shape[1])))


def _pooled(observers: Iterable[Observer], wanted: Wanted, ahead: int) -> Iterator[Look]:
    waiting: deque[Future[list[Look]]] = deque()
    remaining = iter(observers)
    try:
        while True:
            with _queueing:
                while len(waiting) < ahead and (observer := next(remaining, None)) is not None:
                    needed = list(wanted(observer))
                    if needed:
                        waiting.append(_readers().submit(_all_looks, observer, needed))
            if not waiting:
                return
            yield from waiting.popleft().result()
    finally:
        for one in waiting:
            one.cancel()


def _all_looks(observer: Observer, indicators: Sequence[Indicator]) -> list[Look]:
    with environment():
        found = [_look(observer, indicator) for indicator in indicators]
    observer.forget_pixels()
    return found


def _look(observer: Observer, indicator: Indicator) -> Look:
    return Look(observer, indicator, observer.sight(indicator.bands, observer.sensor.masked_for(indicator)))


@cache
def _readers() -> ThreadPoolExecutor:
    """The reading threads of this process, which keep their connections from block to block."""
    return ThreadPoolExecutor(READS, thread_name_prefix="reader")
