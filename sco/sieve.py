"""Which lines of files are asked for, as far as it is known by their SHA-256 from the last time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sco.sheaf import Gathering, Sheaf

TIMELESS = int(np.iinfo(np.int64).min)
"""Stands for the moment of what tells none."""
Places = frozenset[str]
"""Questions, told by what they ask but for the time."""
Row = tuple[bytes, int, int]
"""A line's SHA-256, its kind of fate, and its moment."""


class Fate(NamedTuple):
    """What an item in a file may be asked for."""

    wanted: Places
    """The questions that it may be asked for."""
    judged: Places
    """The questions that it was held against."""
    moment: int
    """When it was taken, in microseconds since 1970; TIMELESS where it does not tell."""


@dataclass(frozen=True)
class Known:
    """The fates of lines, by column; one entry a line."""

    digests: Sequence[bytes]
    kinds: NDArray[np.int32]
    moments: NDArray[np.int64]
    fates: Sequence[tuple[Places, Places]]
    """For what a line of each kind is wanted, and against what it was held."""
    spans: Sequence[tuple[int, int, int, bytes]]
    """Of each sheaf: its first line and how many, its bytes and their SHA-256."""

    @classmethod
    def none(cls) -> Self:
        """Those of nothing."""
        return cls([], np.empty(0, np.int32), np.empty(0, np.int64), [], [])

    @cached_property
    def rows(self) -> Mapping[bytes, int]:
        """Where each line is."""
        return {digest: row for row, digest in enumerate(self.digests)}

    @cached_property
    def sheaves(self) -> Mapping[bytes, Sheaf]:
        """Each by the SHA-256 of its first line."""
        return {self.digests[span[0]]: self._sheaf(*span) for span in self.spans}

    def _sheaf(self, first: int, count: int, size: int, sha256: bytes) -> Sheaf:
        lines = slice(first, first + count)
        return Sheaf(sha256, size, self.digests[lines], self.kinds[lines], self.moments[lines])


class Sieve:
    """What is known of lines when files are gone through, and what is learned of them meanwhile."""

    def __init__(self, known: Known | None = None) -> None:
        self.known = known or Known.none()
        self.met: dict[bytes, Fate] = {}
        """Lines that were looked at one by one."""
        self.whole: dict[bytes, Sheaf] = {}
        """Sheaves that were met again, by their SHA-256."""
        self.gathering = Gathering()

    def sheaf(self, first: bytes, places: Places) -> Sheaf | None:
        """The sheaf that begins with this line, where it is known for all of these questions."""
        found = self.known.sheaves.get(first)
        if found is None or not all(places <= self.known.fates[kind][1] for kind in set(found.kinds.tolist())):
            return None
        return found

    def fate(self, digest: bytes, places: Places) -> Fate | None:
        """The fate of a line, where it is known for all of these questions."""
        fate = self._before(digest)
        if fate is None or not places <= fate.judged:
            return None
        self.met.setdefault(digest, fate)
        return fate

    def learn(self, digest: bytes, fate: Fate) -> None:
        """Remember it, beside what was learned of other questions."""
        also = self.met.get(digest) or self._before(digest)
        if also is not None:
            fate = Fate(also.wanted | fate.wanted, also.judged | fate.judged, fate.moment)
        self.met[digest] = fate

    def taken(self, sheaf: Sheaf, place: str, start: int, end: int) -> list[int]:
        """Which lines of a sheaf answer a question about this place, from `start` up to, and without, `end`."""
        wanted = np.array([place in wanted for wanted, _ in self.known.fates], bool)[sheaf.kinds]
        inside = (sheaf.moments == TIMELESS) | ((start <= sheaf.moments) & (sheaf.moments < end))
        return np.flatnonzero(wanted & inside).tolist()

    def kept(self) -> Known:
        """The fates of all lines that were met: those of sheaves together, then all others."""
        kinds = {fate: kind for kind, fate in enumerate(self.known.fates)}
        rows: list[Row] = []
        spans: list[tuple[int, int, int, bytes]] = []
        for sha256, size, lines in self._runs(kinds):
            spans.append((len(rows), len(lines), size, sha256))
            rows += lines
        bound = {digest for digest, *_ in rows}
        rows += [self._row(digest, kinds) for digest in self.met if digest not in bound]
        digests, told, moments = zip(*rows, strict=True) if rows else ((), (), ())
        return Known(digests, np.array(told, np.int32), np.array(moments, np.int64), list(kinds), spans)

    def _runs(self, kinds: dict[tuple[Places, Places], int]) -> Iterator[tuple[bytes, int, list[Row]]]:
        for sha256, sheaf in self.whole.items():
            if sha256 not in self.gathering.bound:
                told = zip(sheaf.digests, sheaf.kinds.tolist(), sheaf.moments.tolist(), strict=True)
                yield sha256, sheaf.size, list(told)
        for sha256, (size, digests) in self.gathering.bound.items():
            yield sha256, size, [self._row(digest, kinds) for digest in digests]

    def _row(self, digest: bytes, kinds: dict[tuple[Places, Places], int]) -> Row:
        fate = self.met[digest]
        return digest, kinds.setdefault(fate[:2], len(kinds)), fate.moment

    def _before(self, digest: bytes) -> Fate | None:
        row = self.known.rows.get(digest)
        if row is None:
            return None
        return Fate(*self.known.fates[int(self.known.kinds[row])], int(self.known.moments[row]))


@dataclass(frozen=True)
class Sifting:
    """A sieve held against some questions."""

    sieve: Sieve
    places: Places

    def sheaf(self, first: bytes) -> Sheaf | None:
        """The sheaf that begins with this line, if it is known."""
        return self.sieve.sheaf(first, self.places)

    def fate(self, digest: bytes) -> Fate | None:
        """The fate of a line, if it is known."""
        return self.sieve.fate(digest, self.places)
