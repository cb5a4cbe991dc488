"""Ask catalogs, filter again here, dedupe, fall back to mirrors -> scenes, and what was rejected and why."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import shapely

from sco import library
from sco.choices import Source
from sco.errors import SceneError, UpstreamError
from sco.item import ID, read_item, shown, told_time
from sco.known_bad import why_bad
from sco.model import BBox, Catalog, Collection, Identity, Scene, Sensor
from sco.reply import Question, Reply, ask_all, keep_reply, kept_reply, key_of
from sco.sieve import Sieve

NUMBER = re.compile(r"\d{1,9}")
Verdict = tuple[list["Candidate"], list["Rejected"]]
"""What passes, and what does not with the reason."""


@dataclass(frozen=True)
class Rejected:
    """An item that a catalog offered and that is not used."""

    id: str
    catalog: str
    reason: str
    time: datetime | None = None
    """When it was acquired, if the item tells."""
    rubbish: bool = False
    """It is no scene at all, so that what it should have been is missing; all others are left out on purpose."""


@dataclass(frozen=True)
class Refused(Rejected):
    """A scene of a later catalog that nothing vouches for, so that its acquisition is missing."""

    scene: Scene | None = field(default=None, compare=False)


class Candidate(NamedTuple):
    """What a scene is chosen by; the scene itself is made when it is looked at."""

    id: str
    catalog: str
    collection: str
    identity: Identity
    time: datetime
    baseline: str | None
    updated: str | None
    orbit: str | None
    cloud_percent: float | None
    make: Callable[[], Scene]
    row: int | None = None
    """Which of the findings it is, if it is one."""

    @classmethod
    def of(cls, scene: Scene) -> Self:
        """A scene that is at hand."""
        return cls(
            scene.id,
            scene.catalog,
            scene.collection,
            scene.identity,
            scene.time,
            scene.baseline,
            scene.updated,
            scene.orbit,
            scene.cloud_percent,
            lambda: scene,
        )


@dataclass(frozen=True)
class Choice:
    """Which scenes of a reply or several are used, by time then id, and why others are not."""

    scenes: tuple[Candidate, ...]
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True)
class Asked:
    """What was asked of whom, and what came."""

    catalog: str
    url: str
    collection: str
    items: int
    pages: int
    seconds: float
    failure: str | None = None
    """Why the catalog did not answer, if it did not."""


@dataclass(frozen=True)
class Answer:
    """The scenes to use, by time then id, and everything that explains why these."""

    scenes: Sequence[Scene]
    rejected: tuple[Rejected, ...]
    asked: tuple[Asked, ...]


def search(source: Source, bbox: BBox, start: datetime, end: datetime, keep: Path | None = None) -> Answer:
    """The scenes that touch `bbox` from `start` up to, and without, `end`; both times aware.

    Every catalog of the source is asked; one that does not answer is passed over if another one does, and raises
    UpstreamError if none does. Scenes of a later catalog only fill what the earlier ones lack. The replies are kept,
    whole and unsigned, in the folder `keep`.
    """
    questions = questions_of(source, bbox, start, end)
    return judge(source, questions, replies_to(questions, keep))


def recall(source: Source, bbox: BBox, start: datetime, end: datetime, keep: Path) -> Answer:
    """The answer that `search` gave to the same question, from the folder that it was kept in; no network.

    Raises UpstreamError if the question was not asked yet, and IntegrityError if a kept reply is damaged.
    """
    questions = questions_of(source, bbox, start, end)
    return judge(source, questions, [kept_reply(question, keep) for question in questions])


def replies_to(questions: Sequence[Question], keep: Path | None = None, sieve: Sieve | None = None) -> list[Reply]:
    """What each catalog answers, kept in a folder. Raises UpstreamError if none of them does."""
    replies = ask_all(questions, sieve)
    _check_answered(questions, replies)
    if keep is not None:
        for question, reply in zip(questions, replies, strict=True):
            keep_reply(reply, question, keep)
    return replies


def questions_of(source: Source, bbox: BBox, start: datetime, end: datetime) -> list[Question]:
    """What is asked of the source's catalogs, the preferred one first."""
    places = [
        (catalog, collection)
        for catalog in source.resolved_catalogs
        for collection in catalog.collections[source.sensor]
    ]
    cloud = source.max_cloud if source.max_cloud < 100 and _cannot_be_outranked(places) else None
    return [Question(source.sensor, catalog, collection, bbox, start, end, cloud) for catalog, collection in places]


def leaves_clouded_out(source: Source) -> bool:
    """Whether catalogs are asked for clear scenes only, so that nothing is known of the others."""
    places = [(one, place) for one in source.resolved_catalogs for place in one.collections[source.sensor]]
    return source.max_cloud < 100 and _cannot_be_outranked(places)


def _cannot_be_outranked(places: Sequence[tuple[Catalog, Collection]]) -> bool:
    """Whether no scene that is sent could have had to stand back behind a clouded one that is not sent."""
    return len(places) == 1 and places[0][1].baseline is None


def _check_answered(questions: Sequence[Question], replies: Sequence[Reply]) -> None:
    if any(reply.failure is None for reply in replies):
        return
    lines = [f"no catalog answers for the scenes of {questions[0].sensor}:"]
    for question, reply in zip(questions, replies, strict=True):
        lines.append(f"  {question.catalog.id} at {question.catalog.url}: {reply.failure}")
    lines.append("check the network and the addresses, run again later, or name another catalog in [[sources]]")
    raise UpstreamError("\n".join(lines))


def judge(source: Source, questions: Sequence[Question], replies: Sequence[Reply]) -> Answer:
    """The answer that these replies make; pure, so that kept replies always make the same one."""
    choice = choose(source, [_read(source, *pair) for pair in zip(questions, replies, strict=True)])
    scenes = tuple(one.make() for one in choice.scenes)
    return Answer(scenes, choice.rejected, tuple(map(asked_of, questions, replies)))


def choose(source: Source, verdicts: Iterable[Verdict]) -> Choice:
    """Which of all scenes are used, from what each reply offers and what of it is unusable."""
    chosen: list[Candidate] = []
    rejected: list[Rejected] = []
    for offered, unusable in verdicts:
        newest, superseded = _newest(offered)
        chosen, known = _merged(chosen, newest)
        rejected += [*unusable, *superseded, *known]
    along, across = _along(chosen, source.orbit)
    clear, cloudy = _clear(along, source.max_cloud)
    return Choice(tuple(sorted(clear, key=in_order)), (*rejected, *across, *cloudy))


def in_order(scene: Candidate) -> tuple[datetime, str]:
    """By time, then by id."""
    return scene.time, scene.id


def _read(source: Source, question: Question, reply: Reply) -> Verdict:
    """The items that are scenes and answer the question. An item that came twice counts once, as it came last."""
    scenes, rejected = [], []
    sensor = source.resolved_sensor
    for found in {key_of(item): read(item, sensor, question) for item in reply.items}.values():
        if isinstance(found, Rejected):
            rejected.append(found)
            continue
        one = Candidate.of(found)
        astray = beside(one, question, bool(touching(shapely.from_wkt(found.footprint), question.bbox)))
        if astray is None:
            scenes.append(one)
        else:
            rejected.append(astray)
    return scenes, rejected


def read(item: Any, sensor: Sensor, question: Question) -> Scene | Rejected:
    """The scene that this item is, or why it is none or not to be used, whatever was asked of its time and place."""
    told, rubbish = item, False
    try:
        told = _in_stac_words(item, question.catalog)
        reason = _unwanted(told, question)
        if reason is None:
            return read_item(told, sensor, question.catalog, question.collection)
    except (SceneError, RecursionError) as error:
        reason, rubbish = str(error), True
    return Rejected(_id(told), question.catalog.id, reason, told_time(told), rubbish)


def beside(scene: Candidate, question: Question, touches: bool) -> Rejected | None:
    """Why this scene does not answer the question, if it does not; `touches` tells whether it touches its box."""
    if not question.start <= scene.time < question.end:
        return _reject(scene, f"its time {scene.time:%Y-%m-%dT%H:%M:%SZ} is outside what was asked")
    return None if touches else _reject(scene, "its footprint does not touch the area that was asked")


def touching(footprints: Any, bbox: BBox) -> Any:
    """Whether a footprint touches a box of degrees, or which of an array of them do."""
    return shapely.intersects(_area(bbox), footprints)


def _in_stac_words(item: Any, catalog: Catalog) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise SceneError(f"it is {shown(item)}, not an object")
    if catalog.normalise is None:
        return item
    try:
        return catalog.normalise(item)
    except (TypeError, KeyError, IndexError, AttributeError, ValueError) as error:
        raise SceneError(f"it is not in the words of {catalog.id}: {shown(str(error))}") from error


def _unwanted(item: Mapping[str, Any], question: Question) -> str | None:
    """Why this item is left out before it is looked into, if it is."""
    if not isinstance(item.get("collection"), str):
        raise SceneError(f"its collection is {shown(item.get('collection'))}, not text")
    if item["collection"] != question.collection.id:
        return f"it is of collection {shown(item.get('collection'))}, not {question.collection.id!r}"
    return why_bad(question.catalog.id, str(item.get("id")))


@lru_cache(maxsize=16)
def _area(bbox: BBox) -> shapely.Geometry:
    area = shapely.box(*bbox)
    shapely.prepare(area)
    return area


def _newest(scenes: Iterable[Candidate]) -> Verdict:
    """Of the scenes of one acquisition the one with the newest baseline, then the newest update."""
    copies: defaultdict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    for scene in scenes:
        copies[(*_pass(scene), scene.identity.datastrip)].append(scene)
    newest, rejected = [], []
    for same in copies.values():
        winner, *losers = sorted(same, key=_age, reverse=True) if len(same) > 1 else same
        newest.append(winner)
        rejected += [_reject(loser, _superseded(loser, winner)) for loser in losers]
    return newest, rejected


def _age(scene: Candidate) -> tuple[tuple[int, ...], datetime, str]:
    return _numbers(scene.baseline), _moment(scene.updated), scene.id


def _numbers(baseline: str | None) -> tuple[int, ...]:
    return tuple(int(digits) for digits in NUMBER.findall(baseline or ""))


def _moment(updated: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(updated or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.min.replace(tzinfo=UTC)


def _superseded(loser: Candidate, winner: Candidate) -> str:
    if _numbers(loser.baseline) != _numbers(winner.baseline):
        why = f"baseline {_brief(winner.baseline)} over {_brief(loser.baseline)}"
    elif _moment(loser.updated) != _moment(winner.updated):
        why = f"updated {_brief(winner.updated)} over {_brief(loser.updated)}"
    else:
        why = "the same acquisition, of the same baseline and update"
    return f"superseded by {winner.id}: {why}"


def _brief(text: str | None) -> str:
    return "none" if text is None else shown(text)[1:-1]


def _merged(chosen: Sequence[Candidate], scenes: Iterable[Candidate]) -> Verdict:
    """What was chosen from earlier catalogs, filled up with what it lacks; where it lacks nothing, with a mirror."""
    merged = list(chosen)
    held: defaultdict[tuple[str, str, str], list[int]] = defaultdict(list)
    for index, scene in enumerate(chosen):
        held[_pass(scene)].append(index)
    rejected = []
    for scene in scenes:
        twin = next((index for index in held[_pass(scene)] if _same_strip(scene, merged[index])), None)
        if twin is None:
            merged.append(scene)
        else:
            first, mirror = merged[twin].make(), scene.make()
            merged[twin] = Candidate.of(replace(_completed(first, mirror), mirrors=(*first.mirrors, mirror)))
            rejected.append(_reject(scene, f"the same acquisition as {first.id} of {first.catalog}, which comes first"))
    return merged, rejected


def _completed(first: Scene, other: Scene) -> Scene:
    """The scene with the bands of which its own collection never has any, where its catalog keeps them in another."""
    if first.catalog != other.catalog:
        return first
    collections = library.catalogs[first.catalog].collections[first.sensor]
    own = {band for collection in collections if collection.id == first.collection for band in collection.assets}
    added = {band: asset for band, asset in other.assets.items() if band not in own}
    return replace(first, assets={**added, **first.assets}) if added else first


def _pass(scene: Candidate) -> tuple[str, str, str]:
    """The satellite's pass over the tile; a scene that does not tell its tile is like no other."""
    identity = scene.identity
    known = (identity.platform, identity.datatake, identity.tile)
    return known if identity.tile else (scene.catalog, scene.collection, scene.id)


def _same_strip(scene: Candidate, other: Candidate) -> bool:
    """Whether the datastrips agree; a catalog that does not tell them cannot disagree."""
    one, two = scene.identity.datastrip, other.identity.datastrip
    return one == two or not one or not two


def _along(scenes: Iterable[Candidate], orbit: str | None) -> Verdict:
    """The scenes of the project's orbit direction."""
    along, rejected = [], []
    for scene in scenes:
        if orbit is None or scene.orbit == orbit:
            along.append(scene)
        else:
            rejected.append(_reject(scene, f"orbit {scene.orbit or 'not told'}, the project takes {orbit}"))
    return along, rejected


def _clear(scenes: Iterable[Candidate], max_cloud: float) -> Verdict:
    """The scenes with no more cloud than the project takes; those that do not tell their cloud are among them."""
    clear, rejected = [], []
    for scene in scenes:
        if scene.cloud_percent is None or scene.cloud_percent <= max_cloud:
            clear.append(scene)
        else:
            reason = f"cloud {scene.cloud_percent:.4g} % is over the project's {max_cloud:g} %"
            rejected.append(_reject(scene, reason))
    return clear, rejected


def _reject(scene: Candidate, reason: str) -> Rejected:
    return Rejected(scene.id, scene.catalog, reason, scene.time)


def _id(item: Any) -> str:
    """The item's id as it may be shown: itself where it is one, escaped and cut where it is anything else."""
    given = item.get("id") if isinstance(item, Mapping) else item
    return given if isinstance(given, str) and ID.fullmatch(given) else shown(given)


def asked_of(question: Question, reply: Reply) -> Asked:
    """What was asked, and what came."""
    return Asked(
        catalog=question.catalog.id,
        url=question.catalog.url,
        collection=question.collection.id,
        items=len(reply.lines),
        pages=reply.pages,
        seconds=reply.seconds,
        failure=reply.failure,
    )
