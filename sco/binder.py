"""The scenes of an answer, and what was left out of it, as a Parquet file: columns to read, scenes to look up.

Nothing in the file is code: scenes are JSON.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from sco.draft import drafted
from sco.model import Scene
from sco.roster import Book, Columns, Roster, columns_of
from sco.search import Rejected
from sco.transcript import scene_in, transcribe

GROUP = 1024
"""Scenes that are read together."""
HELD_GROUPS, HELD_SCENES = 16, 4096
"""How many stay in memory after they were looked at."""
TEXT = "text"
SCHEMA = pa.schema(
    {
        "ids": pa.string(),
        "catalogs": pa.string(),
        "sensors": pa.string(),
        "times": pa.int64(),
        "footprints": pa.binary(),
        "evidence": pa.string(),
        "checksums": pa.string(),
        "local": pa.bool_(),
        TEXT: pa.string(),
    }
)
"""The names of `Columns`, and a scene's or a rejected item's whole text."""
COLUMNS = [name for name in SCHEMA.names if name != TEXT]


def bind(file: Path, scenes: pa.Table, rejected: Sequence[Rejected], key: str) -> None:
    """Write the file, whole or not at all; `scenes` has the columns of SCHEMA, `key` says what it was made from."""
    facts = {b"key": key.encode(), b"scenes": str(len(scenes)).encode()}
    schema = SCHEMA.with_metadata(facts)
    with drafted(file) as draft, parquet.ParquetWriter(draft, schema, compression="lz4") as writer:
        for start in range(0, len(scenes), GROUP):
            writer.write_table(scenes.slice(start, GROUP).cast(schema))
        writer.write_table(_others(rejected), row_group_size=GROUP)


def unbind(file: Path, key: str) -> tuple[Roster, tuple[Rejected, ...]] | None:
    """What the file holds; None where there is none, or it was made from anything else."""
    try:
        bound = parquet.ParquetFile(file)
        facts = bound.schema_arrow.metadata or {}
        if facts.get(b"key") != key.encode():
            return None
        count = int(facts[b"scenes"])
        columns = _columns(bound.read(COLUMNS).slice(0, count))
        groups = range(-(-count // GROUP), bound.num_row_groups)
        texts = bound.read_row_groups(list(groups), [TEXT])[TEXT].to_pylist()
        return Roster(Book(columns, Pages(bound))), tuple(map(rejected_in, texts))
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None


class Pages:
    """The scenes of a file by their position; the file may be replaced meanwhile, what was opened stays readable."""

    def __init__(self, file: parquet.ParquetFile) -> None:
        self._file = file
        self._reading = Lock()
        self._texts = lru_cache(HELD_GROUPS)(self._read)
        self._scene = lru_cache(HELD_SCENES)(self._make)

    def __call__(self, position: int) -> Scene:
        """The scene at this position."""
        return self._scene(position)

    def _make(self, position: int) -> Scene:
        group, row = divmod(position, GROUP)
        return scene_in(self._texts(group)[row])

    def _read(self, group: int) -> list[str]:
        with self._reading:
            texts: list[str] = self._file.read_row_group(group, [TEXT])[TEXT].to_pylist()
            return texts


def table_of(scenes: Sequence[Scene]) -> pa.Table:
    """The columns of SCHEMA for these scenes."""
    columns = {name: pa.array(values, SCHEMA.field(name).type) for name, values in vars(columns_of(scenes)).items()}
    texts = pa.array([transcribe(scene) for scene in scenes], pa.string())
    return pa.table({**columns, TEXT: texts}, SCHEMA)


def roster_of(table: pa.Table) -> Roster:
    """The scenes of a table with the columns of SCHEMA."""
    texts = table[TEXT]
    return Roster(Book(_columns(table), lambda position: scene_in(texts[position].as_py())))


def _columns(table: pa.Table) -> Columns:
    read: dict[str, Any] = {name: table[name].to_pylist() for name in COLUMNS if name != "times"}
    return Columns(**read, times=np.array(table["times"].to_pylist(), np.int64))  # to_numpy() imports pandas


def _others(rejected: Sequence[Rejected]) -> pa.Table:
    texts = pa.array(list(map(told_of, rejected)), pa.string())
    nothing = {name: pa.nulls(len(rejected), SCHEMA.field(name).type) for name in COLUMNS}
    return pa.table({**nothing, TEXT: texts}, SCHEMA)


def told_of(rejected: Rejected) -> str:
    """The rejected item as JSON."""
    return json.dumps({**vars(rejected), "time": rejected.time and rejected.time.isoformat()})


def rejected_in(text: str) -> Rejected:
    """The rejected item that `told_of` wrote."""
    told = json.loads(text)
    return Rejected(**{**told, "time": told["time"] and datetime.fromisoformat(told["time"])})
