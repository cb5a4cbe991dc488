"""What follows from what: the derived partitions of a plan, and those that a change makes stale."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sco import engine, library
from sco.engine import code_version
from sco.entry import Entry, Only, State, Verdict, entry_of, failed_before
from sco.failure import Failure
from sco.fingerprint import digest, errors_of
from sco.grid import Tiling
from sco.journal import Attempt
from sco.lineage import Calendar, Evidence, Told, in_order
from sco.model import Indicator
from sco.partition import Empty, Partition, Record
from sco.period import Slice, part_of
from sco.project import Project
from sco.tile import Tile

DEMANDED = {"minimum_years": None, "minimum_seen": 1}
"""Of the years of a reference where a project demands nothing: no part of a fingerprint, which are older than it."""
if TYPE_CHECKING:
    from sco.derive import Derivation
    from sco.zones import Zoning


@dataclass(frozen=True)
class Link:
    """What changes of one indicator make stale in another that is derived from it."""

    source: str
    indicator: str
    parts: tuple[str, ...]
    """The parts of the year whose reference changes, as people write them; none where no reference does."""
    partitions: int


def calendar_of(project: Project) -> Calendar:
    """The project's periods and its reference."""
    of = project.period
    return Calendar(of.slices(), of.every, of.reference, of.minimum_years, of.minimum_seen)


def derived_entries(
    project: Project,
    slices: Sequence[Slice],
    tiling: Tiling,
    entries: Sequence[Entry],
    records: Mapping[Partition, Record],
    uncomputed: Mapping[str, Attempt],
) -> list[Entry]:
    """The derived partitions over these periods, judged by the partitions that they are made from.

    `entries` are those of the indicators that come from scenes; what a plan leaves out stands as it is stored.
    """
    calendar = calendar_of(project)
    found: list[Entry] = []
    for step in in_order(project.resolved_indicators):
        evidence = _evidence(calendar, tiling, [*entries, *found], records)
        found += [
            _judged(partition, indicator, project, evidence, records.get(partition), uncomputed.get(str(partition)))
            for indicator in step
            for partition in _partitions(indicator, slices, tiling, calendar)
            if any(told.partitions for told in _told(partition, indicator, evidence))
        ]
    return found


def derivations(
    project: Project, tiling: Tiling, entries: Sequence[Entry], only: Only
) -> tuple[tuple["Derivation", ...], ...]:
    """What a run of this kind derives, in steps: each step is made from what is stored before it begins.

    A derivation has the periods of one tile that need the same reference, so that this is read once.
    """
    from sco.derive import Derivation  # with all that computes, which a look at a plan does without

    wanted: dict[tuple[str, Tile, int], dict[str, str]] = defaultdict(dict)
    for entry in entries:
        if entry.derived and entry.is_chosen(only):
            one = entry.partition
            wanted[one.indicator, one.tile, _shared(one, project)][one.period.label] = entry.fingerprint
    calendar, rural = calendar_of(project), _rural_area(project)
    outside = frozenset(one.label for one in calendar.slices if not project.period.is_in_season(one))
    return tuple(
        tuple(
            Derivation(name, tile, due, calendar, rural, project.uncertainty, outside)
            for (name, tile, _), due in sorted(wanted.items())
            if name in {one.id for one in step}
        )
        for step in in_order(project.resolved_indicators)
    )


def links(project: Project, entries: Sequence[Entry], only: Only = Only.DUE) -> tuple[Link, ...]:
    """What a run of this kind passes on from each indicator to those that are derived from it."""
    chosen = [entry.partition for entry in entries if entry.is_chosen(only)]
    numbers = Counter(one.indicator for one in chosen)
    calendar = calendar_of(project)
    parts: dict[str, set[int]] = defaultdict(set)
    for one in chosen:
        if one.period in calendar.of_reference:
            parts[one.indicator].add(part_of(one.period, calendar.every))
    return tuple(
        Link(source, indicator.id, tuple(f"{part:02d}" for part in sorted(parts[source])), numbers[indicator.id])
        for indicator in project.resolved_indicators
        for source in dict.fromkeys(one.indicator for one in indicator.inputs)
        if numbers[source] and numbers[indicator.id]
    )


def _partitions(
    indicator: Indicator, slices: Sequence[Slice], tiling: Tiling, calendar: Calendar
) -> Iterator[Partition]:
    stored = [one for one in slices if not indicator.of_series or one == calendar.slices[-1]]
    return (Partition(period, tile, indicator.id) for period in stored for tile in tiling)


def _evidence(
    calendar: Calendar, tiling: Tiling, entries: Sequence[Entry], records: Mapping[Partition, Record]
) -> Evidence:
    stored = {partition: record.fingerprint for partition, record in records.items()}
    # what failed and is not tried again stays as it is stored, if it is
    planned = {one.partition: one.fingerprint for one in entries if one.due or one.state is not State.FAILED}
    due = {entry.partition: str(entry.state) for entry in entries if entry.due}
    failed = {one: record for one, record in records.items() if record.failed_reads}
    return Evidence(calendar, tuple(tiling), stored | planned, due, failed)


def _told(partition: Partition, indicator: Indicator, evidence: Evidence) -> tuple[Told, ...]:
    needs = evidence.calendar.needs(indicator, partition.period, partition.tile)
    return tuple(evidence.of(need) for need in needs)


def _judged(
    partition: Partition,
    indicator: Indicator,
    project: Project,
    evidence: Evidence,
    record: Record | None,
    attempt: Attempt | None,
) -> Entry:
    told = _told(partition, indicator, evidence)
    if not project.period.is_in_season(partition.period) and not indicator.of_series:
        fingerprint = digest({"nothing": str(Empty.OUTSIDE_SEASON)})
        verdict = _outside(record, fingerprint)
    else:
        fingerprint = digest(_basis(indicator, project, told))
        verdict = _verdict(record, attempt, fingerprint, told)
    return entry_of(partition, verdict, fingerprint, 0, record, derived=True)


def _outside(record: Record | None, fingerprint: str) -> Verdict:
    if record is None:
        return Verdict(State.NEW, str(Empty.OUTSIDE_SEASON))
    is_known = record.fingerprint == fingerprint
    return Verdict(State.EMPTY if is_known else State.STALE, str(Empty.OUTSIDE_SEASON))


def _basis(indicator: Indicator, project: Project, told: Sequence[Told]) -> dict[str, object]:
    period = project.period
    asked = {name: getattr(period, name) for name in ("minimum_years", "minimum_seen")}
    return {
        "engine": engine.DERIVE,
        "indicator": [indicator.id, indicator.version],
        "reference": [str(day) for day in period.reference] if period.reference else [],
        **({} if asked == DEMANDED else asked),
        "rural": project.rural_digest if any(one.statistic == "rural" for one in indicator.inputs) else "",
        "made_from": [one.digest for one in told],
        **errors_of(indicator, project),
    }


def _verdict(record: Record | None, attempt: Attempt | None, fingerprint: str, told: Sequence[Told]) -> Verdict:
    moved = [one for one in told if one.moved]
    why = moved[0].moved if moved else ""
    others = sum(one.moves for one in moved) - 1
    if record is not None and moved:
        return Verdict(State.STALE, why + (f", {others} more change" if others else ""))
    if attempt is not None and (failed := failed_before(None, attempt, fingerprint, code_version)):
        return failed
    if record is None:
        return Verdict(State.NEW, f"from {sum(one.partitions for one in told)} partitions")
    if record.fingerprint != fingerprint:
        return Verdict(State.STALE, "what it is made from, its reference or its code changed")
    return _of_reads(record, sum(one.failed_reads for one in told))


def _of_reads(record: Record, failed_now: int) -> Verdict:
    """How a partition stands of which only the reads behind what it is made from can have changed."""
    if record.failed_reads != failed_now:
        return Verdict(State.STALE, f"reads of what it is made from that failed: {record.failed_reads} -> {failed_now}")
    if record.failed_reads:
        failure = record.failure or Failure.TRANSIENT
        return Verdict(State.FAILED, f"{failure}: {failed_now} reads of what it is made from failed", failure)
    return Verdict(State.EMPTY, str(record.empty)) if record.empty else Verdict(State.CURRENT, "")


def _shared(partition: Partition, project: Project) -> int:
    """The part of the year whose reference a partition shares with others; 0 where it is made from the whole series."""
    indicator = library.indicators[partition.indicator]
    if any(one.statistic == "series" for one in indicator.inputs):
        return 0
    return part_of(partition.period, project.period.every)


def _rural_area(project: Project) -> "Zoning | None":
    """The project's rural area as one zone over its grid; None where it names none."""
    from sco.zones import zone_of_file

    return zone_of_file(project.rural_file, "rural", project.geobox) if project.rural_file else None
