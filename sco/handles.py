"""Files that stay open between two readings, so that neighbouring windows do not pay for opening them again."""

import atexit
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np
from affine import Affine
from rasterio.io import DatasetReader

from sco.turns import Turns
from sco.webfile import AHEAD, WebFile

MOST_BYTES = 192 * 2**20
"""Of memory that files take while they wait open; the ones that waited longest are closed first."""
FIXED_BYTES = 2**16
"""Of memory that any open file takes."""
KEPT_S = 300.0
"""A remote file is opened anew after this, since it cannot be seen whether it is still the same."""


@dataclass
class Handle:
    """An open file, and what was found out about it since it was opened."""

    file: DatasetReader
    length: int | None = None
    """Of the file in bytes, if that can be told."""
    web: WebFile | None = None
    """Where its bytes come from, if they are on the web."""
    opened: float = field(default_factory=time.monotonic)
    known: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def pixel_of(self) -> Affine:
        """From a place in the file's CRS to the pixel there."""
        inverse: Affine = ~self.file.transform
        return inverse

    @cached_property
    def size(self) -> int:
        """About how many bytes it takes: the file's own block, packed and unpacked, and what was read of it ahead."""
        rows, columns = self.file.block_shapes[0]
        depth = np.dtype(self.file.dtypes[0]).itemsize
        return int(FIXED_BYTES + 2 * rows * columns * depth + AHEAD * (self.web is not None))

    @property
    def is_old(self) -> bool:
        """Whether the file behind it may have become another one."""
        return time.monotonic() - self.opened > KEPT_S


class Handles:
    """Open files, each lent to one thread at a time; one that fails its borrower is closed for good."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self._idle: OrderedDict[Any, list[Handle]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._opening = Turns()

    @contextmanager
    def lent(self, where: str, opener: Callable[[], Handle]) -> Iterator[Handle]:
        """The file at an address that GDAL understands, opened where none waits."""
        key = (where, _state(where))
        handle = self._taken(key) or self._opened(key, opener)
        try:
            yield handle
        except BaseException:
            handle.file.close()
            raise
        self._give_back(key, handle)

    def close(self) -> None:
        """Close whatever waits."""
        with self._lock:
            waiting = [handle for handles in self._idle.values() for handle in handles]
            self._idle.clear()
            self._bytes = 0
        for handle in waiting:
            handle.file.close()

    def _opened(self, key: Any, opener: Callable[[], Handle]) -> Handle:
        where, state = key
        if state is not None:
            return opener()
        with self._opening.taken(
            where
        ):  # GDAL asks for the head of a file in a bucket once, unless threads do so at once
            return opener()

    def _taken(self, key: Any) -> Handle | None:
        with self._lock:
            waiting = self._idle.get(key, [])
            handle = waiting.pop() if waiting else None
            self._bytes -= handle.size if handle else 0
            if not waiting:
                self._idle.pop(key, None)
        if handle is not None and handle.is_old and key[1] is None:
            handle.file.close()
            return None
        return handle

    def _give_back(self, key: Any, handle: Handle) -> None:
        leaving = []
        with self._lock:
            self._idle.setdefault(key, []).append(handle)
            self._idle.move_to_end(key)
            self._bytes += handle.size
            while self._bytes > self.most_bytes:
                oldest, waiting = next(iter(self._idle.items()))
                leaving.append(waiting.pop(0))
                self._bytes -= leaving[-1].size
                if not waiting:
                    del self._idle[oldest]
        for one in leaving:
            one.file.close()


def _state(where: str) -> tuple[int, int, int] | None:
    """What changes when a local file does; None for one elsewhere."""
    if not where.startswith("/") or where.startswith("/vsi"):
        return None
    found = os.stat(where)
    return found.st_ino, found.st_size, found.st_mtime_ns


HANDLES = Handles()
"""Those of this process."""
atexit.register(HANDLES.close)  # a file of the web calls back into Python when it is closed, so while there is Python
