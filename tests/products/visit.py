"""A page in a real Chromium, as tests visit it and read what it says."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page, Request

from sco.products.contents import Publication


class Visit:
    """A page in the browser, and all that it said and asked for while it was open."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.complaints: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self.note_failure)
        page.on("request", lambda request: self.asked.append(request.url))

    def note_failure(self, request: Request) -> None:
        """A browser drops what it was still loading when a page is left or loaded anew: that is no failure."""
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"failed: {request.url}: {request.failure}")

    def go(self, hash_: str = "lang=fr", address: str = "", file: str = "index.html") -> Page:
        self.page.goto(f"{address or self.folder.as_uri() + '/'}{file}#{hash_}")
        if file == "index.html":
            self.page.wait_for_selector("#chart svg .hit")
            self.page.wait_for_selector("#made dd")
        return self.page

    @property
    def files(self) -> list[Path]:
        """What was read of the folder, each file once; fails for anything else."""
        assert all(url.startswith(self.folder.as_uri() + "/") for url in self.asked), self.asked
        return [Path(unquote(path)) for path in dict.fromkeys(urlsplit(url).path for url in self.asked)]


def text(page: Page, selector: str) -> str:
    return page.locator(selector).inner_text().replace("\u202f", " ").replace("\xa0", " ")


def number(told: str) -> float:
    """The first number of a French text; percents are shares."""
    found = re.search(r"−?\d+(,\d+)?", told)
    assert found, told
    value = float(found[0].replace("−", "-").replace(",", "."))
    return value / 100 if told.rstrip().endswith("%") else value


def shown_layer(page: Page) -> tuple[str, str]:
    """Indicator and period of the map, by its picture."""
    name = Path(page.locator("#map img.picture").get_attribute("src") or "").stem
    indicator, period = name.rsplit("_", 1)
    return indicator, period


def layer_of(publication: Publication, indicator: str, period: str) -> Any:
    layer = next(one for one in publication.layers if (one.indicator.id, one.period.label) == (indicator, period))
    return publication.frame(layer)
