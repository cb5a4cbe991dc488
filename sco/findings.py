"""What was made of each item, remembered by the item's text, so that of many items only those are read that are new.

Whatever depends on one item alone is a finding: the scene or the reason against it, and whether it touches the box that
was asked. What depends on the days that were asked, or on other items, is found anew each time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, Self

import numpy as np
import pyarrow as pa
import shapely

from sco import binder, shelf
from sco.choices import Source
from sco.model import Identity, Scene
from sco.reply import BEGINNING, Question, key_of, place_of
from sco.search import Candidate, Choice, Rejected, Verdict, beside, read, touching
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


@dataclass(frozen=True)
class Findings:
    """A table of SCHEMA, a row an item and question."""

    table: pa.Table

    @classmethod
    def none(cls) -> Self:
        """Those of nothing."""
        return cls(SCHEMA.empty_table())

    @cached_property
    def rows(self) -> dict[tuple[str, bytes], int]:
        """Where what was found of an item for a question is."""
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
            tables = [_table(source, question, chunk) for chunk in chunks]
            known = Findings(pa.concat_tables([self.table, *tables]))
        return known, [known.rows[place, digest] for digest in digests]

    def verdict(self, rows: Sequence[int], question: Question) -> Verdict:
        """What these items offer, and what of them is unusable. One that came twice counts once, as it came last."""
        keys, touches = self._lists["key"], self._lists["touches"]
        scenes, rejected = [], []
        for row in {keys[row]: row for row in rows}.values():
            candidate = self._candidates[row]
            astray = self._rejected(row) if candidate is None else beside(candidate, question, touches[row])
            if candidate is not None and astray is None:
                scenes.append(candidate)
            elif astray is not None:
                rejected.append(astray)
        return scenes, rejected

    def of(self, choice: Choice) -> pa.Table:
        """The scenes of a choice among these, as they are bound."""
        made = [one.make() for one in choice.scenes if one.row is None]
        table = self.table.select(binder.SCHEMA.names)
        if made:
            table = pa.concat_tables([table, binder.table_of(made)])
        later = iter(range(self.table.num_rows, table.num_rows))
        rows = [next(later) if one.row is None else one.row for one in choice.scenes]
        return table.take(pa.array(rows, pa.int64()))

    def staying(self, met: Sequence[int], questions: Sequence[Question]) -> "Findings":
        """Those that were met, and those of days that no question asked for, which may be asked for again."""
        stays = np.ones(self.table.num_rows, bool)
        times = np.array([math.nan if time is None else time for time in self._lists["times"]])
        for start, end in {one.span for one in questions}:
            stays &= (times < start) | (times >= end)
        stays[np.array(met, np.intp)] = True
        return self if stays.all() else Findings(self.table.filter(pa.array(stays)))

    @cached_property
    def _lists(self) -> dict[str, list[Any]]:
        names = ("key", "touches", "ids", "catalogs", "times", *CHOSEN_BY, *SAME_BY)
        return {name: self.table[name].to_pylist() for name in names}

    @cached_property
    def _candidates(self) -> list[Candidate | None]:
        """The scene of each row; None where there is none."""
        told = self._lists
        identities = zip(*(told[name] for name in SAME_BY), strict=True)
        chosen_by = zip(told["ids"], told["catalogs"], told["times"], *(told[name] for name in CHOSEN_BY), strict=True)
        return [
            None
            if scene_id is None
            else Candidate(
                id=scene_id,
                catalog=catalog,
                collection=collection,
                identity=Identity(*identity),
                time=BEGINNING + timedelta(microseconds=time),
                baseline=baseline,
                updated=updated,
                orbit=orbit,
                cloud_percent=cloud,
                make=partial(self._scene, row),
                row=row,
            )
            for row, (identity, (scene_id, catalog, time, collection, baseline, updated, orbit, cloud)) in enumerate(
                zip(identities, chosen_by, strict=True)
            )
        ]

    def _scene(self, row: int) -> Scene:
        return scene_in(self.table[binder.TEXT][row].as_py())

    def _rejected(self, row: int) -> Rejected:
        return binder.rejected_in(self.table[binder.TEXT][row].as_py())


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
