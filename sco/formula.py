"""An indicator's formula over calibrated bands, in the quickest way that gives the same numbers as xarray does."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sco import arithmetic, kernels
from sco.model import Indicator

Values = NDArray[np.float32]
Way = Callable[[list[Values], Values], None]
"""Puts what a formula makes of bands into an array of their shape."""
STRIP_PIXELS = 2**17
"""Of one step of a formula, so that what is between its operations stays in the processor's own memory."""


class Plain(np.ndarray[Any, Any]):
    """An array with those of xarray's methods that formulas use; what is missing raises AttributeError."""

    def where(self, condition: Any, other: Any = np.nan) -> Any:
        """The values where the condition holds, `other` elsewhere."""
        whole = isinstance(condition, Plain) and condition.shape == self.shape and np.isscalar(other)
        if not whole or self.dtype.kind != "f":
            raise TypeError("xarray's where can do more: only a condition on every pixel, and one number elsewhere")
        result = np.empty_like(self)
        kernels.keep(np.asarray(self), np.asarray(condition), self.dtype.type(other), np.asarray(result))
        return result

    def notnull(self) -> Any:
        """Where there is a number."""
        return self == self

    def isnull(self) -> Any:
        """Where there is none."""
        return self != self


class Formula:
    """One indicator's formula, run over strips of rows.

    xarray costs more than the arithmetic of a strip. So the first strip is tried in the quicker ways as well: as steps
    of one compiled loop, and with plain arrays. The first of them that comes out the same, to the bit, is taken for all
    others; where none does, xarray is.
    """

    def __init__(self, indicator: Indicator) -> None:
        self.indicator = indicator
        self._way: Way | None = None

    def strips(self, shape: tuple[int, int]) -> list[slice]:
        """The rows of each step over arrays of this shape."""
        height, width = shape
        rows = height if self._way == self._by_xarray else max(1, STRIP_PIXELS // width)
        return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]

    def __call__(self, bands: list[Values], into: Values) -> None:
        """Put the values of one strip there; all (y, x), float32."""
        if self._way is None:
            self._by_xarray(bands, into)
            ways = (way for way in self._quicker_ways() if _gives(way, bands, into))
            self._way = next(ways, self._by_xarray)
        else:
            self._way(bands, into)

    def _quicker_ways(self) -> Iterator[Way]:
        steps = arithmetic.steps_of(self.indicator.formula, len(self.indicator.bands))
        if steps is not None:
            yield steps
        yield self._by_numpy

    def _by_numpy(self, bands: list[Values], into: Values) -> None:
        with np.errstate(all="ignore"):
            into[...] = self.indicator.formula(*(band.view(Plain) for band in bands))

    def _by_xarray(self, bands: list[Values], into: Values) -> None:
        named = zip(bands, self.indicator.bands, strict=True)
        arrays = [xr.DataArray(band, dims=("y", "x"), name=name) for band, name in named]
        into[...] = self.indicator.formula(*arrays).to_numpy()


def _gives(way: Way, bands: list[Values], expected: Values) -> bool:
    """Whether this way gives what is expected, to the bit."""
    found = np.full_like(expected, np.inf)
    try:
        way(bands, found)
    except arithmetic.OTHERWISE:
        return False
    return found.tobytes() == expected.tobytes()
