"""Files of a page: templates filled in with autoescape, data as scripts, and the map library out of its wheel."""

import base64
import json
import re
import zlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sco.products import words
from sco.products.words import TEMPLATES

PAGE = "page"
"""The folder of what the page itself needs."""
SCRIPTS = ("load.js", "words.js", "names.js", "map.js", "chart.js", "origin.js", "sheet.js")
STYLES = ("sheet.css", "print.css", "icon.svg")
LIBRARY = ("leaflet.js", "leaflet.css")
LICENCE = "leaflet-LICENSE.txt"
SPACED = re.compile(r'("(?:\\.|[^"\\])*")| ?([{}();,=:?&|<>*]) ?')
"""Words in quotes, and signs of a script with the spaces around them."""

TAG, QUOTED = re.compile(r"<[a-z][^<>]*>"), re.compile(r'="([\w.#-]+)"(?=[ >])')
"""A tag of a page, and what stands in it between quotes that it does without."""


def write_data(folder: Path, name: str, content: object, packed: bool = False) -> None:
    """Write `content` as page/NAME.js: a script that hands it over, since a page on a disk cannot fetch a file.

    Packed, it is the base64 of the zlib stream of its JSON, and less than half as long.
    """
    path = folder / PAGE / f"{name}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = _json({"packed": pack(_json(content).encode("ascii"))} if packed else content)
    path.write_text(f"(window.SHEET??={{}})[{_json(name)}]={told};\n", "utf-8")


def pack(content: bytes) -> str:
    """Base64 of the zlib stream, as the page unpacks it."""
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def copy_parts(folder: Path) -> None:
    """Put the page's scripts and styles, and those of the map library with their licence, into page/."""
    place = folder / PAGE
    place.mkdir(parents=True, exist_ok=True)
    library = files("js_lib_leaflet") / "static" / "js_lib_leaflet"
    for name in (*SCRIPTS, *STYLES, "report.js", *LIBRARY):
        text = ((library if name in LIBRARY else TEMPLATES) / name).read_text("utf-8")
        (place / name).write_text(_lighter(name, text), "utf-8")
    (place / LICENCE).write_text(_licence(), "utf-8")


def _light(text: str) -> str:
    """The text without the spaces that lines begin with, which are a tenth of what a page weighs, and empty lines."""
    return "\n".join(line.lstrip() for line in text.splitlines() if line.strip()) + "\n"


def _lighter(name: str, text: str) -> str:
    """A part of the page as it travels; the library's script is as small as it gets."""
    if name.endswith(".css"):
        return _tight(text)
    return text if name in LIBRARY or not name.endswith(".js") else _terse(text)


def _terse(script: str) -> str:
    """A script without comments on lines of their own, and without spaces around signs.

    A line with other quotes than the double ones, or with a stroke, keeps its spaces: it may hold them in words.
    """
    lines = [line for line in _light(script).splitlines() if not line.startswith("//")]
    wordy = re.compile(r"[`'/]")
    return "\n".join(line if wordy.search(line) else SPACED.sub(_unspaced, line) for line in lines) + "\n"


def _unspaced(found: re.Match[str]) -> str:
    return found[1] or found[2]


def _tight(style: str) -> str:
    """A style sheet without comments and without the spaces that mean nothing to it."""
    told = re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)
    close = re.sub(r"\s*([{};,])\s*", r"\1", re.sub(r":\s+", ":", _light(told)))
    return re.sub(r"(?<![\d.])0(?=\.\d)", "", close.replace(";}", "}"))


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))


def fill(template: str, **facts: Any) -> str:
    """The template with these facts in it, every one of them escaped; apostrophes end nothing in our templates."""
    return _light(_environment().get_template(template).render(**facts)).replace("&#39;", "'")


def bare(page: str) -> str:
    """The page without the quotes that its tags do without."""
    return TAG.sub(lambda tag: QUOTED.sub(r"=\1", tag[0]), page)


def safe_link(link: str) -> str | None:
    """The link, if it is one that a page may offer; None for any scheme but http and https."""
    return link if urlsplit(link).scheme in ("http", "https") else None


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["link"] = safe_link
    environment.filters["fr"] = lambda text: words.number(text, "fr")
    environment.filters["signed"] = lambda text: words.number(text, "en")
    environment.filters["french"] = words.french
    environment.filters["counted"] = words.counted
    environment.filters["bytes"] = words.size
    environment.filters["said"] = words.said
    environment.filters["within"] = words.within
    environment.globals["words"] = words.sentences()
    return environment


def _licence() -> str:
    from importlib.metadata import distribution

    found = distribution("django-js-lib-leaflet")
    licence = next(path for path in found.files or () if path.name == "LICENSE")
    return licence.read_text("utf-8")
