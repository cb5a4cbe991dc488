"""Examine the installation, as `sco doctor` does."""

import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from flows import PREFECT_SETTINGS
from flows.terminal import give_json, give_table
from sco import library
from sco.errors import OverdueError, ScoError
from sco.project import CONFIGS, Project

PACKAGES = (
    "xarray",
    "dask",
    "zarr",
    "icechunk",
    "rasterio",
    "odc-geo",
    "pystac-client",
    "prefect",
    "fastapi",
    "rustac",
)


@dataclass(frozen=True)
class Finding:
    """One thing that was checked."""

    subject: str
    well: bool
    detail: str


def doctor(as_json: bool) -> None:
    """Tell every finding. Raises ScoError if anything is not well."""
    findings = list(examine())
    if as_json:
        give_json("doctor", {"findings": [asdict(one) for one in findings]})
    else:
        give_table(
            ("check", "", "detail"), ((one.subject, "ok" if one.well else "BAD", one.detail) for one in findings)
        )
    bad = [one.subject for one in findings if not one.well]
    if bad:
        raise ScoError(f"not well: {', '.join(bad)}; the details are above")


def fresh(names: Sequence[str], as_json: bool) -> None:
    """Tell how fresh these projects are, or all in configs/. Raises OverdueError naming each that is too old."""
    from sco.freshness import freshness

    files = names or sorted(str(file) for file in CONFIGS.glob("*.toml"))
    found = [freshness(Project.load(name)) for name in files]
    if as_json:
        give_json("freshness", {"projects": [asdict(one) for one in found]})
    else:
        rows = ((one.project, _when(one.last_update), one.newest or "", "; ".join(one.overdue)) for one in found)
        give_table(("project", "last update", "newest value", "overdue"), rows)
    overdue = [f"{one.project}: {reason}" for one in found for reason in one.overdue]
    if overdue:
        raise OverdueError("\n  ".join([f"{len(overdue)} deadlines are missed:", *overdue]))


def examine() -> Iterator[Finding]:
    """Python, packages, GDAL, server, settings, declarations and projects, one after another."""
    yield Finding("python", sys.version_info >= (3, 11), platform.python_version())
    yield from (_package(name) for name in PACKAGES)
    yield _gdal()
    yield _stac_server()
    yield _telemetry()
    yield _server()
    for shelf in (library.sensors, library.indicators, library.catalogs):
        yield from (_declared(f"{shelf.folder}/{name}", partial(shelf.__getitem__, name)) for name in shelf)
    for file in sorted(CONFIGS.glob("*.toml")):
        yield _declared(f"configs/{file.name}", partial(Project.load, file))


def _package(name: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, "is not installed: run `make install`")


def _gdal() -> Finding:
    import rasterio
    from rasterio.drivers import raster_driver_extensions

    return Finding("GDAL", "tif" in raster_driver_extensions(), rasterio.__gdal_version__)


def _stac_server() -> Finding:
    found = shutil.which("rustac", path=str(Path(sys.executable).parent))
    return Finding("rustac serve", found is not None, found or "no rustac beside the interpreter: run `make install`")


def _telemetry() -> Finding:
    import os

    switches = ("DO_NOT_TRACK", "PREFECT_SERVER_ANALYTICS_ENABLED")
    loud = [name for name in switches if os.environ.get(name, "").lower() != PREFECT_SETTINGS[name]]
    return Finding("telemetry", not loud, f"{', '.join(loud)} let it on" if loud else "off by both switches")


def _server() -> Finding:
    from flows.server import binding

    own = binding()
    try:
        own.require_safe()
    except ScoError as error:
        return Finding("Prefect server", False, str(error))
    return Finding("Prefect server", True, f"{own.host}:{own.port}, {'password' if own.authenticated else 'loopback'}")


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"


def _declared(subject: str, load: Callable[[], object]) -> Finding:
    try:
        load()
    except ScoError as error:
        return Finding(subject, False, str(error))
    return Finding(subject, True, "")
