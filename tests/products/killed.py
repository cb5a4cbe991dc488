"""A publication in a process of its own that is killed at a place of the test's choosing."""

import os
import signal
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from delta import publication_in

from benchmarks.warm import WARM
from sco import crash
from sco.products.contents import Publication

BEFORE, AFTER, POINT = "before", "after", "point"


def one_indicator(folder: Path, months: int) -> Publication:
    """So many months of the delta in `folder`, of one indicator: a second one has no other place to be killed at."""
    return publication_in(folder, months=months, names=("ndvi",))


def publish_until(folder: Path, months: int, place: str) -> int:
    """Publish this many months in `folder` until `place`; the exit code of the process.

    `before MODULE FUNCTION` and `after MODULE FUNCTION` are the first call of a function, `point NAME` a crash point.
    """
    child = WARM.Process(target=_publish, args=(str(folder), months, place))
    child.start()
    child.join(120)
    assert child.exitcode is not None
    return child.exitcode


def _publish(folder: str, months: int, place: str) -> None:
    from sco.products.publication import publish

    when, *where = place.split(maxsplit=1)
    if when == POINT:
        os.environ[crash.SWITCH] = where[0]
    else:
        _arm(when, *where[0].split())
    publish(one_indicator(Path(folder), months))


def _arm(when: str, module: str, name: str) -> None:
    holder = import_module(module)
    setattr(holder, name, _deadly(getattr(holder, name), when))


def _deadly(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> None:
        if when == AFTER:
            function(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    return call
