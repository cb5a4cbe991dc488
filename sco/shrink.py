"""A file finer than the grid, averaged down by a whole factor: means, from the file's overviews where those hold them.

A file does not tell how its overviews were made, and the mean of a subsample is not the mean. So an overview is used
only where it divides the factor and the file's sides, and where a look at the pixels shows that it holds their means.
Means are rounded to the file's own type. Where nodata lies under a part of an overview's pixel, that pixel counts like
a whole one. Classes are taken from the file's own pixels, the one at the centre. A project whose map need not be exact
may say that any overview will do.
"""

from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.windows import Window

from sco import kernels
from sco.handles import Handle

Numbers = NDArray[Any]
STRIP_PIXELS = 2**22
"""Of the file that are in memory at once."""
SAMPLE = 128
"""Pixels a side of each look at an overview."""
FEWEST = 100
"""Pixels of an overview, without nodata under them, that a look needs."""


@dataclass(frozen=True)
class Source:
    """The part of a file that a grid wants: `factor` x `factor` of its pixels become one."""

    top: int
    left: int
    height: int
    width: int
    factor: int


def averaged(handle: Handle, source: Source, nodata: float) -> Numbers:
    """The means of the pixels that hold no nodata, `nodata` where there is none."""
    level = _level(handle, source.factor, nodata)
    result: Numbers = np.empty((source.height // source.factor, source.width // source.factor), handle.file.dtypes[0])
    for rows, window in _strips(source, level):
        fine = _read(handle, window, level)
        _means(fine, source.factor // level, nodata, result[rows])
    return result


def central(handle: Handle, source: Source) -> Numbers:
    """The pixel at the centre of each group, or the one right below it."""
    result: Numbers = np.empty((source.height // source.factor, source.width // source.factor), handle.file.dtypes[0])
    centre = slice(source.factor // 2, None, source.factor)
    for rows, window in _strips(source, 1):
        result[rows] = _read(handle, window, 1)[centre, centre]
    return result


def glimpsed(handle: Handle, source: Source, resampling: str) -> Numbers:
    """What GDAL makes of the coarsest overview that is fine enough: as near to the means as that one happens to be.

    The file itself must tell its nodata, as the means would count it otherwise.
    """
    shape = (source.height // source.factor, source.width // source.factor)
    window = Window(source.left, source.top, source.width, source.height)
    way = Resampling.nearest if resampling == "nearest" else Resampling.average
    numbers: Numbers = handle.file.read(1, window=window, out_shape=shape, resampling=way)
    return numbers


def _strips(source: Source, level: int) -> list[tuple[slice, Window]]:
    """Rows of the result, and the window of the file that they are made from."""
    count = source.height // source.factor
    step = max(1, STRIP_PIXELS * level**2 // (source.width * source.factor))
    return [
        (
            slice(first, min(first + step, count)),
            Window(
                source.left,
                source.top + first * source.factor,
                source.width,
                (min(first + step, count) - first) * source.factor,
            ),
        )
        for first in range(0, count, step)
    ]


def _read(handle: Handle, window: Window, level: int) -> Numbers:
    """A window of the file, or of the overview of this level: asked for in just its size, it is copied as it is."""
    shape = (int(window.height) // level, int(window.width) // level)
    numbers: Numbers = handle.file.read(1, window=window, out_shape=shape, resampling=Resampling.nearest)
    return numbers


def _means(fine: Numbers, factor: int, nodata: float, result: Numbers) -> None:
    if factor == 1:
        result[:] = fine
        return
    gone = fine.dtype.type(nodata) if _fits(nodata, fine.dtype) else np.nan
    kernels.shrink(fine, factor, gone, nodata, fine.dtype.kind != "f", result)


def _fits(nodata: float, kind: np.dtype[Any]) -> bool:
    if kind.kind == "f":
        return True
    limits = np.iinfo(kind)
    return bool(np.isfinite(nodata)) and nodata == int(nodata) and limits.min <= nodata <= limits.max


def _level(handle: Handle, factor: int, nodata: float) -> int:
    """The coarsest overview that gives exact means for this factor, 1 for the file itself."""
    file = handle.file
    exact = [
        level
        for level in file.overviews(1)
        if factor % level == 0 and file.height % level == 0 and file.width % level == 0
    ]
    return next((level for level in sorted(exact, reverse=True) if _holds_means(handle, level, nodata)), 1)


def _holds_means(handle: Handle, level: int, nodata: float) -> bool:
    """Whether this overview is the means of the file's pixels, by looking at some of both."""
    if ("means", level) not in handle.known:
        handle.known["means", level] = _looks_like_means(handle, level, nodata)
    return bool(handle.known["means", level])


def _looks_like_means(handle: Handle, level: int, nodata: float) -> bool:
    found = 0
    for window in _samples(handle, level):
        fine, coarse = _read(handle, window, 1), _read(handle, window, level)
        groups = fine.reshape(coarse.shape[0], level, coarse.shape[1], level)
        whole = ~(np.isnan(groups) if np.isnan(nodata) else groups == nodata).any(axis=(1, 3))
        off = np.abs(groups.mean(axis=(1, 3)) - coarse)[whole]
        found += off.size
        if off.size and off.max() > _rounding(coarse, level):
            return False
        if found >= FEWEST:
            return True
    return False


def _rounding(coarse: Numbers, level: int) -> float:
    """How far a mean may be off that was rounded at every level below."""
    if coarse.dtype.kind == "f":
        return float(np.abs(coarse[np.isfinite(coarse)]).max(initial=0)) * 1e-5
    return 0.5 * log2(level) + 0.51


def _samples(handle: Handle, level: int) -> list[Window]:
    """Windows to look at: in the middle of the file, then in its quarters."""
    height, width = handle.file.shape
    tall, wide = (min(SAMPLE, side) // level * level for side in (height, width))
    return [
        Window(int((width - wide) * x) // level * level, int((height - tall) * y) // level * level, wide, tall)
        for y, x in ((0.5, 0.5), (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))
    ]
