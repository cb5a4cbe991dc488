"""One partition of a plan, and how it stands."""

from dataclasses import dataclass
from enum import StrEnum

from sco.partition import Partition


class State(StrEnum):
    """How a partition stands against what the catalogs have now."""

    NEW = "new"
    STALE = "stale"
    CURRENT = "current"
    EMPTY = "empty"


class Only(StrEnum):
    """Which partitions a run takes up."""

    DUE = "due"
    MISSING = "missing"
    STALE = "stale"
    FAILED = "failed"
    ALL = "all"


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

    @property
    def due(self) -> bool:
        """Whether an update would compute it."""
        return self.state in (State.NEW, State.STALE)

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
                return self.failed_reads > 0
            case Only.ALL:
                return True
