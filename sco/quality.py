"""Three-state quality: seen, masked or not acquired, with a failed read told apart from all of them."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco.model import Quality


class State(IntEnum):
    """What became of one pixel in one observation.

    Where scenes of one observation overlap, the lower state holds: a pixel that one scene saw was seen, and a read
    that failed is not excused by a cloud in the neighbouring scene.
    """

    SEEN = 0
    FAILED = 1
    MASKED = 2
    NOT_ACQUIRED = 3


States = NDArray[np.uint8]


def decode(codes: NDArray[np.integer[Any]], quality: Quality, masked: Iterable[str]) -> States:
    """The state of every pixel from a sensor's quality codes; `masked` names the meanings to mask; same shape."""
    states = np.full(codes.shape, State.SEEN, np.uint8)
    for meaning in masked:
        flag = quality.flags.get(meaning)
        if flag is not None:
            states[flag.raised(codes)] = State.MASKED
    states[quality.not_acquired.raised(codes)] = State.NOT_ACQUIRED
    return states


def everywhere(state: State, shape: tuple[int, int]) -> States:
    """A whole grid in one state."""
    return np.full(shape, state, np.uint8)
