"""The first view of a page stays light and quick, however many periods and zones there are."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from plain import SIDE, Plain, manifest, project_in
from playwright.sync_api import Browser
from visit import Visit

from sco.grid import Tile
from sco.partition import Partition, Record
from sco.period import Slice
from sco.products import figures, mapview, sheet
from sco.products.contents import Publication
from sco.products.summary import COUNTS

MANY = Plain(every="month", first=2004, years=20, reference_years=10, zones_across=12)
"""240 periods of three indicators, and 144 zones of 40 corners."""
FIRST_VIEW_BYTES, FIRST_VIEW_SECONDS = 300_000, 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page without the rest of its product, and of its layers only what the first view shows."""
    folder = tmp_path_factory.mktemp("many")
    publication = publication_of(folder / "project")
    opening = mapview.pieces(publication), sheet.pieces(publication)
    for piece in (one for kind in opening for one in kind if one.name.endswith(publication.periods[-1].label)):
        piece.write(folder)
    sheet.write(publication, folder)
    return folder


def publication_of(folder: Path) -> Publication:
    project = project_in(folder, MANY)
    periods = project.period.slices()
    partitions = [Partition(period, Tile(0, 0), name) for name in project.indicators for period in periods]
    records = {one: Record("0" * 64, "run-1") for one in partitions}
    manifests = {one: manifest(one.period) for one in partitions}
    return Publication(project, layers_of(project.indicators, periods), "SNAP", records, manifests)


def layers_of(indicators: tuple[str, ...], periods: tuple[Slice, ...]) -> xr.Dataset:
    random, shape = np.random.default_rng(3), (len(periods), SIDE, SIDE)
    variables: dict[str, Any] = {}
    for name in indicators:
        values = random.normal(0.4, 0.05, shape).astype("float32")
        errors = np.full(shape, 0.02, "float32")
        counts = {f"{name}_{count}": np.full(shape, 3, "uint16") for count in COUNTS}
        variables |= {name: values, f"{name}_error": errors, **counts}
    starts = [np.datetime64(period.start, "ns") for period in periods]
    dims = ("time", "y", "x")
    return xr.Dataset({name: (dims, values) for name, values in variables.items()}, {"time": starts})


def heaviest_picture(folder: Path) -> int:
    """Bytes of a picture of as many pixels as there may be, all of them noise."""
    noise = np.random.default_rng(5).random((figures.OVERLAY_SIDE, figures.OVERLAY_SIDE))
    figures.paint(noise, figures.Colours("RdYlGn", 0.0, 1.0), folder / "noise.png")
    return (folder / "noise.png").stat().st_size


def test_the_first_view_is_light_whatever_the_picture(browser: Browser, folder: Path, tmp_path: Path) -> None:
    page = browser.new_page()
    visited = Visit(page, folder)
    seconds = []
    for _ in range(5):
        visited.go()
        page.reload()
        page.wait_for_selector("#zones tr:nth-child(145)")
        page.wait_for_function("() => document.querySelector('#map img.picture').complete")
        seconds.append(page.evaluate("performance.now()") / 1000)
    assert visited.complaints == []
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in visited.files}
    drawn = {name for name in sizes if name.startswith("figures/")}
    assert len(drawn) == 1
    rest = sum(size for name, size in sizes.items() if name not in drawn)
    assert rest > 200_000
    assert rest + heaviest_picture(tmp_path) < FIRST_VIEW_BYTES, sorted(sizes.items(), key=lambda one: -one[1])
    assert min(seconds) < FIRST_VIEW_SECONDS, seconds
    assert {re.sub(r"\d{4}-\d\d", "", name) for name in sizes if name.count("/") > 1} == {
        "figures/overlays/ndvi_.png",
        "page/layers/ndvi_.js",
        "page/series/ndvi/0.js",
        "page/series/ndvi/trends.js",
    }
    page.close()
