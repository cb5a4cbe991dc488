"""What each catalog has and lacks, month by month, of the acquisitions that any of them has."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sco.choices import Source
from sco.errors import UpstreamError
from sco.grid import degrees_boxes
from sco.model import Scene
from sco.period import divide
from sco.project import Project
from sco.search import search


@dataclass(frozen=True)
class Absence:
    """An acquisition that one catalog lacks, by the name that it has in another."""

    id: str
    catalog: str
    time: datetime


@dataclass(frozen=True)
class Holding:
    """How many acquisitions of one month one catalog has, of all that are known."""

    sensor: str
    month: str
    """As in 2023-07."""
    catalog: str
    have: int
    known: int
    missing: tuple[Absence, ...]
    failure: str | None = None
    """Why the catalog did not answer, if it did not."""

    @property
    def completeness(self) -> float | None:
        """Share of the known acquisitions; None where none is known, or where the catalog did not answer."""
        return self.have / self.known if self.known and self.failure is None else None


@dataclass
class _Acquisition:
    """One acquisition, and the first scene of it in each catalog that has it."""

    scenes: dict[str, Scene]

    @property
    def first(self) -> Scene:
        return next(iter(self.scenes.values()))

    def is_of(self, scene: Scene) -> bool:
        """Whether the scene can be of this acquisition: no catalog that tells its datastrip tells another."""
        strips = {one.identity.datastrip for one in (*self.scenes.values(), scene)} - {""}
        return len(strips) < 2


def audit(project: Project, start: date | None = None, end: date | None = None) -> tuple[Holding, ...]:
    """What every catalog of every source has from `start` to `end`, both included; the project's days by default.

    Cloud and orbit do not matter. Raises UpstreamError if no catalog answers at all.
    """
    first, last = start or project.period.start, end or project.period.last_day
    months = [one.label for one in divide(first, last, "month")]
    holdings = [one for source in project.sources for one in _audited(project, source, first, last, months)]
    if all(one.failure is not None for one in holdings):
        told = dict.fromkeys(f"{one.catalog}: {one.failure}" for one in holdings)
        raise UpstreamError("no catalog answers, so that nothing can be counted: " + "; ".join(told))
    return tuple(holdings)


def _audited(project: Project, source: Source, first: date, last: date, months: Iterable[str]) -> Iterator[Holding]:
    held: dict[str, list[Scene]] = {}
    silent: dict[str, str] = {}
    for index, catalog in enumerate(source.resolved_catalogs):
        alone = source.model_copy(
            update={"catalogs": source.catalogs[index : index + 1], "max_cloud": 100, "orbit": None}
        )
        try:
            held[catalog.id] = _scenes(project, alone, first, last)
        except UpstreamError as error:
            silent[catalog.id] = str(error)
    known = _by_month(_acquisitions(held))
    for month in months:
        for catalog in source.resolved_catalogs:
            yield _holding(source.sensor, month, catalog.id, known.get(month, []), silent.get(catalog.id))


def _scenes(project: Project, alone: Source, first: date, last: date) -> list[Scene]:
    """The scenes of a source with one catalog; each once, however many boxes the area is asked in."""
    start = datetime.combine(first, time(), UTC)
    end = datetime.combine(last + timedelta(days=1), time(), UTC)
    answers = [search(alone, box, start, end) for box in degrees_boxes(project.geobox)]
    return list({(scene.collection, scene.id): scene for answer in answers for scene in answer.scenes}.values())


def _acquisitions(held: Mapping[str, list[Scene]]) -> list[_Acquisition]:
    """The union of what the catalogs have."""
    passes: defaultdict[tuple[str, ...], list[_Acquisition]] = defaultdict(list)
    for catalog, scenes in held.items():
        for scene in scenes:
            same = [one for one in passes[_pass(scene)] if catalog not in one.scenes and one.is_of(scene)]
            if same:
                same[0].scenes[catalog] = scene
            else:
                passes[_pass(scene)].append(_Acquisition({catalog: scene}))
    return [one for found in passes.values() for one in found]


def _pass(scene: Scene) -> tuple[str, ...]:
    identity = scene.identity
    known = (identity.platform, identity.datatake, identity.tile)
    return known if identity.tile else (scene.catalog, scene.collection, scene.id)


def _by_month(acquisitions: Iterable[_Acquisition]) -> dict[str, list[_Acquisition]]:
    months: defaultdict[str, list[_Acquisition]] = defaultdict(list)
    for one in sorted(acquisitions, key=lambda one: (one.first.time, one.first.id)):
        months[f"{one.first.time:%Y-%m}"].append(one)
    return months


def _holding(sensor: str, month: str, catalog: str, known: list[_Acquisition], failure: str | None) -> Holding:
    lacking = [] if failure else [one.first for one in known if catalog not in one.scenes]
    missing = tuple(Absence(scene.id, scene.catalog, scene.time) for scene in lacking)
    have = sum(catalog in one.scenes for one in known)
    return Holding(sensor, month, catalog, have, len(known), missing, failure)
