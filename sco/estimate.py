"""What a plan would cost: counted where it can be, else learned from what past batches took."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from sco.journal import Journal, Spent

TENTHS = 10
"""An interval reaches from the first to the last of the nine cuts into tenths."""


@dataclass(frozen=True)
class Interval:
    """What four of five past batches would say, and what the one in their middle says."""

    low: float
    likely: float
    high: float

    def __add__(self, other: "Interval") -> "Interval":
        return Interval(self.low + other.low, self.likely + other.likely, self.high + other.high)


@dataclass(frozen=True)
class Cost:
    """What is counted of a plan, before anything is learned."""

    partitions: int
    scenes: int
    reads: int
    """Assets of scenes to open."""
    from_store: int
    """Partitions that are made without a scene."""
    task_memory: int
    """Bytes that one task may take at most, by what it is made of."""


@dataclass(frozen=True)
class Estimate:
    """What a plan would cost. What has to be learned is None until a run has told it."""

    partitions: int
    scenes: int
    reads: int
    task_memory: int
    bytes: Interval | None
    requests: Interval | None
    peak_memory: Interval | None
    """Bytes that the process holds at most."""
    seconds: Interval | None


def estimate(cost: Cost, history: Sequence[Spent]) -> Estimate:
    """The cost, with an interval for what past batches tell: by asset read, and by partition where none is read."""
    reading = [one for one in history if one.reads]
    others = [one for one in history if not one.reads]

    def learned(take: Callable[[Spent], float | None]) -> Interval | None:
        return _sum(
            _scaled(cost.reads, ((take(one), one.reads) for one in reading)),
            _scaled(cost.from_store, ((take(one), one.partitions) for one in others)),
        )

    held = [one.peak_memory for one in history if one.peak_memory]
    return Estimate(
        partitions=cost.partitions,
        scenes=cost.scenes,
        reads=cost.reads,
        task_memory=cost.task_memory,
        bytes=learned(lambda one: one.bytes_read),
        requests=learned(lambda one: one.requests),
        peak_memory=_interval(held) if cost.partitions else Interval(0, 0, 0),
        seconds=learned(lambda one: one.seconds),
    )


def history(journal: Path) -> list[Spent]:
    """What past batches took, by the journal in this file; nothing where there is none."""
    if not journal.is_file():
        return []
    with Journal(journal) as kept:
        return kept.spent()


def _scaled(units: int, past: Iterable[tuple[float | None, int]]) -> Interval | None:
    """What so many units take, when each takes what one took before; nothing for none, None where that is unknown."""
    if units == 0:
        return Interval(0, 0, 0)
    rate = _interval([taken / number for taken, number in past if taken is not None and number])
    return None if rate is None else Interval(units * rate.low, units * rate.likely, units * rate.high)


def _interval(values: Sequence[float]) -> Interval | None:
    if not values:
        return None
    if len(values) == 1:
        return Interval(values[0], values[0], values[0])
    cuts = quantiles(values, n=TENTHS, method="inclusive")
    return Interval(cuts[0], cuts[len(cuts) // 2], cuts[-1])


def _sum(one: Interval | None, other: Interval | None) -> Interval | None:
    return None if one is None or other is None else one + other
