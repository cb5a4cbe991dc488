"""The unit of work, retry, commit and explanation: one indicator, one period, one tile."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco.grid import Tile
from sco.period import Slice


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
    ALL_MASKED = "all cloud"
    NO_COMPARISON = "nothing to compare with"


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


@dataclass(frozen=True)
class Pixels:
    """The packed values of a partition and the three-state counts beside them; all (y, x) of the tile."""

    values: NDArray[np.integer[Any]]
    n_seen: NDArray[np.uint16]
    n_masked: NDArray[np.uint16]
    n_failed: NDArray[np.uint16]


@dataclass(frozen=True)
class Outcome:
    """A computed partition, ready to be committed: pixels, record and manifest go together or not at all."""

    partition: Partition
    record: Record
    manifest: Mapping[str, Any]
    """JSON: the scenes that were chosen and rejected, with the evidence for each decision."""
    pixels: Pixels | None
    """None where nothing was acquired; the store then holds fill values and counts of 0."""
