"""The product of the small simulated territory, and a browser to look at it with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from visit import Visit

from sco.choices import Publish
from sco.products.contents import Publication
from sco.products.publication import publish
from sco.project import Project
from sco.store import Store

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole session: as long as it lives, an event loop runs in the thread of the tests."""
    if not CHROMIUM:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield opened
        opened.close()


def publication_of(project: Project) -> Publication:
    store = Store.open(project.store_url)
    return Publication.of(project, store, store.tip())


@pytest.fixture(scope="session")
def publication(computed: Project, tmp_path_factory: pytest.TempPathFactory) -> Publication:
    place = tmp_path_factory.mktemp("published")
    return publication_of(computed.model_copy(update={"publish": Publish(to=str(place))}))


@pytest.fixture(scope="session")
def product(publication: Publication) -> Path:
    return publish(publication)


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
