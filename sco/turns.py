"""Of many threads that want the same thing, one goes first, and the others find it done."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakValueDictionary


class Turns:
    """One thread at a time for each key; keys that nobody waits for take no memory."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[Hashable, Lock] = WeakValueDictionary()
        self._lock = Lock()

    @contextmanager
    def taken(self, key: Hashable) -> Iterator[None]:
        """While the block lasts, no other thread is in one for the same key."""
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            yield
