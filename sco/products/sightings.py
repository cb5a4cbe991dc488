"""What the files of a version looked like to the file system when every byte of them was known to be right.

A file that still looks the same, down to the instant of its last change, which no program can set, need not be read
again before it is taken over into the next version: that would be the whole product, every month. What changes a disk
behind the file system's back is for `sco verify`, which reads everything, and which the seal of the next version leads
to the same file. Kept beside the versions, and no part of a product.
"""

import json
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

NAME = ".sightings.json"
Look = tuple[int, int, int, int]
"""Inode, size, and nanoseconds of the last change of the bytes and of anything about the file."""


def look(path: Path) -> Look | None:
    """What a file looks like; None for what is no plain file."""
    try:
        found = path.lstat()
    except OSError:
        return None
    plain = stat.S_ISREG(found.st_mode)
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) if plain else None


def write(folder: Path, files: Iterable[str]) -> None:
    """Keep what these files of a version look like, whose bytes are known to be those that it was sealed with."""
    looks = {file: look(folder / file) for file in files}
    (folder.parent / NAME).write_text(json.dumps({"version": folder.name, "files": looks}), "utf-8")


def read(folder: Path) -> Mapping[str, Look]:
    """What was kept of this version; nothing where that is of another one, or cannot be read."""
    try:
        told = json.loads((folder.parent / NAME).read_text("utf-8"))
        own = told["files"] if told["version"] == folder.name else {}
        return {str(file): (int(a), int(b), int(c), int(d)) for file, (a, b, c, d) in own.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
