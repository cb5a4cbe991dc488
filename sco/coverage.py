"""How much of which pixels of a block of the grid belongs to which shapes, and sums of frames over them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from exactextract import exact_extract
from exactextract.feature import FeatureSource, JSONFeature
from exactextract.raster import NumPyRasterSource
from numba import njit
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely import box, covers, to_wkb
from shapely.geometry.base import BaseGeometry

Frames = NDArray[np.floating[Any]]
"""(step, pixel of the block), NaN where there is no value."""


@dataclass(frozen=True)
class Coverage:
    """The pixels of one block that lie in each of some shapes, whole or in part, shape after shape."""

    starts: NDArray[np.int64]
    """Where each shape's pixels begin among `cells`, and at its end their number."""
    cells: NDArray[np.int32]
    """Positions in the flattened (y, x) block; each shape has a pixel once."""
    areas_km2: NDArray[np.float64]
    """Area of each of these pixels that lies in the shape."""

    @property
    def nbytes(self) -> int:
        """What it holds in memory."""
        return self.starts.nbytes + self.cells.nbytes + self.areas_km2.nbytes

    @property
    def km2(self) -> NDArray[np.float64]:
        """Area of each shape within the block, (shape,)."""
        return np.array([self.areas_km2[first:after].sum() for first, after in pairwise(self.starts)])

    def add_up(self, frames: Frames) -> NDArray[np.float64]:
        """Of each frame and shape: area with a value in km2, sum of value x area, pixels with a value.

        (step, shape, 3).
        """
        sums = np.zeros((frames.shape[0], len(self.starts) - 1, 3))
        _add_up(frames, self.starts, self.cells, self.areas_km2, sums)
        return sums


def cover(shapes: Sequence[BaseGeometry], block: GeoBox, pixel_km2: NDArray[np.float64]) -> Coverage:
    """Lay shapes, in the block's CRS, over a block whose pixels have these areas, (y,)."""
    parts = list(_parts(shapes, block, pixel_km2))
    lengths = [0, *(len(cells) for cells, _ in parts)]
    return Coverage(
        np.cumsum(lengths, dtype=np.int64),
        np.concatenate([np.empty(0, np.int32), *(cells for cells, _ in parts)]),
        np.concatenate([np.empty(0, np.float64), *(areas for _, areas in parts)]),
    )


def _parts(
    shapes: Sequence[BaseGeometry], block: GeoBox, pixel_km2: NDArray[np.float64]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float64]]]:
    columns = int(block.shape[1])
    whole = covers(np.array(shapes, object), box(*block.boundingbox.bbox))
    extracted = _extract([shape for shape, all_of_it in zip(shapes, whole, strict=True) if not all_of_it], block)
    for all_of_it in whole:
        if all_of_it:
            yield np.arange(len(pixel_km2) * columns, dtype=np.int32), np.repeat(pixel_km2, columns)
        else:
            cells, shares = next(extracted)
            yield cells, shares * pixel_km2[cells // columns]


def _extract(shapes: Sequence[BaseGeometry], block: GeoBox) -> Iterator[tuple[NDArray[np.int32], NDArray[np.float64]]]:
    """For each shape the pixels that it touches and the share of each that it covers."""
    left, bottom, right, top = block.boundingbox.bbox
    grid = NumPyRasterSource(np.zeros(block.shape.yx, "uint8"), left, bottom, right, top)
    found = exact_extract(grid, _Shapes(shapes), ["cell_id", "coverage"])
    for one in found:
        told = one["properties"]
        yield np.asarray(told["cell_id"], np.int32), np.asarray(told["coverage"], np.float64)


class _Shape(JSONFeature):  # type: ignore[misc, unused-ignore]
    """A geometry as exactextract takes it, without the way through text."""

    def __init__(self, wkb: bytes) -> None:
        super().__init__()
        self.wkb = wkb

    def geometry(self) -> bytes:
        """Well-known binary."""
        return self.wkb


class _Shapes(FeatureSource):  # type: ignore[misc, unused-ignore]
    """Geometries in their order."""

    def __init__(self, shapes: Sequence[BaseGeometry]) -> None:
        super().__init__()
        self._shapes = [_Shape(wkb) for wkb in to_wkb(np.array(shapes, object))]

    def count(self) -> int:
        """How many there are."""
        return len(self._shapes)

    def __iter__(self) -> Iterator[_Shape]:
        return iter(self._shapes)

    def srs_wkt(self) -> str | None:
        """Not told: they are in the grid's own CRS."""
        return None


@njit(nogil=True, cache=True, fastmath={"reassoc", "nsz"})  # type: ignore[misc, unused-ignore]
def _add_up(frames: Any, starts: Any, cells: Any, areas: Any, sums: Any) -> None:
    for step in range(frames.shape[0]):
        for shape in range(starts.size - 1):
            area, total, count = 0.0, 0.0, 0
            for place in range(starts[shape], starts[shape + 1]):
                value = frames[step, cells[place]]
                there = abs(value) < np.inf  # neither NaN nor infinite
                part = areas[place] if there else 0.0
                area += part
                total += part * (value if there else 0.0)
                count += there
            sums[step, shape, 0] = area
            sums[step, shape, 1] = total
            sums[step, shape, 2] = count
