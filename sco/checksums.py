"""SHA-256 of the files in which a local repository says which chunk is where, as Icechunk keeps none.

Each commit writes checksums/<version>.json about the files that it brought, before the branch moves to it. Chunks
carry checksums of their own; object stores check what they keep themselves.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import icechunk

FOLDER = "checksums"


def note(versions: icechunk.Repository, folder: Path, snapshot: str, parent: str) -> None:
    """Write down the checksums of the files that a version has and its parent, where noted, has not."""
    noted = _file(folder, parent).exists()
    before = _files(versions, parent)
    new = _files(versions, snapshot) - before if noted else _files(versions, snapshot) | before
    sums = {name: _sha256(folder / name) for name in sorted(new) if (folder / name).exists()}
    path = _file(folder, snapshot)
    path.parent.mkdir(exist_ok=True)
    path.with_suffix(".part").write_text(json.dumps(sums, indent=0), "utf-8")
    path.with_suffix(".part").replace(path)


def faults(folder: Path, snapshot: str) -> Iterator[str]:
    """The files that a version brought and that are gone or not what they were."""
    path = _file(folder, snapshot)
    try:
        sums: dict[str, str] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield f"file {path}: {error}"
        return
    for name, known in sums.items():
        if not (folder / name).is_file():
            yield f"file {folder / name}: gone"
        elif _sha256(folder / name) != known:
            yield f"file {folder / name}: not what was written"


def noted(folder: Path) -> Iterator[str]:
    """The versions that have checksums; every one ever written, also those that no branch reached."""
    return (path.stem for path in sorted((folder / FOLDER).glob("*.json")))


def _files(versions: icechunk.Repository, snapshot: str) -> set[str]:
    manifests = json.loads(versions.inspect_snapshot(snapshot))["manifests"]
    named = {f"manifests/{manifest['id']}" for manifest in manifests}
    return named | {f"snapshots/{snapshot}", f"transactions/{snapshot}"}


def _file(folder: Path, snapshot: str) -> Path:
    return folder / FOLDER / f"{snapshot}.json"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
