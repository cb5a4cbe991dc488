"""A digest of all that reads items as scenes, so that what one reader made is never taken for what another would.

A file stands for the code that runs only if it is older than the process: there is no digest where one was changed
since, as by an update under a server that goes on running.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import rustac
import shapely

from sco import BEGAN, known_bad
from sco.choices import Source
from sco.model import Catalog

MODULES = (
    "binder",
    "findings",
    "item",
    "known_bad",
    "memory",
    "model",
    "reply",
    "roster",
    "search",
    "sheaf",
    "shelf",
    "sieve",
    "transcript",
)
"""Of ours, those that a scene or the reason against it depends on."""
CLOCK_NS = 50_000_000
"""By how much the clock of a file system may be behind."""


def reader_of(source: Source) -> str | None:
    """SHA-256 of the code and the declarations that judge the items of a source; None where some of it has no file."""
    try:
        told = [*_ours(), *_libraries(), *_declared(source)]
    except (OSError, AttributeError, KeyError, TypeError, _Newer):  # or a function that a notebook made by hand
        return None
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _ours() -> Iterator[str]:
    for name in MODULES:
        yield _file(import_module(f"sco.{name}"))
    yield _of_file(known_bad.FILE)


def _libraries() -> list[str]:
    return [shapely.__version__, shapely.geos_version_string, str(getattr(rustac, "__version__", ""))]


def _declared(source: Source) -> Iterator[Any]:
    sensor = source.resolved_sensor
    yield [sensor.id, sensor.version, _code(sensor.identify), source.max_cloud, source.orbit]
    for catalog in source.resolved_catalogs:
        yield _words(catalog, source.sensor)


def _words(catalog: Catalog, sensor: str) -> list[Any]:
    """How a catalog spells the scenes of a sensor."""
    spelled = [repr(collection) for collection in catalog.collections[sensor]]
    return [catalog.id, catalog.url, *spelled, catalog.normalise and _code(catalog.normalise)]


def _code(function: Callable[..., Any]) -> list[str]:
    return [function.__module__, function.__qualname__, _file(sys.modules[function.__module__])]


def _file(module: ModuleType) -> str:
    return _of_file(Path(str(module.__file__)))


def _of_file(file: Path) -> str:
    if file.stat().st_ctime_ns > BEGAN - CLOCK_NS:
        raise _Newer
    return _digest(file)


@cache
def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


class _Newer(Exception):  # noqa: N818 - nobody hears of it
    """A file may be another than the one that was loaded."""
