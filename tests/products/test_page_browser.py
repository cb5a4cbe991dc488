"""The page of a real small product, driven in a real Chromium: from disk, and from a plain static server."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from sco.choices import Publish, Sheet, Text, Title
from sco.products.contents import Publication
from sco.products.publication import publish
from sco.project import Project
from sco.store import Store

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}, "preload": False}
"""Its rules for WCAG AA; style sheets are not fetched a second time, which the page's policy forbids."""
HOSTILE = "</title></script><script>window.hacked=1</script><img src=x onerror=window.hacked=2>${alert(1)}{{7*7}}"
FIRST_VIEW_BYTES, FIRST_VIEW_SECONDS = 300_000, 1.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


def publication_of(project: Project) -> Publication:
    store = Store.open(project.store_url)
    tip = store.tip()
    return Publication(project, store.dataset(tip), tip, store.records(tip), store.manifests(tip))


@pytest.fixture(scope="module")
def publication(computed: Project, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    place = tmp_path_factory.mktemp("published")
    return publication_of(computed.model_copy(update={"publish": Publish(to=str(place))}))


@pytest.fixture(scope="module")
def product(publication: Publication) -> Path:
    return publish(publication)


class Visit:
    """A page in the browser, and all that it said and asked for while it was open."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        page.on("request", lambda request: self.asked.append(request.url))

    def go(self, hash_: str = "lang=fr", address: str = "", file: str = "index.html") -> Page:
        self.page.goto(f"{address or self.folder.as_uri() + '/'}{file}#{hash_}")
        if file == "index.html":
            self.page.wait_for_selector("#chart svg .observed, #chart svg .dot")
            self.page.wait_for_selector("#made dd")
        return self.page

    @property
    def files(self) -> list[Path]:
        """What was read of the folder, each file once; fails for anything else."""
        assert all(url.startswith(self.folder.as_uri() + "/") for url in self.asked), self.asked
        return [Path(unquote(path)) for path in dict.fromkeys(urlsplit(url).path for url in self.asked)]


@pytest.fixture
def visit(browser: Browser, product: Path) -> Iterator[Visit]:
    """Fails whatever a test does if the page complained, or asked for anything outside of its folder."""
    context = browser.new_context(viewport={"width": 1280, "height": 1600}, locale="fr-FR")
    context.set_default_timeout(10_000)
    visited = Visit(context.new_page(), product)
    yield visited
    context.close()
    assert visited.complaints == []
    assert all(url.startswith((product.as_uri(), "http://127.0.0.1:")) for url in visited.asked)


def text(page: Page, selector: str) -> str:
    return page.locator(selector).inner_text().replace("\u202f", " ").replace("\xa0", " ")


def number(told: str) -> float:
    """The first number of a French text; percents are shares."""
    found = re.search(r"−?\d+(,\d+)?", told)
    assert found, told
    value = float(found[0].replace("−", "-").replace(",", "."))
    return value / 100 if told[found.end() :].lstrip().startswith("%") else value


def shown_layer(page: Page) -> tuple[str, str]:
    """Indicator and period of the map, by its picture."""
    name = Path(page.locator("#map img.picture").get_attribute("src") or "").stem
    indicator, period = name.rsplit("_", 1)
    return indicator, period


def layer_of(publication: Publication, indicator: str, period: str) -> Any:
    layer = next(one for one in publication.layers if (one.indicator.id, one.period.label) == (indicator, period))
    return publication.frame(layer)


def test_the_first_view_is_light_and_quick(visit: Visit) -> None:
    seconds = []
    for _ in range(5):
        page = visit.go()
        page.reload()
        page.wait_for_selector("#chart svg .observed, #chart svg .dot")
        page.wait_for_function("() => document.querySelector('#map img.picture').complete")
        seconds.append(page.evaluate("performance.now()") / 1000)
    weight = sum(path.stat().st_size for path in visit.files)
    assert 150_000 < weight < FIRST_VIEW_BYTES
    assert min(seconds) < FIRST_VIEW_SECONDS, seconds
    assert not [path for path in visit.files if "values" in path.parts], "numbers are loaded before anybody asks"


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
        assert counts == f"vu {seen} fois, masqué {masked} fois, illisible {failed} fois"
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
    assert page.locator("#map path.pin").count() == 1
    assert page.locator("#exact").count() == 1


def chosen(page: Page, name: str, mean: float) -> None:
    page.wait_for_function(f"() => document.querySelector('#zone').selectedOptions[0].textContent === {name!r}")
    assert page.locator("#map path.zone.chosen").get_attribute("aria-pressed") == "true"
    told = text(page, "#reading b")
    assert told == "–" if np.isnan(mean) else number(told) == pytest.approx(mean, abs=5.1e-4)


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


def test_every_link_of_the_page_leads_to_a_file(visit: Visit, product: Path) -> None:
    page = visit.go()
    links = page.eval_on_selector_all("a[href]", "all => all.map((one) => one.getAttribute('href'))")
    own = [link for link in links if not link.startswith(("https://", "#"))]
    assert {"series.csv", "scenes.csv", "MANIFEST.json", "zarr/", "reports/"} <= set(own)
    assert [link for link in own if not (product / link).exists()] == []


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
    assert all(fact in told for fact in evidence)


def test_opacity_plays_and_periods_without_a_map_are_told(visit: Visit) -> None:
    page = visit.go()
    page.locator("#opacity").evaluate("(one) => { one.value = 40; one.dispatchEvent(new Event('input')); }")
    assert page.locator("#map img.picture").evaluate("(one) => one.style.opacity") == "0.4"
    before = page.url
    page.locator("#play").click()
    page.wait_for_function(f"() => location.href !== {before!r}")
    page.locator("#play").click()


@pytest.mark.parametrize(("width", "lang"), [(1280, "fr"), (390, "en")])
def test_nothing_stands_in_the_way_of_people_with_disabilities(visit: Visit, width: int, lang: str) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    page = visit.go(f"lang={lang}&zone=1&at=10.5,10.5")
    page.wait_for_selector("#exact")
    found = Axe().run(page, options=AXE)
    assert [f"{one['id']}: {one['nodes'][0]['html']}" for one in found.response["violations"]] == []
    assert len(found.response["passes"]) > 20
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_page_prints_without_its_controls(visit: Visit) -> None:
    page = visit.go()
    page.emulate_media(media="print")
    hidden = ["#play", "#slider", "#opacity", ".languages", ".leaflet-control-zoom"]
    assert [name for name in hidden if page.locator(name).is_visible()] == []
    assert page.locator(".simulated").is_visible()
    assert page.locator("#map img.picture").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_report_opens_in_both_languages(visit: Visit, publication: Publication) -> None:
    period = publication.periods[-1].label
    page = visit.go("lang=en", file=f"reports/{period}.html")
    assert page.locator("main h2 span:visible").all_inner_texts() == ["Vegetation index (NDVI)", "Water extent"]
    page.get_by_role("button", name="Français").click()
    assert page.locator("main h2 span:visible").all_inner_texts() == ["Indice de végétation (NDVI)", "Étendue d'eau"]
    assert page.evaluate("document.querySelector('svg.still image').getBBox().width") > 0
    found = Axe().run(page, options=AXE)
    assert [one["id"] for one in found.response["violations"]] == []


def test_a_plain_static_server_does_as_well(visit: Visit, product: Path) -> None:
    class Silent(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(product))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = visit.go("lang=fr&at=3.5,3.5", f"http://127.0.0.1:{server.server_port}/")
        page.wait_for_selector("#exact")
        assert page.locator("#map img.picture").evaluate("(one) => one.naturalWidth") > 0
        server.shutdown()


def test_hostile_words_come_out_inert(browser: Browser, publication: Publication, tmp_path: Path) -> None:
    from sco.products import mapview, report, sheet

    words = Text(en=HOSTILE, fr=HOSTILE)
    changed = {
        "title": Title(en=HOSTILE, fr=HOSTILE),
        "summary": Title(en=HOSTILE, fr=HOSTILE),
        "sheet": Sheet(
            status=words, context=words, purpose=words, audience=words, contact="javascript:window.hacked=3"
        ),
    }
    manifests = {name: hostile(dict(manifest)) for name, manifest in publication.manifests.items()}
    attacked = replace(publication, project=publication.project.model_copy(update=changed), manifests=manifests)
    attacked.__dict__["zoning"] = named_badly(publication)
    for piece in [*mapview.pieces(attacked), *report.pieces(attacked)]:
        piece.write(tmp_path)
    sheet.write(attacked, tmp_path)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes <= {".html", ".js", ".css", ".png", ".svg", ".pdf", ".txt"}
    page = browser.new_page()
    for file in ("index.html", f"reports/{publication.periods[-1].label}.html"):
        visited = Visit(page, tmp_path)
        visited.go("lang=en&zone=1&at=2.5,2.5&period=<script>&indicator=../../x", file=file)
        assert page.evaluate("window.hacked") is None
        assert HOSTILE in page.locator("h1").inner_text()
        assert page.locator("a[href^='javascript']").count() == 0
        assert all(str(path).startswith(str(tmp_path)) for path in visited.files)
        assert [one for one in visited.complaints if not one.startswith("failed")] == []
    page.close()


def hostile(manifest: dict[str, Any]) -> dict[str, Any]:
    scenes = [{**scene, "id": f"../../{HOSTILE}{place}"} for place, scene in enumerate(manifest["scenes"])]
    return {
        **manifest,
        "scenes": scenes,
        "code": HOSTILE,
        "rejected": [{"id": HOSTILE, "catalog": "x", "reason": HOSTILE}],
    }


def named_badly(publication: Publication) -> Any:
    zones = tuple(replace(zone, name=f"{HOSTILE}{place}") for place, zone in enumerate(publication.zoning.zones))
    return replace(publication.zoning, zones=zones)


def test_a_missing_part_is_told_and_the_rest_goes_on(browser: Browser, product: Path, tmp_path: Path) -> None:
    shutil.copytree(product, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy" / "page" / "values")
    page = browser.new_page()
    Visit(page, tmp_path / "copy").go("lang=en&at=2.5,2.5")
    page.wait_for_function("() => document.querySelector('#pinned').textContent.includes('missing or damaged')")
    assert "page/values/" in page.locator("#pinned").inner_text()
    assert page.locator("#chart svg").count() == 1
    page.close()
