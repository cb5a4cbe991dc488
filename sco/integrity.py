"""Whether a store still is what was committed to it.

Every chunk carries a checksum, every partition the seal in its record, the arrays' metadata a digest and every other
file a checksum beside it, because Icechunk itself would read a flipped bit as if it were data.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numcodecs import Zstd
from numpy.typing import NDArray

from sco import checksums, chunks, layout, ledger
from sco.errors import ScoError
from sco.layout import LEDGER
from sco.partition import Partition
from sco.repository import REFUSALS, Repository, reason
from sco.version import Place, Version

UNREADABLE = (*REFUSALS, RuntimeError, ValueError, KeyError, OSError)
"""What icechunk, zarr and its codecs raise over bytes that are not what was written."""


def faults(repository: Repository) -> list[str]:
    """What is wrong, one line each, naming array and chunk, and the file where the repository is local.

    Reads every chunk of the newest version, and what tagged versions have beside it.
    """
    files = list(_files(repository))
    try:
        names = dict.fromkeys([repository.tip, *repository.tags.values()])
        versions = [Version(repository.read(name)) for name in names]
        return [*files, *_history(repository), *_contents(versions)]
    except (*UNREADABLE, ScoError) as error:
        return [*files, f"{repository.url} cannot be read: {reason(error)}"]


def _files(repository: Repository) -> Iterator[str]:
    folder = repository.folder
    if folder:
        for snapshot in _reached(repository, set(checksums.noted(folder))):
            yield from checksums.faults(folder, snapshot)
        yield from _damaged_chunks(folder)


def _reached(repository: Repository, noted: set[str]) -> list[str]:
    """The noted versions that the branch leads to: a killed writer may leave others. All, where it leads nowhere."""
    try:
        return sorted(noted & {version.id for version in repository.ancestry()})
    except UNREADABLE:
        return sorted(noted)


def _history(repository: Repository) -> Iterator[str]:
    noted = set(checksums.noted(repository.folder)) if repository.folder else set()
    for version in repository.ancestry():
        if repository.folder and version.parent_id and version.id not in noted:
            yield f"version {version.id} ({version.message}) has no checksums in {repository.folder}"


def _contents(versions: Sequence[Version]) -> Iterator[str]:
    seen: set[tuple[Partition, str]] = set()
    for version in versions:
        yield from _metadata(version)
        yield from _axes(version)
        yield from _partitions(version, seen)


def _metadata(version: Version) -> Iterator[str]:
    known = version.root[LEDGER].attrs.asdict()["metadata_sha256"]
    if layout.metadata_digest(version.session, version.root) != known:
        yield "the metadata of the arrays is not what was laid out"


def _axes(version: Version) -> Iterator[str]:
    for path in layout.AXES:
        try:
            version.array(path)[...]
        except UNREADABLE as error:
            yield f"{path}: {reason(error)}"


def _partitions(version: Version, seen: set[tuple[Partition, str]]) -> Iterator[str]:
    """The faults of every partition whose record was not seen in a version before, and is now."""
    records = _records(version)
    for indicator in version.indicators:
        for place in sorted(_places(version, indicator)):
            partition = version.partition_at(indicator, place)
            if (partition, records.get(partition, "")) not in seen:
                seen.add((partition, records.get(partition, "")))
                yield from _partition(version, partition)


def _records(version: Version) -> dict[Partition, str]:
    try:
        return dict(version.texts("record"))
    except UNREADABLE:
        return {}  # each is read again by itself, and the one that cannot be is named


def _places(version: Version, indicator: str) -> set[Place]:
    paths = [*layout.planes(indicator), *(f"{LEDGER}/{indicator}/{kind}" for kind in layout.TEXTS)]
    return {(step, row, column) for path in paths for step, row, column in chunks.present(version.session, path)}


def _partition(version: Version, partition: Partition) -> Iterator[str]:
    place = version.place_of(partition)
    name = f"chunk {'/'.join(map(str, place))} ({partition})"
    parts: dict[str, Any] = {path: version.region_of(place) for path in layout.planes(partition.indicator)}
    parts |= {f"{LEDGER}/{partition.indicator}/{kind}": place for kind in layout.TEXTS}
    read: dict[str, Any] = {}
    for path, region in parts.items():
        try:
            read[path] = version.array(path)[region]
        except UNREADABLE as error:
            yield f"{path} {name}: {reason(error)}"
    if len(read) == len(parts):
        *planes, record, manifest = read.values()
        if not _is_sealed(partition, str(record), str(manifest), planes):
            yield f"{partition.indicator} {name}: pixels, counts and manifest are not what the record was sealed for"


def _is_sealed(partition: Partition, record: str, manifest: str, planes: Sequence[NDArray[Any]]) -> bool:
    try:
        return ledger.seal_in(record) == ledger.seal(partition, manifest, planes)
    except (ValueError, KeyError):
        return False


def _damaged_chunks(folder: Path) -> Iterator[str]:
    """The chunk files, of every version, that do not match the checksum they carry."""
    for path in sorted((folder / "chunks").glob("*")):
        try:
            Zstd().decode(path.read_bytes())
        except (RuntimeError, ValueError, OSError):
            yield f"file {path}: not what was written"
