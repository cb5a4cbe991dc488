"""How the product asks to be cited: one sentence, and CITATION.cff.

https://citation-file-format.github.io
"""

import json
from pathlib import Path

from sco.products.contents import Publication

NAME = "CITATION.cff"
CFF_VERSION = "1.2.0"
SPDX_IN_CFF = ("CC-BY-4.0", "CC-BY-SA-4.0", "CC0-1.0", "ODbL-1.0", "ODC-By-1.0", "etalab-2.0")
"""Licences of data that the format's own list has; another one is told as words."""


def write(publication: Publication, folder: Path) -> None:
    """Write CITATION.cff; every word of ours is a JSON string, which YAML reads as the same words."""
    (folder / NAME).write_text("".join(f"{line}\n" for line in _lines(publication)), "utf-8")


def sentence(publication: Publication) -> str:
    """Who, when, what, which version."""
    doi = publication.project.publish.doi if publication.project.publish else None
    told = f"{author(publication)} ({publication.newest[:4]}): {title(publication)}. Version {publication.version}."
    return f"{told} https://doi.org/{doi}" if doi else told


def author(publication: Publication) -> str:
    """Who answers for the product."""
    named = publication.project.publish.publisher if publication.project.publish else None
    return named or f"The project {publication.project.id}"


def title(publication: Publication) -> str:
    """The product's name in English; it says so where the data are simulated."""
    return ("SIMULATED: " if publication.project.simulated else "") + publication.project.title.en


def _lines(publication: Publication) -> list[str]:
    publish = publication.project.publish
    message = "; ".join(["Please cite this product as below.", *publication.credits])
    lines = [
        f"cff-version: {CFF_VERSION}",
        f"message: {_quoted(message)}",
        "type: dataset",
        f"title: {_quoted(title(publication))}",
        f"version: {_quoted(publication.version)}",
        f"date-released: {_quoted(publication.newest)}",
        "authors:",
        f"  - name: {_quoted(author(publication))}",
        "keywords:",
        *(f"  - {_quoted(word)}" for word in ("climate", *publication.project.indicators)),
    ]
    if publish and publish.licence in SPDX_IN_CFF:
        lines.append(f"license: {_quoted(publish.licence)}")
    return lines + ([f"doi: {_quoted(publish.doi)}"] if publish and publish.doi else [])


def _quoted(words: str) -> str:
    return json.dumps(words)
