"""An indicator whose values are classes: words, colours and shares of their own, and no mean of what is no measure."""

import csv
import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import xarray as xr
from PIL import Image
from plain import Plain, manifest, project_in
from playwright.sync_api import Browser
from printed import words_of
from visit import Visit, text

from sco.library import indicators
from sco.partition import Partition, Record
from sco.products import words
from sco.products.coarse import commonest
from sco.products.contents import Publication
from sco.products.publication import publish
from sco.products.summary import COUNTS
from sco.project import Project
from sco.tile import Tile

SIDE = 600
NAME, CLASSES = "burn_severity_class", indicators["burn_severity_class"].classes
BURNED, UNBURNED = CLASSES[6], CLASSES[2]
PERIOD = "2010-JJA"


def severity() -> np.ndarray:
    """Not burned, and burned in the south but for every third column, so that no square of pixels has one class."""
    values = np.full((SIDE, SIDE), float(UNBURNED.value))
    values[SIDE // 2 :] = BURNED.value
    values[SIDE // 2 :, ::3] = CLASSES[0].value
    values[:10, :10] = np.nan
    return values


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("burned")
    config = project_in(folder, Plain(years=1, reference_years=1)).file
    told = config.read_text("utf-8").split("[[publish.explained]]")[0]
    told = told.replace('"ndvi", "ndvi_anomaly", "ndvi_z"', f'"nbr", "{NAME}"')
    config.write_text(told.replace("resolution = 500", "resolution = 50").replace("tile = 64", "tile = 1024"), "utf-8")
    project = Project.load(config)
    (period,) = (one for one in project.period.slices() if one.label == PERIOD)
    partitions = [Partition(period, Tile(0, 0), name) for name in project.indicators]
    counts = {
        f"{name}_{count}": np.full((1, SIDE, SIDE), 2, "uint16") for name in project.indicators for count in COUNTS
    }
    planes = {"nbr": np.full((1, SIDE, SIDE), 0.3), NAME: severity()[np.newaxis], **counts}
    time = {"time": [np.datetime64(period.start, "ns")]}
    data = xr.Dataset({name: (("time", "y", "x"), plane) for name, plane in planes.items()}, time)
    records = {one: Record("0" * 64, "run-1") for one in partitions}
    budget = project.publish.model_copy(update={"failed_budget": 1.0}) if project.publish else None
    allowed = project.model_copy(update={"publish": budget})
    return publish(Publication(allowed, data, "SNAP", records, {one: manifest(period) for one in partitions}))


def test_a_square_has_the_class_that_most_of_it_has() -> None:
    values = np.array([[-2, 1, 0], [1, np.nan, 0], [2, 2, np.nan]])
    assert np.array_equal(commonest(values, 2), [[1, 0], [2, np.nan]], equal_nan=True)
    assert np.array_equal(commonest(np.full((2, 2), np.nan), 2), [[np.nan]], equal_nan=True)


def test_rasters_and_their_overviews_have_whole_classes(product: Path) -> None:
    path = product / f"cog/{NAME}/{NAME}_{PERIOD}.tif"
    with rasterio.open(path) as raster:
        assert np.array_equal(raster.read(1), np.nan_to_num(severity(), nan=raster.nodata))
        assert raster.tags(1)["flag_meanings"].split()[6] == "high_severity"
        assert raster.colormap(1)[BURNED.value] == (*bytes.fromhex(BURNED.colour[1:]), 255)
        assert raster.overviews(1)
    with rasterio.open(path, overview_level=0) as coarse:
        assert set(np.unique(coarse.read(1, masked=True).compressed())) <= {one.value for one in CLASSES}
        assert (coarse.read(1)[-1] == BURNED.value).mean() > 0.6
    with xr.open_zarr(product / "zarr", group="overviews/2") as level:
        assert np.array_equal(level[NAME].values[0], commonest(severity(), 2), equal_nan=True)
    with xr.open_zarr(product / "zarr") as whole:
        assert whole[NAME].attrs["flag_meanings"].split()[2] == "not_burned"


def test_the_picture_has_the_colours_of_the_classes(product: Path) -> None:
    with Image.open(product / f"figures/overlays/{NAME}_{PERIOD}.png") as picture:
        pixels = np.asarray(picture.convert("RGBA"))
    assert pixels.shape == (300, 300, 4)
    assert bytes(pixels[0, 0]).hex() == "33424bff", "seen, and without a value: dotted"
    assert bytes(pixels[20, 20, :3]).hex() == UNBURNED.colour[1:]
    assert bytes(pixels[200, 200, :3]).hex() in (BURNED.colour[1:], CLASSES[0].colour[1:])


def test_the_page_says_the_words_of_a_class_in_both_languages(browser: Browser, product: Path) -> None:
    page = browser.new_page()
    visited = Visit(page, product)
    visited.go(f"lang=fr&indicator={NAME}&at=101.5,101.5")
    page.wait_for_selector("#exact")
    assert text(page, "#exact") == UNBURNED.words.fr
    assert page.locator("#classes span").all_inner_texts() == [one.words.fr for one in CLASSES]
    assert page.locator("#classes i").last.evaluate("(one) => one.style.backgroundColor") == "rgb(165, 0, 38)"
    assert not page.locator("#ramp").is_visible()
    page.get_by_role("button", name="English").click()
    page.wait_for_function(f"() => document.querySelector('#exact')?.textContent === '{UNBURNED.words.en}'")
    assert page.locator("#classes span").first.inner_text() == CLASSES[0].words.en
    page.get_by_role("button", name=indicators["nbr"].title.en).click()
    page.wait_for_selector("#classes span", state="detached")
    assert page.locator("#ramp").is_visible()
    assert visited.complaints == []
    page.close()
    report = (product / f"reports/{PERIOD}.html").read_text("utf-8")
    assert report.count('<span class="class">') == len(CLASSES)
    assert BURNED.words.fr in report


KNOWN = SIDE**2 - 100
SHARES = {BURNED: 120_000 / KNOWN, UNBURNED: 179_900 / KNOWN, CLASSES[0]: 60_000 / KNOWN}
"""Of the whole area: the south but for every third column, the north but for a hole, every third column."""
SOUTH = "Commune 008"


def rows_of(product: Path, zone: str) -> dict[str, dict[str, str]]:
    """The rows of a zone by their statistic."""
    with (product / "series.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["indicator"], row["zone"]) == (NAME, zone)]
    return {row["statistic"]: row for row in rows}


def test_the_series_has_a_share_for_each_class_and_no_mean(product: Path) -> None:
    own = rows_of(product, SOUTH)
    assert list(own) == [*(f"share:{one.meaning}" for one in CLASSES), "coverage"]
    shares = {name: float(row["value"]) for name, row in own.items() if name.startswith("share:")}
    assert shares["share:high_severity"] == pytest.approx(2 / 3, abs=0.002)
    assert shares["share:high_regrowth"] == pytest.approx(1 / 3, abs=0.002)
    assert shares["share:moderate_to_low_severity"] == 0
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert {row["unit"] for row in own.values()} == {"1"}
    assert float(rows_of(product, "Commune 002")["share:not_burned"]["value"]) == 1
    frame = geopandas.read_parquet(product / "series.parquet")
    mine = frame[(frame.zone == SOUTH) & (frame.indicator == NAME)]
    assert list(mine.statistic) == list(own)
    assert mine.value.tolist() == pytest.approx([float(row["value"]) for row in own.values()], rel=1e-5)


def test_what_is_kept_of_a_layer_has_the_shares_and_no_mean_of_codes(product: Path) -> None:
    told = json.loads((product / f"provenance/{NAME}/{NAME}_{PERIOD}.json").read_text("utf-8"))["summary"]
    (whole,) = told["whole"]
    assert whole[:2] == [None, None]
    assert whole[5:] == pytest.approx([SHARES.get(one, 0.0) for one in CLASSES], abs=1e-9)


@pytest.mark.parametrize(
    ("language", "headline", "zone"),
    [
        ("fr", "Non brûlé 50,0 %", "Sévérité forte 66,7 %, Forte repousse 33,3 %"),
        ("en", "Not burned 50.0%", "High severity 66.7%, High regrowth 33.3%"),
    ],
)
def test_the_page_tells_the_commonest_class_and_the_shares(
    browser: Browser, product: Path, language: str, headline: str, zone: str
) -> None:
    page = browser.new_page(locale="fr-FR" if language == "fr" else "en-GB")
    visited = Visit(page, product)
    visited.go(f"lang={language}&indicator={NAME}")
    page.wait_for_selector("#zones .bar")
    assert headline in text(page, ".headlines")
    assert text(page, "#reading b") == headline
    assert page.locator("#chart rect.portion").count() == len(CLASSES)
    assert page.locator("#chart .observed, #chart .usual, #chart .slope").count() == 0
    cells = page.locator("#zones tr", has_text=SOUTH).locator("td:visible").all_inner_texts()
    told = [cell.replace("\u202f", " ").strip() for cell in cells]
    assert told == [zone.split(", ")[0], zone, "100 %" if language == "fr" else "100%"]
    widths = (
        page.locator("#zones tr", has_text=SOUTH)
        .locator(".bar i")
        .evaluate_all("(all) => all.map((one) => parseFloat(one.style.width))")
    )
    assert widths[0] + widths[-1] == pytest.approx(100, abs=0.05)
    assert "3,00" not in text(page, "main").replace(".", ",")
    page.get_by_role("button", name=getattr(indicators["nbr"].title, language)).click()
    page.wait_for_selector("#chart .dot")
    assert not page.locator("#zones .parts").first.is_visible()
    assert visited.complaints == []
    page.close()


def test_reports_tell_the_shares_and_rank_no_class(product: Path) -> None:
    page = (product / f"reports/{PERIOD}.html").read_text("utf-8")
    panel = page.split("<h2>")[2].split("</section>")[0].split('class="divided"')[0]
    assert "Non brûlé 50,0\u202f%" in panel
    assert [one.split("<")[0] for one in panel.split('<th scope="row"><span lang=en>')[1:]] == [
        "Not burned", "High severity", "High regrowth",
    ]  # fmt: skip
    assert words.sentences()["paper_largest"].en not in panel
    for language, told in (("fr", "Sévérité forte"), ("en", "High severity")):
        lines = [line for sheet in words_of(product / f"reports/{PERIOD}.{language}.pdf") for line in sheet]
        after = {line.replace(" ", "") for place, line in enumerate(lines) if lines[place - 1] == told}
        assert after & {"33,3%", "33.3%"}
