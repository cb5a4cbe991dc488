"""Which scenes lie over which tile in which period, found for all tiles of a grid at once."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely import box, union_all
from shapely.geometry.base import BaseGeometry

from sco.grid import Tiling, degrees_boxes, middle_longitude
from sco.model import Scene
from sco.overlay import overlay
from sco.period import Slice
from sco.roster import Places, Roster
from sco.solar import EPOCH, Observation, dated, firsts_of, grouped
from sco.tile import Tile

Cell = tuple[str, Tile]
"""The label of a period, and a tile."""
NOWHERE: Places = np.empty(0, np.intp)


@dataclass(frozen=True)
class Placement(Mapping[Cell, tuple[Observation, ...]]):
    """The observations of every period and tile that has any; they are made when they are looked at."""

    scenes: Roster
    """In the order of days, sensors and ids."""
    days: NDArray[np.int64]
    """The solar day of each, as its proleptic ordinal."""
    cells: Mapping[Cell, Places]
    """The positions of those that touch the tile in the period."""

    def places(self, cell: Cell, sensors: frozenset[str]) -> Places:
        """The positions of the scenes of these sensors over a tile in a period."""
        found = self.cells.get(cell, NOWHERE)
        if self._sensors <= sensors:
            return found
        return found[[sensor in sensors for sensor in self.scenes.at(found).sensors]]

    def sensors_at(self, places: Places) -> list[str]:
        """The sensors of these scenes, sorted."""
        if len(self._sensors) == 1:
            return sorted(self._sensors) if places.size else []
        return sorted(set(self.scenes.at(places).sensors))

    def firsts(self, places: Places) -> Places:
        """Which of these positions are the first of an observation, a day of a sensor."""
        numbers = self._observations[places]
        return np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))

    @cached_property
    def _sensors(self) -> frozenset[str]:
        return frozenset(self.scenes.sensors)

    @cached_property
    def _observations(self) -> NDArray[np.int64]:
        """The number of the observation, a day of a sensor, that each scene belongs to."""
        begins = np.zeros(len(self.scenes), np.int64)
        begins[firsts_of(self.scenes, self.days)] = 1
        return np.cumsum(begins)

    def __getitem__(self, cell: Cell) -> tuple[Observation, ...]:
        places = self.cells[cell]
        return grouped(self.scenes.at(places), self.days[places], self.firsts(places))

    def distinct(self, cells: Iterable[Cell]) -> int:
        """How many scenes, told apart by their ids, lie in any of these cells."""
        places = np.unique(np.concatenate([NOWHERE, *(self.cells.get(cell, NOWHERE) for cell in cells)]))
        return len(set(self.scenes.at(places).ids))

    def __iter__(self) -> Iterator[Cell]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)


def place(
    parts: Sequence[Sequence[Scene]],
    tiling: Tiling,
    slices: Sequence[Slice],
    months: Sequence[int] = (),
    keep: Path | None = None,
) -> Placement:
    """The scenes of all parts over the tiles and periods; of these months of the year alone, if any are named.

    Where many scenes lie is remembered in the file `keep`.
    """
    scenes, days = dated(Roster.joined(parts), middle_longitude(tiling.geobox))
    periods = _periods_of(days, slices)
    if months:
        periods[~np.isin(_months_of(days), months)] = -1
    outlines = [outline_of(tiling, tile) for tile in tiling]
    cells: dict[Cell, Places] = {}
    for tile, over in zip(tiling, overlay(scenes, outlines, keep), strict=True):
        cells |= {(slices[step].label, tile): places for step, places in _by_period(over, periods)}
    return Placement(scenes, days, cells)


def outline_of(tiling: Tiling, tile: Tile) -> BaseGeometry:
    """The ground of a tile in degrees."""
    return union_all([box(*part) for part in degrees_boxes(tiling.geobox_of(tile))])


def _periods_of(days: NDArray[np.int64], slices: Sequence[Slice]) -> NDArray[np.int64]:
    """Which period each of these days lies in; -1 for none."""
    starts = [period.start.toordinal() for period in slices]
    ends = np.array([period.end.toordinal() for period in slices])
    found = np.searchsorted(starts, days, side="right") - 1
    inside: NDArray[np.int64] = np.where((found >= 0) & (days < ends[found]), found, -1)
    return inside


def _months_of(days: NDArray[np.int64]) -> NDArray[np.int64]:
    """The months of these days, from 1 to 12."""
    since_1970 = (days - EPOCH).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    months: NDArray[np.int64] = since_1970 % 12 + 1
    return months


def _by_period(over: Places, periods: NDArray[np.int64]) -> Iterator[tuple[int, Places]]:
    """These positions, which are in the order of days, cut where periods meet."""
    inside = over[periods[over] >= 0]
    steps = periods[inside]
    for part in np.split(inside, np.flatnonzero(np.diff(steps)) + 1):
        if part.size:
            yield int(periods[part[0]]), part


def step_of(day: date, slices: Sequence[Slice]) -> int | None:
    """Which period a day lies in; None for none."""
    step = bisect_right(slices, day, key=lambda period: period.start) - 1
    return step if step >= 0 and day in slices[step] else None
