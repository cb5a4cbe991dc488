"""What a run says while it works: one line a stage, and a count of what is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class Listener(Protocol):
    """Whoever wants to know how a run is going: a terminal, a log, nobody."""

    def stage(self, text: str) -> None:
        """A stage of the run is over or begins; `text` is a whole line."""

    def advance(self, done: int, total: int, text: str) -> None:
        """`done` of `total` pieces of the stage in hand are finished."""


class Nobody:
    """Hears nothing."""

    def stage(self, text: str) -> None:
        """Nothing is said."""

    def advance(self, done: int, total: int, text: str) -> None:
        """Nothing is said."""


NOBODY = Nobody()
_listener: ContextVar[Listener] = ContextVar("listener", default=NOBODY)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Within this block, `listener` hears what runs say."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def say(text: str) -> None:
    """Say that a stage of the run is over or begins."""
    _listener.get().stage(text)


def count(done: int, total: int, text: str) -> None:
    """Say that `done` of `total` pieces are finished."""
    _listener.get().advance(done, total, text)
