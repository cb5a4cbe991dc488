"""What is new, stale (and why), current or empty; what it would cost; as a file that can be reviewed and applied."""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from shapely import STRtree, box, from_wkt, union_all

from sco.answers import ask
from sco.budget import Budget
from sco.chain import derivations, derived_entries
from sco.compute import Block
from sco.derive import Derivation
from sco.entry import Entry, Only, State
from sco.errors import ConfigurationError
from sco.fingerprint import basis_of, difference, digest
from sco.grid import Tile, Tiling, degrees_boxes, middle_longitude
from sco.known_bad import why_bad
from sco.model import Indicator, Scene
from sco.observation import Observation, by_day, grouped
from sco.partition import Partition, Record
from sco.period import Slice
from sco.preflight import Rules
from sco.project import Project
from sco.search import Answer, Rejected
from sco.store import Store
from sco.vouching import Refused

FORMAT = "sco.plan/1"
BYTES_A_PIXEL = 2
COMPRESSION = 0.6
"""Share of a COG window's plain size that is transferred, typical of DEFLATE reflectance."""


@dataclass(frozen=True)
class Estimate:
    """What a plan would cost."""

    partitions: int
    scenes: int
    reads: int
    bytes: int
    peak_memory: int
    seconds: float | None
    """None until past runs tell how fast this machine is."""


@dataclass(frozen=True)
class Plan:
    """Every partition of a range of days, and the blocks that would compute what is due."""

    project: Project
    made: datetime
    slices: tuple[Slice, ...]
    entries: tuple[Entry, ...]
    answers: tuple[Answer, ...]
    tiling: Tiling
    _scenes: Mapping[tuple[str, Tile], tuple[Observation, ...]] = field(repr=False, default_factory=dict)
    _rejected: Mapping[str, tuple[Mapping[str, str], ...]] = field(repr=False, default_factory=dict)
    _missing: Mapping[tuple[str, Tile], Mapping[str, int]] = field(repr=False, default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many partitions are in each state."""
        counted = Counter(str(entry.state) for entry in self.entries)
        return {str(state): counted[str(state)] for state in State}

    def chosen(self, only: Only = Only.DUE) -> tuple[Entry, ...]:
        """The entries that a run of this kind takes up."""
        return tuple(entry for entry in self.entries if entry.is_chosen(only))

    def blocks(self, only: Only = Only.DUE) -> tuple[Block, ...]:
        """One block a period and tile that has anything chosen, oldest first."""
        wanted: dict[tuple[Slice, Tile], dict[str, str]] = defaultdict(dict)
        for entry in (entry for entry in self.chosen(only) if not entry.derived):
            wanted[entry.partition.period, entry.partition.tile][entry.partition.indicator] = entry.fingerprint
        return tuple(self._block(period, tile, wanted[period, tile]) for period, tile in sorted(wanted))

    def derivations(self, only: Only = Only.DUE) -> tuple[tuple[Derivation, ...], ...]:
        """What is derived after the blocks are committed, in steps that build on one another."""
        return derivations(self.project, self.tiling, self.entries, only)

    def estimate(self, only: Only = Only.DUE, pace: float | None = None) -> Estimate:
        """What a run of this kind would cost; `pace` is seconds a scene of a partition, learned from past runs."""
        blocks, budget = self.blocks(only), Budget.of(self.tiling)
        reads = sum(block.asset_count for block in blocks)
        volume = sum(block.asset_count * block.geobox.shape[0] * block.geobox.shape[1] for block in blocks)
        return Estimate(
            partitions=len(self.chosen(only)),
            scenes=len({scene.id for block in blocks for one in block.observations for scene in one.scenes}),
            reads=reads,
            bytes=round(volume * BYTES_A_PIXEL * COMPRESSION),
            peak_memory=max((budget.peak_bytes(block) for block in blocks), default=0),
            seconds=None if pace is None else pace * sum(entry.scenes for entry in self.chosen(only)),
        )

    def document(self) -> dict[str, Any]:
        """The plan as JSON: every partition with its state, reason and fingerprint."""
        return {
            "schema": FORMAT,
            "project": self.project.id,
            "made": self.made.isoformat(timespec="seconds"),
            "counts": self.counts(),
            "partitions": [
                {
                    "indicator": entry.partition.indicator,
                    "period": entry.partition.period.label,
                    "tile": str(entry.partition.tile),
                    "state": str(entry.state),
                    "reason": entry.reason,
                    "scenes": entry.scenes,
                    "fingerprint": entry.fingerprint,
                }
                for entry in self.entries
            ],
        }

    def must_equal(self, file: Path) -> None:
        """Raises ConfigurationError where this plan is not the one that was saved in `file`."""
        saved = _saved_fingerprints(file, self.project.id)
        now = {str(entry.partition): entry.fingerprint for entry in self.entries}
        moved = sorted(name for name in saved.keys() | now.keys() if saved.get(name) != now.get(name))
        if moved:
            raise ConfigurationError(
                f"the world has moved since {file} was saved: {len(moved)} partitions differ, the first is "
                f"{moved[0]}; look at the new plan with `sco plan`, save it and apply that one"
            )

    def _block(self, period: Slice, tile: Tile, fingerprints: Mapping[str, str]) -> Block:
        return Block(
            period=period,
            tile=tile,
            geobox=self.tiling.geobox_of(tile),
            fingerprints=dict(fingerprints),
            observations=self._scenes.get((period.label, tile), ()),
            rejected=self._rejected.get(period.label, ()),
            rules=rules_of(self.project),
            missing=self._missing.get((period.label, tile), {}),
        )


def rules_of(project: Project) -> Rules:
    """What the project lets a worker read."""
    return Rules(
        roots=project.file_roots,
        mismatch=project.access.mismatch,
        contradiction=project.access.contradiction,
        hosts=project.hosts,
        widened=project.widened,
    )


def make_plan(project: Project, start: date | None = None, end: date | None = None) -> Plan:
    """Ask the catalogs, compare with the store. Raises UpstreamError when no catalog of a source answers."""
    slices = project.period.slices(start, end)
    if not slices:
        raise ConfigurationError(
            f"no period of {project.id} lies between {start} and {end}: the project covers "
            f"{project.period.start} to {project.period.last_day}"
        )
    answers = ask(project, slices)
    tiling = project.tiling
    placed = _place([scene for answer in answers for scene in answer.scenes], tiling, slices)
    records, store = _stored(project)
    if store is None:
        _require_scenes(project, answers)
    entries = [
        _entry(Partition(period, tile, indicator.id), indicator, project, tiling, placed, records, store)
        for period in slices
        for tile in tiling
        for indicator in project.resolved_indicators
        if not indicator.is_derived
    ]
    entries += derived_entries(project, slices, tiling, entries, records)
    rejected = _rejected_by_period([one for answer in answers for one in answer.rejected], slices)
    missing = _missing(answers, tiling, slices, project)
    return Plan(project, datetime.now(UTC), slices, tuple(entries), answers, tiling, placed, rejected, missing)


def _require_scenes(project: Project, answers: Sequence[Answer]) -> None:
    if any(answer.scenes for answer in answers):
        return
    asked = ", ".join(f"{one.catalog} at {one.url}" for answer in answers for one in answer.asked)
    rejected = [one for answer in answers for one in answer.rejected]
    why = f"; {len(rejected)} were found and rejected, the first because {rejected[0].reason}" if rejected else ""
    raise ConfigurationError(
        f"no scene touches the area of {project.id} between {project.period.start} and {project.period.last_day}"
        f"{why}. Asked: {asked}. Check area, period and sources"
    )


def _place(
    scenes: Sequence[Scene], tiling: Tiling, slices: Sequence[Slice]
) -> dict[tuple[str, Tile], tuple[Observation, ...]]:
    """The observations of every period and tile that has any."""
    dated = by_day(scenes, middle_longitude(tiling.geobox))
    tree = STRtree([from_wkt(scene.footprint) for _, scene in dated])
    starts = [period.start for period in slices]
    placed: dict[tuple[str, Tile], tuple[Observation, ...]] = {}
    for tile in tiling:
        outline = union_all([box(*part) for part in degrees_boxes(tiling.geobox_of(tile))])
        over = [dated[index] for index in sorted(tree.query(outline, predicate="intersects"))]
        by_period: dict[str, list[Observation]] = defaultdict(list)
        for one in grouped(over):
            index = bisect_left(starts, one.day + timedelta(days=1)) - 1
            if index >= 0 and one.day in slices[index]:
                by_period[slices[index].label].append(one)
        placed |= {(label, tile): tuple(found) for label, found in by_period.items()}
    return placed


def _stored(project: Project) -> tuple[dict[Partition, Record], Store | None]:
    if not Store.exists(project.store_url):
        return {}, None
    store = Store.open(project.store_url)
    return store.records(), store


def _entry(
    partition: Partition,
    indicator: Indicator,
    project: Project,
    tiling: Tiling,
    placed: Mapping[tuple[str, Tile], tuple[Observation, ...]],
    records: Mapping[Partition, Record],
    store: Store | None,
) -> Entry:
    seen_by = {source.sensor for source in project.sources_of(indicator)}
    found = [one for one in placed.get((partition.period.label, partition.tile), ()) if one.sensor in seen_by]
    basis = basis_of(partition, indicator, project, tiling, found)
    fingerprint = digest(basis)
    record = records.get(partition)
    state, reason = _judge(partition, record, fingerprint, found, indicator, store)
    scenes = sum(len(one.scenes) for one in found)
    return Entry(partition, state, reason, fingerprint, scenes, record.failed_reads if record else 0)


def _judge(
    partition: Partition,
    record: Record | None,
    fingerprint: str,
    found: Sequence[Observation],
    indicator: Indicator,
    store: Store | None,
) -> tuple[State, str]:
    if record is None or store is None:
        return State.NEW, f"{sum(len(one.scenes) for one in found)} scenes"
    if record.failed_reads:
        return State.STALE, f"{record.failed_reads} reads failed last time"
    if record.fingerprint != fingerprint:
        return State.STALE, difference(store.manifest(partition), found, indicator)
    return (State.EMPTY, str(record.empty)) if record.empty else (State.CURRENT, "")


def _rejected_by_period(
    rejected: Sequence[Rejected], slices: Sequence[Slice]
) -> dict[str, tuple[Mapping[str, str], ...]]:
    found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for one in rejected:
        day = one.time.date() if one.time else None
        for period in slices:
            if day is not None and day in period:
                found[period.label].append({"id": one.id, "catalog": one.catalog, "reason": one.reason})
    return {label: tuple(entries) for label, entries in found.items()}


def _missing(
    answers: Sequence[Answer], tiling: Tiling, slices: Sequence[Slice], project: Project
) -> dict[tuple[str, Tile], Counter[str]]:
    """By period and tile, how many acquisitions of each sensor are known and cannot be used.

    An item that is no scene has no place, so that it counts in every tile of its period.
    """
    missing: dict[tuple[str, Tile], Counter[str]] = defaultdict(Counter)
    for source, answer in zip(project.sources, answers, strict=True):
        refused = [one.scene for one in answer.rejected if isinstance(one, Refused) and one.scene]
        for place, found in _place(refused, tiling, slices).items():
            missing[place][source.sensor] += sum(len(one.scenes) for one in found)
        lost = [one for one in answer.rejected if one.rubbish or why_bad(one.catalog, one.id)]
        for label, entries in _rejected_by_period(lost, slices).items():
            for tile in tiling:
                missing[label, tile][source.sensor] += len(entries)
    return dict(missing)


def _saved_fingerprints(file: Path, project: str) -> dict[str, str]:
    try:
        saved = json.loads(file.read_text("utf-8"))
        if saved["schema"] != FORMAT or saved["project"] != project:
            raise ConfigurationError(f"{file} is a plan of {saved['project']!r} in {saved['schema']}, not of {project}")
        return {f"{one['indicator']} {one['period']} {one['tile']}": one["fingerprint"] for one in saved["partitions"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file} is not a saved plan: make one with `sco plan --save FILE`") from error
