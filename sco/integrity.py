"""Whether a store still is what was committed to it.

Every chunk carries a checksum, every partition the seal in its record, the arrays' metadata a digest and every other
file a checksum beside it, because Icechunk itself would read a flipped bit as if it were data.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from icechunk import SnapshotInfo
from numcodecs import Zstd
from numpy.typing import NDArray

from sco import checksums, chunks, layout, ledger
from sco.errors import ScoError
from sco.layout import LEDGER
from sco.partition import Partition
from sco.repository import BRANCH, REFUSALS, Repository, reason
from sco.version import Place, Version

UNREADABLE = (*REFUSALS, RuntimeError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError)
"""What icechunk, zarr and its codecs raise over bytes that are not what was written."""


def faults(repository: Repository) -> list[str]:
    """What is wrong, one line each, naming array and chunk, and the file where the repository is local.

    Reads every chunk of the newest version and of tagged ones, and what each other version that is kept brought.
    """
    files = list(_files(repository))
    try:
        return [*files, *_history(repository), *_contents(repository)]
    except (*UNREADABLE, ScoError) as error:
        return [*files, f"{repository.url} cannot be read: {reason(error)}"]


def _files(repository: Repository) -> Iterator[str]:
    folder = repository.folder
    if folder:
        yield from checksums.faults_of_names(folder, BRANCH)
        for snapshot in _reached(repository, set(checksums.noted(folder))):
            yield from checksums.faults(folder, snapshot)
        yield from _damaged_chunks(folder)


def _reached(repository: Repository, noted: set[str]) -> list[str]:
    """The noted versions that a name leads to: a killed writer may leave others. All, where the names lead nowhere."""
    told = set(checksums.led_to(repository.folder, BRANCH)) if repository.folder else set()
    try:
        return sorted(told | (noted & repository.reachable().keys()))
    except UNREADABLE:
        return sorted(noted)


def _history(repository: Repository) -> Iterator[str]:
    folder = repository.folder
    noted = set(checksums.noted(folder)) if folder else set()
    for version in repository.reachable().values():
        if folder and version.parent_id and version.id not in noted:
            yield f"file {folder / checksums.FOLDER / version.id}.json: gone, it is of version {version.message!r}"


def _contents(repository: Repository) -> Iterator[str]:
    """What the newest version and the tagged ones hold, and then the chunks that each version brought.

    A partition with the same record is looked at once among the first; it may be another chunk in another version,
    as after a rollback.
    """
    seen: set[tuple[Partition, str]] = set()
    versions = repository.reachable()
    for name in dict.fromkeys([repository.tip, *repository.tags.values()]):
        version = Version(repository.read(name))
        yield from _metadata(version)
        yield from _axes(version)
        yield from _partitions(version, seen)
    for name, about in versions.items():
        if about.parent_id:
            version = Version(repository.read(name))
            yield from _partitions(version, set(), _brought(repository, version, about, versions))


def _brought(
    repository: Repository, version: Version, about: SnapshotInfo, versions: Mapping[str, SnapshotInfo]
) -> list[str] | None:
    """The partitions whose chunks a version wrote; None for all: it follows a forgotten one, or moved them in time."""
    parent = versions.get(about.parent_id or "")
    if parent is None or parent.parent_id is None:
        return None
    partitions: list[str] = about.metadata.get("partitions", [])
    if partitions or Version(repository.read(parent.id)).slices[0] == version.slices[0]:
        return partitions
    return None


def _metadata(version: Version) -> Iterator[str]:
    known = version.root[LEDGER].attrs.asdict()["metadata_sha256"]
    if layout.metadata_digest(version.session) != known:
        yield "the metadata of the arrays is not what was laid out"


def _axes(version: Version) -> Iterator[str]:
    for path in layout.AXES:
        try:
            version.array(path)[...]
        except UNREADABLE as error:
            yield f"{path}: {reason(error)}"


def _partitions(
    version: Version, seen: set[tuple[Partition, str]], names: Sequence[str] | None = None
) -> Iterator[str]:
    """The faults of every partition, or of those with these names, that was not seen with the same record before."""
    for indicator in version.indicators:
        for place in sorted(_places(version, indicator)):
            partition = version.partition_at(indicator, place)
            if names is not None and str(partition) not in names:
                continue
            known = partition, _record(version, partition)
            if known not in seen:
                seen.add(known)
                yield from _partition(version, partition)


def _record(version: Version, partition: Partition) -> str:
    try:
        return version.text(partition, "record")
    except UNREADABLE:
        return ""  # it is read again with the rest, and named


def _places(version: Version, indicator: str) -> set[Place]:
    paths = [*version.paths(indicator), *(f"{LEDGER}/{indicator}/{kind}" for kind in layout.TEXTS)]
    return {(step, row, column) for path in paths for step, row, column in chunks.present(version.session, path)}


def _partition(version: Version, partition: Partition) -> Iterator[str]:
    place = version.place_of(partition)
    name = f"chunk {'/'.join(map(str, place))} ({partition})"
    parts: dict[str, Any] = {path: version.region_of(place) for path in version.paths(partition.indicator)}
    parts |= {f"{LEDGER}/{partition.indicator}/{kind}": place for kind in layout.TEXTS}
    read: dict[str, Any] = {}
    for path, region in parts.items():
        try:
            read[path] = version.array(path)[region]
        except UNREADABLE as error:
            yield f"{path} {name}: {reason(error)}"
    if len(read) == len(parts):
        *planes, record, manifest = read.values()
        if not _is_sealed(version, partition, str(record), str(manifest), planes):
            yield f"{partition.indicator} {name}: pixels, counts and manifest are not what the record was sealed for"


def _is_sealed(
    version: Version, partition: Partition, record: str, manifest: str, planes: Sequence[NDArray[Any]]
) -> bool:
    try:
        return ledger.seal_in(record) == version.seal(partition, manifest, planes)
    except (ValueError, KeyError):
        return False


def _damaged_chunks(folder: Path) -> Iterator[str]:
    """The chunk files, of every version, that do not match the checksum they carry."""
    for path in sorted(set((folder / "chunks").glob("*")) - set(checksums.unfinished(folder))):
        try:
            Zstd().decode(path.read_bytes())
        except (RuntimeError, ValueError, OSError):
            yield f"file {path}: not what was written"
