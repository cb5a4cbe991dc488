"""What one task derives: an indicator over one tile, for all periods that are due together."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from sco import library
from sco.lineage import Calendar
from sco.partition import Partition
from sco.period import Slice
from sco.tile import Tile

if TYPE_CHECKING:
    from sco.zones import Zoning

STRIP_VALUES = 64 * 2**20
"""Values of a series that are held at once, a float32 each; a tile is cut into strips of rows that have no more."""


@dataclass(frozen=True)
class Derivation:
    """Everything that one task needs to derive an indicator over one tile, for all periods that are due together."""

    indicator: str
    tile: Tile
    fingerprints: Mapping[str, str]
    """By label of the periods that are due."""
    calendar: Calendar
    rural: "Zoning | None"
    """The area that `rural` inputs are means over, one zone."""
    uncertainty: bool = True
    """Whether standard errors are carried through to what is derived."""
    outside: frozenset[str] = frozenset()
    """By label, the periods outside the project's season, of which only a whole series is ever made."""

    @cached_property
    def due(self) -> tuple[Slice, ...]:
        """The periods to compute, oldest first."""
        return tuple(one for one in self.calendar.slices if one.label in self.fingerprints)

    def without(self, faulty: Collection[Partition]) -> "Derivation":
        """The same, but for the periods that are made from any of these partitions."""
        kept = [period for period in self.due if not any(self._is_made_from(one, period) for one in faulty)]
        return replace(self, fingerprints={one.label: self.fingerprints[one.label] for one in kept})

    def _is_made_from(self, one: Partition, period: Slice) -> bool:
        needs = self.calendar.needs(library.indicators[self.indicator], period, self.tile)
        return any(
            need.indicator == one.indicator
            and need.tile in (None, one.tile)
            and one.period in self.calendar.periods_of(need)
            for need in needs
        )

    def is_made(self, period: Slice) -> bool:
        """Whether a value of this period is asked for at all."""
        return period.label not in self.outside or library.indicators[self.indicator].of_series

    @property
    def size(self) -> int:
        """How many partitions it gives."""
        return len(self.fingerprints)

    @property
    def first(self) -> Slice:
        """The first period that is due."""
        return self.due[0]

    @property
    def last(self) -> Slice:
        """The last period that is due."""
        return self.due[-1]
