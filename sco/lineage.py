"""What a derived partition is made from: stored partitions of other indicators, and whether any of them moved."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

from sco.model import Indicator, Input
from sco.partition import Partition, Record
from sco.period import Every, Slice, part_of, year_before
from sco.tile import Tile


@dataclass(frozen=True)
class Need:
    """The stored partitions that something is taken from, in a few words that stand for all of them."""

    indicator: str
    tile: Tile | None
    """None for all tiles of the grid."""
    span: Literal["around", "part", "reference", "all"]
    label: str = ""
    """For `around`: the period in the middle; none is needed where the project does not have it."""
    before: int = 0
    after: int = 0
    part: int = 0
    """For `part`: the place in the year, of the years of the reference."""


@dataclass(frozen=True)
class Calendar:
    """The periods of a project, and which of them are its reference."""

    slices: tuple[Slice, ...]
    every: Every
    reference: tuple[date, date] | None
    minimum_years: int | None = None
    """Years of the reference that must have a value; each indicator's own number if None."""
    minimum_seen: int = 1
    """Clear observations that a value in the reference must be made of to count."""

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {one.label: place for place, one in enumerate(self.slices)}

    @cached_property
    def of_reference(self) -> tuple[Slice, ...]:
        """The periods that start in the reference years, oldest first."""
        first, last = self.reference or (date.max, date.min)
        return tuple(one for one in self.slices if first <= one.start <= last)

    def periods_of(self, need: Need) -> tuple[Slice, ...]:
        """The periods that a need stands for, oldest first."""
        match need.span:
            case "part":
                return tuple(one for one in self.of_reference if part_of(one, self.every) == need.part)
            case "reference":
                return self.of_reference
            case "all":
                return self.slices
            case "around":
                place = self._places.get(need.label)
                return () if place is None else self.slices[max(0, place - need.before) : place + need.after + 1]

    def needs(self, indicator: Indicator, period: Slice, tile: Tile) -> tuple[Need, ...]:
        """All that a derived partition is made from, each need once."""
        found = (need for one in indicator.inputs for need in self._needs_of(one, indicator, period, tile))
        return tuple(dict.fromkeys(found))

    def _needs_of(self, one: Input, indicator: Indicator, period: Slice, tile: Tile) -> Iterator[Need]:
        match one.statistic:
            case "value":
                yield Need(one.indicator, tile, "around", period.label)
            case "rural":
                yield Need(one.indicator, None, "around", period.label)
            case "year_before":
                yield Need(one.indicator, tile, "around", year_before(period, self.every).label)
            case "series" if indicator.around:
                yield Need(one.indicator, tile, "around", period.label, *indicator.around)
            case "series":
                yield Need(one.indicator, tile, "all")
            case "in_reference":
                yield Need(one.indicator, tile, "reference")
            case _:
                yield Need(one.indicator, tile, "part", part=part_of(period, self.every))


@dataclass
class Evidence:
    """What is known of the partitions that there are: their fingerprints, and which of them a run would compute."""

    calendar: Calendar
    tiles: tuple[Tile, ...]
    fingerprints: Mapping[Partition, str]
    due: Mapping[Partition, str]
    """The state of each partition that a run would compute."""
    failed: Mapping[Partition, Record] = field(default_factory=dict)
    """What the store knows of those with reads that failed."""
    _told: dict[Need, "Told"] = field(default_factory=dict)

    def of(self, need: Need) -> "Told":
        """What stands behind a need; found once, as thousands of partitions share the same reference."""
        if need not in self._told:
            self._told[need] = self._find(need)
        return self._told[need]

    def _find(self, need: Need) -> "Told":
        there = [one for one in self._partitions(need) if one in self.fingerprints]
        digest = hashlib.sha256("\n".join(f"{one}={self.fingerprints[one]}" for one in there).encode())
        moved = [one for one in there if one in self.due]
        first = f"{moved[0]} is {self.due[moved[0]]}" if moved else ""
        failed = sum(self.failed[one].failed_reads for one in there if one in self.failed)
        return Told(digest.hexdigest(), len(there), first, len(moved), failed)

    def _partitions(self, need: Need) -> Iterator[Partition]:
        tiles: Sequence[Tile] = self.tiles if need.tile is None else (need.tile,)
        periods = self.calendar.periods_of(need)
        return (Partition(period, tile, need.indicator) for period in periods for tile in tiles)


@dataclass(frozen=True)
class Told:
    """What stands behind a need."""

    digest: str
    """SHA-256 over the names and fingerprints of the partitions, hexadecimal."""
    partitions: int
    moved: str
    """The first of them that a run would compute, and why; empty where all stand still."""
    moves: int
    """How many of them a run would compute."""
    failed_reads: int = 0
    """Reads behind them that failed when they were stored."""


def in_order(indicators: Iterable[Indicator]) -> tuple[tuple[Indicator, ...], ...]:
    """Derived indicators in steps: each is made from earlier steps and from those that are not derived."""
    waiting = {one.id: one for one in indicators if one.is_derived}
    steps: list[tuple[Indicator, ...]] = []
    while waiting:
        ready = tuple(one for one in waiting.values() if not any(put.indicator in waiting for put in one.inputs))
        if not ready:
            raise AssertionError(f"{', '.join(waiting)} are derived from one another")
        steps.append(ready)
        waiting = {name: one for name, one in waiting.items() if one not in ready}
    return tuple(steps)
