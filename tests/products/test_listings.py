"""Every folder that the page offers has a page of its own: on a server that lists no folders, and on a disk."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from posixpath import dirname, join, normpath
from threading import Thread
from typing import Any
from urllib.parse import unquote

import pytest
import xarray as xr
from visit import Visit

from sco.products import seal
from sco.products.contents import Publication

FOLDERS = ("cog", "cog/ndvi", "cog/water_extent", "reports", "zarr")


class Strict(SimpleHTTPRequestHandler):
    """As many servers are set up: a folder without an index is forbidden."""

    def list_directory(self, path: Any) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[HTTPConnection]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Strict, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield HTTPConnection("127.0.0.1", server.server_port)
        server.shutdown()


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for key, value in attrs if key in ("href", "src")]


def links_of(page: Path, product: Path) -> set[str]:
    """Where a page leads to, as paths in the product."""
    links, place = Links(), dirname(page.relative_to(product).as_posix())
    links.feed(page.read_text("utf-8"))
    own = (link.partition("#")[0] for link in links.found if "://" not in link)
    return {normpath(join(place, unquote(link))) for link in own if link}


def status(server: HTTPConnection, path: str) -> int:
    server.request("GET", f"/{path}")
    answer = server.getresponse()
    answer.read()
    return answer.status


def test_all_that_pages_link_to_is_served_where_folders_are_not_listed(product: Path) -> None:
    pages = [path for path in product.rglob("*.html") if path.parent != product / "reports"]
    pages += [*sorted((product / "reports").glob("*.html"))[:2], product / "reports/index.html"]
    wanted = {link for page in pages for link in links_of(page, product)}
    assert {f"{folder}/index.html" for folder in FOLDERS} <= wanted
    with served(product) as server:
        assert {path: code for path in sorted(wanted) if (code := status(server, path)) != 200} == {}
        assert {folder: status(server, f"{folder}/") for folder in FOLDERS} == dict.fromkeys(FOLDERS, 200)
        assert status(server, "provenance/") == 403


def test_a_listing_names_every_file_newest_first_and_is_sealed(publication: Publication, product: Path) -> None:
    rasters = links_of(product / "cog/ndvi/index.html", product)
    assert {f"cog/ndvi/{path.name}" for path in (product / "cog/ndvi").glob("*.tif")} <= rasters
    told = (product / "cog/ndvi/index.html").read_text("utf-8")
    first, last = (f"ndvi_{publication.periods[place].label}.tif" for place in (0, -1))
    assert told.index(last) < told.index(first)
    reports = {path.relative_to(product).as_posix() for path in (product / "reports").iterdir()}
    assert reports - {"reports/index.html"} <= links_of(product / "reports/index.html", product)
    assert {f"{folder}/index.html" for folder in FOLDERS} <= seal.read(product).keys()


@pytest.mark.parametrize(("lang", "said"), [("fr", "série complète"), ("en", "whole record")])
def test_a_listing_speaks_both_languages(visit: Visit, lang: str, said: str) -> None:
    page = visit.go(f"lang={lang}", file="zarr/index.html")
    assert said in page.locator("h1 span:visible").inner_text()
    assert page.locator(".simulated").is_visible()
    assert 'xarray.open_zarr("zarr")' in page.locator("main").inner_text()


def test_a_page_among_its_files_is_no_part_of_the_record(product: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_zarr(product / "zarr") as record:
            assert {"ndvi", "water_extent"} <= set(record.data_vars)
