"""A zone of an indicator of classes is told by the share of each class, never by a mean of what is no measure."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
import xarray as xr
from axe_playwright_python.sync_playwright import Axe
from odc.geo.geobox import GeoBox
from plain import LEFT, RESOLUTION, TOP, Plain, manifest, project_in
from playwright.sync_api import Browser
from printed import words_of
from shapely.geometry import box
from visit import Visit, text

from sco.library import indicators
from sco.partition import Partition, Record
from sco.products import summary
from sco.products.contents import Publication
from sco.products.gate import refusals
from sco.products.publication import publish
from sco.products.summary import COUNTS
from sco.project import Project
from sco.tile import Tile
from sco.zones import Zone, Zoning

SIDE = 60
NAME = "burn_severity_class"
CLASSES = indicators[NAME].classes
UNBURNED, LOW, HIGH = (CLASSES[place] for place in (2, 3, 6))
PERIOD, UNSEEN = "2011-JJA", "2011-SON"


def severity(step: int) -> np.ndarray:
    """Burned in the north by as many rows as three times the step, the outer columns of these only a little."""
    values = np.full((SIDE, SIDE), float(UNBURNED.value))
    values[: 3 * step] = HIGH.value
    values[: 3 * step, :20] = LOW.value
    values[:2, :2] = np.nan
    return values


def counted(values: np.ndarray) -> list[float]:
    """The share of each class among the pixels that have one."""
    return [float((values == one.value).sum() / np.isfinite(values).sum()) for one in CLASSES]


def stack_of(labels: list[str]) -> np.ndarray:
    """All periods; of UNSEEN nothing."""
    values = np.stack([severity(step) for step in range(len(labels))])
    values[labels.index(UNSEEN)] = np.nan
    return values


def publication_of(folder: Path) -> Publication:
    config = project_in(folder, Plain(years=2, reference_years=1)).file
    told = config.read_text("utf-8").split("[[publish.explained]]")[0]
    config.write_text(told.replace('"ndvi", "ndvi_anomaly", "ndvi_z"', f'"nbr", "{NAME}"'), "utf-8")
    project = Project.load(config)
    periods = project.period.slices()
    partitions = [Partition(period, Tile(0, 0), name) for period in periods for name in project.indicators]
    shape = (len(periods), SIDE, SIDE)
    planes = {f"{name}_{count}": np.full(shape, 2, "uint16") for name in project.indicators for count in COUNTS}
    planes |= {f"{name}_n_failed": np.zeros(shape, "uint16") for name in project.indicators}
    planes |= {"nbr": np.full(shape, 0.3), NAME: stack_of([one.label for one in periods])}
    time = {"time": [np.datetime64(period.start, "ns") for period in periods]}
    data = xr.Dataset({name: (("time", "y", "x"), plane) for name, plane in planes.items()}, time)
    records = {one: Record(f"{place:064x}", "run-1") for place, one in enumerate(partitions)}
    return Publication(project, data, "SNAP", records, {one: manifest(one.period) for one in partitions})


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    return publication_of(tmp_path_factory.mktemp("severity"))


@pytest.fixture(scope="module")
def product(publication: Publication) -> Path:
    return publish(publication)


def step(publication: Publication, label: str = PERIOD) -> int:
    return [one.label for one in publication.periods].index(label)


def within(publication: Publication, name: str) -> np.ndarray:
    """Which pixels have their middle in a zone, (y, x)."""
    (zone,) = (one for one in publication.zoning.zones if one.name == name)
    middles = np.arange(SIDE) * RESOLUTION + RESOLUTION / 2
    return np.asarray(shapely.contains_xy(zone.geometry, *np.meshgrid(LEFT + middles, TOP - middles)))


def framed(values: np.ndarray) -> xr.Dataset:
    planes = {name: np.full(values.shape, 1, "uint16") for name in COUNTS} | {"values": values}
    return xr.Dataset({name: (("y", "x"), plane) for name, plane in planes.items()})


def test_a_zone_counts_the_pixels_of_each_class_by_how_much_of_them_it_has() -> None:
    grid = GeoBox.from_bbox((0, 0, 600, 600), "EPSG:32631", resolution=10)
    west, thin = Zone("west", box(0, 0, 300, 600)), Zone("thin", box(0, 0, 600, 5))
    values = severity(5)
    values[-1, :15], values[-1, 15:30] = HIGH.value, np.nan
    found = summary.of(framed(values), Zoning((west, thin), grid), CLASSES)
    first, last = (np.array(row) for row in found.zones)
    assert first[5:] == pytest.approx(counted(values[:, :30]))
    assert last[5:] == pytest.approx([0, 0, 30 / 45, 0, 0, 0, 15 / 45], abs=1e-6)
    assert found.whole[0][5:] == pytest.approx(counted(values))
    assert np.isnan([first[:2], last[:2], found.whole[0][:2]]).all(), "no mean, no sum"
    assert first[2:4] == pytest.approx([np.isfinite(values[:, :30]).mean(), np.isfinite(values[:, :30]).sum()])


def test_a_summary_of_before_the_classes_is_not_taken_over(publication: Publication) -> None:
    layer = next(one for one in publication.layers if one.indicator.id == NAME)
    other = replace(layer, indicator=replace(layer.indicator, classes=layer.indicator.classes[:-1]))
    assert publication._layer_facts(layer) != publication._layer_facts(other)


def test_the_gate_takes_no_class_for_a_number(publication: Publication) -> None:
    assert refusals(publication) == [], "a fire that spreads is no jump"
    broken = publication.data.copy(deep=True)
    broken[NAME].values[1, 30, :6] = 2.5
    made = Publication(publication.project, broken, "S", publication.records, publication.manifests)
    assert refusals(made) == [
        f"{NAME}: 0.17% of what was seen in {publication.periods[1].label} has values that are no class, and the "
        "classes are 0, 1, 2, 3, 4, 5, 6: compute its partitions again"
    ]
    rules = publication.project.publish
    assert rules is not None
    bounded = publication.project.model_copy(update={"publish": rules.model_copy(update={"ranges": {NAME: (0, 3)}})})
    assert refusals(replace(publication, project=bounded)) == [
        f"{NAME}: its values are classes, which have no range: take it out of publish.ranges"
    ]


def told_of(publication: Publication, zone: int, lang: str) -> list[str]:
    """The shares of a zone in PERIOD as people read them."""
    shares = publication.series[NAME]["share"].values[step(publication), zone]
    english = [f"{100 * share:.1f}%" for share in shares]
    return english if lang == "en" else [share.replace(".", ",").replace("%", " %") for share in english]


def test_the_shares_of_a_zone_are_those_of_the_pixels_in_it(publication: Publication) -> None:
    inside = severity(step(publication))[within(publication, "Commune 002")]
    shares = publication.series[NAME]["share"].values[step(publication), 1]
    assert shares == pytest.approx(counted(inside), abs=0.01)
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    assert np.isnan(publication.series[NAME]["share"].values[step(publication, UNSEEN)]).all()


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_chart_is_parted_and_has_its_own_legend(
    browser: Browser, product: Path, publication: Publication, lang: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    visited = Visit(page, product)
    visited.go(f"lang={lang}&indicator={NAME}&period={PERIOD}&zone=2")
    page.wait_for_selector("#key-classes span")
    assert page.locator("#key-classes span").all_inner_texts() == [getattr(one.words, lang) for one in CLASSES]
    shares = publication.series[NAME]["share"].values[:, 1]
    for place, one in enumerate(CLASSES):
        rects = page.locator(f"#chart .portion[fill='{one.colour}']")
        tall = rects.evaluate_all("(all) => all.map((one) => one.height.baseVal.value)")
        known = [share for share in shares[:, place] if np.isfinite(share)]
        whole = page.locator("#chart .cursor").evaluate("(one) => one.y2.baseVal.value - one.y1.baseVal.value")
        assert [height / whole for height in tall] == pytest.approx(known, abs=1e-3)
    assert told_of(publication, 1, lang)[6] in text(page, "#reading b")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"], "preload": False}).response
    assert [one["id"] for one in found["violations"]] == []
    page.get_by_role("button", name=getattr(indicators["nbr"].title, lang)).click()
    page.wait_for_selector("#key", state="visible")
    assert page.locator("#key-classes").is_hidden()
    assert visited.complaints == []
    page.close()


def test_a_period_that_was_not_seen_has_no_share(browser: Browser, product: Path) -> None:
    page = browser.new_page()
    visited = Visit(page, product)
    visited.go(f"lang=en&indicator={NAME}&period={UNSEEN}&zone=2")
    page.wait_for_function("() => document.querySelector('#reading b').textContent === '–'")
    assert visited.complaints == []
    page.close()


def test_reports_tell_the_shares_of_each_zone(product: Path, publication: Publication) -> None:
    english, french = (told_of(publication, 1, lang) for lang in ("en", "fr"))
    page = (product / f"reports/{PERIOD}.html").read_text("utf-8").replace("\u202f", " ").split("<h2>")[2]
    row = page.split('<th scope="row">Commune 002</th>')[1].split("</tr>")[0]
    cells = [re.findall(r"<span lang=\"?(?:en|fr)\"?>([^<]*)</span>", cell) for cell in row.split("<td")[1:]]
    assert cells[:-1] == [list(both) for both in zip(english, french, strict=True)]
    assert "Whole area" in page.split('class="divided"')[1]
    assert "±" not in page
    for lang, shares in (("fr", french), ("en", english)):
        told = " ".join(line for lines in words_of(product / f"reports/{PERIOD}.{lang}.pdf") for line in lines)
        after = told.split("Commune 002")[-1].split("Commune 003")[0]
        assert after.split() == " ".join(shares).split()
