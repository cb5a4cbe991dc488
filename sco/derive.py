"""Indicators from indicators: anomalies, indices against a reference, trends, computed from what is stored.

Reads one tile of one version of the store, so that a value and all that it is made from belong together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from sco import climatology, library
from sco.compute import code_version
from sco.grid import Tile
from sco.lineage import Calendar, Need
from sco.model import Indicator, Input
from sco.packing import pack, unpack
from sco.partition import Empty, Outcome, Partition, Pixels, Record
from sco.period import Slice, part_of, year_before
from sco.store import Store
from sco.version import Version
from sco.zones import Zoning

VERSION = 1
"""Raised when a change here changes the numbers; part of every derived fingerprint."""
STRIP_VALUES = 64 * 2**20
"""Values of a series that are held at once, a float32 each; a tile is cut into strips of rows that have no more."""

Stack = NDArray[np.float32]
"""(time, y, x); NaN where there is no value."""


@dataclass(frozen=True)
class Derivation:
    """Everything that one task needs to derive an indicator over one tile, for all periods that are due together."""

    indicator: str
    tile: Tile
    fingerprints: Mapping[str, str]
    """By label of the periods that are due."""
    calendar: Calendar
    rural: Zoning | None
    """The area that `rural` inputs are means over, one zone."""

    @cached_property
    def due(self) -> tuple[Slice, ...]:
        """The periods to compute, oldest first."""
        return tuple(one for one in self.calendar.slices if one.label in self.fingerprints)

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


def outcomes_of(derivations: Sequence[Derivation], run: str, url: str, snapshot: str) -> list[Delayed]:
    """One lazy dask task a derivation; each gives the list of its outcomes."""
    task = delayed(derive, pure=False, traverse=False)
    return [
        task(one, run, url, snapshot, dask_key_name=f"{one.indicator}-{one.due[0].label}-{one.tile}-{run}")
        for one in derivations
    ]


def derive(derivation: Derivation, run: str, url: str, snapshot: str) -> list[Outcome]:
    """Read the inputs at one version of the store, apply the formula, pack; one outcome a period that is due."""
    tile = _Tile(Store.open(url).version(snapshot), derivation)
    values = tile.values()
    return [_outcome(tile, period, plane, run) for period, plane in zip(derivation.due, values, strict=True)]


class _Tile:
    """One tile of one version, as a derived indicator sees it."""

    def __init__(self, version: Version, derivation: Derivation) -> None:
        self.version = version
        self.derivation = derivation
        self.calendar = derivation.calendar
        self.indicator: Indicator = library.indicators[derivation.indicator]
        self.rows, self.columns = version.tiling.window_of(derivation.tile)
        self.shape = (self.rows.stop - self.rows.start, self.columns.stop - self.columns.start)
        self.rural_means: dict[tuple[str, str], float] = {}
        """(input, period) -> its mean over the rural area."""
        self._sources: dict[Need, dict[str, Any]] = {}

    def values(self) -> Stack:
        """The indicator over the periods that are due."""
        strips = [self._strip(rows) for rows in self._strips()]
        return np.concatenate(strips, axis=1)

    def counts(self, period: Slice) -> list[NDArray[np.uint16]]:
        """n_seen, n_masked, n_failed of what a value of this period is made from: of the input that has least."""
        names = sorted({one.indicator for one in self.indicator.inputs if one.statistic in ("value", "series")})
        periods = self.calendar.slices if self.indicator.of_series else (period,)
        every = [self._counts(name, periods) for name in names]
        seen, masked, failed = zip(*every, strict=True)
        return [np.minimum.reduce(seen), np.maximum.reduce(masked), np.maximum.reduce(failed)]

    def sources(self, period: Slice) -> list[dict[str, Any]]:
        """The partitions behind a value, in groups: how many, from when to when, and how many of their reads failed."""
        needs = self.calendar.needs(self.indicator, period, self.derivation.tile)
        self._sources |= {need: self._source(need) for need in needs if need not in self._sources}
        return [self._sources[need] for need in needs]

    def _source(self, need: Need) -> dict[str, Any]:
        periods = self.calendar.periods_of(need)
        tiles = list(self.version.tiling) if need.tile is None else [need.tile]
        wanted = (Partition(period, tile, need.indicator) for period in periods for tile in tiles)
        records = [self._records[one] for one in wanted if one in self._records]
        return {
            "indicator": need.indicator,
            "tile": "all" if need.tile is None else str(need.tile),
            "periods": [periods[0].label, periods[-1].label] if periods else [],
            "partitions": len(records),
            "failed_reads": sum(record.failed_reads for record in records),
        }

    @cached_property
    def _records(self) -> dict[Partition, Record]:
        return dict(self.version.records({one.indicator for one in self.indicator.inputs}))

    def _strips(self) -> Iterator[slice]:
        """Rows of the grid; the whole tile where the formula does not look at the whole series."""
        is_long = any(one.statistic == "series" for one in self.indicator.inputs)
        line = len(self.calendar.slices) * self.shape[1]
        height = max(1, STRIP_VALUES // line) if is_long else self.shape[0]
        starts = range(self.rows.start, self.rows.stop, height)
        return (slice(start, min(start + height, self.rows.stop)) for start in starts)

    def _strip(self, rows: slice) -> Stack:
        result = self.indicator.formula(*(self._argument(one, rows) for one in self.indicator.inputs))
        due = self._times(self.derivation.due)
        shape = (len(due), rows.stop - rows.start, self.shape[1])
        if not self.indicator.of_series:
            result = result.transpose("time", "y", "x").sel(time=due)
        values: Stack = np.broadcast_to(np.asarray(result, np.float32), shape).copy()
        values[~np.isfinite(values)] = np.nan
        return values

    def _argument(self, one: Input, rows: slice) -> xr.DataArray:
        due, every = self.derivation.due, self.calendar.every
        match one.statistic:
            case "value":
                return self._series(one.indicator, due, rows)
            case "series":
                return self._series(one.indicator, self.calendar.slices, rows)
            case "year_before":
                before = self._series(one.indicator, [year_before(period, every) for period in due], rows)
                return before.assign_coords(time=self._times(due))
            case "rural":
                return xr.DataArray(self._rural(one.indicator), {"time": self._times(due)}, ("time",))
            case "in_reference":
                held = [period in self.calendar.of_reference for period in self.calendar.slices]
                return xr.DataArray(held, {"time": self._times(self.calendar.slices)}, ("time",))
            case _:
                return self._usual(one, rows)

    def _usual(self, one: Input, rows: slice) -> xr.DataArray:
        """A statistic of the reference, laid out along the periods that are due."""
        parts = {part_of(period, self.calendar.every) for period in self.derivation.due}
        years = [period for period in self.calendar.of_reference if part_of(period, self.calendar.every) in parts]
        start, end = self.calendar.reference or (None, None)
        due = xr.DataArray(self._times(self.derivation.due), dims="time", name="time")
        if start is None or end is None or not years:
            return self._series(one.indicator, self.derivation.due, rows) * np.nan
        series = self._series(one.indicator, years, rows)
        normal = climatology.reference(series, start, end, self.calendar.every, self.indicator.minimum_years)
        laid = climatology.expected(due.assign_coords(time=due), normal, self.calendar.every)
        return laid[one.statistic].astype(np.float32)

    def _series(self, name: str, periods: Sequence[Slice], rows: slice) -> xr.DataArray:
        """What is stored of an indicator, decoded; NaN for periods that the store has no room for."""
        stack = np.full((len(periods), rows.stop - rows.start, self.shape[1]), np.nan, np.float32)
        for place, period in enumerate(periods):
            stack[place] = self._plane(name, period, rows, self.columns)
        return xr.DataArray(stack, {"time": self._times(periods)}, ("time", "y", "x"), name=name)

    def _plane(self, name: str, period: Slice, rows: slice, columns: slice) -> NDArray[np.float32]:
        step, packing = self.version.step_of(period), library.indicators[name].packing
        if step is None:
            return np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan, np.float32)
        return unpack(self.version.array(name)[step, rows, columns], packing)

    def _rural(self, name: str) -> list[float]:
        """Means of an indicator over the project's rural area, one a period that is due; from all tiles of the grid."""
        zoning, grid = self.derivation.rural, self.version.tiling.geobox.shape
        if zoning is None:
            return [np.nan] * len(self.derivation.due)
        frames = [self._plane(name, one, slice(0, grid[0]), slice(0, grid[1])) for one in self.derivation.due]
        series = xr.DataArray(np.stack(frames), {"time": self._times(self.derivation.due)}, ("time", "y", "x"))
        means = [float(mean) for mean in zoning.summarise(series)["mean"].isel(zone=0)]
        self.rural_means |= {(name, one.label): mean for one, mean in zip(self.derivation.due, means, strict=True)}
        return means

    def _counts(self, name: str, periods: Sequence[Slice]) -> list[NDArray[np.uint16]]:
        totals = [np.zeros(self.shape, np.int64) for _ in range(3)]
        steps = [step for step in map(self.version.step_of, periods) if step is not None]
        for step in steps:
            for total, count in zip(totals, ("n_seen", "n_masked", "n_failed"), strict=True):
                total += self.version.array(f"{name}_{count}")[step, self.rows, self.columns]
        return [np.minimum(total, np.iinfo(np.uint16).max).astype(np.uint16) for total in totals]

    @staticmethod
    def _times(periods: Sequence[Slice]) -> NDArray[np.datetime64]:
        return np.array([period.start for period in periods], "datetime64[ns]")


def _outcome(tile: _Tile, period: Slice, values: NDArray[np.float32], run: str) -> Outcome:
    derivation = tile.derivation
    partition = Partition(period, derivation.tile, derivation.indicator)
    seen, masked, failed = tile.counts(period)
    sources = tile.sources(period)
    record = Record(
        fingerprint=derivation.fingerprints[period.label],
        run=run,
        empty=_emptiness(values, seen, masked),
        failed_reads=sum(source["failed_reads"] for source in sources),
    )
    pixels = Pixels(pack(values, tile.indicator.packing), seen, masked, failed)
    return Outcome(partition, record, _manifest(tile, partition, sources, pixels), pixels)


def _emptiness(values: NDArray[np.float32], seen: NDArray[np.uint16], masked: NDArray[np.uint16]) -> Empty | None:
    if np.isfinite(values).any():
        return None
    if seen.any():
        return Empty.NO_COMPARISON
    return Empty.ALL_MASKED if masked.any() else Empty.NO_ACQUISITION


def _manifest(tile: _Tile, partition: Partition, sources: list[dict[str, Any]], pixels: Pixels) -> dict[str, Any]:
    reference = tile.calendar.reference
    warning = climatology.short_record_warning(*reference) if reference else None
    return {
        "partition": {
            "indicator": partition.indicator,
            "period": partition.period.label,
            "tile": str(partition.tile),
        },
        "indicator_version": tile.indicator.version,
        "sensors": {},
        "code": code_version(),
        "scenes": [],
        "rejected": [],
        "made_from": sources,
        "reference": [str(day) for day in reference] if reference else None,
        "warning": {"en": warning.en, "fr": warning.fr} if warning else None,
        "rural": {
            name: mean if np.isfinite(mean) else None
            for (name, label), mean in sorted(tile.rural_means.items())
            if label == partition.period.label
        },
        "counts": {
            "seen": int(pixels.n_seen.sum(dtype=np.int64)),
            "masked": int(pixels.n_masked.sum(dtype=np.int64)),
            "failed": int(pixels.n_failed.sum(dtype=np.int64)),
            "pixels": int(pixels.values.size),
        },
    }
