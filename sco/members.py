"""Lines packed as members of one gzip file, of which those that are in the file already are not packed again.

Beside the file lies an index of its members, which is believed only while both are whole.
"""

import gzip
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from sco.draft import drafted
from sco.sheaf import Part

LEVEL = 3
"""Of gzip: what takes three times as long at its best is smaller by a tenth."""
FEW = 8
"""Members up to which packing them again is as quick as to look for them."""


class Member(NamedTuple):
    """Where a member is in the file."""

    key: str
    """SHA-256 over those of its lines, hexadecimal."""
    start: int
    size: int


def write(file: Path, head: str, parts: Iterable[Part]) -> None:
    """Write a line, then those of all parts, whole or not at all."""
    known, members = _known(file), list[Member]()
    whole = hashlib.sha256()
    with drafted(file) as draft, draft.open("wb") as packed:
        content = gzip.compress(f"{head}\n".encode(), LEVEL, mtime=0)
        for part in parts:
            packed.write(content)
            whole.update(content)
            key = hashlib.sha256(b"".join(part.digests)).hexdigest()
            content = known.get(key) or _packed(part)
            members.append(Member(key, packed.tell(), len(content)))
        packed.write(content)
        whole.update(content)
        packed.flush()
        os.fsync(packed.fileno())
    _write_index(file, whole.hexdigest(), members)


def _packed(part: Part) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in part.texts()).encode(), LEVEL, mtime=0)


def _index_of(file: Path) -> Path:
    return file.with_name(file.name + ".members")


def _write_index(file: Path, sha256: str, members: list[Member]) -> None:
    if len(members) <= FEW:
        _index_of(file).unlink(missing_ok=True)
        return
    content = json.dumps([sha256, members])
    with drafted(_index_of(file)) as draft:
        draft.write_text(f"{hashlib.sha256(content.encode()).hexdigest()}\n{content}", "ascii")


def _known(file: Path) -> Mapping[str, bytes]:
    """The members of the file as it is, by their keys; none where it or its index is not whole."""
    try:
        told, _, content = _index_of(file).read_text("ascii").partition("\n")
        if told != hashlib.sha256(content.encode()).hexdigest():
            return {}
        sha256, members = json.loads(content)
        packed = file.read_bytes()
        if hashlib.sha256(packed).hexdigest() != sha256:
            return {}
        return {key: packed[start : start + size] for key, start, size in members}
    except (OSError, ValueError, TypeError):
        return {}
