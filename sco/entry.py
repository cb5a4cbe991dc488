"""One partition of a plan, and how it stands."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sco.failure import Failure
from sco.journal import Attempt
from sco.partition import Partition, Record


class State(StrEnum):
    """How a partition stands against what the catalogs have now."""

    NEW = "new"
    STALE = "stale"
    CURRENT = "current"
    EMPTY = "empty"
    FAILED = "failed"


class Only(StrEnum):
    """Which partitions a run takes up."""

    DUE = "due"
    MISSING = "missing"
    STALE = "stale"
    FAILED = "failed"
    ALL = "all"


@dataclass(frozen=True)
class Verdict:
    """How a partition stands, and why."""

    state: State
    reason: str
    failure: Failure | None = None
    """What went wrong, of one that failed."""
    hopeful: bool = False
    """Of one that failed: whether trying again may help by itself."""


@dataclass(frozen=True)
class Entry:
    """One partition of a plan."""

    partition: Partition
    state: State
    reason: str
    fingerprint: str
    scenes: int
    failed_reads: int = 0
    derived: bool = False
    """Whether it is made from other partitions, rather than from scenes."""
    failure: Failure | None = None
    """What went wrong the last time, if anything did."""
    hopeful: bool = False
    """Of one that failed: whether trying again may help by itself."""

    @property
    def due(self) -> bool:
        """Whether an update would compute it."""
        return self.state in (State.NEW, State.STALE) or (self.state is State.FAILED and self.hopeful)

    def is_chosen(self, only: Only) -> bool:
        """Whether a run of this kind takes it up."""
        match only:
            case Only.DUE:
                return self.due
            case Only.MISSING:
                return self.state is State.NEW
            case Only.STALE:
                return self.state is State.STALE
            case Only.FAILED:
                return self.state is State.FAILED or self.failed_reads > 0
            case Only.ALL:
                return True


def entry_of(
    partition: Partition,
    verdict: Verdict,
    fingerprint: str,
    scenes: int,
    record: Record | None,
    derived: bool = False,
) -> Entry:
    """The entry of a partition that was judged."""
    return Entry(
        partition=partition,
        state=verdict.state,
        reason=verdict.reason,
        fingerprint=fingerprint,
        scenes=scenes,
        failed_reads=record.failed_reads if record else 0,
        derived=derived,
        failure=verdict.failure or (record.failure if record else None),
        hopeful=verdict.hopeful,
    )


def failed_before(
    record: Record | None, attempt: Attempt | None, fingerprint: str, code: Callable[[], str]
) -> Verdict | None:
    """How a partition stands that went wrong when it was tried with the same evidence; None where none did.

    `attempt` is the latest one, if it could not compute the partition. What is transient, or waits for credentials, is
    hopeful; a bug is once the code is another than the one that had it; what is wrong with the data stays wrong.
    """
    known = record is not None and record.fingerprint == fingerprint
    if record is not None and known and not record.failed_reads:
        return None
    if attempt is not None and attempt.fingerprint == fingerprint:
        failure = Failure(attempt.error_class)
        hopeful = passes(failure) or (failure is Failure.BUG and attempt.code != code())
        return Verdict(State.FAILED, f"{failure}: {attempt.message}", failure, hopeful)
    if record is not None and known:
        failure = record.failure or Failure.TRANSIENT
        reads = f"{record.failed_reads} reads" if record.failed_reads > 1 else "a read"
        return Verdict(State.FAILED, f"{failure}: {reads} failed", failure, passes(failure))
    return None


def passes(failure: Failure) -> bool:
    """Whether a failure may be gone the next time without anybody's doing, or as soon as a key is there."""
    return failure in (Failure.TRANSIENT, Failure.CREDENTIALS)
