"""How the partitions of a plan stand: what each would be made from now, held against what the store has of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sco import imprint
from sco.absence import Absences
from sco.engine import code_version
from sco.entry import Entry, State, Verdict, entry_of, failed_before
from sco.fingerprint import Fingerprints, difference
from sco.imprint import Imprint
from sco.journal import Attempt
from sco.model import Indicator
from sco.partition import Empty, Partition, Record
from sco.period import Slice
from sco.placement import Placement
from sco.project import Project
from sco.roster import Places


@dataclass(frozen=True)
class Past:
    """What became of a project's partitions so far."""

    store_url: str | None
    """None where nothing was laid out yet."""
    records: Mapping[Partition, Record]
    uncomputed: Mapping[str, Attempt]
    """The latest attempts at what could not be computed, by partition."""


@dataclass(frozen=True)
class Prospect:
    """A partition, and what it would be made from now."""

    partition: Partition
    indicator: Indicator
    scenes: Places
    """Positions in the placement."""
    fingerprint: str
    nothing: Empty | None
    """Why there is no scene; None where there is any."""


def prospects(
    project: Project, slices: Sequence[Slice], placement: Placement, absences: Absences
) -> Iterator[Prospect]:
    """Every partition that comes from scenes, in the order of periods, tiles and indicators.

    The fingerprints of many are remembered beside the store.
    """
    fingerprints = Fingerprints(project, placement)
    indicators = [one for one in project.resolved_indicators if not one.is_derived]
    sensors = [(one, sensors_of(one, project)) for one in indicators]
    memory, found = project.workspace / "fingerprints", dict[str, str]()
    rules = imprint.rules_of(project, slices, placement, map(fingerprints.shared, indicators), sensors)
    now = Imprint(placement, rules)
    known = imprint.recall(memory, now)
    for period in slices:
        for tile in project.tiling:
            for indicator, seen_by in sensors:
                partition = Partition(period, tile, indicator.id)
                scenes = placement.places((period.label, tile), seen_by)
                nothing = None if scenes.size else absences.reason(period, tile, seen_by)
                name = f"{partition}, {nothing}"
                found[name] = known.get(name, (period.label, tile)) or fingerprints.of(
                    partition, indicator, scenes, nothing
                )
                yield Prospect(partition, indicator, scenes, found[name], nothing)
    if known.moved or found != known.fingerprints:
        imprint.remember(memory, now, found)


def entries_of(found: Sequence[Prospect], project: Project, placement: Placement, past: Past) -> list[Entry]:
    """How each of them stands."""
    before = [_failed(one, past) for one in found]
    asked = [one for one, verdict in zip(found, before, strict=True) if verdict is None and _has_moved(one, past)]
    moved = dict(_differences(asked, project, placement, past))
    return [
        entry_of(
            one.partition,
            verdict or _verdict(one, moved.get(one.partition), past),
            one.fingerprint,
            one.scenes.size,
            past.records.get(one.partition),
        )
        for one, verdict in zip(found, before, strict=True)
    ]


def sensors_of(indicator: Indicator, project: Project) -> frozenset[str]:
    """The sensors that an indicator can be seen by."""
    return frozenset(source.sensor for source in project.sources_of(indicator))


def _failed(one: Prospect, past: Past) -> Verdict | None:
    attempt = past.uncomputed.get(str(one.partition)) if past.uncomputed else None
    return failed_before(past.records.get(one.partition), attempt, one.fingerprint, code_version)


def _has_moved(one: Prospect, past: Past) -> bool:
    record = past.records.get(one.partition)
    return record is not None and record.fingerprint != one.fingerprint


def _differences(
    found: Sequence[Prospect], project: Project, placement: Placement, past: Past
) -> Iterator[tuple[Partition, str]]:
    """In what each of them differs from what is stored."""
    if not found or past.store_url is None:
        return
    from sco.store import Store  # with icechunk and zarr

    by_partition = {one.partition: one for one in found}
    for partition, manifest in Store.open(past.store_url).manifests_of(list(by_partition)):
        one = by_partition[partition]
        yield partition, difference(manifest, placement.scenes.at(one.scenes), one.indicator, project)


def _verdict(one: Prospect, moved: str | None, past: Past) -> Verdict:
    record = past.records.get(one.partition)
    if record is None:
        return Verdict(State.NEW, str(one.nothing or f"{one.scenes.size} scenes"))
    if moved is not None:
        return Verdict(State.STALE, f"{one.nothing}, {moved}" if one.nothing else moved)
    return Verdict(State.EMPTY, str(record.empty)) if record.empty else Verdict(State.CURRENT, "")
