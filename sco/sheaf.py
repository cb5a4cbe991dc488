"""Runs of lines of a file, each known whole by its SHA-256, so that of many only those are looked at that moved."""

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from sco.errors import UpstreamError

LINES = 256
"""That a sheaf has, and that are packed at once."""


@dataclass(frozen=True)
class Sheaf:
    """Lines that follow one another in a file, each to the letter an item and ended by one line feed."""

    sha256: bytes
    """Of all their bytes."""
    size: int
    """Their bytes."""
    digests: Sequence[bytes]
    """SHA-256 of each line, without its end."""
    kinds: NDArray[np.int32]
    """Which kind of fate each has."""
    moments: NDArray[np.int64]
    """When each was taken."""


@dataclass(frozen=True)
class Bound:
    """A sheaf where it lies in a file."""

    file: Path
    at: int
    sheaf: Sheaf

    def texts(self) -> list[str]:
        """Its lines, read again. Raises UpstreamError where they are no longer there."""
        with self.file.open("rb") as content:
            content.seek(self.at)
            found = content.read(self.sheaf.size)
        if hashlib.sha256(found).digest() != self.sheaf.sha256:
            raise UpstreamError(f"{self.file} changed while it was read: run again")
        return found.decode("utf-8").split("\n")[:-1]


class Part(NamedTuple):
    """Some lines of a reply, which need not be in memory."""

    digests: Sequence[bytes]
    """SHA-256 of each line."""
    texts: Callable[[], Sequence[str]]


class Lines(Sequence[str]):
    """The lines of all parts, one part after another; equal to any sequence of the same lines."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts
        self._starts = [0, *accumulate(len(part.digests) for part in parts)]
        self._texts = lru_cache(1)(lambda number: self.parts[number].texts())

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[str]:
        return (line for part in self.parts for line in part.texts())

    @overload
    def __getitem__(self, key: int) -> str: ...
    @overload
    def __getitem__(self, key: slice) -> Sequence[str]: ...
    def __getitem__(self, key: int | slice) -> str | Sequence[str]:
        if isinstance(key, slice):
            return [self[place] for place in range(*key.indices(len(self)))]
        place = range(len(self))[key]
        number = bisect_right(self._starts, place) - 1
        return self._texts(number)[place - self._starts[number]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lines | tuple) and len(self) == len(other) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as lists have none


def parts_of(lines: Sequence[str]) -> Iterable[Part]:
    """The lines in their order, by parts."""
    if isinstance(lines, Lines):
        return lines.parts
    chunks = (lines[start : start + LINES] for start in range(0, len(lines), LINES))
    return (Part(list(map(digest_of, chunk)), lambda chunk=chunk: chunk) for chunk in chunks)  # type: ignore[misc]


def digest_of(line: str) -> bytes:
    """SHA-256 of an item as it came."""
    return hashlib.sha256(line.encode()).digest()


class Gathering:
    """Lines as they are met in files, which are bound to sheaves where they follow one another."""

    def __init__(self) -> None:
        self.bound: dict[bytes, tuple[int, list[bytes]]] = {}
        """Bytes, and the digests of the lines, of each sheaf by its SHA-256."""
        self._end: int | None = None
        self._digests: list[bytes] = []
        self._told = hashlib.sha256()
        self._began = 0

    def add(self, text: str, digest: bytes, at: int) -> bool:
        """Take a line that begins at this byte; whether it follows no other of the same sheaf."""
        begins = at != self._end or len(self._digests) == LINES
        if begins:
            self._began, self._digests, self._told = at, [], hashlib.sha256()
        content = f"{text}\n".encode()
        self._told.update(content)
        self._digests.append(digest)
        self._end = at + len(content)
        if len(self._digests) == LINES:
            self.bound[self._told.digest()] = (self._end - self._began, self._digests)
        return begins
