"""A piece of work tried: what can be computed of it, and which partitions cannot be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from sco.block import Block
from sco.derive import Derivation
from sco.failure import NO_ROOM, Failure, classify, in_words
from sco.partition import Outcome, Partition

Work = Block | Derivation
MEMORY = "memory does not do for it: make area.tile smaller in the project, or give more memory"


@dataclass(frozen=True)
class Lost:
    """What became of a piece of work that could not be computed."""

    failure: Failure
    reason: str


@dataclass(frozen=True)
class Fault:
    """A partition that could not be computed, and why."""

    partition: Partition
    fingerprint: str
    failure: Failure
    reason: str


Result = list[Outcome] | Lost
Compute = Callable[[Sequence[Work]], list[Result]]
"""What a scheduler makes of pieces of work, each by itself, in their order."""


class Catch:
    """Keeps what goes wrong inside the block, whatever it is, so that one piece of work does not end all others.

    This is the one place that does: what stops the process, a full disk and, unless `memory`, too little memory go on.
    """

    def __init__(self, memory: bool) -> None:
        self.memory = memory
        self.lost: Lost | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or _is_of_the_machine(error):
            return False
        self.lost = lost_by(error)
        return self.memory or not isinstance(error, MemoryError)


def tried(compute: Callable[[], list[Outcome]], memory: bool) -> Result:
    """What `compute` gives, or what became of it; raises MemoryError unless `memory`, and OSError for a full disk."""
    catch = Catch(memory)
    with catch:
        return compute()
    if catch.lost is None:
        raise AssertionError("unreachable")
    return catch.lost


class Passing(Exception):  # noqa: N818 - it is news, not an error of ours
    """What was lost to a failure that may pass, and that another worker may be spared."""

    @property
    def lost(self) -> Lost:
        """What became of the work."""
        lost: Lost = self.args[0]
        return lost


def on_worker(compute: Callable[[], list[Outcome]]) -> Result:
    """The same on a worker of a cluster, which raises Passing where trying it elsewhere may help.

    Nothing else is raised: an error's traceback may be too deep to travel, and its client would wait for ever.
    """
    result = tried(compute, memory=True)
    if isinstance(result, Lost) and result.failure is Failure.TRANSIENT:
        raise Passing(result)
    return result


def lost_by(error: BaseException) -> Lost:
    """What became of a piece of work that this went wrong with."""
    if isinstance(error, Passing):
        return error.lost
    return Lost(Failure.BUG, MEMORY) if isinstance(error, MemoryError) else Lost(classify(error), in_words(error))


def carried_through(work: Sequence[Work], compute: Compute) -> tuple[list[Outcome], list[Fault]]:
    """What can be computed of this work; a piece that is lost is cut in two again and again, down to its faults."""
    outcomes: list[Outcome] = []
    faults: list[Fault] = []
    while work:
        again: list[Work] = []
        for one, result in zip(work, compute(work), strict=True):
            if not isinstance(result, Lost):
                outcomes += result
            elif one.size > 1:
                again += halves(one)
            else:
                faults.append(_fault(one, result))
        work = again
    return outcomes, faults


def halves(work: Work) -> tuple[Work, Work]:
    """The same work in two pieces: of a block, some of its indicators each; of a derivation, some of its periods."""
    names = list(work.fingerprints)
    first, second = names[: len(names) // 2], names[len(names) // 2 :]
    return _part(work, first), _part(work, second)


def partitions_of(work: Work) -> list[Partition]:
    """The partitions that a piece of work gives."""
    if isinstance(work, Block):
        return [Partition(work.period, work.tile, name) for name in work.fingerprints]
    return [Partition(period, work.tile, work.indicator) for period in work.due]


def _part(work: Work, names: Sequence[str]) -> Work:
    return replace(work, fingerprints={name: work.fingerprints[name] for name in names})


def _fault(work: Work, lost: Lost) -> Fault:
    (partition,), (fingerprint,) = partitions_of(work), work.fingerprints.values()
    return Fault(partition, fingerprint, lost.failure, lost.reason)


def _is_of_the_machine(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in NO_ROOM
