"""The fingerprints of a plan, in a file beside the store: found again where all that they are made from is the same.

What they are made from is told by its bytes, every scene's evidence and place among it, and never by dates of files.
Where some scenes are others, the fingerprints of cells that none of these lies in, nor lay in, are still true.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import library
from sco.draft import drafted
from sco.model import Indicator
from sco.period import Slice
from sco.placement import Cell, Placement
from sco.project import Project
from sco.roster import Places

MANY = 1000
"""Periods of tiles with scenes from which it is worth a file."""
MARK = hashlib.sha256().digest_size


def rules_of(
    project: Project,
    slices: Sequence[Slice],
    placement: Placement,
    shared: Iterable[Mapping[str, Any]],
    seen_by: Iterable[tuple[Indicator, frozenset[str]]],
) -> str:
    """SHA-256, hexadecimal, of all that fingerprints come from but scenes, and why there is none.

    `shared` is what the fingerprints of each indicator share; `seen_by` the sensors that each can be seen by.
    """
    geobox = project.geobox
    basis = {
        "rules": list(shared),
        "seen_by": [(one.id, one.bands, sorted(sensors)) for one, sensors in seen_by],
        "quality": {name: library.sensors[name].quality_bands for name in sorted(set(placement.scenes.sensors))},
        "grid": [str(geobox.crs), list(geobox.transform)[:6], list(geobox.shape), project.area.tile],
        "slices": [(str(one.start), str(one.end), one.label) for one in slices],
    }
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Imprint:
    """What the fingerprints over a placement are made from, by these rules."""

    placement: Placement
    rules: str

    @cached_property
    def key(self) -> str:
        """SHA-256 of all of it, hexadecimal."""
        told = hashlib.sha256(json.dumps([self.rules, self.names]).encode())
        told.update("\n".join(self._texts).encode())
        for numbers in (self.sizes, self.places):
            told.update(np.asarray(numbers, "<i8").tobytes())
        return told.hexdigest()

    @cached_property
    def names(self) -> list[str]:
        """The cells that have any scene."""
        return list(map(name_of, self.placement.cells))

    @cached_property
    def sizes(self) -> list[int]:
        """How many scenes each of them has."""
        return [one.size for one in self.placement.cells.values()]

    @cached_property
    def places(self) -> Places:
        """The positions of the scenes of one cell after another."""
        return np.concatenate([np.empty(0, np.intp), *self.placement.cells.values()])

    @cached_property
    def marks(self) -> bytes:
        """SHA-256 of what each scene adds to a fingerprint, one after another."""
        return b"".join(hashlib.sha256(text.encode()).digest() for text in self._texts)

    @cached_property
    def _texts(self) -> list[str]:
        scenes = self.placement.scenes
        days = map(str, self.placement.days.tolist())
        return list(map("\n".join, zip(days, scenes.sensors, scenes.evidence, scenes.checksums, strict=True)))

    def unmoved(self, names: Sequence[str], sizes: NDArray[Any], places: NDArray[Any], marks: bytes) -> set[str]:
        """Those of other cells, told as these are, that have the same scenes here in the same order."""
        here = {mark: place for place, mark in enumerate(_each(self.marks))}
        now = np.array([here.get(mark, -1) for mark in _each(marks)], np.intp)
        before = dict(zip(names, np.split(now[places], np.cumsum(sizes)[:-1]), strict=True))
        pairs = zip(self.names, self.placement.cells.values(), strict=True)
        return {name for name, found in pairs if name in before and np.array_equal(found, before[name])}


@dataclass(frozen=True)
class Known:
    """Fingerprints that are remembered, by partition and why it has no scene."""

    fingerprints: Mapping[str, str]
    moved: frozenset[str]
    """The cells that they are no longer true in."""

    def get(self, name: str, cell: Cell) -> str | None:
        """The fingerprint of a partition in a cell, where it is known."""
        return None if self.moved and name_of(cell) in self.moved else self.fingerprints.get(name)


NOTHING = Known({}, frozenset())


def name_of(cell: Cell) -> str:
    """A period and tile as text."""
    label, tile = cell
    return f"{label} {tile}"


def recall(file: Path, imprint: Imprint) -> Known:
    """The fingerprints that are still true.

    None where the file is of other rules, is damaged or is not there, or where they are few.
    """
    if len(imprint.placement) < MANY:
        return NOTHING
    try:
        first, _, content = file.read_bytes().partition(b"\n")
        head = json.loads(first)
        if (head["rules"], head["sha256"]) != (imprint.rules, hashlib.sha256(content).hexdigest()):
            return NOTHING
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            fingerprints = dict(json.loads(kept["fingerprints"].tobytes()))
            if head["key"] == imprint.key:
                return Known(fingerprints, frozenset())
            names = json.loads(kept["names"].tobytes())
            unmoved = imprint.unmoved(names, kept["sizes"], kept["places"], kept["marks"].tobytes())
        return Known(fingerprints, frozenset({*names, *imprint.names} - unmoved))
    except (OSError, EOFError, ValueError, TypeError, KeyError, IndexError, zipfile.BadZipFile):
        return NOTHING


def remember(file: Path, imprint: Imprint, fingerprints: Mapping[str, str]) -> None:
    """Keep them, whole or not at all; not where they are few."""
    if len(imprint.placement) < MANY:
        return
    told = {"fingerprints": json.dumps(fingerprints), "names": json.dumps(imprint.names)}
    kept: dict[str, Any] = {name: np.frombuffer(text.encode(), np.uint8) for name, text in told.items()}
    kept["marks"] = np.frombuffer(imprint.marks, np.uint8)
    kept["places"], kept["sizes"] = imprint.places.astype(np.int32), np.array(imprint.sizes, np.int64)
    sink = io.BytesIO()
    np.savez(sink, **kept)
    content = sink.getvalue()
    head = {"rules": imprint.rules, "key": imprint.key, "sha256": hashlib.sha256(content).hexdigest()}
    with drafted(file) as draft:
        draft.write_bytes(json.dumps(head).encode() + b"\n" + content)


def _each(marks: bytes) -> list[bytes]:
    return [marks[start : start + MARK] for start in range(0, len(marks), MARK)]
