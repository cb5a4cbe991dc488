"""An indicator's formula over calibrated bands, row by row where that gives the same numbers as it does in xarray."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sco import kernels
from sco.model import Indicator

Values = NDArray[np.float32]
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

    xarray costs more than the arithmetic of a strip. So the formula is given plain arrays once its first strip came
    out the same both ways, to the bit; one that asks for more of xarray, or comes out otherwise, runs in xarray.
    """

    def __init__(self, indicator: Indicator) -> None:
        self.indicator = indicator
        self._is_plain: bool | None = None

    def strips(self, shape: tuple[int, int]) -> list[slice]:
        """The rows of each step over arrays of this shape."""
        height, width = shape
        rows = max(1, STRIP_PIXELS // width) if self._is_plain is not False else height
        return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]

    def __call__(self, bands: list[Values]) -> Values:
        """The values of one strip; (y, x), float32."""
        if self._is_plain is None:
            return self._tried(bands)
        return self._by_numpy(bands) if self._is_plain else self._by_xarray(bands)

    def _tried(self, bands: list[Values]) -> Values:
        expected = self._by_xarray(bands)
        try:
            found = self._by_numpy(bands)
        except (AttributeError, TypeError, ValueError):
            self._is_plain = False
        else:
            self._is_plain = found.shape == expected.shape and found.tobytes() == expected.tobytes()
        return expected

    def _by_numpy(self, bands: list[Values]) -> Values:
        with np.errstate(all="ignore"):
            found: Values = np.asarray(self.indicator.formula(*(band.view(Plain) for band in bands)), np.float32)
        return found

    def _by_xarray(self, bands: list[Values]) -> Values:
        named = zip(bands, self.indicator.bands, strict=True)
        arrays = [xr.DataArray(band, dims=("y", "x"), name=name) for band, name in named]
        found: Values = self.indicator.formula(*arrays).to_numpy().astype(np.float32, copy=False)
        return found
