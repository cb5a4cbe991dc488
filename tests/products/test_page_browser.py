"""The page of a real small product, worked with in a real Chromium: by pointer, by keys, in both languages."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page
from visit import Visit, layer_of, number, shown_layer, text

from sco.products import phrases
from sco.products.contents import Publication


def test_a_place_reads_what_the_store_holds(visit: Visit, publication: Publication) -> None:
    page = visit.go()
    frame = layer_of(publication, *shown_layer(page))
    values = frame["values"].values
    height, width = values.shape
    rng = np.random.default_rng(7)
    for y, x in [(0, 0), (height - 1, width - 1), *rng.integers(0, min(height, width), (6, 2)).tolist()]:
        page.evaluate(f"location.hash = new URLSearchParams(location.hash.slice(1)) + '&at={x}.5,{y}.5'")
        page.wait_for_function(f"() => new URLSearchParams(location.hash.slice(1)).get('at') === '{x}.5,{y}.5'")
        page.wait_for_selector("#exact")
        told, counts = text(page, "#exact"), text(page, "#made dd:nth-of-type(4)")
        seen, masked, failed = (int(frame[name].values[y, x]) for name in ("n_seen", "n_masked", "n_failed"))
        assert counts.startswith(f"vu {seen} fois, masqué {masked} fois, illisible {failed} fois\nUne observation est")
        if np.isnan(values[y, x]):
            assert told == "pas de valeur"
        else:
            assert number(told) == pytest.approx(float(values[y, x]), abs=5.1e-5)
        page.evaluate("location.hash = 'lang=fr'")
        page.wait_for_selector("#exact", state="detached")


def test_the_pointer_reads_the_pixel_under_it(visit: Visit, publication: Publication) -> None:
    page = visit.go()
    values = layer_of(publication, *shown_layer(page))["values"].values
    row, column = (int(places[len(places) // 2]) for places in np.nonzero(np.isfinite(values)))
    left, top = page.evaluate(
        f"(() => {{ const p = Page.map.leaflet.latLngToContainerPoint([-{row + 0.5}, {column + 0.5}]);"
        " const b = document.getElementById('map').getBoundingClientRect(); return [p.x + b.x, p.y + b.y]; })()"
    )
    page.mouse.move(left, top)
    page.wait_for_selector("#under b")
    assert number(text(page, "#under b")) == pytest.approx(float(values[row, column]), abs=5.1e-5)
    assert "vu " in text(page, "#under")
    page.mouse.move(5, 5)
    page.wait_for_selector("#under b", state="detached")


def test_the_slider_moves_the_map_the_chart_and_the_table(visit: Visit, publication: Publication) -> None:
    page = visit.go()
    slider = page.locator("#slider")
    opened, before = int(slider.input_value()), text(page, "#when")
    slider.focus()
    slider.press("ArrowLeft" if opened else "ArrowRight")
    moved = opened - 1 if opened else 1
    page.wait_for_function(f"() => document.querySelector('#slider').value === '{moved}'")
    indicator, period = shown_layer(page)
    assert period == publication.periods[moved].label
    assert text(page, "#when") != before
    assert slider.get_attribute("aria-valuetext") == text(page, "#when")
    table = publication.overall[indicator]
    covered = float(table["coverage"][moved, 0])
    assert f"{100 * covered:.0f} % de la zone a été vue" in text(page, "#reading")
    assert text(page, "#caption").endswith(text(page, "#when").lower())


def test_zones_are_chosen_by_click_by_key_and_by_row(visit: Visit, publication: Publication) -> None:
    page = visit.go()
    names = list(publication.zoning.names)
    indicator, period = shown_layer(page)
    place = [one.label for one in publication.periods].index(period)
    means = publication.series[indicator]["mean"].values[place]
    zone = page.locator("#map path.zone[data-zone='1']")
    assert zone.get_attribute("aria-label") == names[0]
    zone.focus()
    page.keyboard.press("Enter")
    chosen(page, names[0], means[0])
    button = page.locator("#zones button", has_text=names[1]).first
    button.focus()
    page.keyboard.press("Enter")
    chosen(page, names[1], means[1])
    assert page.evaluate("document.activeElement.textContent") == names[1], "the focus stays where it was"
    smallest = min(range(len(names)), key=lambda index: publication.zoning.weights[index].zone_km2)
    click_middle(page, page.locator(f"#map path.zone[data-zone='{smallest + 1}']"))
    chosen(page, names[smallest], means[smallest])
    page.wait_for_selector("#exact")
    assert page.locator("#map path.pin").count() == 1


def chosen(page: Page, name: str, mean: float) -> None:
    page.wait_for_function(f"() => document.querySelector('#zone').selectedOptions[0].textContent === {name!r}")
    assert page.locator("#map path.zone.chosen").get_attribute("aria-pressed") == "true"
    for _ in range(50):  # the zone's own line is fetched when it is chosen
        told = text(page, "#reading b")
        if told == "–" if np.isnan(mean) else number(told) == pytest.approx(mean, abs=5.1e-4):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the page reads {told} for {name}, the store holds {mean}")


def click_middle(page: Page, zone: Locator) -> None:
    zone.scroll_into_view_if_needed()
    box = zone.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_the_map_is_read_with_keys_alone(visit: Visit, publication: Publication) -> None:
    page = visit.go()
    page.locator("#slider").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "map"
    page.wait_for_function("() => document.querySelector('#pinned').textContent.includes(' · ')")
    page.keyboard.press("Enter")
    page.wait_for_selector("#exact")
    frame = layer_of(publication, *shown_layer(page))
    x, y = (
        int(float(part)) for part in page.evaluate("new URLSearchParams(location.hash.slice(1)).get('at')").split(",")
    )
    value = float(frame["values"].values[y, x])
    told = text(page, "#exact")
    assert told == "pas de valeur" if np.isnan(value) else number(told) == pytest.approx(value, abs=5.1e-5)


def test_the_language_changes_without_a_server_and_is_kept(visit: Visit) -> None:
    page = visit.go("")
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert page.locator("h1 span:visible").all_inner_texts() == ["Territoire de démonstration (simulé)"]
    page.get_by_role("button", name="English").click()
    assert "lang=en" in page.url
    page.reload()
    page.wait_for_selector("#chart svg .dot")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1 span:visible").all_inner_texts() == ["Demonstration territory (simulated)"]
    assert page.locator("#play").get_attribute("aria-label") == "Play"
    assert page.locator(".leaflet-control-zoom-in").get_attribute("aria-label") == "Zoom in"
    page.get_by_role("button", name="Water extent").click()
    assert shown_layer(page)[0] == "water_extent"
    assert page.evaluate("document.activeElement.textContent") == "Water extent"
    assert page.locator("#raster").get_attribute("href", timeout=2000) == "cog/{0}/{0}_{1}.tif".format(
        *shown_layer(page)
    )


def test_how_a_number_was_made_names_its_scenes_and_code(visit: Visit, publication: Publication) -> None:
    page = visit.go("lang=fr&indicator=ndvi&at=2.5,2.5")
    page.wait_for_selector("#exact")
    _, period = shown_layer(page)
    corner = next(one for one in publication.records if (one.indicator, one.period.label) == ("ndvi", period))
    manifest = publication.manifests[corner]
    assert str(corner.tile) == "r000c000"
    named = page.locator("#made .scenes code").all_inner_texts()
    assert sorted(named) == sorted(scene["id"] for scene in manifest["scenes"])
    told = text(page, "#made")
    assert manifest["code"] in told
    assert "nuage" in told
    assert f"sco explain demo --period {period} --at " in told
    bands = [band for scene in manifest["scenes"] for band in scene["calibration"].values()]
    evidence = {fact for band in bands for fact in band["evidence"]}
    assert evidence
    facts = [phrases.plain(phrases.fact(fact)) for fact in evidence]
    assert all(fact["fr"].replace("\u202f", " ").replace("\xa0", " ") in told for fact in facts)
    assert "proche infrarouge (nir), rouge (red) : nombre du fichier × 0,0001" in told
    assert "images de satellite" in told
    assert "plusieurs d'un même jour font une seule observation" in told


def test_opacity_plays_and_periods_without_a_map_are_told(visit: Visit) -> None:
    page = visit.go()
    page.locator("#opacity").evaluate("(one) => { one.value = 40; one.dispatchEvent(new Event('input')); }")
    assert page.locator("#map img.picture").evaluate("(one) => one.style.opacity") == "0.4"
    before = page.url
    page.locator("#play").click()
    page.wait_for_function(f"() => location.href !== {before!r}")
    page.locator("#play").click()


@pytest.mark.parametrize("missing", ["page/sheet.css", "page/icon.svg"])
def test_a_file_that_is_missing_is_noticed_here(browser: Browser, product: Path, tmp_path: Path, missing: str) -> None:
    folder = shutil.copytree(product, tmp_path / "product")
    (folder / missing).unlink()
    context = browser.new_context()
    visited = Visit(context.new_page(), folder)
    visited.go()
    context.close()
    assert f"failed: {(folder / missing).as_uri()}: net::ERR_FILE_NOT_FOUND" in visited.complaints
