"""One question to one catalog, and the reply: the items as they came, whole, kept on disk and read back."""

import gzip
import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sco import shelf
from sco.draft import drafted
from sco.errors import IntegrityError, UpstreamError
from sco.model import BBox, Catalog, Collection

MOST_ITEMS = 200_000
LEVEL = 3
"""Of gzip: what takes three times as long at its best is smaller by a tenth."""


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

    def file(self, folder: Path) -> Path:
        """Where in `folder` the reply is kept."""
        digest = hashlib.sha256(json.dumps(self.parameters, sort_keys=True).encode()).hexdigest()
        return folder / f"{self.sensor}-{self.catalog.id}-{digest[:16]}.ndjson.gz"


@dataclass(frozen=True)
class Reply:
    """What one catalog answered: its items as they came, repetitions and rubbish included."""

    lines: tuple[str, ...]
    """Each item as JSON, which takes a tenth of the memory that it takes when it is read."""
    pages: int
    seconds: float
    failure: str | None = None
    """Why the catalog did not answer; there are no items then."""

    @property
    def items(self) -> Iterator[Any]:
        """The items, each read when its turn comes."""
        return map(json.loads, self.lines)


def ask(question: Question) -> Reply:
    """The catalog's whole reply; where it does not answer, or only in part, the reply says why and has no items."""
    return ask_all([question])[0]


def ask_all(questions: Sequence[Question]) -> list[Reply]:
    """The reply to each question; files that several ask for are gone through once."""
    replies: dict[int, Reply] = {}
    for number, question in enumerate(questions):
        if number not in replies:
            url = question.catalog.url
            same = [later for later in range(number, len(questions)) if questions[later].catalog.url == url]
            together = same if shelf.is_shelf(url) else [number]
            found = _replies([questions[one] for one in together])
            replies.update(zip(together, found, strict=True))
    return [replies[number] for number in range(len(questions))]


def _replies(questions: Sequence[Question]) -> list[Reply]:
    """The replies of one catalog: to one question, or of files to several."""
    began = time.monotonic()
    items: list[list[str]] = [[] for _ in questions]
    pages, failure = 0, None
    try:
        if shelf.is_shelf(questions[0].catalog.url):
            items, pages = _taken(questions), 1
        else:
            items[0], pages = _fetched(questions[0])
    except (UpstreamError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        failure = cause(error)
    seconds = round(time.monotonic() - began, 3)
    return [Reply(tuple(lines), pages, seconds, failure) for lines in items]


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
    with drafted(question.file(folder)) as draft, draft.open("wb") as file:
        with gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed:
            packed.writelines(f"{line}\n".encode() for line in (_head(reply, question), *reply.lines))
        file.flush()
        os.fsync(file.fileno())


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


def digest_of(reply: Reply) -> str:
    """SHA-256 of the items as they came, hexadecimal."""
    digest = hashlib.sha256()
    for line in reply.lines:
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def _taken(questions: Sequence[Question]) -> list[list[str]]:
    """The items that lie in files for each of these questions, as if they had come on one page."""
    items: list[list[str]] = [[] for _ in questions]
    for item in shelf.items(questions[0].catalog.url):
        for one, lines in zip(questions, items, strict=True):
            if shelf.may_be_asked_for(item, one.collection.id, one.bbox, one.start, one.end):
                lines.append(line_of(item))
    if max(map(len, items)) > MOST_ITEMS:
        raise UpstreamError(f"it has more than {MOST_ITEMS:,} items: ask for fewer days or a smaller area")
    return items


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
