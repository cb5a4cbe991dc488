"""What was made of each item, remembered by the item's text, so that of many items only those are read that are new.

Whatever depends on one item alone is a finding: the scene or the reason against it, and whether it touches the box that
was asked. What depends on the days that were asked, or on other items, is found anew each time.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property, partial
from itertools import chain, pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from sco import binder, shelf
from sco.choices import Source
from sco.model import Identity, Scene
from sco.reply import BEGINNING, Question, key_of, micros, place_of
from sco.search import Candidate, Choice, Rejected, Verdict, beside, choose, read, touching
from sco.transcript import scene_in

CHUNK = 2048
"""Items that are read together."""
CHOSEN_BY = ("collection", "baseline", "updated", "orbit", "cloud_percent")
SAME_BY = ("platform", "datatake", "tile", "datastrip")
SCHEMA = pa.schema(
    [
        pa.field("place", pa.string()),
        pa.field("digest", pa.binary(32)),
        pa.field("key", pa.string()),
        pa.field("touches", pa.bool_()),
        *(pa.field(name, pa.float64() if name == "cloud_percent" else pa.string()) for name in (*CHOSEN_BY, *SAME_BY)),
        *binder.SCHEMA,
    ]
)
"""For which question, which item by its SHA-256, and its `key_of`; then what a scene is chosen by, and the scene. An
item that is none has no id, and the reason as its text."""

Pair = tuple[str, bytes]
"""A question by its place, and an item by its SHA-256."""


@dataclass(frozen=True)
class Findings:
    """A table of SCHEMA, a row an item and question."""

    table: pa.Table
    _rows: Mapping[Pair, int] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def none(cls) -> Self:
        """Those of nothing."""
        return cls(SCHEMA.empty_table())

    @cached_property
    def rows(self) -> Mapping[Pair, int]:
        """Where what was found of an item for a question is."""
        if self._rows is not None:
            return self._rows
        pairs = zip(self.table["place"].to_pylist(), self.table["digest"].to_pylist(), strict=True)
        return {pair: row for row, pair in enumerate(pairs)}

    def with_new(
        self, source: Source, question: Question, lines: Sequence[str], digests: Sequence[bytes]
    ) -> tuple["Findings", list[int]]:
        """These and those of items that are not among them, and in which row each of the items is."""
        place = place_of(question)
        new = {one: number for number, one in enumerate(digests) if (place, one) not in self.rows}
        known = self
        if new:
            chunks = ([(one, lines[new[one]]) for one in chunk] for chunk in _chunks(list(new)))
            known = self._and([_table(source, question, chunk) for chunk in chunks])
        return known, [known.rows[place, digest] for digest in digests]

    def _and(self, tables: Sequence[pa.Table]) -> "Findings":
        """These and others, whose rows are told by those that are known here."""
        new = Findings(pa.concat_tables(tables)).rows
        rows = {**self.rows, **{pair: len(self.table) + row for pair, row in new.items()}}
        return Findings(pa.concat_tables([self.table, *tables]), rows)

    def verdict(self, rows: Iterable[int], question: Question) -> Verdict:
        """What these items offer, and what of them is unusable. One that came twice counts once, as it came last."""
        scenes, rejected = [], []
        for row in self._last(rows):
            candidate = self._candidate(row)
            touches = self._lists["touches"][row]
            astray = self._rejected(row) if candidate is None else beside(candidate, question, touches)
            if candidate is not None and astray is None:
                scenes.append(candidate)
            elif astray is not None:
                rejected.append(astray)
        return scenes, rejected

    def selected(self, source: Source, questions: Sequence[Question], met: Sequence[Sequence[int]]) -> "Selection":
        """What `choose` takes of these items, a list a question; those that nothing competes with are not looked at."""
        last = [self._last(rows) for rows in met]
        alone = self._alone(source, questions, last)
        rest = [[row for row in rows if row not in alone] for rows in last]
        choice = choose(source, [self.verdict(*pair) for pair in zip(rest, questions, strict=True)])
        found = Selection.of(choice, self.table.num_rows)
        order = [(self._lists["times"][row], self._lists["ids"][row], row) for row in alone]
        order += [(micros(one.time), one.id, row) for one, row in zip(choice.scenes, found.rows, strict=True)]
        order.sort()
        if any(one[:2] == other[:2] for one, other in pairwise(order)):
            whole = choose(source, [self.verdict(*pair) for pair in zip(last, questions, strict=True)])
            return Selection.of(whole, self.table.num_rows)
        return replace(found, rows=[row for *_, row in order])

    def of(self, selection: "Selection") -> pa.Table:
        """The scenes of a selection among these, as they are bound."""
        table = self.table.select(binder.SCHEMA.names)
        if selection.made:
            table = pa.concat_tables([table, binder.table_of(selection.made)])
        return table.take(pa.array(selection.rows, pa.int64()))

    def _last(self, rows: Iterable[int]) -> list[int]:
        keys = self._lists["key"]
        return list({keys[row]: row for row in rows}.values())

    def _alone(self, source: Source, questions: Sequence[Question], met: Sequence[Sequence[int]]) -> set[int]:
        """Those of these items that are taken whatever becomes of the others."""
        passes = Counter(chain.from_iterable(map(self._passes.__getitem__, rows) for rows in met))
        fit = self._fit(source)
        times = self._times
        alone: set[int] = set()
        for question, rows in zip(questions, met, strict=True):
            start, end = question.span
            inside = (fit & (start <= times) & (times < end)).tolist()
            alone.update(row for row in rows if inside[row] and passes[self._passes[row]] == 1)
        return alone

    def _fit(self, source: Source) -> NDArray[np.bool_]:
        """Which scenes touch the box that was asked, and have an orbit and clouds that the source takes."""
        told = self._lists
        touch = np.array([bool(touches) for touches in told["touches"]], bool)
        clear = np.array([cloud is None or cloud <= source.max_cloud for cloud in told["cloud_percent"]], bool)
        along = np.array([source.orbit is None or orbit == source.orbit for orbit in told["orbit"]], bool)
        fit: NDArray[np.bool_] = touch & clear & along
        return fit

    @cached_property
    def _times(self) -> NDArray[np.float64]:
        """When each was taken, in microseconds since 1970, which floats tell to the last until 2255; NaN of none."""
        return np.array([math.nan if time is None else time for time in self._lists["times"]])

    @cached_property
    def _passes(self) -> list[tuple[str, ...]]:
        """What competes for the same acquisition has in common."""
        names = ("platform", "datatake", "tile", "catalogs", "collection", "ids")
        rows = zip(*(self._lists[name] for name in names), strict=True)
        return [row[:3] if row[2] else row[3:] for row in rows]

    def staying(self, met: Sequence[int], questions: Sequence[Question]) -> "Findings":
        """Those that were met, and those of days that no question asked for, which may be asked for again."""
        stays = np.ones(self.table.num_rows, bool)
        times = self._times
        for start, end in {one.span for one in questions}:
            stays &= (times < start) | (times >= end)
        stays[np.array(met, np.intp)] = True
        return self if stays.all() else Findings(self.table.filter(pa.array(stays)))

    @cached_property
    def _lists(self) -> dict[str, list[Any]]:
        names = ("key", "touches", "ids", "catalogs", "times", *CHOSEN_BY, *SAME_BY)
        return {name: self.table[name].to_pylist() for name in names}

    def _candidate(self, row: int) -> Candidate | None:
        """The scene of a row; None where there is none."""
        told = self._lists
        if told["ids"][row] is None:
            return None
        return Candidate(
            id=told["ids"][row],
            catalog=told["catalogs"][row],
            identity=Identity(*(told[name][row] for name in SAME_BY)),
            time=BEGINNING + timedelta(microseconds=told["times"][row]),
            make=partial(self._scene, row),
            row=row,
            **{name: told[name][row] for name in CHOSEN_BY},
        )

    def _scene(self, row: int) -> Scene:
        return scene_in(self.table[binder.TEXT][row].as_py())

    def _rejected(self, row: int) -> Rejected:
        return binder.rejected_in(self.table[binder.TEXT][row].as_py())


@dataclass(frozen=True)
class Selection:
    """The scenes that are used, by time then id, as rows of findings, and why others are not."""

    rows: Sequence[int]
    """Those beyond the findings count on through what was `made`."""
    made: Sequence[Scene]
    """Scenes that no row is, as they were put together from several."""
    rejected: tuple[Rejected, ...]

    @classmethod
    def of(cls, choice: Choice, length: int) -> Self:
        """Those of a choice among so many findings."""
        made = [one.make() for one in choice.scenes if one.row is None]
        later = iter(range(length, length + len(made)))
        rows = [next(later) if one.row is None else one.row for one in choice.scenes]
        return cls(rows, made, choice.rejected)


def _chunks(digests: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (digests[start : start + CHUNK] for start in range(0, len(digests), CHUNK))


def _table(source: Source, question: Question, lines: Sequence[tuple[bytes, str]]) -> pa.Table:
    """What is found of these items, first all scenes, then all others."""
    sensor, place = source.resolved_sensor, place_of(question)
    scenes: list[tuple[bytes, str, Scene]] = []
    others: list[tuple[bytes, str, Rejected]] = []
    for digest, line in lines:
        item = shelf.item_in(line)
        found = read(item, sensor, question)
        if isinstance(found, Rejected):
            others.append((digest, key_of(item), found))
        else:
            scenes.append((digest, key_of(item), found))
    return pa.concat_tables([_of_scenes(place, question, scenes), _of_others(place, others)])


def _of_scenes(place: str, question: Question, found: Sequence[tuple[bytes, str, Scene]]) -> pa.Table:
    scenes = [scene for *_, scene in found]
    bound = binder.table_of(scenes)
    footprints = shapely.from_wkb(np.array(bound["footprints"].to_pylist(), object))
    columns = {
        "place": [place] * len(found),
        "digest": [digest for digest, *_ in found],
        "key": [key for _, key, _ in found],
        "touches": np.asarray(touching(footprints, question.bbox), bool),
        **{name: [getattr(scene, name) for scene in scenes] for name in CHOSEN_BY},
        **{name: [getattr(scene.identity, name) for scene in scenes] for name in SAME_BY},
        **{name: bound[name] for name in bound.column_names},
    }
    return pa.table(columns, SCHEMA)


def _of_others(place: str, found: Sequence[tuple[bytes, str, Rejected]]) -> pa.Table:
    columns = {
        "place": [place] * len(found),
        "digest": [digest for digest, *_ in found],
        "key": [key for _, key, _ in found],
        binder.TEXT: [binder.told_of(rejected) for *_, rejected in found],
    }
    nothing = {field.name: pa.nulls(len(found), field.type) for field in SCHEMA}
    return pa.table(nothing | columns, SCHEMA)
