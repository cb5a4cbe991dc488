"""The records of one version of a store, in a file beside it: read at once, where the store has each for itself.

A version never changes, so that what the file has of it is true for as long as that version is asked for; and for a
local store one look at the file that names the newest version tells whether it is.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sco.bulk import staying
from sco.draft import drafted
from sco.ledger import parse_record
from sco.partition import Partition, Record
from sco.period import Slice
from sco.tile import Tile

MANY = 1000
"""Records from which it is worth a file."""


@dataclass(frozen=True)
class Roll:
    """What a version has of its partitions."""

    records: dict[Partition, Record]
    shape: tuple[int, int]
    """Rows and columns of the tiles that its grid is cut into."""


Row = tuple[str, tuple[int, int, int], str]
"""Indicator, place on the axes, and the text of the record."""


def newest(folder: Path, memory: Path) -> Roll | None:
    """The roll of the newest version of the local store in `folder`, which is not opened.

    None where the file `memory` does not have that version.
    """
    try:
        snapshot = json.loads((folder / "refs" / "branch.main" / "ref.json").read_text("utf-8"))["snapshot"]
        if not (folder / "snapshots" / snapshot).is_file():
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return recall(memory, snapshot)


def recall(memory: Path, snapshot: str) -> Roll | None:
    """What the file has of this version; None where it has another, is damaged, or is not there."""
    try:
        first, _, content = memory.read_bytes().partition(b"\n")
        head = json.loads(first)
        if (head["snapshot"], head["sha256"]) != (snapshot, hashlib.sha256(content).hexdigest()):
            return None
        slices = [
            Slice(date.fromisoformat(start), date.fromisoformat(end), label) for start, end, label in head["axis"]
        ]
        with staying():
            records = dict(_entry(line, slices) for line in content.decode().splitlines())
        rows, columns = map(int, head["shape"])
        return Roll(records, (rows, columns))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(memory: Path, snapshot: str, slices: Sequence[Slice], shape: tuple[int, int], rows: Iterable[Row]) -> None:
    """Write what a version has, whole or not at all; `slices` are the periods on its axis of time."""
    content = "".join(f"{name} {step} {row} {column} {text}\n" for name, (step, row, column), text in rows).encode()
    head: Mapping[str, Any] = {
        "snapshot": snapshot,
        "sha256": hashlib.sha256(content).hexdigest(),
        "shape": shape,
        "axis": [[str(one.start), str(one.end), one.label] for one in slices],
    }
    with drafted(memory) as draft:
        draft.write_bytes(json.dumps(head).encode() + b"\n" + content)


def _entry(line: str, slices: Sequence[Slice]) -> tuple[Partition, Record]:
    name, step, row, column, text = line.split(" ", 4)
    return Partition(slices[int(step)], Tile(int(row), int(column)), name), parse_record(text)
