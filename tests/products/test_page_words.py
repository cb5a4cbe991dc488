"""The page and a report as somebody reads them in a browser: no other language, no day of a machine, no loose sign."""

import re

import pytest
from playwright.sync_api import Page
from visit import Visit

from sco.products.contents import Publication

READ = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), told = [];
  const lang = document.documentElement.lang;
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement, text = walker.currentNode.textContent;
    if (!parent.checkVisibility() || parent.closest("code, script, a.code, .languages, .eyebrow")) continue;
    if (parent.closest("[lang]").lang === lang) told.push(text);
  }
  return told;
}"""
"""The words that are seen, without those that are marked as another language's."""
ENGLISH = re.compile(r"\b(the|of|and|was|were|is|not|which|with|over|taken|seen|scene|from|says?)\b", re.IGNORECASE)
FRENCH = re.compile(r"\b(le|les|des|est|une|dans|pas|avec|scène|sur)\b", re.IGNORECASE)
ISO = re.compile(r"(?<![\w/.-])\d{4}-\d{2}(-\d{2})?(?![\w-])")
LOOSE = re.compile(r"[ \w)][;!?%»](?=\s|$)| :(?=\s|$)|« ")


def words_of(page: Page) -> list[str]:
    page.locator("#made details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
    page.wait_for_timeout(300)
    return [one for one in page.evaluate(READ) if one.strip()]


@pytest.mark.parametrize(("lang", "other"), [("fr", ENGLISH), ("en", FRENCH)])
def test_a_page_and_a_report_speak_one_language(
    visit: Visit, publication: Publication, lang: str, other: re.Pattern[str]
) -> None:
    page = visit.go(f"lang={lang}&at=2.5,2.5")
    page.wait_for_selector("#exact")
    told = words_of(page)
    assert len(told) > 100
    told += words_of(visit.go(f"lang={lang}", file=f"reports/{publication.periods[-1].label}.html"))
    assert [one for one in told if other.search(one)] == []
    assert [one for one in told if ISO.search(one)] == []
    if lang == "fr":
        assert [one for one in told if LOOSE.search(one)] == []
