"""The observations of one indicator over one block, and the count of what became of every pixel."""

import numpy as np
from numpy.typing import NDArray

from sco import kernels, uncertainty
from sco.composite import Composed, compose
from sco.formula import Formula
from sco.model import Indicator
from sco.observation import Mosaic
from sco.packing import pack
from sco.partition import Pixels
from sco.quality import State
from sco.scratch import Scratch, Values


class Tally:
    """Takes observation after observation of a block into `scratch`, and gives its pixels at the end."""

    def __init__(
        self, indicator: Indicator, shape: tuple[int, int], scratch: Scratch, with_error: bool = False
    ) -> None:
        self.indicator = indicator
        self.shape = shape
        self.counts = {state: np.zeros(shape, np.uint16) for state in (State.SEEN, State.MASKED, State.FAILED)}
        self._formula = Formula(indicator)
        self._scratch = scratch
        self.has_error = with_error and uncertainty.method_of(indicator) is not None
        self._taken = 0

    def add(self, mosaic: Mosaic) -> None:
        """One observation; a pixel that it saw and that the formula gives no number for counts as masked."""
        plane, *bands = self._scratch.observation(self._taken)
        for rows in self._formula.strips(self.shape):
            states, values = mosaic.states[rows], plane[rows]
            if kernels.any_seen(states):
                self._formula([mosaic.bands[name][rows] for name in self.indicator.bands], values)
            kernels.count(states, values, *self._counts(rows))
        if kernels.any_seen(mosaic.states):
            for band, name in zip(bands, self.indicator.bands, strict=False):
                band[:] = mosaic.bands[name]
            self._scratch.keep(self._taken)
            self._taken += 1

    @property
    def is_full(self) -> bool:
        """Whether no further observation can change the values: all pixels of a `first` composite were seen."""
        return self.indicator.composite == "first" and bool(self.counts[State.SEEN].all())

    @property
    def acquired(self) -> bool:
        """Whether anything was seen, masked or failed to be read."""
        return any(count.any() for count in self.counts.values())

    def pixels(self) -> Pixels:
        """The packed composite of all observations, with the counts and, where it was asked for, its error."""
        values, error = self._composite()
        return Pixels(
            values=pack(values, self.indicator.packing),
            n_seen=self.counts[State.SEEN],
            n_masked=self.counts[State.MASKED],
            n_failed=self.counts[State.FAILED],
            error=None if error is None else pack(error, uncertainty.packing_of(self.indicator)),
        )

    def _composite(self) -> tuple[Values, Values | None]:
        values = np.empty(self.shape, np.float32)
        error = np.empty(self.shape, np.float32) if self.has_error else None
        for rows, (stack, *bands) in self._scratch.strips(self._taken):
            composed = self._composed(stack, bands)
            values[rows] = composed.values
            if error is not None:
                error[rows] = composed.uncertainty
        return values, error

    def _composed(self, stack: Values, bands: list[Values]) -> Composed:
        how, quantile = str(self.indicator.composite), self.indicator.quantile
        return compose(stack, how, quantile, bands, with_error=self.has_error)

    def _counts(self, rows: slice) -> list[NDArray[np.uint16]]:
        return [count[rows] for count in self.counts.values()]
