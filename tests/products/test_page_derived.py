"""An anomaly and its standard error, from the store into every file of the product and onto the page."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import pytest
import xarray as xr
from plain import NOISE, RISE, Plain, publication_in
from playwright.sync_api import Browser, Page
from visit import Visit, number, text

from sco.products.contents import Publication
from sco.products.gate import refusals
from sco.products.lines import reference_warning
from sco.products.publication import publish
from sco.project import Project
from sco.store import Store

PLAIN = Plain()
PLACE = (50, 50)
"""Column and row of a pixel in the south-east, which dried."""
USUAL = [f"{year}-JJA" for year in (PLAIN.first, PLAIN.first + PLAIN.reference_years - 1)]
AT = f"at={PLACE[0]}.5,{PLACE[1]}.5"


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    return publication_in(tmp_path_factory.mktemp("plain"), PLAIN)


@pytest.fixture(scope="module")
def product(publication: Publication) -> Path:
    return publish(publication)


@pytest.fixture
def page(browser: Browser, product: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    visited = Visit(context.new_page(), product)
    yield visited.page
    context.close()
    assert visited.complaints == []
    assert visited.files


def opened(page: Page, product: Path, hash_: str) -> Page:
    page.goto(f"{product.as_uri()}/index.html#lang=fr&period={PLAIN.dry}&{hash_}")
    page.wait_for_selector("#zones tr")
    page.wait_for_selector("#exact")
    return page


def step(publication: Publication) -> int:
    """The dry period's place on the axis of time."""
    return [one.label for one in publication.periods].index(PLAIN.dry)


def stored(publication: Publication) -> xr.Dataset:
    """What the store holds of the period that was dry, read by its own reader."""
    project: Project = publication.project
    return Store.open(project.store_url).dataset().isel(time=step(publication)).load()


def test_the_page_reads_the_anomaly_and_its_error_that_the_store_holds(
    page: Page, product: Path, publication: Publication
) -> None:
    found = stored(publication).isel(x=PLACE[0], y=PLACE[1])
    anomaly, error = float(found["ndvi_anomaly"]), float(found["ndvi_anomaly_error"])
    assert (anomaly, error) == pytest.approx((-0.25, NOISE * 2), abs=0.06)
    opened(page, product, f"indicator=ndvi_anomaly&{AT}")
    told, _, plus_minus = text(page, "#exact").partition(" ± ")
    assert (number(told), number(plus_minus)) == pytest.approx((anomaly, error), abs=5.1e-5)
    method = text(page, "#made dd:nth-of-type(5)")
    assert "(valeur de la période), Indice de végétation (NDVI) (moyenne des années de référence)" in method
    assert "Indice de végétation (NDVI), été 2016 ; Indice de végétation (NDVI), été 2010 – été 2014" in text(
        page, "#made"
    )
    assert page.locator(".key .compared").evaluate_all("(all) => all.every((one) => one.hidden)")


def test_the_chart_shows_reference_anomaly_and_a_significant_trend(
    page: Page, product: Path, publication: Publication
) -> None:
    opened(page, product, f"indicator=ndvi&zone=1&{AT}")
    assert page.locator("#chart .usual").count() >= 1
    assert page.locator("#chart .spread").count() >= 1
    assert page.locator("#chart .above, #chart .below").count() == len(publication.periods)
    assert page.locator("#chart .slope").count() == 1
    told = text(page, "#trend")
    assert "significative (p < 0,001)" in told
    assert number(told.removeprefix("Tendance : +")) == pytest.approx(RISE, abs=0.002)
    table = publication.series["ndvi"].isel(time=step(publication), zone=0)
    value, _, error = text(page, "#reading b").partition(" ± ")
    assert (number(value), number(error)) == pytest.approx((float(table["mean"]), float(table["error"])), abs=5.1e-4)
    page.locator("#zone").select_option("3")
    page.wait_for_function("() => document.querySelector('#trend').textContent.startsWith('Pas de tendance')")


def test_tables_hold_the_anomaly_and_errors_in_the_long_form(product: Path, publication: Publication) -> None:
    with (product / "series.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["zone", "indicator", "period", "statistic", "value", "unit", "n"]
    wanted = ("Commune 009", "ndvi_anomaly", PLAIN.dry)
    own = {row["statistic"]: row for row in rows if (row["zone"], row["indicator"], row["period"]) == wanted}
    found = stored(publication)["ndvi_anomaly"].isel(y=slice(46, 54), x=slice(46, 54))
    assert set(own) == {"mean", "error", "coverage"}
    assert float(own["mean"]["value"]) == pytest.approx(float(found.mean()), abs=0.01)
    assert float(own["error"]["value"]) == pytest.approx(2 * NOISE, abs=0.005)
    frame = geopandas.read_parquet(product / "series.parquet")
    mine = frame[(frame.zone == wanted[0]) & (frame.indicator == wanted[1]) & (frame.period == wanted[2])]
    assert dict(zip(mine.statistic, mine.value, strict=True)) == pytest.approx(
        {name: float(row["value"]) for name, row in own.items()}, rel=1e-5
    )
    assert not any(row["statistic"] == "error" and row["indicator"] == "ndvi_z" for row in rows)


def test_the_public_copy_has_errors_and_no_raster_more(product: Path, publication: Publication) -> None:
    with xr.open_zarr(product / "zarr") as copy:
        warned = reference_warning(publication)
        assert warned is not None
        assert (copy.attrs["warning_en"], copy.attrs["warning_fr"]) == (warned.en, warned.fr)
        for name in ("ndvi_error", "ndvi_anomaly_error"):
            own = copy[name].isel(time=step(publication)).values
            assert np.array_equal(own, stored(publication)[name].values, equal_nan=True)
            assert np.isfinite(own).sum() == own.size - 25
        assert "ndvi_anomaly_error" in copy["ndvi_anomaly"].attrs["ancillary_variables"].split()
        assert "ndvi_z_error" not in copy
    layers = len(publication.layers)
    assert len(list(product.glob("cog/*/*.tif"))) == 2 * layers


def test_the_catalog_says_what_the_anomaly_was_derived_from(product: Path) -> None:
    item = json.loads((product / f"stac/items/ndvi_anomaly_{PLAIN.dry}.json").read_text())
    assert item["properties"]["processing:lineage"].endswith("derived from ndvi (value), ndvi (mean)")
    (link,) = (one for one in item["links"] if one["rel"] == "derived_from")
    record = json.loads((product / "stac/items" / link["href"]).resolve().read_text())
    sources = [(one["indicator"], one["periods"]) for one in record["partitions"][0]["made_from"]]
    assert sources == [("ndvi", [PLAIN.dry, PLAIN.dry]), ("ndvi", USUAL)]
    collection = json.loads((product / "stac/collection.json").read_text())
    assert set(collection["cube:variables"]) == {"ndvi", "ndvi_error", "ndvi_anomaly", "ndvi_anomaly_error", "ndvi_z"}


def test_the_report_names_the_zones_that_are_farthest(product: Path, publication: Publication) -> None:
    table = publication.series["ndvi_anomaly"]["mean"].isel(time=step(publication))
    farthest = [str(table["zone"].values[place]) for place in np.argsort(-np.abs(table.values))[:3]]
    assert farthest[:2] == ["Commune 009", "Commune 008"]
    page = (product / f"reports/{PLAIN.dry}.html").read_text("utf-8")
    vegetation, anomaly = page.split("<h2>")[1:3]
    for panel in (vegetation, anomaly):
        names = [one.split("<")[0] for one in panel.split('<th scope="row">')[1:]]
        assert names == farthest
    assert "± 0.0" in vegetation


def test_a_jump_is_refused_until_somebody_says_why(publication: Publication) -> None:
    publish_ = publication.project.publish
    assert publish_ is not None
    assert refusals(publication) == []
    silent = publication.project.model_copy(update={"publish": publish_.model_copy(update={"explained": ()})})
    made = Publication(silent, publication.data, "S", publication.records, publication.manifests)
    assert [one.split(" changes")[0] for one in refusals(made)] == ["ndvi_z: 'Commune 009'"] * 2
