"""The page, its reports and its listings: open to all, in both languages, on wide and narrow screens, on paper."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from printed import words_of
from visit import Visit, text

from sco.products.contents import Publication

AXE = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}, "preload": False}
"""Its rules for WCAG AA; style sheets are not fetched a second time, which the page's policy forbids."""
LISTINGS = ("cog/index.html", "cog/ndvi/index.html", "reports/index.html", "zarr/index.html")
CONTROLS = ("Français", "English", "Opacité", "Rapport de cette période", "▶", "Pointez la carte", "Cliquez", "Aller à")
BLANK_PAGE = 40
"""Letters below which a printed page counts as blank."""


def violations(page: Page, least_passes: int) -> list[str]:
    found = Axe().run(page, options=AXE).response
    assert len(found["passes"]) > least_passes
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_stands_in_the_way_of_people_with_disabilities(visit: Visit, width: int, lang: str) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    page = visit.go(f"lang={lang}&zone=1&at=10.5,10.5")
    page.wait_for_selector("#exact")
    assert violations(page, least_passes=20) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nor_in_reports_and_listings(visit: Visit, publication: Publication, width: int, lang: str) -> None:
    visit.page.set_viewport_size({"width": width, "height": 844})
    for file in (f"reports/{publication.periods[-1].label}.html", *LISTINGS):
        page = visit.go(f"lang={lang}", file=file)
        assert page.evaluate("document.documentElement.lang") == lang
        assert violations(page, least_passes=8) == [], file
        assert page.evaluate("document.documentElement.scrollWidth") <= width, file


def printed(page: Page, path: Path) -> list[str]:
    """The letters of each page on paper, without spaces."""
    page.pdf(path=path, format="A4", prefer_css_page_size=True)
    return ["".join("".join(lines).split()) for lines in words_of(path)]


def close(told: str) -> str:
    return "".join(told.split())


def test_the_page_on_paper_says_what_the_screen_says(visit: Visit, publication: Publication, tmp_path: Path) -> None:
    page = visit.go("lang=fr")
    told = ("h1", "#when", "#what", "#reading b", ".legend .unseen:visible", "#low", "#high")
    said = [text(page, one) for one in told]
    said += page.locator(".headlines .value:visible").all_inner_texts()
    said += page.locator("#zones td:visible, #zones th:visible").all_inner_texts()
    pages = printed(page, tmp_path / "page.pdf")
    whole = "".join(pages)
    assert "SIMULÉ" in pages[0]
    assert [one for one in said if close(one) not in whole] == []
    assert all(name in " ".join(said) for name in publication.zoning.names)
    assert [one for one in CONTROLS if close(one) in whole] == []
    assert [place for place, letters in enumerate(pages) if len(letters) < BLANK_PAGE] == []
    assert 3 <= len(pages) <= 8


def test_a_kept_place_is_on_paper_and_the_screen_is_as_before(visit: Visit, tmp_path: Path) -> None:
    page = visit.go("lang=en&at=10.5,10.5")
    page.wait_for_selector("#exact")
    before = page.locator("#chart svg").get_attribute("viewBox")
    exact, where = text(page, "#exact"), page.locator("#made dd").first.inner_text()
    pages = printed(page, tmp_path / "place.pdf")
    assert close(exact) in "".join(pages)
    assert close(where) in "".join(pages)
    page.wait_for_function(f"() => document.querySelector('#chart svg').getAttribute('viewBox') === '{before}'")


def test_the_page_prints_without_its_controls(visit: Visit) -> None:
    page = visit.go()
    page.emulate_media(media="print")
    hidden = ["#play", "#slider", "#opacity", ".languages", ".leaflet-control-zoom", ".tools", "#under", ".skip"]
    assert [name for name in hidden if page.locator(name).is_visible()] == []
    shown = [".simulated", "#map img.picture", ".legend", "#chart svg", "#table"]
    assert [name for name in shown if not page.locator(name).is_visible()] == []


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_report_on_paper_has_its_title_maps_and_values(
    visit: Visit, publication: Publication, tmp_path: Path, lang: str
) -> None:
    page = visit.go(f"lang={lang}", file=f"reports/{publication.periods[-1].label}.html")
    said = [*page.locator("h1, h2, .reading b").all_inner_texts(), *page.locator(".legend .unseen").all_inner_texts()]
    assert page.locator("svg.still image").count() == 2
    pages = printed(page, tmp_path / "report.pdf")
    assert [one for one in said if close(one) not in "".join(pages)] == []
    assert not {"Français", "English"} & set(words_of(tmp_path / "report.pdf")[0])
    assert min(len(letters) for letters in pages) > BLANK_PAGE
    assert b"/Subtype /Image" in (tmp_path / "report.pdf").read_bytes()
