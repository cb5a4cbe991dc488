"""Pieces: files that are written together, and taken over from an earlier version where they would be the same.

What a piece is made from is a digest, and PIECES.json keeps it beside the names of the files. A file is taken over
by a hard link, or a copy where the disk has none, after its bytes were found to be what the earlier version sealed;
they are read for that unless the file was not touched since they were known (see sightings).
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from sco.products import sightings
from sco.products.seal import Print, Seals, fingerprint
from sco.products.sightings import Look

PIECES = "PIECES.json"


@dataclass(frozen=True)
class Piece:
    """Files that are written together."""

    name: str
    """Unlike that of every other piece of the product."""
    made_from: str
    """Digest of everything that the files depend on; the same digest, the same bytes."""
    patterns: tuple[str, ...]
    """Globs in the product's folder that find its files and no other's."""
    write: Callable[[Path], object]
    """Writes its files into the product's folder."""
    of: str = ""
    """What it is read from; pieces of the same are written one after another, so that it is read once."""

    def files(self, folder: Path) -> list[str]:
        """Its files that lie in `folder`, in order."""
        found = (path for pattern in self.patterns for path in folder.glob(pattern) if path.is_file())
        return sorted(path.relative_to(folder).as_posix() for path in found)


@dataclass(frozen=True)
class Kept:
    """A piece of an earlier version."""

    made_from: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Earlier:
    """A version that was published before, as far as it may be taken over."""

    folder: Path
    prints: Mapping[str, Print]
    """What it was sealed with, by file."""
    pieces: Mapping[str, Kept]
    looks: Mapping[str, Look] = field(default_factory=dict, repr=False)
    """How files looked when their bytes were known to be right, by file."""
    _sound: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, folder: Path, sealed: Mapping[str, Print]) -> Self | None:
        """The version in `folder` that was sealed with these prints; None if it says nothing of its pieces."""
        if PIECES not in sealed or not _is_sound(folder, PIECES, sealed[PIECES]):
            return None
        told = json.loads((folder / PIECES).read_text("utf-8"))
        pieces = {name: Kept(one["made_from"], tuple(one["files"])) for name, one in told.items()}
        return cls(folder, sealed, pieces, sightings.read(folder))

    def has(self, name: str, made_from: str) -> bool:
        """Whether it has this piece, made from the same, with every byte as it was sealed."""
        kept = self.pieces.get(name)
        return kept is not None and kept.made_from == made_from and all(self._is_sound(file) for file in kept.files)

    def read(self, name: str, made_from: str, file: str) -> str | None:
        """The text of one file of a piece that is made from the same; None where there is no such, or it is damaged."""
        kept = self.pieces.get(name)
        wanted = kept is not None and kept.made_from == made_from and file in kept.files
        return (self.folder / file).read_text("utf-8") if wanted and self._is_sound(file) else None

    def take_over(self, name: str, folder: Path) -> dict[str, Print]:
        """Link the piece's files into `folder`; what they were sealed with."""
        for file in self.pieces[name].files:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(self.folder / file, target)
        return {file: self.prints[file] for file in self.pieces[name].files}

    def _is_sound(self, file: str) -> bool:
        if file not in self._sound:
            self._sound[file] = file in self.prints and (
                self._is_untouched(file) or _is_sound(self.folder, file, self.prints[file])
            )
        return self._sound[file]

    def _is_untouched(self, file: str) -> bool:
        found = sightings.look(self.folder / file)
        return found is not None and self.looks.get(file) == found


def take_over(pieces: Iterable[Piece], earlier: Earlier | None, folder: Path, seals: Seals) -> Iterator[Piece]:
    """Bring into `folder` what the earlier version has of the pieces; the ones that are left to be written."""
    asked = list(pieces)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # hashing lets other threads run
        kept = pool.map(lambda piece: earlier is not None and earlier.has(piece.name, piece.made_from), asked)
        for piece, is_kept in zip(asked, kept, strict=True):
            if earlier is not None and is_kept:
                seals.note(earlier.take_over(piece.name, folder))
            else:
                yield piece


def record(pieces: Iterable[Piece], folder: Path) -> None:
    """Write PIECES.json about the pieces that lie in `folder`."""
    told: dict[str, Any] = {
        piece.name: {"made_from": piece.made_from, "files": piece.files(folder)} for piece in pieces
    }
    (folder / PIECES).write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", "utf-8")


def _is_sound(folder: Path, file: str, sealed: Print) -> bool:
    path = folder / file
    return path.is_file() and not path.is_symlink() and fingerprint(path) == sealed


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)
