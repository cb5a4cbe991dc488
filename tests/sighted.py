"""Observations for tests that are not about reading."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sco.model import Indicator
from sco.quality import States
from sco.radiometry import AS_IT_IS
from sco.sighting import Layer, Sighting


def sighted(indicator: Indicator, bands: Sequence[NDArray[np.float32]], states: States) -> Sighting:
    """An observation of one scene whose bands are calibrated already."""
    named = dict(zip(indicator.bands, bands, strict=True))
    return Sighting((Layer(named, dict.fromkeys(named, AS_IT_IS), states),), states)
