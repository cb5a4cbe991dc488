"""Memory for the observations of a block, of which no block may take more than its share.

What is small enough is handed from block to block, since asking the system for it each time costs as much as filling
it. What is not goes to a temporary file, from which rows of all observations are read back.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
MOST_BYTES = 256 * 2**20
"""Of one block's observations that are kept in memory."""
STRIP_BYTES = 32 * 2**20
"""Of observations that are read back at once from a file."""
KEPT = 4
"""Pieces that wait to be used again; the largest stay."""
_spare: list[Values] = []
_lock = Lock()


class Scratch:
    """Layers of (observation, y, x), filled observation by observation and given back in strips of rows.

    It holds whatever was in it, and is not to be used after it was given back.
    """

    def __init__(self, memory: Values) -> None:
        self._memory = memory

    @property
    def layers(self) -> int:
        """How many float32 an observation has a pixel."""
        return len(self._memory)

    def observation(self, number: int) -> Values:
        """Where to put an observation, (layer, y, x)."""
        return self._memory[:, number]

    def keep(self, number: int) -> None:
        """The observation was put there."""

    def strips(self, observations: int) -> Iterator[tuple[slice, Values]]:
        """Rows, and the first so many observations there, (layer, observation, y, x)."""
        yield slice(0, self._memory.shape[2]), self._memory[:, :observations]


class Filed(Scratch):
    """The same in a file, but for the observation that is being filled."""

    def __init__(self, shape: tuple[int, int, int, int], file: int) -> None:
        layers, _, height, width = shape
        super().__init__(np.empty((layers, 1, height, width), np.float32))
        self._file = file

    def observation(self, number: int) -> Values:
        """Where to put an observation, (layer, y, x)."""
        return self._memory[:, 0]

    def keep(self, number: int) -> None:
        """The observation was put there. Raises OSError where the disk is full."""
        written, left = 0, self._memory.reshape(-1).view(np.uint8).data
        while written < len(left):
            written += os.pwrite(self._file, left[written:], number * self._memory.nbytes + written)

    def strips(self, observations: int) -> Iterator[tuple[slice, Values]]:
        """Rows, and the first so many observations there, (layer, observation, y, x)."""
        layers, _, height, width = self._memory.shape
        step = max(1, STRIP_BYTES // (4 * layers * max(1, observations) * width))
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            found = np.empty((layers, observations, rows.stop - top, width), np.float32)
            for layer in range(layers):
                for number in range(observations):
                    begin = ((number * layers + layer) * height + top) * width * 4
                    self._read(found[layer, number], begin)
            yield rows, found

    def _read(self, into: Values, begin: int) -> None:
        read, left = 0, into.reshape(-1).view(np.uint8).data
        while read < len(left):
            read += os.preadv(self._file, [left[read:]], begin + read)


@contextmanager
def lent(shape: tuple[int, int, int, int]) -> Iterator[Scratch]:
    """Room for (layer, observation, y, x)."""
    size = int(np.prod(shape))
    if size * 4 > MOST_BYTES:
        with TemporaryFile(prefix="sco-") as file:
            yield Filed(shape, file.fileno())
        return
    memory = _taken(size)
    try:
        yield Scratch(memory[:size].reshape(shape))
    finally:
        with _lock:
            _spare.append(memory)
            _spare.sort(key=len)
            del _spare[:-KEPT]


def _taken(size: int) -> Values:
    with _lock:
        fitting = next((place for place, memory in enumerate(_spare) if len(memory) >= size), None)
        if fitting is not None:
            return _spare.pop(fitting)
    # a whole power of two serves every block of about this length, and takes no memory where it is not written
    return np.empty(1 << (size - 1).bit_length(), np.float32)
