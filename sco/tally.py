"""The observations of one indicator over one block, and the count of what became of every pixel."""

import numpy as np

from sco import kernels, uncertainty
from sco.composite import Composed, compose
from sco.formula import formula_of
from sco.model import Indicator
from sco.packing import pack
from sco.partition import Pixels
from sco.quality import State
from sco.scratch import Scratch, Values
from sco.sighting import Sighting


class Tally:
    """Takes observation after observation of a block into `scratch`, and gives its pixels at the end."""

    def __init__(
        self, indicator: Indicator, shape: tuple[int, int], scratch: Scratch, with_error: bool = False
    ) -> None:
        self.indicator = indicator
        self.shape = shape
        self.counts = {state: np.zeros(shape, np.uint16) for state in (State.SEEN, State.MASKED, State.FAILED)}
        self._formula = formula_of(indicator)
        self._scratch = scratch
        self.has_error = with_error and uncertainty.method_of(indicator) is not None
        self._taken = 0

    def add(self, sighting: Sighting) -> None:
        """One observation; a pixel that it saw and that the formula gives no number for counts as masked."""
        plane, *bands = self._scratch.observation(self._taken)
        self._formula(sighting, plane)
        kernels.count(sighting.states, plane, *self.counts.values())
        if sighting.any_seen:
            for band, name in zip(bands, self.indicator.bands, strict=False):
                sighting.calibrate(name, band)
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
