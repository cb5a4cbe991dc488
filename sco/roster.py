"""Many scenes by column: what is asked of all of them at once is at hand, a scene itself is made when it is looked at.

A plan over 100,000 scenes asks each for its day, its footprint and its evidence, and looks at few of them.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from typing import Any, Self, TypeVar, overload

import numpy as np
import shapely
from numpy.typing import NDArray

from sco.model import Scene

T = TypeVar("T")
Places = NDArray[np.intp]
"""Positions of scenes among those of a book."""


@dataclass(frozen=True)
class Columns:
    """What is asked of many scenes at once; one entry a scene."""

    ids: Sequence[str]
    catalogs: Sequence[str]
    sensors: Sequence[str]
    times: NDArray[np.int64]
    """Microseconds since 1970, UTC."""
    footprints: Sequence[bytes]
    """Well-known binary, WGS84."""
    evidence: Sequence[str]
    """What the pixels are known by, but for checksums: catalog, id, updated, baseline, offset_applied; as JSON."""
    checksums: Sequence[str]
    """Band -> checksum or null, of all bands that the scene offers; as JSON."""
    local: Sequence[bool]
    """Whether all of its files lie on this machine."""


@dataclass(frozen=True)
class Book:
    """The columns of some scenes, and how one of them is made from its position."""

    columns: Columns
    make: Callable[[int], Scene]

    @cached_property
    def geometries(self) -> NDArray[np.object_]:
        """The footprints as shapely has them."""
        found: NDArray[np.object_] = shapely.from_wkb(np.array(self.columns.footprints, object))
        return found


class Roster(Sequence[Scene]):
    """Scenes in their order, made one by one; equal to any sequence of the same scenes, and pickled as a tuple."""

    __slots__ = ("book", "places")

    def __init__(self, book: Book, places: Places | None = None) -> None:
        self.book = book
        self.places = np.arange(len(book.columns.ids)) if places is None else places

    @classmethod
    def of(cls, scenes: Iterable[Scene]) -> Self:
        """These scenes, which are at hand."""
        if isinstance(scenes, cls):
            return scenes
        made = tuple(scenes)
        return cls(Book(columns_of(made), made.__getitem__))

    @classmethod
    def joined(cls, parts: Sequence[Sequence[Scene]]) -> Self:
        """The scenes of all parts, one part after another."""
        if len(parts) == 1:
            return cls.of(parts[0])
        rosters = [cls.of(part) for part in parts]
        starts = [0, *accumulate(map(len, rosters))]

        def make(position: int) -> Scene:
            part = bisect_right(starts, position) - 1
            return rosters[part][position - starts[part]]

        return cls(Book(_joined([one.columns for one in rosters]), make))

    @property
    def columns(self) -> Columns:
        """The columns of these scenes alone."""
        if len(self) == len(self.book.columns.ids) and np.array_equal(self.places, np.arange(len(self))):
            return self.book.columns
        return _picked(self.book.columns, self.places)

    @property
    def ids(self) -> list[str]:
        """The id of each."""
        return self._picked(self.book.columns.ids)

    @property
    def sensors(self) -> list[str]:
        """The sensor of each."""
        return self._picked(self.book.columns.sensors)

    @property
    def catalogs(self) -> list[str]:
        """The catalog of each."""
        return self._picked(self.book.columns.catalogs)

    @property
    def times(self) -> NDArray[np.int64]:
        """When each was taken, in microseconds since 1970, UTC."""
        times: NDArray[np.int64] = self.book.columns.times[self.places]
        return times

    @property
    def evidence(self) -> list[str]:
        """What each is known by, but for its checksums."""
        return self._picked(self.book.columns.evidence)

    @property
    def checksums(self) -> list[str]:
        """Band -> checksum of each."""
        return self._picked(self.book.columns.checksums)

    @property
    def footprints(self) -> list[bytes]:
        """The footprint of each, as well-known binary."""
        return self._picked(self.book.columns.footprints)

    @property
    def geometries(self) -> NDArray[np.object_]:
        """The footprint of each."""
        found: NDArray[np.object_] = self.book.geometries[self.places]
        return found

    @property
    def bands(self) -> frozenset[str]:
        """The bands that any of them offers."""
        return frozenset(chain.from_iterable(json.loads(one) for one in set(self.checksums)))

    @property
    def is_local(self) -> bool:
        """Whether all files of all of them lie on this machine."""
        return all(self._picked(self.book.columns.local))

    def _picked(self, values: Sequence[T]) -> list[T]:
        return [values[place] for place in self.places.tolist()]

    def at(self, places: Places) -> "Roster":
        """Those of the scenes that are at these positions."""
        return Roster(self.book, self.places[places])

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Scene]:
        return (self.book.make(place) for place in self.places.tolist())

    @overload
    def __getitem__(self, key: int) -> Scene: ...
    @overload
    def __getitem__(self, key: slice) -> "Roster": ...
    def __getitem__(self, key: int | slice) -> "Scene | Roster":
        if isinstance(key, slice):
            return Roster(self.book, self.places[key])
        return self.book.make(int(self.places[key]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Roster | tuple) and len(self) == len(other) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # as scenes have none

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (list(self),)

    def __repr__(self) -> str:
        return f"<{len(self)} scenes>"


def columns_of(scenes: Sequence[Scene]) -> Columns:
    """The columns of scenes that are at hand."""
    geometries = shapely.from_wkt(np.array([scene.footprint for scene in scenes], object))
    moments = [scene.time.replace(tzinfo=None) for scene in scenes]
    return Columns(
        ids=[scene.id for scene in scenes],
        catalogs=[scene.catalog for scene in scenes],
        sensors=[scene.sensor for scene in scenes],
        times=np.array(moments, "datetime64[us]").astype(np.int64),
        footprints=shapely.to_wkb(geometries).tolist(),
        evidence=[_compact(evidence_of(scene)) for scene in scenes],
        checksums=[_compact({band: asset.checksum for band, asset in scene.assets.items()}) for scene in scenes],
        local=[_is_local(scene) for scene in scenes],
    )


def evidence_of(scene: Scene) -> list[Any]:
    """What a scene's pixels are known by, but for the checksums of its files."""
    return [scene.catalog, scene.id, scene.updated, scene.baseline, scene.offset_applied]


def _is_local(scene: Scene) -> bool:
    return all(asset.href.startswith(("/", "file:")) for asset in scene.assets.values())


def all_local(parts: Iterable[Sequence[Scene]]) -> bool:
    """Whether all files of all these scenes lie on this machine."""
    return all(one.is_local if isinstance(one, Roster) else all(map(_is_local, one)) for one in parts)


def bands_of(parts: Iterable[Sequence[Scene]]) -> frozenset[str]:
    """The bands that any of all these scenes offers."""
    return frozenset(chain.from_iterable(Roster.of(one).bands for one in parts))


_compact = json.JSONEncoder(separators=(",", ":")).encode


def _joined(parts: Sequence[Columns]) -> Columns:
    fields: dict[str, Any] = {
        name: list(chain.from_iterable(getattr(one, name) for one in parts)) for name in vars(parts[0])
    }
    return Columns(**{**fields, "times": np.concatenate([one.times for one in parts])})


def _picked(columns: Columns, places: Places) -> Columns:
    where = places.tolist()
    fields: dict[str, Any] = {
        name: [values[place] for place in where] for name, values in vars(columns).items() if name != "times"
    }
    return Columns(**fields, times=columns.times[places])
