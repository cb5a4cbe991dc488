"""What a run may use of a machine, or of many."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """What a run may use."""

    workers: int | None = None
    """Threads that compute; one a core by default."""
    memory: str | None = None
    """Like 1500M or 4G; half of what the machine has available by default."""
    cluster: str | None = None
    """Address of a dask scheduler that computes in place of threads."""


THIS_MACHINE = Machine()
