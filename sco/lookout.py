"""Observations as arrays that read nothing until a window of them is asked for, and then that window alone."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product
from numbers import Integral
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely import box, from_wkt, union_all
from shapely.geometry.base import BaseGeometry

from sco import quality
from sco.grid import Tiling, degrees_boxes
from sco.model import Scene
from sco.observation import Mosaic, Observer
from sco.preflight import Rules
from sco.quality import State
from sco.read import environment
from sco.solar import Observation
from sco.tile import Tile

HELD_BYTES = 256 * 2**20
"""Of mosaics that wait for those of their layers that were not taken yet."""
QUALITY = "quality"

Span = tuple[int, int]
"""First index along an axis, and the one after the last."""
Window = tuple[int, Span, Span]
"""Step in time, rows, columns; inside of one tile."""


class Lookout:
    """Looks at observations through windows of a grid; which scenes that takes is found out window by window.

    The scenes of a window are those of the tile that it lies in, so that its pixels do not depend on its size; but for
    a warp, which may round a number to the integer beside it.
    """

    def __init__(
        self,
        observations: Sequence[Observation],
        names: Sequence[str],
        masked: frozenset[str],
        tiling: Tiling,
        rules: Rules,
    ) -> None:
        self.observations = tuple(observations)
        self.names = tuple(names)
        self.masked = masked
        self.tiling = tiling
        self.rules = rules
        self._held = _Held(frozenset((*self.names, QUALITY)))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_held": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _held=_Held(frozenset((*state["names"], QUALITY))))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Steps in time, rows, columns."""
        height, width = self.tiling.geobox.shape
        return len(self.observations), int(height), int(width)

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """One observation of one tile each."""
        rows, columns = self.tiling.shape
        spans = [self.tiling.window_of(Tile(row, 0))[0] for row in range(rows)]
        widths = [self.tiling.window_of(Tile(0, column))[1] for column in range(columns)]
        return (1,) * len(self.observations), _lengths(spans), _lengths(widths)

    def look(self, layer: str, window: Window) -> NDArray[Any]:
        """One layer of one window, (y, x); all layers of it are read once if they are asked for one after another."""
        mosaic = self._held.take(window, layer, lambda: self._mosaic(window))
        return mosaic.states if layer == QUALITY else mosaic.bands[layer]

    def pieces(self, rows: Span, columns: Span) -> list[tuple[Span, Span]]:
        """These rows and columns, cut where tiles meet."""
        return list(product(_cut(rows, self.tiling.size), _cut(columns, self.tiling.size)))

    def _mosaic(self, window: Window) -> tuple[Mosaic, bool]:
        """The mosaic, and whether all of it could be read."""
        time, (top, bottom), (left, right) = window
        geobox = self.tiling.geobox[top:bottom, left:right]
        tile = Tile(top // self.tiling.size, left // self.tiling.size)
        seen = _over(self.observations[time], _outline(self.tiling.geobox_of(tile)))
        if not seen.scenes:
            return _nothing(geobox, self.names), True
        observer = Observer(seen, geobox, self.rules)
        with environment():
            mosaic = observer.mosaic(self.names, self.masked)
        return mosaic, not observer.failed


@dataclass(frozen=True)
class Layer:
    """One layer of a lookout as an array of (time, y, x) that dask can slice: what is sliced away is not read."""

    lookout: Lookout
    name: str
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Steps in time, rows, columns."""
        return self.lookout.shape

    @property
    def ndim(self) -> int:
        """Three."""
        return len(self.shape)

    def __getitem__(self, key: tuple[Any, ...]) -> NDArray[Any]:
        padded = (*key, *(slice(None),) * (self.ndim - len(key)))
        spans, within = zip(*map(_covering, padded, self.shape), strict=True)
        result: NDArray[Any] = self._read(*spans)
        for axis in reversed(range(self.ndim)):  # one after another, since arrays of places are meant along their axis
            result = result[(slice(None),) * axis + (within[axis],)]
        return result

    def _read(self, times: Span, rows: Span, columns: Span) -> NDArray[Any]:
        result: NDArray[Any] = np.empty([after - first for first, after in (times, rows, columns)], self.dtype)
        for time, (y, x) in product(range(*times), self.lookout.pieces(rows, columns)):
            place = (time - times[0], _shifted(y, rows[0]), _shifted(x, columns[0]))
            result[place] = self.lookout.look(self.name, (time, y, x))
        return result


@dataclass
class _Kept:
    """A mosaic that is being made or was, and the layers of it that nobody has taken yet."""

    left: set[str]
    made: Future[Mosaic] = field(default_factory=Future)
    bytes: int = 0


class _Held:
    """Mosaics between the taking of their first layer and of their last one; the oldest go when there are too many."""

    def __init__(self, layers: frozenset[str]) -> None:
        self._layers = layers
        self._kept: OrderedDict[Window, _Kept] = OrderedDict()
        self._lock = Lock()

    def take(self, window: Window, layer: str, make: Callable[[], tuple[Mosaic, bool]]) -> Mosaic:
        """The mosaic of a window, made by the first who asks while the others wait for it."""
        with self._lock:
            known = self._kept.get(window)
            kept = known or self._kept.setdefault(window, _Kept(set(self._layers)))
            kept.left.discard(layer)
            if not kept.left:
                del self._kept[window]
        if known is None:
            self._make(window, kept, make)
        return kept.made.result()

    def _make(self, window: Window, kept: _Kept, make: Callable[[], tuple[Mosaic, bool]]) -> None:
        whole = False
        try:
            mosaic, whole = make()
            kept.bytes = mosaic.states.nbytes + sum(band.nbytes for band in mosaic.bands.values())
            kept.made.set_result(mosaic)
        except BaseException as error:  # whoever waits for it must be woken
            kept.made.set_exception(error)
            raise
        finally:
            self._let_go(window, whole)

    def _let_go(self, window: Window, whole: bool) -> None:
        with self._lock:
            if not whole:  # what could not be read is tried again when it is next asked for
                self._kept.pop(window, None)
            while self._kept and sum(kept.bytes for kept in self._kept.values()) > HELD_BYTES:
                self._kept.popitem(last=False)


def _over(observation: Observation, outline: BaseGeometry) -> Observation:
    """The observation without the scenes whose footprint does not touch the outline."""
    scenes = tuple(scene for scene in observation.scenes if _touches(scene, outline))
    return Observation(observation.day, observation.sensor, scenes)


def _touches(scene: Scene, outline: BaseGeometry) -> bool:
    west, south, east, north = scene.bbox
    left, bottom, right, top = outline.bounds
    if north < bottom or south > top or (west <= east and (east < left or west > right)):
        return False
    return bool(from_wkt(scene.footprint).intersects(outline))


@lru_cache(maxsize=4096)
def _outline(geobox: GeoBox) -> BaseGeometry:
    return union_all([box(*part) for part in degrees_boxes(geobox)])


def _nothing(geobox: GeoBox, names: Sequence[str]) -> Mosaic:
    shape = geobox.shape.yx
    return Mosaic(
        {name: np.full(shape, np.nan, np.float32) for name in names}, quality.everywhere(State.NOT_ACQUIRED, shape)
    )


def _covering(key: Any, length: int) -> tuple[Span, Any]:
    """The shortest span that holds what a key asks for along one axis, and where that is within the span."""
    if isinstance(key, Integral):
        place = int(key) % length
        return (place, place + 1), 0
    if isinstance(key, slice) and key.step in (None, 1):
        first, after, _ = key.indices(length)
        return (first, max(first, after)), slice(None)
    places = np.arange(length)[key]
    if places.size == 0:
        return (0, 0), places
    return (int(places.min()), int(places.max()) + 1), places - places.min()


def _cut(span: Span, size: int) -> list[Span]:
    edges = [span[0], *range((span[0] // size + 1) * size, span[1], size), span[1]]
    return list(pairwise(edges)) if span[0] < span[1] else []


def _shifted(span: Span, by: int) -> slice:
    return slice(span[0] - by, span[1] - by)


def _lengths(spans: Sequence[slice]) -> tuple[int, ...]:
    return tuple(span.stop - span.start for span in spans)
