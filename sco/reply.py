"""One question to one catalog, and the reply: the items as they came, whole, kept on disk and read back."""

import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from sco import members, shelf
from sco.errors import IntegrityError, UpstreamError
from sco.model import BBox, Catalog, Collection
from sco.sheaf import LINES, Bound, Lines, Part, digest_of, parts_of
from sco.shelf import Lying
from sco.sieve import TIMELESS, Fate, Sieve, Sifting

MOST_ITEMS = 200_000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Question:
    """The scenes of one sensor over a box of degrees, from `start` up to, and without, `end`, both aware."""

    sensor: str
    catalog: Catalog
    collection: Collection
    bbox: BBox
    start: datetime
    end: datetime
    max_cloud: float | None = None
    """Per cent of cloud that a server which can filter may leave out what is above of."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The question as JSON: equal for equal questions."""
        cloud = {} if self.max_cloud is None else {"max_cloud": self.max_cloud}
        return cloud | {
            "sensor": self.sensor,
            "catalog": self.catalog.id,
            "url": self.catalog.url,
            "collection": self.collection.id,
            "bbox": [float(degrees) for degrees in self.bbox],
            "datetime": [self.start.isoformat(), self.end.isoformat()],
        }

    @property
    def span(self) -> tuple[int, int]:
        """From when up to when, in microseconds since 1970, UTC."""
        return micros(self.start), micros(self.end)

    def file(self, folder: Path) -> Path:
        """Where in `folder` the reply is kept."""
        digest = hashlib.sha256(json.dumps(self.parameters, sort_keys=True).encode()).hexdigest()
        return folder / f"{self.sensor}-{self.catalog.id}-{digest[:16]}.ndjson.gz"


@dataclass(frozen=True)
class Reply:
    """What one catalog answered: its items as they came, repetitions and rubbish included."""

    lines: Sequence[str]
    """Each item as JSON, which takes a tenth of the memory that it takes when it is read, or none until it is."""
    pages: int
    seconds: float
    failure: str | None = None
    """Why the catalog did not answer; there are no items then."""

    @property
    def items(self) -> Iterator[Any]:
        """The items, each read when its turn comes."""
        return map(shelf.item_in, self.lines)

    @cached_property
    def digests(self) -> list[bytes]:
        """SHA-256 of each item as it came."""
        return [digest for part in parts_of(self.lines) for digest in part.digests]


def ask(question: Question) -> Reply:
    """The catalog's whole reply; where it does not answer, or only in part, the reply says why and has no items."""
    return ask_all([question])[0]


def ask_all(questions: Sequence[Question], sieve: Sieve | None = None) -> list[Reply]:
    """The reply to each question; files that several ask for are gone through once, through the `sieve`."""
    replies: dict[int, Reply] = {}
    for number, question in enumerate(questions):
        if number not in replies:
            url = question.catalog.url
            same = [later for later in range(number, len(questions)) if questions[later].catalog.url == url]
            together = same if shelf.is_shelf(url) else [number]
            found = _replies([questions[one] for one in together], sieve or Sieve())
            replies.update(zip(together, found, strict=True))
    return [replies[number] for number in range(len(questions))]


def _replies(questions: Sequence[Question], sieve: Sieve) -> list[Reply]:
    """The replies of one catalog: to one question, or of files to several."""
    began = time.monotonic()
    items: list[Sequence[str]] = [() for _ in questions]
    pages, failure = 0, None
    try:
        if shelf.is_shelf(questions[0].catalog.url):
            items, pages = _taken(questions, sieve), 1
        else:
            fetched, pages = _fetched(questions[0])
            items = [tuple(fetched)]
    except (UpstreamError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        failure = cause(error)
    seconds = round(time.monotonic() - began, 3)
    return [Reply(lines, pages, seconds, failure) for lines in items]


def line_of(item: object) -> str:
    """The item as it is kept."""
    return json.dumps(item)


def key_of(item: object) -> str:
    """The same text for the same item of a collection, however often it comes."""
    if isinstance(item, Mapping) and isinstance(item.get("id"), str):
        return json.dumps([item.get("collection"), item["id"]])
    return hashlib.sha256(json.dumps(item).encode()).hexdigest()


def cause(error: Exception) -> str:
    """Why a catalog did not answer, in one line."""
    text = " ".join(str(error).split("Caused by ")[-1].split()) or type(error).__name__
    status = getattr(error, "status_code", None)
    said = f"it answers with status {status}: {text}" if status else text
    return "".join(letter if letter.isprintable() else "?" for letter in said[:300])


def keep_reply(reply: Reply, question: Question, folder: Path) -> None:
    """Write the reply whole to `folder` as gzipped lines of JSON, or not at all."""
    members.write(question.file(folder), _head(reply, question), parts_of(reply.lines))


def kept_reply(question: Question, folder: Path) -> Reply:
    """The reply that `keep_reply` wrote. Raises UpstreamError if there is none, IntegrityError if it is damaged."""
    path = question.file(folder)
    if not path.is_file():
        raise UpstreamError(f"no kept reply of {question.catalog.id} to this question in {folder}: search first")
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as packed:
            first, *lines = (line.rstrip("\n") for line in packed)
        head = json.loads(first)
        complete = head["items"] == len(lines) and head["question"] == question.parameters
        reply = Reply(tuple(lines), head["pages"], head["seconds"], head["failure"])
    except (OSError, EOFError, zlib.error, ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{path} cannot be read: {error}; remove it and search again") from error
    if not complete:
        raise IntegrityError(f"{path} is not the whole reply to this question; remove it and search again")
    return reply


def micros(moment: datetime) -> int:
    """Microseconds since 1970, UTC."""
    return (moment - BEGINNING) // MICROSECOND


def place_of(question: Question) -> str:
    """What is asked, but for the time: equal for questions that differ in nothing else."""
    asked = question.parameters
    return json.dumps([asked[name] for name in ("sensor", "catalog", "url", "collection", "bbox")])


@dataclass(frozen=True)
class _Taking:
    """What of some files answers one question, as it is met."""

    place: str
    start: int
    end: int
    parts: list[Part] = field(default_factory=list)
    loose: list[tuple[bytes, str]] = field(default_factory=list)

    def take(self, text: str, digest: bytes, fate: Fate) -> None:
        """A line by itself, if it answers."""
        if self.place in fate.wanted and (fate.moment == TIMELESS or self.start <= fate.moment < self.end):
            self.loose.append((digest, text))
            if len(self.loose) == LINES:
                self.close()

    def take_all(self, bound: Bound, sieve: Sieve) -> None:
        """Those of a sheaf that answer."""
        self.close()
        chosen = sieve.taken(bound.sheaf, self.place, self.start, self.end)
        if chosen:
            self.parts.append(Part([bound.sheaf.digests[line] for line in chosen], partial(_texts, bound, chosen)))

    def close(self) -> None:
        """Put the lines that came one by one together."""
        if self.loose:
            digests, texts = zip(*self.loose, strict=True)
            self.parts.append(Part(digests, lambda: texts))
            self.loose.clear()


def _texts(bound: Bound, chosen: Sequence[int]) -> list[str]:
    texts = bound.texts()
    return [texts[line] for line in chosen]


def _taken(questions: Sequence[Question], sieve: Sieve) -> list[Sequence[str]]:
    """The items that lie in files for each of these questions, as if they had come on one page."""
    asked = [_Taking(place_of(one), *one.span) for one in questions]
    places = frozenset(one.place for one in asked)
    for lying in shelf.items(questions[0].catalog.url, Sifting(sieve, places)):
        if isinstance(lying, Bound):
            sieve.whole[lying.sheaf.sha256] = lying.sheaf
            for one in asked:
                one.take_all(lying, sieve)
        else:
            _take(lying, _learned(lying, questions, sieve, places), sieve, asked)
    for one in asked:
        one.close()
    found = [Lines(one.parts) for one in asked]
    if max(map(len, found)) > MOST_ITEMS:
        raise UpstreamError(f"it has more than {MOST_ITEMS:,} items: ask for fewer days or a smaller area")
    return list(found)


def _take(lying: Lying, fate: Fate, sieve: Sieve, asked: Sequence[_Taking]) -> None:
    """An item by itself; lines that will be one sheaf the next time are put together."""
    text = line_of(lying.item) if lying.text is None else lying.text
    digest = lying.digest or digest_of(text)
    begins = lying.at is not None and sieve.gathering.add(text, digest, lying.at)
    for one in asked:
        if begins:
            one.close()
        one.take(text, digest, fate)


def _learned(lying: Lying, questions: Sequence[Question], sieve: Sieve, places: frozenset[str]) -> Fate:
    """The fate of what lies there, which is remembered of a line."""
    if lying.known is not None:
        known: Fate = lying.known
        return known
    fate = _fate(lying.item, questions, places)
    if lying.digest is not None:
        sieve.learn(lying.digest, fate)
    return fate


def _fate(item: Any, questions: Sequence[Question], places: frozenset[str]) -> Fate:
    wanted = (one for one in questions if shelf.may_be_asked_for(item, one.collection.id, one.bbox))
    moment = shelf.moment_of(item)
    return Fate(frozenset(map(place_of, wanted)), places, TIMELESS if moment is None else micros(moment))


def _fetched(question: Question) -> tuple[list[str], int]:
    from sco import messenger  # with pystac-client and requests, which files do without

    return messenger.gather(question)


def _head(reply: Reply, question: Question) -> str:
    told = {
        "question": question.parameters,
        "items": len(reply.lines),
        "pages": reply.pages,
        "seconds": reply.seconds,
        "failure": reply.failure,
    }
    return json.dumps(told)
