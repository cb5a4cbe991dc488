"""What is new, stale (and why), current or empty; what it would cost; as a file that can be reviewed and applied."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from sco.absence import Absences, barren
from sco.answers import ask
from sco.bulk import staying
from sco.chain import derivations, derived_entries
from sco.entry import Entry, Only, State
from sco.errors import ConfigurationError
from sco.estimate import Cost
from sco.grid import Tiling
from sco.journal import Attempt, Journal
from sco.known_bad import why_bad
from sco.partition import Empty, Partition, Record
from sco.period import Slice
from sco.placement import Placement, place, step_of
from sco.project import Project
from sco.recorded import records_of
from sco.saved import FORMAT
from sco.search import Answer, Refused, Rejected
from sco.standing import Past, entries_of, prospects, sensors_of
from sco.tile import Tile

if TYPE_CHECKING:
    from sco.block import Block
    from sco.derive import Derivation
    from sco.preflight import Rules


@dataclass(frozen=True)
class Plan:
    """Every partition of a range of days, and the blocks that would compute what is due."""

    project: Project
    made: datetime
    slices: tuple[Slice, ...]
    entries: tuple[Entry, ...]
    answers: tuple[Answer, ...]
    tiling: Tiling
    _scenes: Placement = field(repr=False)
    _rejected: Mapping[str, tuple[Mapping[str, str], ...]] = field(repr=False, default_factory=dict)
    _missing: Mapping[tuple[str, Tile], Mapping[str, int]] = field(repr=False, default_factory=dict)
    _absences: Absences | None = field(repr=False, default=None)
    recorded: Mapping[Partition, Record] | None = field(repr=False, default=None)
    """What was committed of the project when it was planned; None where nobody looked."""

    def counts(self) -> dict[str, int]:
        """How many partitions are in each state."""
        counted = Counter(str(entry.state) for entry in self.entries)
        return {str(state): counted[str(state)] for state in State}

    def chosen(self, only: Only = Only.DUE) -> tuple[Entry, ...]:
        """The entries that a run of this kind takes up."""
        return tuple(entry for entry in self.entries if entry.is_chosen(only))

    def blocks(self, only: Only = Only.DUE) -> "tuple[Block, ...]":
        """One block a period and tile that has anything chosen, oldest first."""
        wanted: dict[tuple[Slice, Tile], dict[str, str]] = defaultdict(dict)
        for entry in (entry for entry in self.chosen(only) if not entry.derived):
            wanted[entry.partition.period, entry.partition.tile][entry.partition.indicator] = entry.fingerprint
        rules = rules_of(self.project)
        with staying():
            return tuple(self._block(period, tile, wanted[period, tile], rules) for period, tile in sorted(wanted))

    def derivations(self, only: Only = Only.DUE) -> "tuple[tuple[Derivation, ...], ...]":
        """What is derived after the blocks are committed, in steps that build on one another."""
        return derivations(self.project, self.tiling, self.entries, only)

    def cost(self, only: Only = Only.DUE) -> Cost:
        """What a run of this kind would take, as far as it can be counted."""
        chosen = self.chosen(only)
        if not chosen:
            return Cost(0, 0, 0, 0, 0)
        from sco.budget import Budget  # with all that computes

        blocks, budget = self.blocks(only), Budget.of(self.tiling)
        reads = sum(block.asset_count for block in blocks)
        return Cost(
            partitions=len(chosen),
            scenes=self._scenes.distinct((block.period.label, block.tile) for block in blocks),
            reads=reads,
            from_store=sum(entry.derived or not reads for entry in chosen),
            task_memory=max((budget.peak_bytes(block) for block in blocks), default=0),
        )

    @cached_property
    def _sensors(self) -> Mapping[str, frozenset[str]]:
        return {one.id: sensors_of(one, self.project) for one in self.project.resolved_indicators}

    def keeping(self, wanted: Callable[[Entry], bool]) -> Self:
        """The plan with these entries alone; what they are to be made from stays as it is."""
        return replace(self, entries=tuple(filter(wanted, self.entries)))

    def document(self) -> dict[str, Any]:
        """The plan as JSON: every partition, in order, with its state, reason and fingerprint."""
        return {
            "schema": FORMAT,
            "project": self.project.id,
            "made": self.made.isoformat(timespec="seconds"),
            "counts": self.counts(),
            "partitions": [_line(entry) for entry in sorted(self.entries, key=lambda entry: entry.partition)],
        }

    def _block(self, period: Slice, tile: Tile, fingerprints: Mapping[str, str], rules: "Rules") -> "Block":
        from sco.block import Block  # with all that computes, which a look at a plan does without

        return Block(
            period=period,
            tile=tile,
            geobox=self.tiling.geobox_of(tile),
            fingerprints=dict(fingerprints),
            observations=self._scenes.get((period.label, tile), ()),
            rejected=self._rejected.get(period.label, ()),
            rules=rules,
            missing=self._missing.get((period.label, tile), {}),
            uncertainty=self.project.uncertainty,
            nothing=self._nothing(period, tile, fingerprints),
        )

    def _nothing(self, period: Slice, tile: Tile, indicators: Iterable[str]) -> dict[str, Empty]:
        """Why these indicators have no scene over a period and tile, by id."""
        if self._absences is None:
            return {}
        sensors = {name: self._sensors[name] for name in indicators}
        return {name: self._absences.reason(period, tile, seen_by) for name, seen_by in sensors.items()}


def rules_of(project: Project) -> "Rules":
    """What the project lets a worker read."""
    from sco.preflight import Rules

    return Rules(
        roots=project.file_roots,
        mismatch=project.access.mismatch,
        contradiction=project.access.contradiction,
        hosts=project.hosts,
        widened=project.widened,
        overviews=project.access.overviews,
    )


def make_plan(project: Project, start: date | None = None, end: date | None = None) -> Plan:
    """Ask the catalogs, compare with the store. Raises UpstreamError when no catalog of a source answers."""
    slices = project.period.slices(start, end)
    if not slices:
        raise ConfigurationError(
            f"no period of {project.id} lies between {start} and {end}: the project covers "
            f"{project.period.start} to {project.period.last_day}"
        )
    with staying():
        return _plan_of(project, slices)


def _plan_of(project: Project, slices: tuple[Slice, ...]) -> Plan:
    answers = ask(project, slices)
    tiling = project.tiling
    kept = project.workspace / "overlay.npz"
    placed = place([answer.scenes for answer in answers], tiling, slices, project.period.months, kept)
    past = _past(project)
    if past.store_url is None:
        _require_scenes(project, answers)
    missing = _missing(answers, tiling, slices, project)
    silent = barren(project, answers, slices, datetime.now(UTC).date())
    absences = Absences(project, missing, frozenset(silent))
    found = list(prospects(project, slices, placed, absences))
    entries = entries_of(found, project, placed, past)
    entries += derived_entries(project, slices, tiling, entries, past.records, past.uncomputed)
    rejected = _rejected_by_period([one for answer in answers for one in answer.rejected], slices)
    known = (placed, rejected, missing, absences, past.records)
    return Plan(project, datetime.now(UTC), slices, tuple(entries), answers, tiling, *known)


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


def _past(project: Project) -> Past:
    records = records_of(project)
    return Past(None if records is None else project.store_url, records or {}, _uncomputed(project))


def _uncomputed(project: Project) -> dict[str, Attempt]:
    """The latest attempts of past runs at what they could not compute, by partition."""
    journal = project.workspace / "journal.sqlite"
    if not journal.is_file():
        return {}
    with Journal(journal) as kept:
        return kept.uncomputed()


def _line(entry: Entry) -> dict[str, Any]:
    return {
        "indicator": entry.partition.indicator,
        "period": entry.partition.period.label,
        "tile": str(entry.partition.tile),
        "state": str(entry.state),
        "due": entry.due,
        "reason": entry.reason,
        "failure": str(entry.failure) if entry.failure else None,
        "scenes": entry.scenes,
        "fingerprint": entry.fingerprint,
    }


def _rejected_by_period(
    rejected: Sequence[Rejected], slices: Sequence[Slice]
) -> dict[str, tuple[Mapping[str, str], ...]]:
    found: dict[str, list[Mapping[str, str]]] = defaultdict(list)
    for one in rejected:
        step = step_of(one.time.date(), slices) if one.time else None
        if step is not None:
            found[slices[step].label].append({"id": one.id, "catalog": one.catalog, "reason": one.reason})
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
        for cell, places in place([refused], tiling, slices).cells.items() if refused else ():
            missing[cell][source.sensor] += places.size
        lost = [one for one in answer.rejected if one.rubbish or why_bad(one.catalog, one.id)]
        for label, entries in _rejected_by_period(lost, slices).items():
            for tile in tiling:
                missing[label, tile][source.sensor] += len(entries)
    return dict(missing)
