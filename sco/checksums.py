"""SHA-256 of the files in which a local repository says which chunk is where, as Icechunk keeps none.

Each commit writes checksums/<version>.json about the files that it brought, before the branch moves to it; each tag is
written down in checksums/tags. Chunks carry checksums of their own; object stores check what they keep themselves.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import icechunk

FOLDER = "checksums"
TAGS = "tags"
WRONG = "not what was written"
UNFINISHED = re.compile(r"#\d+$")
"""How the name of a local file ends until it is whole, by the object store library that Icechunk writes with."""
Sums = Mapping[str, str | None]
"""SHA-256 by path in the repository; None where it is still to be noted."""


def note(versions: icechunk.Repository, folder: Path, snapshot: str, parent: str) -> None:
    """Write down the checksums of the files that a version has and its parent, where noted, has not."""
    noted = _file(folder, parent).exists()
    before = _files(versions, parent)
    new = _files(versions, snapshot) - before if noted else _files(versions, snapshot) | before
    sums = {name: _sha256(folder / name) for name in sorted(new) if (folder / name).exists()}
    _write(_file(folder, snapshot), sums, parent)


def note_tag(folder: Path, tag: str, snapshot: str) -> None:
    """Write down which version a name was given to."""
    path = folder / FOLDER / TAGS
    _write(path, {**(_read(path) if path.exists() else {}), tag: snapshot})


def faults(folder: Path, snapshot: str) -> Iterator[str]:
    """The files that a version brought and that are gone or not what they were."""
    path = _file(folder, snapshot)
    try:
        sums = _read(path)
    except (OSError, ValueError):
        yield f"file {path}: {WRONG if path.exists() else 'gone'}"
        return
    for name, known in sums.items():
        if not (folder / name).is_file():
            yield f"file {folder / name}: gone"
        elif known is not None and _sha256(folder / name) != known:
            yield f"file {folder / name}: {WRONG}"


def faults_of_names(folder: Path, branch: str) -> Iterator[str]:
    """The files that say which version is the newest, and which one each tag names, where they are not right."""
    named = _named(folder, f"branch.{branch}")
    if named is None or not _file(folder, named).exists():
        yield f"file {_ref(folder, f'branch.{branch}')}: names no version that was written"
    path = folder / FOLDER / TAGS
    if not path.exists() and any((folder / "refs").glob("tag.*")):
        yield f"file {path}: gone"
    try:
        tags = _read(path) if path.exists() else {}
    except (OSError, ValueError):
        yield f"file {path}: {WRONG}"
        return
    for tag, snapshot in tags.items():
        if _named(folder, f"tag.{tag}") != snapshot:
            yield f"file {_ref(folder, f'tag.{tag}')}: {WRONG}; it named version {snapshot}"


def fold(versions: icechunk.Repository, folder: Path, young: set[str], tagged: set[str], first: str) -> None:
    """Before all but young and tagged versions are forgotten: each that follows an old one vouches for all that it has.

    Forgetting makes it follow the `first` version of all, even where the old one has a tag and stays, and rewrites its
    snapshot, whose checksum is left open until `prune`.
    """
    known: dict[str, str | None] = {}
    for version in noted(folder):
        with nullcontext() if version in young | tagged else suppress(ValueError):  # no version, if never whole
            known |= _read(_file(folder, version))
    for version in sorted((young | tagged) & set(noted(folder))):
        if versions.lookup_snapshot(version).parent_id not in young:
            names = sorted(_files(versions, version) | _files(versions, first))
            whole = {name: known.get(name) for name in names if (folder / name).exists()}
            _write(_file(folder, version), whole | {f"snapshots/{version}": None}, first)


def prune(folder: Path, kept: set[str]) -> None:
    """After old versions were forgotten: what was left open is noted, and checksums of what is gone are taken away."""
    for version in list(noted(folder)):
        path = _file(folder, version)
        if version not in kept:
            path.unlink()
        elif None in (sums := _read(path)).values():
            whole = {name: known or _sha256(folder / name) for name, known in sums.items()}
            _write(path, whole, _parent(folder, version))
    for left in [*(folder / FOLDER).glob("*.part"), *unfinished(folder)]:
        left.unlink()


def unfinished(folder: Path) -> Iterator[Path]:
    """What a killed writer left of files that it had not written whole: Icechunk gives them their names afterwards."""
    return (path for path in folder.glob("*/*") if UNFINISHED.search(path.name))


def noted(folder: Path) -> Iterator[str]:
    """The versions that have checksums; every one ever written, also those that no branch reached."""
    return (path.stem for path in sorted((folder / FOLDER).glob("*.json")))


def led_to(folder: Path, branch: str) -> Iterator[str]:
    """The noted versions that branch and tags lead to, as the notes have it, whatever has become of the snapshots."""
    refs = [path.parent.name for path in (folder / "refs").glob("*/ref.json")]
    for ref in sorted({f"branch.{branch}", *refs}):
        version = _named(folder, ref)
        while version is not None and _file(folder, version).exists():
            yield version
            version = _parent(folder, version)


def _files(versions: icechunk.Repository, snapshot: str) -> set[str]:
    manifests = json.loads(versions.inspect_snapshot(snapshot))["manifests"]
    named = {f"manifests/{manifest['id']}" for manifest in manifests}
    return named | {f"snapshots/{snapshot}", f"transactions/{snapshot}"}


def _read(path: Path) -> Sums:
    """What is noted in a file. Raises ValueError where the file is not what was written."""
    return _content(path)[0]


def _parent(folder: Path, snapshot: str) -> str | None:
    """The version that one follows; None where its notes do not say."""
    try:
        return _content(_file(folder, snapshot))[1]
    except (OSError, ValueError):
        return None


def _content(path: Path) -> tuple[Sums, str | None]:
    content: Any = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path} is {WRONG}")
    if all("/" in name for name in content):  # as it was before the notes had a checksum of their own
        return content, None
    if content.keys() != {"sha256", "noted", "parent"} or content["sha256"] != _digest(
        content["noted"], content["parent"]
    ):
        raise ValueError(f"{path} is {WRONG}")
    return content["noted"], content["parent"]


def _write(path: Path, sums: Sums, parent: str | None = None) -> None:
    path.parent.mkdir(exist_ok=True)
    staged = path.with_name(f"{path.stem}.part")
    content = {"sha256": _digest(sums, parent), "noted": sums, "parent": parent}
    staged.write_text(json.dumps(content, indent=0), "utf-8")
    staged.replace(path)


def _digest(sums: Sums, parent: str | None) -> str:
    return hashlib.sha256(json.dumps([sums, parent], sort_keys=True).encode()).hexdigest()


def _named(folder: Path, ref: str) -> str | None:
    """The version that a branch or tag names; None where its file does not say."""
    try:
        return str(json.loads(_ref(folder, ref).read_text("utf-8"))["snapshot"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _ref(folder: Path, ref: str) -> Path:
    return folder / "refs" / ref / "ref.json"


def _file(folder: Path, snapshot: str) -> Path:
    return folder / FOLDER / f"{snapshot}.json"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
