"""The transactional store: lay out, commit, read, history.

Icechunk on a local path, s3://, gs:// or az://. Pixels, counts, record and manifest of a partition are committed
together or not at all; a version that was read stays as it is whatever is committed later.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from icechunk import IcechunkStore, Session, SnapshotInfo
from numpy.typing import NDArray

from sco import chunks, crash, integrity, layout, ledger
from sco.chunks import Index
from sco.errors import ConfigurationError, CubeError
from sco.grid import Tiling
from sco.layout import LEDGER
from sco.model import Indicator
from sco.partition import Outcome, Partition, Record
from sco.period import Slice
from sco.repository import Repository, exists
from sco.retention import KEEP_DAYS, Cleaning, clean
from sco.rollback import Difference, difference, restore
from sco.version import Version

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Commit:
    """One version of the store, and what it brought."""

    snapshot: str
    time: datetime
    message: str
    run: str
    """The run that made it; empty where the store itself was laid out."""
    partitions: tuple[str, ...]
    tags: tuple[str, ...] = ()
    """The names that were given to it."""


class Store:
    """One project's values over time, tile by tile, with the record of how each came about."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._last: tuple[str, Version] | None = None

    @staticmethod
    def exists(url: str) -> bool:
        """Whether a store was laid out at this path or address; looking leaves no trace."""
        return exists(url) and Repository.open(url).has(f"{LEDGER}/zarr.json")

    @classmethod
    def open(cls, url: str) -> Self:
        """The store at this path or address. Raises ConfigurationError where there is none."""
        repository = Repository.open(url)
        if not repository.has(f"{LEDGER}/zarr.json"):
            raise ConfigurationError(f"the store at {url} was never laid out: run `sco update` or `sco backfill`")
        return cls(repository)

    @classmethod
    def lay_out(
        cls,
        url: str,
        tiling: Tiling,
        slices: Sequence[Slice],
        indicators: Sequence[Indicator],
        attrs: Mapping[str, str],
    ) -> Self:
        """The store at `url`, with room for these periods and indicators; nothing is written where all is there.

        `attrs` describes the dataset and has "every". Periods may be added before and after those that are there, and
        none is ever taken away. Raises ConfigurationError for another grid, tile size or division of time.
        """
        repository = Repository.create(url)
        change = partial(layout.lay_out, tiling=tiling, slices=slices, indicators=indicators, attrs=attrs)
        repository.transact(change, "lay out", {"run": "", "partitions": []})
        return cls(repository)

    @property
    def url(self) -> str:
        """Where the store is."""
        return self._repository.url

    @property
    def tiling(self) -> Tiling:
        """The grid and the tiles that the store is cut into."""
        return self.version().tiling

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The periods that there is room for, oldest first."""
        return self.version().slices

    def commit(self, outcomes: Sequence[Outcome], run: str, message: str) -> str:
        """Commit these partitions, all or none; durable when this returns. The version's id.

        Of two outcomes of one partition the later one counts.

        Raises ConfigurationError for a partition that there is no room for, CubeError for pixels of another shape or
        type than its tile, UpstreamError or ScoError where the store does not take the commit.
        """
        if not outcomes:
            return self.tip()
        partitions = [str(outcome.partition) for outcome in outcomes]
        return self._repository.transact(
            lambda session: _write(session, outcomes), message, {"run": run, "partitions": partitions}
        )

    def records(self, snapshot: str | None = None) -> dict[Partition, Record]:
        """Every partition that was committed; at the newest version unless another is named."""
        return {one: ledger.parse_record(text) for one, text in self.version(snapshot).texts("record")}

    def manifest(self, partition: Partition, snapshot: str | None = None) -> dict[str, Any]:
        """What a partition was made from. Raises ConfigurationError where it was never committed."""
        text = self.version(snapshot).text(partition, "manifest")
        if not text:
            raise ConfigurationError(
                f"{partition} was never committed to {self.url}: run `sco update` or `sco backfill`"
            )
        return dict(json.loads(text))

    def manifests(self, snapshot: str | None = None) -> dict[Partition, dict[str, Any]]:
        """What every committed partition was made from."""
        return {one: json.loads(text) for one, text in self.version(snapshot).texts("manifest")}

    def dataset(self, snapshot: str | None = None, tag: str | None = None) -> "xr.Dataset":
        """What is stored, decoded and lazy: (time, y, x), NaN where there is no value, counts beside each indicator.

        One dask chunk a partition. `valid_range` is in packed integers, as CF has it.
        """
        store = self.session_store(snapshot, tag)
        import xarray as xr  # a third of a second, which a look at the records does without

        data: xr.Dataset = xr.open_zarr(store, chunks={}, consolidated=False, zarr_format=3)
        return data

    def session_store(self, snapshot: str | None = None, tag: str | None = None) -> IcechunkStore:
        """One version as a read-only zarr store, for xarray.open_zarr."""
        return self._repository.read(snapshot, tag).store

    def tip(self) -> str:
        """The newest version."""
        return self._repository.tip

    def tag(self, name: str, snapshot: str | None = None) -> None:
        """Give a version a name for good; the newest unless another is named.

        Raises ConfigurationError for a name that another version has.
        """
        self._repository.tag(name, snapshot or self.tip())

    def tags(self) -> dict[str, str]:
        """The versions that have a name, by name."""
        return self._repository.tags

    def find(self, name: str) -> str:
        """The version with this tag, this id, or the one id that begins so. Raises ConfigurationError."""
        if name in self.tags():
            return self.tags()[name]
        found = [one.snapshot for one in self.history() if one.snapshot.startswith(name.upper())]
        if name and len(found) == 1:
            return found[0]
        many = f"{len(found)} versions of {self.url} begin with" if found else f"{self.url} has no version"
        raise ConfigurationError(f"{many} {name!r}: see `sco history` for versions and tags")

    def history(self) -> list[Commit]:
        """Every version that is kept, the newest first: what the branch and the tags lead to."""
        named: dict[str, list[str]] = defaultdict(list)
        for name, snapshot in self.tags().items():
            named[snapshot].append(name)
        versions = (one for one in self._repository.reachable().values() if "run" in one.metadata)
        newest_first = sorted(versions, key=lambda one: one.written_at, reverse=True)
        return [_commit_of(one, named[one.id]) for one in newest_first]

    def difference(self, snapshot: str) -> Difference:
        """The partitions that hold something else now than in this version."""
        return difference(self.version(snapshot), self.version())

    def roll_back(self, snapshot: str, run: str) -> Difference:
        """Commit what partitions held in this version as the newest version; no version is lost. What that changed."""
        then = self.version(snapshot)
        found = difference(then, self.version())
        about = {"run": run, "partitions": [str(one) for one in found.partitions]}
        self._repository.transact(lambda session: restore(session, then), f"rollback to {snapshot}", about)
        return found

    def clean(self, keep_days: int = KEEP_DAYS) -> Cleaning:
        """Forget versions older than this and delete what only they had; see sco.retention for what is kept."""
        return clean(self._repository, keep_days)

    def verify(self) -> list[str]:
        """What is wrong, one line each, after reading every chunk of the newest version; empty where all is well."""
        return integrity.faults(self._repository)

    def version(self, snapshot: str | None = None) -> Version:
        """One version as it is read, the newest unless another is named."""
        name = snapshot or self.tip()
        if self._last is None or self._last[0] != name:
            self._last = name, Version(self._repository.read(name))
        return self._last[1]


def open_store(url: str, *, tag: str | None = None) -> IcechunkStore:
    """The store at this path or address as a read-only zarr store: `xr.open_zarr(open_store(url))`."""
    return Store.open(url).session_store(tag=tag)


def _commit_of(version: SnapshotInfo, tags: Sequence[str]) -> Commit:
    run, partitions = version.metadata["run"], tuple(version.metadata["partitions"])
    return Commit(version.id, version.written_at, version.message, run, partitions, tuple(tags))


def _write(session: Session, outcomes: Sequence[Outcome]) -> None:
    version = Version(session)
    texts: dict[str, dict[Index, str]] = defaultdict(dict)
    for outcome in {outcome.partition: outcome for outcome in outcomes}.values():
        place = version.place_of(outcome.partition)
        planes = _planes(version, outcome)
        manifest = ledger.manifest_text(outcome.manifest)
        record = ledger.record_text(outcome.record, ledger.seal(outcome.partition, manifest, planes))
        _write_planes(version, outcome, planes)
        crash.point("mid-write")
        texts[f"{LEDGER}/{outcome.partition.indicator}/record"][place] = record
        texts[f"{LEDGER}/{outcome.partition.indicator}/manifest"][place] = manifest
    for path, written in texts.items():
        chunks.put_texts(session, path, written)


def _write_planes(version: Version, outcome: Outcome, planes: Sequence[NDArray[Any]]) -> None:
    place = version.place_of(outcome.partition)
    for path, plane in zip(layout.planes(outcome.partition.indicator), planes, strict=True):
        # fill values remove a chunk; where there is none, asking zarr to do so costs 1 ms
        if outcome.pixels is not None or place in version.written(path):
            version.array(path)[version.region_of(place)] = plane


def _planes(version: Version, outcome: Outcome) -> list[NDArray[Any]]:
    """The four arrays to store for an outcome, checked; fill values where it has no pixels."""
    partition, pixels = outcome.partition, outcome.pixels
    shape = version.tiling.geobox_of(partition.tile).shape
    arrays = [version.array(path) for path in layout.planes(partition.indicator)]
    if pixels is None:
        return [np.full(shape, array.fill_value, array.dtype) for array in arrays]
    planes = [pixels.values, pixels.n_seen, pixels.n_masked, pixels.n_failed]
    for plane, array in zip(planes, arrays, strict=True):
        if plane.shape != shape or plane.dtype != array.dtype:
            raise CubeError(
                f"{partition}: {array.basename} has {plane.dtype} {plane.shape}, its tile has {array.dtype} {shape}"
            )
    return planes
