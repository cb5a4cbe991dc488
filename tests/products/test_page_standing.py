"""The page of a real small product, as it stands in a real Chromium: light, open to all, on paper, under attack."""

import shutil
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Browser
from visit import Visit

from sco.choices import Sheet, Text, Title
from sco.products.contents import Publication

HOSTILE = "</title></script><script>window.hacked=1</script><img src=x onerror=window.hacked=2>${alert(1)}{{7*7}}"
FIRST_VIEW_BYTES = 300_000


def test_the_first_view_is_light(visit: Visit) -> None:
    page = visit.go()
    page.wait_for_function("() => document.querySelector('#map img.picture').complete")
    weight = sum(path.stat().st_size for path in visit.files)
    assert 150_000 < weight < FIRST_VIEW_BYTES
    assert not [path for path in visit.files if "values" in path.parts], "numbers are loaded before anybody asks"


def test_every_link_of_the_page_leads_to_a_file(visit: Visit, product: Path) -> None:
    page = visit.go()
    links = page.eval_on_selector_all("a[href]", "all => all.map((one) => one.getAttribute('href'))")
    own = [link for link in links if not link.startswith(("https://", "#"))]
    offered = {"series.csv", "scenes.csv", "MANIFEST.json", "zarr/index.html", "reports/index.html"}
    assert offered <= set(own)
    assert [link for link in own if not (product / link).is_file()] == []


def test_a_report_opens_in_both_languages(visit: Visit, publication: Publication) -> None:
    period = publication.periods[-1].label
    page = visit.go("lang=en", file=f"reports/{period}.html")
    assert page.locator("main h2 span:visible").all_inner_texts() == ["Vegetation index (NDVI)", "Water extent"]
    page.get_by_role("button", name="Français").click()
    assert page.locator("main h2 span:visible").all_inner_texts() == ["Indice de végétation (NDVI)", "Étendue d'eau"]
    assert page.evaluate("document.querySelector('svg.still image').getBBox().width") > 0


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
    for piece in [*mapview.pieces(attacked), *report.pieces(attacked), *sheet.pieces(attacked)]:
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
