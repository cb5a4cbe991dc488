"""Indicators from indicators: anomalies, indices against a reference, trends, computed from what is stored.

Reads one tile of one version of the store, so that a value and all that it is made from belong together.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import xarray as xr
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from sco import climatology, library, uncertainty
from sco.compute import Around, plainly
from sco.derivation import STRIP_VALUES
from sco.derivation import Derivation as Derivation
from sco.engine import code_version
from sco.failure import Failure, worst
from sco.lineage import Need
from sco.model import REFERENCE, Indicator, Input, Packing
from sco.packing import pack, unpack
from sco.partition import Empty, Outcome, Partition, Pixels, Record
from sco.period import Slice, part_of, year_before
from sco.store import Store
from sco.version import Version
from sco.zones import Zoning

Stack = NDArray[np.float32]
"""(time, y, x); NaN where there is no value."""


def outcomes_of(
    derivations: Sequence[Derivation], run: str, url: str, snapshot: str, around: Around = plainly
) -> list[Delayed]:
    """One lazy dask task a derivation; each gives the list of its outcomes, or what `around` makes of that."""
    return [
        delayed(partial(around, partial(derive, one, run, url, snapshot)), pure=False, traverse=False)(
            dask_key_name=f"{one.indicator}-{one.due[0].label}-{one.size}-{one.tile}-{run}"
        )
        for one in derivations
    ]


def derive(derivation: Derivation, run: str, url: str, snapshot: str) -> list[Outcome]:
    """Read the inputs at one version of the store, apply the formula, pack; one outcome a period that is due."""
    outside = [_outside(derivation, period, run) for period in derivation.due if not derivation.is_made(period)]
    inside = {one.label: derivation.fingerprints[one.label] for one in derivation.due if derivation.is_made(one)}
    if not inside:
        return outside
    derivation = replace(derivation, fingerprints=inside)
    tile = _Tile(Store.open(url).version(snapshot), derivation)
    values, errors = tile.values()
    made = zip(derivation.due, values, errors if errors is not None else [None] * len(values), strict=True)
    return outside + [_outcome(tile, period, plane, error, run) for period, plane, error in made]


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
        self.has_error = derivation.uncertainty and uncertainty.method_of(self.indicator) is not None
        self._usual: dict[str, xr.Dataset | None] = {}
        """The references of the strip that is being computed."""
        self._around: dict[str, xr.Dataset] = {}
        """What each input is over the rural area."""
        self._sources: dict[Need, dict[str, Any]] = {}

    def values(self) -> tuple[Stack, Stack | None]:
        """The indicator over the periods that are due, and its standard errors if it has any."""
        strips, errors = zip(*(self._strip(rows) for rows in self._strips()), strict=True)
        return np.concatenate(strips, axis=1), np.concatenate(errors, axis=1) if self.has_error else None

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
            **_failure_of(records),
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

    def _strip(self, rows: slice) -> tuple[Stack, Stack | None]:
        self._usual.clear()
        arguments = [self._argument(one, rows) for one in self.indicator.inputs]
        values = self._laid(self.indicator.formula(*arguments), rows)
        if not self.has_error:
            return values, None
        errors = [self._error(one, rows) for one in self.indicator.inputs]
        error = self._laid(uncertainty.carried(self.indicator.formula, arguments, errors), rows)
        return values, np.where(np.isnan(values), np.float32(np.nan), error)

    def _laid(self, result: xr.DataArray, rows: slice) -> Stack:
        """What a formula made, over the periods that are due; NaN where it is no number."""
        due = self._times(self.derivation.due)
        shape = (len(due), rows.stop - rows.start, self.shape[1])
        if not self.indicator.of_series:
            result = result.transpose("time", "y", "x").sel(time=due)
        values: Stack = np.broadcast_to(np.asarray(result, np.float32), shape).copy()
        values[~np.isfinite(values)] = np.nan
        return values

    def _argument(self, one: Input, rows: slice) -> xr.DataArray:
        match one.statistic:
            case "value" | "year_before":
                return self._own(one, one.indicator, rows)
            case "series":
                return self._series(one.indicator, self.calendar.slices, rows)
            case "rural":
                return self._dated([float(mean) for mean in self._rural(one.indicator)["mean"]])
            case "in_reference":
                held = [period in self.calendar.of_reference for period in self.calendar.slices]
                return xr.DataArray(held, {"time": self._axis(self.calendar.slices)}, ("time",))
            case _:
                return self._statistic(one.indicator, one.statistic, rows)

    def _error(self, one: Input, rows: slice) -> xr.DataArray:
        """The standard error of an argument, laid out as the argument is."""
        match one.statistic:
            case "mean":
                return self._statistic(one.indicator, "standard_error", rows)
            case "rural":
                return self._dated([float(error) for error in self._rural(one.indicator)["error"]])
            case _:
                return self._own(one, uncertainty.name_of(one.indicator), rows)

    def _own(self, one: Input, path: str, rows: slice) -> xr.DataArray:
        """An array of the periods that are due, or of those a year before them."""
        due, every = self.derivation.due, self.calendar.every
        wanted = [year_before(period, every) for period in due] if one.statistic == "year_before" else due
        return self._series(path, wanted, rows).assign_coords(time=self._axis(due))

    def _statistic(self, name: str, statistic: str, rows: slice) -> xr.DataArray:
        """A statistic of the reference, laid out along the periods that are due; NaN where there is no reference."""
        if name not in self._usual:
            self._usual[name] = self._reference(name, rows)
        normal = self._usual[name]
        if normal is None:
            return self._series(name, self.derivation.due, rows) * np.nan
        due = xr.DataArray(self._times(self.derivation.due), dims="time", name="time")
        laid = climatology.expected(due.assign_coords(time=due), normal[[statistic]], self.calendar.every)
        return laid[statistic].astype(np.float32)

    def _reference(self, name: str, rows: slice) -> xr.Dataset | None:
        """The reference of the parts of the year that are due; None where there is none."""
        parts = {part_of(period, self.calendar.every) for period in self.derivation.due}
        years = [period for period in self.calendar.of_reference if part_of(period, self.calendar.every) in parts]
        if self.calendar.reference is None or not years:
            return None
        series, (start, end) = self._series(name, years, rows), self.calendar.reference
        enough = self.calendar.minimum_years or self.indicator.minimum_years
        least = self.calendar.minimum_seen
        seen = self._dated(self._seen(name, years, rows), years) if least > 1 else None
        return climatology.reference(series, start, end, self.calendar.every, enough, n_seen=seen, minimum_seen=least)

    def _series(self, path: str, periods: Sequence[Slice], rows: slice) -> xr.DataArray:
        """What is stored in an array, decoded; NaN for periods that the store has no room for."""
        stack = np.full((len(periods), rows.stop - rows.start, self.shape[1]), np.nan, np.float32)
        for place, period in enumerate(periods):
            stack[place] = self._plane(path, period, rows, self.columns)
        if path in self._whole:
            days = np.array([(period.end - period.start).days for period in periods])
            stack[self._seen(path, periods, rows) < days[:, None, None]] = np.nan
        return self._dated(stack, periods).rename(path)

    def _seen(self, name: str, periods: Sequence[Slice], rows: slice) -> NDArray[np.uint16]:
        """How many observations each value was made of; 0 for periods that the store has no room for."""
        seen = np.zeros((len(periods), rows.stop - rows.start, self.shape[1]), np.uint16)
        for place, period in enumerate(periods):
            step = self.version.step_of(period)
            if step is not None:
                seen[place] = self.version.array(f"{name}_n_seen")[step, rows, self.columns]
        return seen

    @cached_property
    def _whole(self) -> frozenset[str]:
        """The inputs of which a value counts only where every day of its period was seen."""
        names = {one.indicator for one in self.indicator.inputs}
        return frozenset(name for name in names if library.indicators[name].takes_every_day)

    def _plane(self, path: str, period: Slice, rows: slice, columns: slice) -> NDArray[np.float32]:
        step, packing = self.version.step_of(period), self._packings.get(path)
        if step is None or packing is None:
            return np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan, np.float32)
        return unpack(self.version.array(path)[step, rows, columns], packing)

    @cached_property
    def _packings(self) -> dict[str, Packing]:
        """By path, how the values and the standard errors that the version has of the inputs are packed."""
        inputs = [library.indicators[name] for name in sorted({one.indicator for one in self.indicator.inputs})]
        known = {one.id: one.packing for one in inputs}
        known |= {uncertainty.name_of(one.id): uncertainty.packing_of(one) for one in inputs}
        return {path: known[path] for one in inputs for path in self.version.paths(one.id) if path in known}

    def _rural(self, name: str) -> xr.Dataset:
        """Mean of an indicator over the project's rural area, (time,), and its error; from all tiles of the grid."""
        if name in self._around:
            return self._around[name]
        zoning, due = self.derivation.rural, self.derivation.due
        if zoning is None:
            return xr.Dataset({key: ("time", [np.nan] * len(due)) for key in ("mean", "error")})
        height, width = self.version.tiling.geobox.shape
        frames = [
            self._dated([self._plane(path, one, slice(0, height), slice(0, width)) for one in due])
            for path in (name, *([uncertainty.name_of(name)] if self.has_error else []))
        ]
        found = zoning.summarise(*frames).isel(zone=0)
        self._around[name] = found
        means = zip(due, found["mean"].values.tolist(), strict=True)
        self.rural_means |= {(name, one.label): mean for one, mean in means}
        return found

    def _dated(self, values: Sequence[Any] | NDArray[Any], periods: Sequence[Slice] = ()) -> xr.DataArray:
        """Numbers or planes, one a period; of those that are due where none are named."""
        stack, times = np.asarray(values), self._axis(periods or self.derivation.due)
        return xr.DataArray(stack, {"time": times}, ("time", "y", "x")[: stack.ndim])

    def _axis(self, periods: Sequence[Slice]) -> xr.Variable:
        """The starts of periods, which say what periods they are."""
        return xr.Variable("time", self._times(periods), {"every": self.calendar.every})

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


def _outside(derivation: Derivation, period: Slice, run: str) -> Outcome:
    """A period that the project leaves out; nothing is read for it."""
    partition = Partition(period, derivation.tile, derivation.indicator)
    record = Record(derivation.fingerprints[period.label], run, Empty.OUTSIDE_SEASON)
    counts = dict.fromkeys(("seen", "masked", "failed", "pixels"), 0)
    return Outcome(partition, record, _told(partition) | {"made_from": [], "warning": None, "counts": counts}, None)


def _told(partition: Partition) -> dict[str, Any]:
    """What every manifest begins with."""
    return {
        "partition": {
            "indicator": partition.indicator,
            "period": partition.period.label,
            "tile": str(partition.tile),
        },
        "indicator_version": library.indicators[partition.indicator].version,
        "sensors": {},
        "code": code_version(),
        "scenes": [],
        "rejected": [],
    }


def _failure_of(records: Sequence[Record]) -> dict[str, str]:
    """What kind of failure the reads behind these had, if any had."""
    failures = [record.failure or Failure.TRANSIENT for record in records if record.failed_reads]
    return {"failure": str(worst(failures))} if failures else {}


def _outcome(
    tile: _Tile, period: Slice, values: NDArray[np.float32], error: NDArray[np.float32] | None, run: str
) -> Outcome:
    derivation = tile.derivation
    partition = Partition(period, derivation.tile, derivation.indicator)
    seen, masked, failed = tile.counts(period)
    sources = tile.sources(period)
    failures = [Failure(source["failure"]) for source in sources if "failure" in source]
    record = Record(
        fingerprint=derivation.fingerprints[period.label],
        run=run,
        empty=_emptiness(values, seen, masked),
        failed_reads=sum(source["failed_reads"] for source in sources),
        failure=worst(failures) if failures else None,
    )
    packed = None if error is None else pack(error, uncertainty.packing_of(tile.indicator))
    pixels = Pixels(pack(values, tile.indicator.packing), seen, masked, failed, packed)
    return Outcome(partition, record, _manifest(tile, partition, sources, pixels), pixels)


def _emptiness(values: NDArray[np.float32], seen: NDArray[np.uint16], masked: NDArray[np.uint16]) -> Empty | None:
    if np.isfinite(values).any():
        return None
    if seen.any():
        return Empty.NO_COMPARISON
    return Empty.ALL_MASKED if masked.any() else Empty.NO_ACQUISITION


def _manifest(tile: _Tile, partition: Partition, sources: list[dict[str, Any]], pixels: Pixels) -> dict[str, Any]:
    is_measured = any(one.statistic in REFERENCE for one in tile.indicator.inputs)
    reference = tile.calendar.reference if is_measured else None
    warning = climatology.short_record_warning(*reference) if reference else None
    return {
        **_told(partition),
        **({"uncertainty": uncertainty.VERSION} if tile.has_error else {}),
        "made_from": sources,
        "reference": [str(day) for day in reference] if reference else None,
        "warning": {"en": warning.en, "fr": warning.fr} if warning else None,
        "rural": {
            name: mean if np.isfinite(mean) else None
            for (name, label), mean in sorted(tile.rural_means.items())
            if label == partition.period.label
        },
        "rural_area": _ground_of(tile.derivation.rural) if tile.rural_means else None,
        "counts": {
            "seen": int(pixels.n_seen.sum(dtype=np.int64)),
            "masked": int(pixels.n_masked.sum(dtype=np.int64)),
            "failed": int(pixels.n_failed.sum(dtype=np.int64)),
            "pixels": int(pixels.values.size),
        },
    }


def _ground_of(rural: Zoning | None) -> dict[str, Any] | None:
    """Which ground a project's rural area is: how much of it, between which bounds, and a digest of its outline."""
    if rural is None:
        return None
    outline = rural.zones[0].geometry
    return {
        "km2": round(rural.weights[0].grid_km2, 6),
        "bounds": list(outline.bounds),
        "crs": str(rural.geobox.crs),
        "sha256": hashlib.sha256(outline.wkb).hexdigest(),
    }
