"""An indicator's formula over observations, in the quickest way that gives the same numbers as xarray does."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from sco import arithmetic, kernels
from sco.model import Indicator
from sco.sighting import Sighting, Values

Way = Callable[[Sighting, Values], None]
"""Puts what a formula makes of an observation into an array of its shape; NaN where nothing was seen or comes out."""
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


@lru_cache(maxsize=64)
def formula_of(indicator: Indicator) -> "Formula":
    """The indicator's formula, for which the quickest way is looked for once."""
    return Formula(indicator)


class Formula:
    """One indicator's formula.

    xarray costs more than the arithmetic. So the first strip is tried in the quicker ways as well: as steps of one
    compiled loop, and with plain arrays, a strip at a time. The first of them that comes out the same, to the bit, is
    taken for all others; where none does, xarray is.
    """

    def __init__(self, indicator: Indicator) -> None:
        self.indicator = indicator
        self._way: Way | None = None

    def __call__(self, sighting: Sighting, into: Values) -> None:
        """Put the values of an observation there, (y, x); NaN where it was not seen or no finite number comes out."""
        if not sighting.any_seen:
            into.fill(np.nan)
            return
        if self._way is None:
            self._way = self._quickest(*_first_seen(sighting, into))
        self._way(sighting, into)

    def _quickest(self, sighting: Sighting, into: Values) -> Way:
        self._by_xarray(sighting, into)
        return next((way for way in self._quicker_ways() if _gives(way, sighting, into)), self._by_xarray)

    def _quicker_ways(self) -> Iterator[Way]:
        steps = arithmetic.steps_of(self.indicator.formula, len(self.indicator.bands))
        if steps is not None:
            yield lambda sighting, into: steps(*sighting.numbers(self.indicator.bands), sighting.states, into)
        yield self._by_numpy

    def _by_numpy(self, sighting: Sighting, into: Values) -> None:
        for rows in strips(into.shape):
            part, values = sighting.strip(rows), into[rows]
            with np.errstate(all="ignore"):
                bands = (band.view(Plain) for band in part.calibrated(self.indicator.bands))
                values[...] = self.indicator.formula(*bands)
            kernels.keep_seen(part.states, values)

    def _by_xarray(self, sighting: Sighting, into: Values) -> None:
        named = zip(sighting.calibrated(self.indicator.bands), self.indicator.bands, strict=True)
        arrays = [xr.DataArray(band, dims=("y", "x"), name=name) for band, name in named]
        into[...] = self.indicator.formula(*arrays).to_numpy()
        kernels.keep_seen(sighting.states, into)


def strips(shape: tuple[int, ...]) -> list[slice]:
    """The rows of each step over arrays of this shape, (y, x)."""
    height, width = shape
    rows = max(1, STRIP_PIXELS // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def _first_seen(sighting: Sighting, into: Values) -> tuple[Sighting, Values]:
    """The first strip in which anything was seen."""
    seen = (rows for rows in strips(into.shape) if kernels.any_seen(sighting.states[rows]))
    rows = next(seen)
    return sighting.strip(rows), into[rows]


def _gives(way: Way, sighting: Sighting, expected: Values) -> bool:
    """Whether this way gives what is expected, to the bit."""
    found = np.full_like(expected, np.inf)
    try:
        way(sighting, found)
    except arithmetic.OTHERWISE:
        return False
    return found.tobytes() == expected.tobytes()
