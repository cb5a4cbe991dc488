"""The first view of a page stays light and quick, however many periods and zones there are."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from plain import SIDE, Plain, manifest, project_in
from playwright.sync_api import Browser, Page
from visit import Visit

from sco.partition import Partition, Record
from sco.period import Slice
from sco.products import figures, mapview, sheet
from sco.products.contents import Publication
from sco.products.summary import COUNTS
from sco.tile import Tile

MANY = Plain(every="month", first=2004, years=20, reference_years=10, zones_across=12)
"""240 periods of three indicators, and 144 zones of 40 corners."""
FIRST_VIEW_BYTES = 300_000
TIMES_A_BARE_MAP = 10
"""Measured: 3 to 5, on an idle machine and on one with four times as much to do as it has cores."""
BARE_PAGE = """<!doctype html><link rel="stylesheet" href="page/leaflet.css">
<div id="map" style="width: 600px; height: 560px"></div><script src="page/leaflet.js"></script>
<script src="bare.js"></script>
"""
BARE_SCRIPT = """const map = L.map("map", { crs: L.CRS.Simple }).fitBounds([[0, 0], [60, 60]]);
L.imageOverlay("PICTURE", [[0, 0], [60, 60]], { className: "picture" }).addTo(map);
"""


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
    visited.go()
    wait_until_drawn(page)
    assert visited.complaints == []
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in visited.files}
    drawn = {name for name in sizes if name.startswith("figures/")}
    assert len(drawn) == 1
    rest = sum(size for name, size in sizes.items() if name not in drawn)
    assert rest > 200_000
    assert rest + heaviest_picture(tmp_path) < FIRST_VIEW_BYTES, sorted(sizes.items(), key=lambda one: -one[1])
    assert {re.sub(r"\d{4}-\d\d", "", name) for name in sizes if name.count("/") > 1} == {
        "figures/overlays/ndvi_.png",
        "page/layers/ndvi_.js",
        "page/series/ndvi/0.js",
        "page/series/ndvi/trends.js",
    }
    page.close()


def test_the_first_view_takes_a_few_times_a_bare_map_of_the_same_picture(browser: Browser, folder: Path) -> None:
    bare, page = bare_map(folder), browser.new_page()
    pairs = [(seconds_to_draw(page, folder / "index.html"), seconds_to_draw(page, bare)) for _ in range(7)]
    page.close()
    whole, map_alone = (min(times) for times in zip(*pairs, strict=True))
    assert whole < TIMES_A_BARE_MAP * map_alone, pairs


def bare_map(folder: Path) -> Path:
    """A page that shows the picture of the first view on a map of the same library, and nothing else."""
    (picture,) = folder.glob("figures/overlays/ndvi_2*.png")
    (folder / "bare.html").write_text(BARE_PAGE, "utf-8")
    (folder / "bare.js").write_text(BARE_SCRIPT.replace("PICTURE", picture.relative_to(folder).as_posix()), "utf-8")
    return folder / "bare.html"


def seconds_to_draw(page: Page, file: Path) -> float:
    """From asking for the page to its picture on the map and, where it has zones, the last row of their table."""
    page.goto(file.as_uri())
    page.reload()
    wait_until_drawn(page)
    return float(page.evaluate("performance.now()")) / 1000


def wait_until_drawn(page: Page) -> None:
    page.wait_for_function(
        "() => document.querySelector('#map img.picture')?.complete"
        " && (!document.querySelector('#zones') || document.querySelector('#zones tr:nth-child(145)'))"
    )
