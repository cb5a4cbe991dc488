"""The story of a period as files: a page in both languages, and a PDF in each."""

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sco.products import lines, mapview, web, words
from sco.products.contents import Publication
from sco.products.pieces import Piece
from sco.products.story import Story, sources_said, tell

VERSION = 4
"""Raised when a change here, or in how paper is written on, gives other bytes."""


def pieces(publication: Publication) -> Iterator[Piece]:
    """A report for each period; its pictures must lie in the folder before it is written."""
    chronicles, outlines = lines.chronicles(publication), mapview.outlines(publication)
    for period in publication.periods:
        story = tell(publication, chronicles, period, outlines)
        if story.panels:
            files = (story.page, *(story.pdf(language) for language in words.LANGUAGES))
            yield Piece(f"report {period.label}", _digest(story), files, partial(write, story))


def write(story: Story, folder: Path) -> None:
    """Write the report as one page in both languages, and as a PDF in each."""
    from sco.products import paper

    publication = story.publication
    said = {
        panel.indicator.id: list(zip(*(sources_said(publication, panel, one) for one in ("en", "fr")), strict=True))
        for panel in story.panels
    }
    page = web.fill(
        "report.html",
        story=story,
        project=publication.project,
        publication=publication,
        frame=mapview.Frame(publication.geobox),
        outlines=story.outlines,
        said_of=said,
        warning=lines.reference_warning(publication),
    )
    (folder / story.page).parent.mkdir(parents=True, exist_ok=True)
    (folder / story.page).write_text(page, "utf-8")
    for language in words.LANGUAGES:
        paper.write(story, language, folder)


def _digest(story: Story) -> str:
    """Of all that the report says; nothing in it changes with the months that come after."""
    project = story.publication.project.model_dump(mode="json", include={"id", "title", "summary", "area", "zones"})
    panels = [repr(panel) for panel in story.panels]
    warning = lines.reference_warning(story.publication)
    told = [
        VERSION,
        project,
        story.made_from,
        story.credits,
        panels,
        repr(warning),
        story.publication.project.simulated,
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
