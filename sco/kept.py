"""Answers that are judged once: the scenes of one stay as they were found, beside the replies that they were found in.

They are used again only where the replies, the files behind them, and all that reads them are what they were; to the
byte, by SHA-256. Otherwise they are chosen anew, from what is remembered of each item, and of new ones from themselves.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from sco import binder, shelf
from sco.bulk import staying
from sco.choices import Source
from sco.draft import drafted
from sco.findings import Findings, Selection
from sco.memory import Memory
from sco.model import BBox
from sco.readership import reader_of
from sco.reply import Question, Reply, kept_reply, place_of
from sco.search import Answer, Asked, Choice, asked_of, choose, in_order, questions_of, replies_to
from sco.sieve import Sieve

Where = tuple[BBox, datetime, datetime]
"""What is asked of a source: a box of degrees, and from when up to when."""


@dataclass(frozen=True)
class Case:
    """One source asked about one or several places, and the folder that the replies are kept in."""

    source: Source
    places: tuple[Where, ...]
    folder: Path

    def ask(self) -> Answer:
        """The answer of today, kept. Raises UpstreamError when no catalog answers about one of the places."""
        began = time.monotonic()
        shelves = self._shelves()
        if shelves and self._note.get("shelves") == shelves and self._is_whole():
            known = self._known(str(self._note["key"]))
            if known is not None:
                return _timed(known, round(time.monotonic() - began, 3))
        sieve = self._memory.sieve() if self._memory else Sieve()
        with staying():
            replies = [replies_to(questions, self.folder, sieve) for questions in self.questions]
        if self._memory and (sieve.met or sieve.whole):
            self._memory.keep_sieve(sieve)
        return self._settle(replies, shelves if shelves == self._shelves() else None)

    def recall(self) -> Answer:
        """The answer that was kept. Raises UpstreamError if there is none, IntegrityError if a reply is damaged."""
        if self._is_whole():
            known = self._known(str(self._note["key"]))
            if known is not None:
                return known
        with staying():
            replies = [[kept_reply(question, self.folder) for question in asked] for asked in self.questions]
        return self._settle(replies, None)

    @cached_property
    def questions(self) -> list[list[Question]]:
        """Those about each place."""
        return [questions_of(self.source, *place) for place in self.places]

    @property
    def _files(self) -> list[Path]:
        return [question.file(self.folder) for asked in self.questions for question in asked]

    @cached_property
    def _stem(self) -> Path:
        digest = hashlib.sha256("\n".join(file.name for file in self._files).encode()).hexdigest()
        return self.folder / "judged" / f"{self.source.sensor}-{digest[:16]}"

    @cached_property
    def _reader(self) -> str | None:
        return reader_of(self.source)

    @cached_property
    def _note(self) -> Mapping[str, Any]:
        """What is written beside the scenes: what they were found in."""
        try:
            note = json.loads(self._stem.with_suffix(".json").read_text("utf-8"))
            return note if isinstance(note, dict) else {}
        except (OSError, ValueError):
            return {}

    def _is_whole(self) -> bool:
        """Whether there are scenes of the same reader, and every reply is still there and what it was."""
        return (
            self._reader is not None
            and self._note.get("reader") == self._reader
            and self._note.get("replies") == _digests(self._files)
        )

    def _shelves(self) -> list[str] | None:
        """What lies in the files that are asked; None where any of it is not a file."""
        urls = [question.catalog.url for asked in self.questions for question in asked]
        if not all(map(shelf.is_shelf, urls)):
            return None
        try:
            found = {url: shelf.digest(url, self._stem.with_suffix(".digests")) for url in set(urls)}
        except OSError:
            return None
        return [found[url] for url in urls]

    @property
    def _file(self) -> Path:
        """Where the scenes are."""
        return self._stem.with_suffix(".parquet")

    def _known(self, key: str) -> Answer | None:
        if self._note.get("judged") != _digests([self._file]):
            return None
        bound = binder.unbind(self._file, key)
        try:
            asked = tuple(Asked(**told) for told in self._note["asked"])
        except (KeyError, TypeError):
            return None
        return None if bound is None else Answer(bound[0], bound[1], asked)

    @cached_property
    def _memory(self) -> Memory | None:
        """What is remembered of items; None where nothing may be."""
        places = [place_of(question) for asked in self.questions for question in asked]
        digest = hashlib.sha256(json.dumps(places).encode()).hexdigest()
        stem = self.folder / "judged" / f"{self.source.sensor}-{digest[:16]}"
        return None if self._reader is None else Memory(stem, self._reader, places)

    def _settle(self, replies: Sequence[Sequence[Reply]], shelves: list[str] | None) -> Answer:
        """The answer that these replies make, judged now unless it was already, and kept."""
        digests = [[reply.digests for reply in answered] for answered in replies]
        key = self._key(digests)
        asked = tuple(
            asked_of(question, reply)
            for questions, answered in zip(self.questions, replies, strict=True)
            for question, reply in zip(questions, answered, strict=True)
        )
        known = self._known(key) if self._reader else None
        if known is None:
            with staying():
                known = self._judged(replies, digests, key)
        if self._reader:
            self._write_note(key, shelves, asked)
        return replace(known, asked=asked)

    def _key(self, digests: Sequence[Sequence[Sequence[bytes]]]) -> str:
        told = [[hashlib.sha256(b"".join(one)).hexdigest() for one in answered] for answered in digests]
        return hashlib.sha256(json.dumps([self._reader, told]).encode()).hexdigest()

    def _judged(
        self, replies: Sequence[Sequence[Reply]], digests: Sequence[Sequence[Sequence[bytes]]], key: str
    ) -> Answer:
        """The answer from all that is found of each item, which is kept unless there is no reader."""
        found = self._memory.findings() if self._memory else Findings.none()
        rows: list[list[list[int]]] = []
        for questions, answered, told in zip(self.questions, replies, digests, strict=True):
            rows.append([])
            for question, reply, digest in zip(questions, answered, told, strict=True):
                found, where = found.with_new(self.source, question, reply.lines, digest)
                rows[-1].append(where)
        selection = self._selected(found, rows)
        scenes = found.of(selection)
        if self._memory is None:
            return Answer(binder.roster_of(scenes), selection.rejected, ())
        questions = list(chain.from_iterable(self.questions))
        self._memory.keep_findings(found.staying(list(chain.from_iterable(chain.from_iterable(rows))), questions))
        binder.bind(self._file, scenes, selection.rejected, key)
        bound = binder.unbind(self._file, key)
        return Answer(bound[0] if bound else binder.roster_of(scenes), selection.rejected, ())

    def _selected(self, found: Findings, rows: Sequence[Sequence[Sequence[int]]]) -> Selection:
        """What is used of these rows, those of each question about each place."""
        if len(self.questions) == 1:
            return found.selected(self.source, self.questions[0], rows[0])
        parts = [
            choose(self.source, [found.verdict(*pair) for pair in zip(where, questions, strict=True)])
            for questions, where in zip(self.questions, rows, strict=True)
        ]
        return Selection.of(_joined(parts), found.table.num_rows)

    def _write_note(self, key: str, shelves: list[str] | None, asked: Sequence[Asked]) -> None:
        note = {
            "reader": self._reader,
            "key": key,
            "replies": _digests(self._files),
            "judged": _digests([self._file]),
            "shelves": shelves,
            "asked": [vars(one) for one in asked],
        }
        with drafted(self._stem.with_suffix(".json")) as draft:
            draft.write_text(json.dumps(note), "utf-8")


def _digests(files: Iterable[Path]) -> list[str | None]:
    """SHA-256 of each file; None for one that is not there."""
    return [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None for file in files]


def _timed(answer: Answer, seconds: float) -> Answer:
    """The answer with the time that it took to see that nothing has moved."""
    return replace(answer, asked=tuple(replace(one, seconds=seconds) for one in answer.asked))


def _joined(parts: Sequence[Choice]) -> Choice:
    """One choice from those for the two sides of the antimeridian; a scene that lies on both counts once."""
    scenes = {(scene.catalog, scene.id): scene for part in parts for scene in part.scenes}
    rejected = dict.fromkeys(one for part in parts for one in part.rejected)
    return Choice(tuple(sorted(scenes.values(), key=in_order)), tuple(rejected))
