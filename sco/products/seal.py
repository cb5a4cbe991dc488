"""A folder's seal: every file with its size and SHA-256, so that any change to it is found."""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST = "MANIFEST.json"
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


def fingerprint(path: Path) -> Print:
    """Size and SHA-256 of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return Print(path.stat().st_size, digest.hexdigest())


def seal(folder: Path) -> Path:
    """Write MANIFEST.json over every file of `folder`, and wait until all of them are on the disk."""
    files = {name: vars(fingerprint(folder / name)) for name in _files(folder)}
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"manifest": 1, "files": files}, indent=1, sort_keys=True) + "\n", "utf-8")
    for path in [*(folder / name for name in files), manifest, *_folders(folder)]:
        sync(path)
    return manifest


def verify(folder: Path) -> list[str]:
    """One sentence for every file of `folder` that is missing, added or different; empty for a sound folder."""
    try:
        sealed = _sealed(folder / MANIFEST)
    except (OSError, ValueError) as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    present = set(_files(folder))
    missing = [f"{name} is missing" for name in sorted(sealed.keys() - present)]
    added = [f"{name} is not in {MANIFEST}" for name in sorted(present - sealed.keys())]
    return (
        missing + added + [fault for name in sorted(sealed.keys() & present) for fault in _faults(folder, name, sealed)]
    )


def sync(path: Path) -> None:
    """Return when a file's bytes, or a folder's entries, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sealed(manifest: Path) -> dict[str, Print]:
    content: Any = json.loads(manifest.read_text("utf-8"))
    try:
        return {str(name): Print(int(entry["size"]), str(entry["sha256"])) for name, entry in content["files"].items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"it is not a list of files with size and sha256 ({error!r})") from error


def _faults(folder: Path, name: str, sealed: dict[str, Print]) -> Iterator[str]:
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
    return sorted(path.relative_to(folder).as_posix() for path in found if path != folder / MANIFEST)


def _folders(folder: Path) -> list[Path]:
    return [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]
