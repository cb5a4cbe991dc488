"""One observation as its scenes stored it, and how to calibrate that: nothing is computed before it is used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import kernels
from sco.quality import States
from sco.radiometry import AS_IT_IS, Steps

Numbers = NDArray[Any]
Values = NDArray[np.float32]
COMPILED = np.dtype(np.uint16)
"""The type of numbers that kernels calibrate on their way; each further one would cost seconds to compile."""


@dataclass(frozen=True)
class Layer:
    """What one scene gives to an observation."""

    numbers: Mapping[str, Numbers]
    """(y, x) by band name, as stored."""
    steps: Mapping[str, Steps]
    """By band name, how numbers become values."""
    seen: States
    """SEEN where this scene gives the pixel, as no earlier one saw it."""


@dataclass(frozen=True)
class Sighting:
    """Bands of one observation on a grid; each pixel with its state."""

    layers: tuple[Layer, ...]
    states: States

    @cached_property
    def any_seen(self) -> bool:
        """Whether any pixel is seen."""
        return kernels.any_seen(self.states)

    def strip(self, rows: slice) -> "Sighting":
        """Some rows of it."""
        layers = (
            Layer({name: numbers[rows] for name, numbers in one.numbers.items()}, one.steps, one.seen[rows])
            for one in self.layers
        )
        return Sighting(tuple(layers), self.states[rows])

    def calibrate(self, band: str, into: Values) -> Values:
        """Put the values of a band there, (y, x); NaN wherever the state is not seen."""
        if not self.layers:
            into.fill(np.nan)
        for layer in self.layers:
            by, is_first = layer.steps[band].numbers, layer is self.layers[0]
            kernels.calibrate(layer.numbers[band], layer.seen, by, is_first, into)
        return into

    def calibrated(self, bands: Sequence[str]) -> list[Values]:
        """The values of bands."""
        return [self.calibrate(band, np.empty(self.states.shape, np.float32)) for band in bands]

    def numbers(self, bands: Sequence[str]) -> tuple[list[Numbers], Values]:
        """Numbers of bands, all of one type, and shift, floor and scale by which they become values; (band, 3).

        They are those that one scene stored, if they are of the type that most sensors use, else values already.
        """
        if len(self.layers) == 1:
            (layer,) = self.layers
            stored = [layer.numbers[band] for band in bands]
            if all(one.dtype == COMPILED for one in stored):
                return stored, np.stack([layer.steps[band].numbers for band in bands])
        return self.calibrated(bands), np.stack([AS_IT_IS.numbers] * len(bands))
