"""What a run says while it works: one line a stage, and a count of what is done."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


class Listener(Protocol):
    """Whoever wants to know how a run is going: a terminal, a log, nobody."""

    def stage(self, text: str) -> None:
        """A stage of the run is over or begins; `text` is a whole line."""

    def advance(self, done: int, total: int, text: str) -> None:
        """`done` of `total` pieces of the stage in hand are finished."""


@dataclass
class Pace:
    """How fast a count goes, and how long the rest of it will take at that."""

    began: float
    first: int
    """What was done when it began."""

    def words(self, done: int, total: int, now: float) -> str:
        """As in "12 a minute, about 3 min left"; nothing before anything is done, and no rest when all is."""
        seconds = now - self.began
        if done <= self.first or seconds <= 0:
            return ""
        rate = (done - self.first) / seconds
        left = f", about {spoken((total - done) / rate)} left" if done < total else ""
        return f"{_rate(rate)}{left}"


def spoken(seconds: float) -> str:
    """A duration as people say it: 40 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _rate(per_second: float) -> str:
    for unit, factor in (("a second", 1.0), ("a minute", 60.0), ("an hour", 3600.0)):
        if per_second * factor >= 1 or unit == "an hour":
            told = per_second * factor
            return f"{told:.0f} {unit}" if told >= 100 else f"{told:.2g} {unit}"
    raise AssertionError("unreachable")


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


def heard_by() -> Listener:
    """Whoever listens now."""
    return _listener.get()


def say(text: str) -> None:
    """Say that a stage of the run is over or begins."""
    _listener.get().stage(text)


def count(done: int, total: int, text: str) -> None:
    """Say that `done` of `total` pieces are finished."""
    _listener.get().advance(done, total, text)
