"""The unit of work, retry, commit and explanation: one indicator, one period, one tile."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sco.failure import Failure
from sco.period import Slice
from sco.tile import Tile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, order=True)
class Partition:
    """One indicator over one period and one tile of the grid."""

    period: Slice
    tile: Tile
    indicator: str

    def __str__(self) -> str:
        return f"{self.indicator} {self.period.label} {self.tile}"


class Empty(StrEnum):
    """Why a partition holds no value at all."""

    NO_ACQUISITION = "no acquisition"
    """The satellites did not come by, or all that they saw lies elsewhere."""
    ALL_MASKED = "all cloud"
    """All that was acquired is masked: cloud, shadow, or what else the indicator does not look through."""
    OUTSIDE_SEASON = "outside season"
    """The project leaves these months out; nothing was read."""
    CATALOG_HOLE = "catalog hole"
    """There were acquisitions, or must have been, and no catalog has one that can be used."""
    NO_COMPARISON = "nothing to compare with"
    """Of derived ones: there is a value, and none of the reference that it is compared with."""


@dataclass(frozen=True)
class Record:
    """What the store knows of a partition that was committed."""

    fingerprint: str
    """SHA-256, hexadecimal, of everything that the partition was made from."""
    run: str
    """The run that committed it."""
    empty: Empty | None = None
    failed_reads: int = 0
    """Assets that could not be read."""
    failure: Failure | None = None
    """What kind of failure that was, where any read failed."""


@dataclass(frozen=True)
class Pixels:
    """The packed values of a partition, the three-state counts and the error beside them; all (y, x) of the tile."""

    values: "NDArray[np.integer[Any]]"
    n_seen: "NDArray[np.uint16]"
    n_masked: "NDArray[np.uint16]"
    n_failed: "NDArray[np.uint16]"
    error: "NDArray[np.integer[Any]] | None" = None
    """Packed standard error of the values; None where none is known of any."""

    @property
    def planes(self) -> "tuple[NDArray[np.integer[Any]] | None, ...]":
        """Values, n_seen, n_masked, n_failed, error: as they lie in the store."""
        return self.values, self.n_seen, self.n_masked, self.n_failed, self.error


@dataclass(frozen=True)
class Sealed:
    """Pixels and manifest of a partition as the store writes them."""

    chunks: tuple[bytes | None, ...]
    """One for each of its arrays, in the order of `Pixels.planes`; None for one that holds fill values only."""
    manifest: str
    seal: str
    """Over the partition's name, its manifest and its pixels."""


@dataclass(frozen=True)
class Outcome:
    """A computed partition, ready to be committed: pixels, record and manifest go together or not at all."""

    partition: Partition
    record: Record
    manifest: Mapping[str, Any]
    """JSON: the scenes that were chosen and rejected, with the evidence for each decision."""
    pixels: Pixels | None
    """None where nothing was acquired; the store then holds fill values and counts of 0."""
    sealed: Sealed | None = None
    """What takes the place of the pixels once they are encoded for a store."""
