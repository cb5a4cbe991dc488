"""What has no value looks like no value: hatched where there was no clear observation, dotted where it was seen."""

import itertools
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from PIL import Image
from plain import SIDE, Plain, manifest, project_in
from playwright.sync_api import Browser, Page
from printed import words_of
from visit import Visit

from sco.grid import Tile
from sco.partition import Partition, Record
from sco.products import figures, mapview, report, sheet, words
from sco.products.contents import Publication
from sco.products.summary import COUNTS

MONTHS = Plain(every="month", first=2014, years=7, reference_years=5)
"""Its last year has two months: its number stands at the edge of the chart."""
UNSEEN, BLANK = np.s_[20:40, 20:40], np.s_[:15, :15]
LAST, WITHOUT_BLANK = "2021-02", "2021-01"
DRAWN_ON = ".leaflet-overlay-pane svg, .leaflet-marker-pane"
SMALL = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    project = project_in(tmp_path_factory.mktemp("plain"), MONTHS)
    periods, shape = project.period.slices(), (len(project.period.slices()), SIDE, SIDE)
    planes: dict[str, Any] = {}
    for name in project.indicators:
        values, seen = np.random.default_rng(3).normal(0.5, 0.02, shape), np.full(shape, 3, "uint16")
        values[-1][UNSEEN], seen[-1][UNSEEN] = np.nan, 0
        values[-1][BLANK] = np.nan
        planes |= {name: values, f"{name}_n_seen": seen}
        planes |= {f"{name}_{count}": np.ones(shape, "uint16") for count in COUNTS[1:]}
    time = {"time": [np.datetime64(period.start, "ns") for period in periods]}
    data = xr.Dataset({name: (("time", "y", "x"), plane) for name, plane in planes.items()}, time)
    partitions = [Partition(period, Tile(0, 0), name) for name in project.indicators for period in periods]
    records = {one: Record("0" * 64, "run-1") for one in partitions}
    return Publication(project, data, "SNAP", records, {one: manifest(one.period) for one in partitions})


@pytest.fixture(scope="module")
def folder(publication: Publication, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page and the reports of its last two months."""
    folder = tmp_path_factory.mktemp("page")
    for kind in (mapview.pieces, report.pieces, sheet.pieces):
        for piece in kind(publication):
            if piece.name.endswith((LAST, WITHOUT_BLANK)):
                piece.write(folder)
    sheet.write(publication, folder)
    return folder


@pytest.fixture
def visit(browser: Browser, folder: Path) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 1600}, locale="fr-FR")
    visited = Visit(context.new_page(), folder)
    yield visited
    context.close()
    assert visited.complaints == []


def opened(visit: Visit, period: str = LAST) -> Page:
    page = visit.go(f"lang=fr&period={period}")
    page.wait_for_function("() => document.querySelector('#map img.picture')?.complete")
    return page


def seen_at(page: Page, rows: slice, columns: slice) -> np.ndarray:
    """Red, green, blue of what a person sees of the map over these pixels, without what is drawn on it."""
    page.eval_on_selector_all(DRAWN_ON, "(all) => all.forEach((one) => { one.style.display = 'none'; })")
    corners = [(rows.start + 2, columns.start + 2), (rows.stop - 2, columns.stop - 2)]
    (left, top), (right, bottom) = (
        page.evaluate(
            "([y, x]) => { const p = Page.map.leaflet.latLngToContainerPoint([-y, x]);"
            " const box = document.getElementById('map').getBoundingClientRect(); return [box.x + p.x, box.y + p.y]; }",
            corner,
        )
        for corner in corners
    )
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    with Image.open(BytesIO(page.screenshot(clip=clip))) as picture:
        return np.asarray(picture.convert("RGB"), "int16").reshape(-1, 3)


def share_near(pixels: np.ndarray, colour: str) -> float:
    distance = np.abs(pixels - np.array(list(bytes.fromhex(colour[1:])))).max(axis=1)
    return float((distance < 24).mean())


def test_the_summary_counts_what_was_seen_and_has_no_value(publication: Publication) -> None:
    blank = {layer.period.label: publication.summaries[layer.name].census["blank"] for layer in publication.layers}
    assert (blank[LAST], blank[WITHOUT_BLANK]) == (15 * 15, 0)


def test_the_picture_is_clear_where_not_seen_and_dotted_where_blank(folder: Path) -> None:
    with Image.open(folder / f"figures/overlays/ndvi_{LAST}.png") as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    assert (pixels[UNSEEN][..., 3] == 0).all()
    dotted = (pixels[BLANK] == [*bytes.fromhex(figures.DOT[1:]), 255]).all(axis=-1)
    assert np.array_equal(dotted, figures.dots((15, 15)))
    assert (pixels[BLANK][~dotted] == 255).all()


def test_what_was_not_seen_is_hatched_at_any_opacity(visit: Visit) -> None:
    page = opened(visit)
    for share in (100, 40, 0):
        page.locator("#opacity").evaluate(f"(one) => {{ one.value = {share}; one.dispatchEvent(new Event('input')); }}")
        hatched, plain = seen_at(page, *UNSEEN), seen_at(page, slice(42, 58), slice(42, 58))
        assert 0.4 < share_near(hatched, "#ffffff") < 0.95
        assert share_near(hatched, figures.HATCH) > 0.03
        assert share_near(plain, figures.HATCH) == 0, "no hatch shows through what was seen"


def test_no_colour_of_a_value_is_hatched(visit: Visit) -> None:
    page = opened(visit, WITHOUT_BLANK)
    assert share_near(seen_at(page, *UNSEEN), figures.HATCH) == 0


def test_the_legend_names_the_textures_that_there_are(visit: Visit) -> None:
    page = opened(visit)
    assert page.locator(".legend .unseen:visible").all_inner_texts() == ["sans observation claire", "vu, sans valeur"]
    assert "repeating-linear-gradient" in page.locator(".unseen i").first.evaluate(
        "(one) => getComputedStyle(one).backgroundImage"
    )
    page.locator("#slider").press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('#blank').hidden")
    assert page.locator(".legend .unseen:visible").all_inner_texts() == ["sans observation claire"]


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_reports_say_what_their_textures_stand_for(folder: Path, language: words.Language) -> None:
    unseen, blank = (words.say(name, language) for name in ("paper_unseen", "paper_blank"))
    with_both, without = ((folder / f"reports/{period}").as_posix() for period in (LAST, WITHOUT_BLANK))
    assert {unseen, blank} <= {line for page in words_of(Path(f"{with_both}.{language}.pdf")) for line in page}
    assert blank not in {line for page in words_of(Path(f"{without}.{language}.pdf")) for line in page}
    told = [Path(f"{one}.html").read_text("utf-8") for one in (with_both, without)]
    assert [one.count(f">{blank}<") for one in told] == [3, 0]
    assert all(one.count("<pattern id=") == 3 and one.count(f">{unseen}<") == 3 for one in told)


def test_the_drawn_map_has_both_textures(publication: Publication, tmp_path: Path) -> None:
    layer = next(one for one in publication.layers if one.name == f"ndvi_{LAST}")
    figures.write_map(publication, layer, figures.colours_of(publication, layer.indicator), tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        pixels = np.asarray(picture.convert("RGB"), "int16").reshape(-1, 3)
    assert share_near(pixels, figures.HATCH) > 0.004
    assert share_near(pixels, figures.DOT) > 0.0005


def test_names_stand_in_their_zones_where_they_fit(visit: Visit) -> None:
    page = opened(visit)
    boxes = boxes_of_names(page)
    assert sorted(boxes) == [f"Commune {place:03d}" for place in range(1, 10)]
    zones = {one["name"]: one for one in page.eval_on_selector_all("#map path.zone", BOXES)}
    for name, box in boxes.items():
        assert inside(box, zones[name])
    assert not any(overlap(a, b) for a in boxes.values() for b in boxes.values() if a is not b)
    assert page.locator("#map .on-map").first.get_attribute("aria-hidden") == "true"
    assert page.locator("#map path.zone").first.get_attribute("aria-label"), "heard from the zone itself"


def test_names_that_do_not_fit_come_when_the_map_is_zoomed(visit: Visit) -> None:
    visit.page.set_viewport_size(SMALL)
    page = opened(visit)
    assert boxes_of_names(page) == {}
    page.evaluate("Page.map.leaflet.setZoom(Page.map.leaflet.getZoom() + 1.5, { animate: false })")
    whole = page.eval_on_selector("#map", f"(one) => ({BOXES})([one])[0]")
    for _ in range(3):
        boxes = boxes_of_names(page)
        assert boxes
        assert all(inside(box, whole) for box in boxes.values())
        page.evaluate("Page.map.leaflet.panBy([90, 60], { animate: false })")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_at_an_edge_is_cut_off(visit: Visit, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    page = opened(visit)
    whole = page.eval_on_selector("#map", f"(one) => ({BOXES})([one])[0]")
    degrees = page.eval_on_selector_all("#map .degrees span", BOXES)
    assert len(degrees) > 4
    assert [one["text"] for one in degrees if not inside(one, whole)] == []
    chart = page.eval_on_selector("#chart svg", f"(one) => ({BOXES})([one])[0]")
    marks = page.eval_on_selector_all("#chart .grid text", BOXES)
    assert [one["text"] for one in marks if not inside(one, chart)] == []
    years = [one for one in marks if re.fullmatch(r"20\d\d", one["text"])]
    assert years[-1]["text"] == ("2021" if width == 1280 else "2020"), "every year, or every second one"
    assert not any(overlap(a, b) for a, b in itertools.pairwise(years))


BOXES = """(all) => all.map((one) => {
  const { left, right, top, bottom } = one.getBoundingClientRect();
  return { left, right, top, bottom, text: one.textContent, name: one.getAttribute("aria-label") };
})"""


def boxes_of_names(page: Page) -> dict[str, dict[str, Any]]:
    return {one["text"]: one for one in page.eval_on_selector_all("#map .on-map span", BOXES)}


def inside(box: dict[str, Any], whole: dict[str, Any]) -> bool:
    across = whole["left"] <= box["left"] and box["right"] <= whole["right"] + 1
    return across and whole["top"] <= box["top"] and box["bottom"] <= whole["bottom"] + 1


def overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    across = a["left"] < b["right"] and b["left"] < a["right"]
    return across and a["top"] < b["bottom"] and b["top"] < a["bottom"]
