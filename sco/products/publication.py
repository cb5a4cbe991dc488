"""A version of a product: refused or built whole, verified, sealed, and swapped in by one rename."""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sco.errors import IntegrityError, LockedError
from sco.model import Indicator
from sco.products import cog, crate, figures, sheet, stac, tables, zarr
from sco.products.contents import Accuracy, Layer, Publication
from sco.products.seal import seal, sync, verify

__all__ = ["Accuracy", "Publication", "publish", "refusals", "verify"]

LATEST = "latest"
STAGING = ".staging-"
Say = Callable[[str], None]


def publish(publication: Publication, say: Say | None = None) -> Path:
    """The folder of this version of the product, and `latest` pointing at it; a version that is there is not rebuilt.

    Raises IntegrityError, and leaves nothing, for data that must not be published and for files that are not what
    they should be; LockedError while another run publishes the same product.
    """
    say = say or _quiet
    root = publication.project.product_root
    _require(refusals(publication), f"{publication.project.id} is not published")
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        _sweep(root)
        folder = root / publication.version
        if folder.is_dir() and not verify(folder):
            say(f"{folder.name} is published already")
        else:
            _replace(folder, publication, say)
        _point(root / LATEST, folder.name)
    return folder


def refusals(publication: Publication) -> list[str]:
    """Why this must not be published: nothing there, too many failed reads, or impossible values; empty if it may."""
    if not publication.records:
        return ["the store holds no period of the project: run an update first"]
    indicators = publication.project.resolved_indicators
    return [reason for indicator in indicators for reason in _refusals_of(publication, indicator)]


def build(publication: Publication, folder: Path, say: Say) -> None:
    """Write every file of the product into the empty `folder`, and check them. Raises IntegrityError."""
    say(f"writing {len(publication.layers)} layers as COGs and pictures")
    _write_layers(publication, folder)
    say("writing the Zarr copy")
    zarr.write(publication, folder / "zarr")
    say("summing up over the zones")
    tables.write_series(publication, folder / "series.csv")
    tables.write_scenes(publication, folder / "scenes.csv")
    say("drawing maps and charts")
    _draw(publication, folder)
    say("writing the page and the catalog")
    sheet.write(publication, folder)
    stac.write(publication, folder)
    crate.write(publication, folder)
    say("checking every file")
    _require(_faults(publication, folder), f"{publication.project.id} is not published, its files are wrong")
    seal(folder)


def _write_layers(publication: Publication, folder: Path) -> None:
    colours = {one.id: figures.colours_of(publication, one) for one in publication.project.resolved_indicators}
    tags = {"SIMULATED": str(publication.project.simulated).lower(), "SNAPSHOT": publication.tag}
    geobox = publication.geobox

    def write(layer: Layer) -> None:
        frame = publication.frame(layer)
        cog.write_values(frame, layer, geobox, folder / layer.cog, tags)
        cog.write_counts(frame, layer, geobox, folder / layer.counts, tags)
        figures.write_overlay(frame["values"].values, colours[layer.indicator.id], folder / layer.overlay)

    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(write, publication.layers))


def _draw(publication: Publication, folder: Path) -> None:
    for indicator in publication.project.resolved_indicators:
        colours, layer = figures.colours_of(publication, indicator), publication.latest(indicator)
        figures.write_map(publication, layer, colours, folder / f"figures/{indicator.id}_map.png")
        figures.write_chart(publication, indicator, folder / f"figures/{indicator.id}_chart.png")


def _faults(publication: Publication, folder: Path) -> list[str]:
    rasters = [path for layer in publication.layers for path in (layer.cog, layer.counts)]
    wrong = [fault for path in rasters for fault in cog.faults(folder / path)]
    return wrong + zarr.faults(publication, folder / "zarr") + stac.faults(folder)


def _refusals_of(publication: Publication, indicator: Indicator) -> Iterator[str]:
    counted = publication.census.sel(indicator=indicator.id)
    budget = publication.project.publish.failed_budget if publication.project.publish else 0.0
    failed = publication.failed_share(indicator.id)
    if failed > budget:
        yield (
            f"{indicator.id}: {failed:.2%} of the reads failed and the budget is {budget:.2%}: "
            "retry the failed partitions, or raise publish.failed_budget"
        )
    if not int(counted["valid"].sum()):
        yield f"{indicator.id}: there is no value in any period: look at its plan for scenes and clouds"
        return
    lowest, highest = float(counted["lowest"].min()), float(counted["highest"].max())
    low, high = indicator.valid_range
    slack = indicator.packing.scale / 2
    if lowest < low - slack or highest > high + slack:
        yield f"{indicator.id}: values run from {lowest:g} to {highest:g}, and {low:g} to {high:g} is possible"


def _replace(folder: Path, publication: Publication, say: Say) -> None:
    staging = folder.with_name(f"{STAGING}{folder.name}-{os.getpid()}")
    try:
        staging.mkdir()
        build(publication, staging, say)
        if folder.exists():
            say(f"{folder.name} was damaged and is replaced")
            folder.rename(folder.with_name(f"{STAGING}damaged-{folder.name}-{os.getpid()}"))
        staging.rename(folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _sweep(folder.parent)


def _point(link: Path, version: str) -> None:
    if link.is_symlink() and os.readlink(link) == version:
        return
    fresh = link.with_name(f"{STAGING}{LATEST}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version)
    fresh.replace(link)
    sync(link.parent)


def _sweep(root: Path) -> None:
    for left in root.glob(f"{STAGING}*"):
        if left.is_symlink() or not left.is_dir():
            left.unlink()
        else:
            shutil.rmtree(left)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    lock = FileLock(root / ".publish.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(f"another run is publishing to {root}: wait for it, then publish again") from error
    try:
        yield
    finally:
        lock.release()


def _require(faults: list[str], what: str) -> None:
    if faults:
        raise IntegrityError("\n".join([f"{what}:", *(f"  {fault}" for fault in faults)]))


def _quiet(_: str) -> None:
    """Say nothing."""
