"""The transactional store: lay out, commit, read, history.

Icechunk on a local path, s3://, gs:// or az://. Pixels, counts, record and manifest of a partition are committed
together or not at all; a version that was read stays as it is whatever is committed later.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from icechunk import IcechunkStore, Session, SnapshotInfo
from numpy.typing import NDArray

from sco import chunks, crash, layout, ledger, roll
from sco.bulk import staying
from sco.errors import ConfigurationError, CubeError, LockedError
from sco.grid import Tiling
from sco.layout import LEDGER
from sco.model import Indicator
from sco.partition import Outcome, Partition, Record, Sealed
from sco.period import Slice
from sco.repository import Repository, exists
from sco.retention import KEEP_DAYS, Cleaning, clean
from sco.rollback import Difference, difference, restore
from sco.version import Version

if TYPE_CHECKING:
    import xarray as xr

Content = tuple[str, bytes | None]
"""A key, and what to put under it; None to take away what is there."""
WRITERS = os.cpu_count() or 1
"""Threads that write the partitions of one commit, and encode those that were not where they were computed."""
AT_A_TIME = 256
"""Manifests that are in memory together, where each is looked at once."""


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
        with_errors: bool = True,
    ) -> Self:
        """The store at `url`, with room for these periods and indicators; nothing is written where all is there.

        Standard errors lie beside the values `with_errors`, and where there was room for them before.
        `attrs` describes the dataset and has "every". Periods may be added before and after those that are there, and
        none is ever taken away. Raises ConfigurationError for another grid, tile size or division of time.
        """
        repository = Repository.create(url)
        change = partial(
            layout.lay_out,
            tiling=tiling,
            slices=slices,
            indicators=indicators,
            attrs=attrs,
            with_errors=with_errors,
        )
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

    def commit(
        self, outcomes: Sequence[Outcome], run: str, message: str, known: Mapping[Partition, Record] | None = None
    ) -> str:
        """Commit these partitions, all or none; durable when this returns. The version's id.

        Of two outcomes of one partition the later one counts. Raises LockedError where another run committed one of
        them since they were `known`; where nothing is told of that, whoever commits last counts.

        Raises ConfigurationError for a partition that there is no room for, CubeError for pixels of another shape or
        type than its tile, UpstreamError or ScoError where the store does not take the commit.
        """
        if not outcomes:
            return self.tip()
        partitions = [str(outcome.partition) for outcome in outcomes]

        def change(session: Session) -> None:
            version = Version(session)
            if known is not None:
                self._require_untouched(version, [one.partition for one in outcomes], known, run)
            _write(version, outcomes)

        return self._repository.transact(change, message, {"run": run, "partitions": partitions})

    def require_untouched(self, partitions: Sequence[Partition], known: Mapping[Partition, Record], run: str) -> None:
        """Raises LockedError where another run than this one committed one of these since they were `known`."""
        self._require_untouched(self.version(), partitions, known, run)

    def records(self, snapshot: str | None = None, memory: Path | None = None) -> dict[Partition, Record]:
        """Every partition that was committed; at the newest version unless another is named.

        Where there are many, they are kept in the file `memory` for those who ask again.
        """
        name = snapshot or self.tip()
        known = roll.recall(memory, name) if memory else None
        if known is not None:
            return known.records
        version = self.version(name)
        with staying():
            rows = list(version.rows("record"))
            if memory and len(rows) >= roll.MANY:
                roll.remember(memory, name, version.slices, version.tiling.shape, rows)
            return {version.partition_at(one, place): ledger.parse_record(text) for one, place, text in rows}

    def manifest(self, partition: Partition, snapshot: str | None = None) -> dict[str, Any]:
        """What a partition was made from. Raises ConfigurationError where it was never committed."""
        text = self.version(snapshot).text(partition, "manifest")
        if not text:
            raise ConfigurationError(
                f"{partition} was never committed to {self.url}: run `sco update` or `sco backfill`"
            )
        return dict(json.loads(text))

    def manifests_of(self, partitions: Sequence[Partition]) -> Iterator[tuple[Partition, dict[str, Any]]]:
        """What each of these was made from, of those that were committed; read some hundreds at a time."""
        for start in range(0, len(partitions), AT_A_TIME):
            for one, text in self.version().texts_of(partitions[start : start + AT_A_TIME], "manifest"):
                yield one, json.loads(text)

    def manifests(self, snapshot: str | None = None) -> dict[Partition, dict[str, Any]]:
        """What every committed partition was made from."""
        return {one: json.loads(text) for one, text in self.version(snapshot).texts("manifest")}

    def dataset(self, snapshot: str | None = None, tag: str | None = None) -> "xr.Dataset":
        """What is stored, decoded and lazy: (time, y, x), NaN where there is no value, counts beside each indicator.

        `<indicator>_error` is its standard error, NaN where none is known; a store without room for it has none.
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
        from sco import integrity  # with all that a check takes

        return integrity.faults(self._repository)

    def version(self, snapshot: str | None = None) -> Version:
        """One version as it is read, the newest unless another is named."""
        name = snapshot or self.tip()
        if self._last is None or self._last[0] != name:
            self._last = name, Version(self._repository.read(name))
        return self._last[1]

    def _require_untouched(
        self, version: Version, partitions: Sequence[Partition], known: Mapping[Partition, Record], run: str
    ) -> None:
        for partition, text in version.texts_of(partitions, "record"):
            there, before = ledger.parse_record(text).run, known.get(partition)
            if there != run and (before is None or before.run != there):
                raise LockedError(
                    f"{partition} was committed to {self.url} by run {there} since this run was planned: another one "
                    "works on the same store. What both have committed stays; run again to go on with what is left"
                )


def open_store(url: str, *, tag: str | None = None) -> IcechunkStore:
    """The store at this path or address as a read-only zarr store: `xr.open_zarr(open_store(url))`."""
    return Store.open(url).session_store(tag=tag)


def _commit_of(version: SnapshotInfo, tags: Sequence[str]) -> Commit:
    run, partitions = version.metadata["run"], tuple(version.metadata["partitions"])
    return Commit(version.id, version.written_at, version.message, run, partitions, tuple(tags))


def _write(version: Version, outcomes: Sequence[Outcome]) -> None:
    latest = {outcome.partition: outcome for outcome in outcomes}
    for partition in latest:
        version.place_of(partition)
    with ThreadPoolExecutor(WRITERS) as writers:
        list(writers.map(partial(_write_one, version), latest.values()))  # raises what any of them raised


def _write_one(version: Version, outcome: Outcome) -> None:
    """Looks at the chunks of its own partition alone, so that others may be written meanwhile."""
    chunks.put(version.session, dict(_contents(version, outcome)))
    crash.point("mid-write")


def _contents(version: Version, outcome: Outcome) -> Iterator[Content]:
    """What to put for a partition, key by key; nothing to take away where nothing was written."""
    name, place, sealed = outcome.partition.indicator, version.place_of(outcome.partition), _sealed(version, outcome)
    # the store may have got room for standard errors since the outcome was sealed
    for path, content in zip_longest(version.paths(name), sealed.chunks):
        if content or place in version.written(path):
            yield chunks.key_of(path, place), content
    texts = {"record": ledger.record_text(outcome.record, sealed.seal), "manifest": sealed.manifest}
    for kind, text in texts.items():
        yield chunks.key_of(f"{LEDGER}/{name}/{kind}", place), chunks.encoded_text(text)


def sealed(version: Version, outcome: Outcome) -> Outcome:
    """The same outcome, encoded for a version's arrays, which takes longer than to write it and can be done early.

    Raises CubeError for pixels of another shape or type than its tile.
    """
    return replace(outcome, pixels=None, sealed=_sealed(version, outcome))


def _sealed(version: Version, outcome: Outcome) -> Sealed:
    """An outcome as this version's arrays hold it."""
    if outcome.sealed:
        return outcome.sealed
    planes, manifest = _planes(version, outcome), ledger.manifest_text(outcome.manifest)
    arrays = [version.array(path) for path in version.paths(outcome.partition.indicator)]
    encoded = tuple(map(chunks.encoded, planes, arrays))
    return Sealed(encoded, manifest, version.seal(outcome.partition, manifest, planes))


def _planes(version: Version, outcome: Outcome) -> list[NDArray[Any]]:
    """The arrays to store for an outcome, checked; fill values where it has no pixels or no error."""
    partition, pixels = outcome.partition, outcome.pixels
    shape = version.tiling.geobox_of(partition.tile).shape
    arrays = [version.array(path) for path in version.paths(partition.indicator)]
    told = [None] * len(arrays) if pixels is None else pixels.planes  # the store may have no room for the last, errors
    planes = [
        np.full(shape, array.fill_value, array.dtype) if plane is None else plane
        for plane, array in zip(told, arrays, strict=False)
    ]
    for plane, array in zip(planes, arrays, strict=True):
        if plane.shape != shape or plane.dtype != array.dtype:
            raise CubeError(
                f"{partition}: {array.basename} has {plane.dtype} {plane.shape}, its tile has {array.dtype} {shape}"
            )
    return planes
