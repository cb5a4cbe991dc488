"""A folder's seal: every file with its size and SHA-256, so that any change to it is found.

MANIFEST.json is for this code; SHA256SUMS has the same sums for `sha256sum -c`. The manifest's root is a SHA-256 over
all that it says of the files, so that a change to the lists themselves is found as well.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "MANIFEST.json"
SUMS = "SHA256SUMS"
ENVELOPE = "SEAL.dsse.json"
"""The signature over the seal; only where there was a key."""
SEALS = (MANIFEST, SUMS, ENVELOPE)
SYNCING = 16
"""Files that are waited for together, so that the disk writes them in one go."""
SHA256_MULTIHASH = "1220"
"""Code and length that precede a SHA-256 in a multihash. https://multiformats.io/multihash/"""


@dataclass(frozen=True)
class Print:
    """What a file's bytes are recognised by."""

    size: int
    sha256: str
    """Hexadecimal."""

    @property
    def multihash(self) -> str:
        """The SHA-256 as STAC's `file:checksum` spells it."""
        return SHA256_MULTIHASH + self.sha256


class Seals:
    """The prints of a folder's files while it is being filled; no file is read twice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._found: dict[str, Print] = {}
        self._durable: set[str] = set()

    def note(self, found: Mapping[str, Print]) -> None:
        """Take these prints as read: of files that were linked from where they lie on the disk already."""
        self._found.update(found)
        self._durable.update(found)

    def of(self, name: str) -> Print:
        """The print of a file that is written and does not change any more."""
        if name not in self._found:
            self._found[name] = fingerprint(self.folder / name)
        return self._found[name]

    def is_durable(self, name: str) -> bool:
        """Whether the file's bytes are known to be on the disk."""
        return name in self._durable


def fingerprint(path: Path) -> Print:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Print(path.stat().st_size, digest.hexdigest())


def seal(folder: Path, seals: Seals | None = None) -> Path:
    """Write MANIFEST.json and SHA256SUMS over every file of `folder`, and wait until all of them are on the disk."""
    known = seals or Seals(folder)
    files = {name: known.of(name) for name in _files(folder)}
    (folder / SUMS).write_text(_sums(files), "utf-8")
    manifest = folder / MANIFEST
    manifest.write_text(_manifest(files), "utf-8")
    fresh = (folder / name for name in files if not known.is_durable(name))
    with ThreadPoolExecutor(max_workers=SYNCING) as pool:
        list(pool.map(sync, [*fresh, folder / SUMS, manifest, *_folders(folder)]))
    return manifest


def verify(folder: Path) -> list[str]:
    """One sentence for every file of `folder` that is missing, added or different; empty for a sound folder."""
    try:
        sealed = read(folder)
    except (OSError, ValueError) as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    present = set(_files(folder))
    missing = [f"{name} is missing" for name in sorted(sealed.keys() - present)]
    added = [f"{name} is not in {MANIFEST}" for name in sorted(present - sealed.keys())]
    changed = [fault for name in sorted(sealed.keys() & present) for fault in _faults(folder, name, sealed)]
    return [*missing, *added, *changed, *_seal_faults(folder, sealed)]


def read(folder: Path) -> dict[str, Print]:
    """What the files of `folder` were sealed with. Raises OSError or ValueError for a manifest that is none."""
    content: Any = json.loads((folder / MANIFEST).read_text("utf-8"))
    try:
        sealed = {str(name): Print(int(one["size"]), str(one["sha256"])) for name, one in content["files"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is not a list of files with size and sha256 ({error!r})") from error
    outside = [name for name in sealed if name.startswith("/") or ".." in name.split("/")]
    if outside:
        raise ValueError(f"it names files outside the folder: {outside[0]!r}")
    return sealed


def sync(path: Path) -> None:
    """Return when a file's bytes, or a folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sums(files: Mapping[str, Print]) -> str:
    return "".join(f"{one.sha256}  {name}\n" for name, one in sorted(files.items()))


def _manifest(files: Mapping[str, Print]) -> str:
    told = {name: vars(one) for name, one in files.items()}
    root = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return json.dumps({"manifest": 2, "root": root, "files": told}, indent=1, sort_keys=True) + "\n"


def _seal_faults(folder: Path, sealed: Mapping[str, Print]) -> Iterator[str]:
    """The lists themselves: each must be, to the byte, what the files it names give."""
    for name, expected in ((MANIFEST, _manifest(sealed)), (SUMS, _sums(sealed))):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            yield f"{name} is missing, or not a plain file"
        elif path.read_bytes() != expected.encode():
            yield f"{name} has other bytes than were sealed"


def _faults(folder: Path, name: str, sealed: Mapping[str, Print]) -> Iterator[str]:
    path = folder / name
    if path.is_symlink() or not path.is_file():
        yield f"{name} is not a plain file"
        return
    found = fingerprint(path)
    if found.size != sealed[name].size:
        yield f"{name} has {found.size} bytes, not {sealed[name].size}"
    elif found != sealed[name]:
        yield f"{name} has other bytes than were sealed"


def _files(folder: Path) -> list[str]:
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    names: Iterable[str] = (path.relative_to(folder).as_posix() for path in found)
    return sorted(name for name in names if name not in SEALS)


def _folders(folder: Path) -> list[Path]:
    return [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]
