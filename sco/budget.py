"""How much memory a run may take, and how much is computed at once so that it takes no more."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sco import library, scratch
from sco.block import AHEAD_BYTES, Block, layers_of
from sco.derivation import STRIP_VALUES, Derivation
from sco.errors import ConfigurationError, ScoError
from sco.grid import Tiling
from sco.roster import all_local

Work = Block | Derivation
Result = TypeVar("Result")

PROCESS_BYTES = 512 * 2**20
"""Of the process itself: the interpreter, the libraries, GDAL's cache and the plan."""
KEPT_SHARE = 0.25
"""Of the memory, what finished work may take that waits for the rest of its batch to be committed."""
UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
MEMINFO = Path("/proc/meminfo")
LIMITS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)
"""Where a container says how much memory it has and how much of it is taken: cgroup v2, cgroup v1."""


@dataclass(frozen=True)
class Budget:
    """The memory that a run may take, in bytes, and what its pieces of work take."""

    memory: int
    tile_pixels: int
    """Of a whole tile of the run's grid."""

    @classmethod
    def of(cls, tiling: Tiling, told: str | None = None) -> "Budget":
        """As told, like 1500M or 4G; half of what the machine has available by default. Raises ConfigurationError."""
        height, width = (min(tiling.size, side) for side in tiling.geobox.shape)
        budget = cls(available() // 2 if told is None else parse(told), int(height * width))
        if budget.memory <= PROCESS_BYTES and told is not None:
            raise ConfigurationError(
                f"{told} of memory is not enough: the process alone takes {shown(PROCESS_BYTES)}, give it 1G or more"
            )
        return budget

    def batches(self, work: Sequence[Work], most: int) -> Iterator[tuple[Work, ...]]:
        """The work in its order, at most so many pieces together, and no more than may wait to be committed."""
        batch: list[Work] = []
        kept = 0
        for one in work:
            size = self.kept_bytes(one)
            if batch and (len(batch) == most or kept + size > self.memory * KEPT_SHARE):
                yield tuple(batch)
                batch, kept = [], 0
            batch.append(one)
            kept += size
        if batch:
            yield tuple(batch)

    def at_once(self, work: Sequence[Work], workers: int) -> int:
        """How many pieces of a batch to compute at once: as many as workers and memory allow, and never none."""
        largest = max((self.peak_bytes(one) for one in work), default=1)
        spare = scratch.KEPT * max((self._stacks(one) for one in work), default=0) if len(work) > 1 else 0
        room = self.memory - PROCESS_BYTES - spare - sum(self.kept_bytes(one) for one in work)
        return max(1, min(workers, len(work), room // largest))

    def peak_bytes(self, work: Work) -> int:
        """What one piece of work takes while it is computed, at most."""
        if isinstance(work, Derivation):
            series = STRIP_VALUES * 4 * (len(library.indicators[work.indicator].inputs) + 1)
            return series + 2 * self.kept_bytes(work)
        bands = {band for name in work.fingerprints for band in library.indicators[name].bands}
        temporary = self.tile_pixels * (24 + 14 * len(bands))
        return self._stacks(work) + temporary + AHEAD_BYTES * (not _is_local(work)) + self.kept_bytes(work)

    def kept_bytes(self, work: Work) -> int:
        """What the outcomes of one piece of work take until they are committed: values, three counts and errors."""
        return self.tile_pixels * work.size * 10

    def _stacks(self, work: Work) -> int:
        """Of a block, the observations of all its indicators that are held in memory at once."""
        if isinstance(work, Derivation):
            return 0
        layers = [layers_of(library.indicators[name]) for name in work.fingerprints]
        return sum(min(4 * one * len(work.observations) * self.tile_pixels, scratch.MOST_BYTES) for one in layers)


def carefully(compute: Callable[[int], Result], at_once: int, say: Callable[[str], None]) -> Result:
    """What `compute` gives when it computes so many pieces at once, or half as many whenever memory runs out.

    Raises ScoError where memory does not do for one piece alone.
    """
    while True:
        try:
            return compute(at_once)
        except MemoryError as error:
            if at_once == 1:
                raise ScoError(
                    "memory does not do for one partition: make area.tile smaller in the project, or give more memory"
                ) from error
            at_once //= 2
            say(f"memory ran out: going on with {at_once} partitions at once")


def available() -> int:
    """Bytes that the machine, or the container that this runs in, still has."""
    free = [_meminfo()] + [limit - used for limit, used in map(_limit, LIMITS) if limit]
    return max(0, min(free))


def parse(told: str) -> int:
    """Bytes from words like 800M, 1.5G or 2000000000. Raises ConfigurationError for any other."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", told.strip().lower())
    if found is None:
        raise ConfigurationError(f"{told!r} is no amount of memory: write it like 800M, 1.5G or 4G")
    return round(float(found[1]) * UNITS[found[2]])


def shown(size: int) -> str:
    """Bytes as people write them."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"


def _is_local(work: Block) -> bool:
    return all_local(one.scenes for one in work.observations)


def _meminfo() -> int:
    try:
        lines = MEMINFO.read_text().splitlines()
    except OSError:  # not Linux, where half of the memory may be free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    facts = dict(line.split(":", 1) for line in lines)
    return int(facts["MemAvailable"].split()[0]) * 1024


def _limit(files: tuple[Path, Path]) -> tuple[int, int]:
    """A container's limit and what it has taken of it; 0 and 0 where there is no limit."""
    try:
        limit, used = (file.read_text().strip() for file in files)
        return (int(limit), int(used)) if limit != "max" else (0, 0)
    except (OSError, ValueError):
        return 0, 0
