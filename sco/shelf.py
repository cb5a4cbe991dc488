"""STAC items that lie in files: one item, a collection of items, lines, GeoParquet, or a folder of these.

Formats: https://github.com/radiantearth/stac-spec and https://github.com/stac-utils/stac-geoparquet
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import orjson
import rustac

from sco import digests
from sco.errors import UpstreamError
from sco.model import BBox

LINES = (".ndjson", ".jsonl")
PARQUET = (".parquet", ".geoparquet")
SUFFIXES = (".json", ".geojson", *LINES, *PARQUET)


class Lying(NamedTuple):
    """An item as it lies in a file."""

    item: Any
    """None where it is known, and was not read."""
    text: str | None = None
    """The line that it is, where it is one to the letter: with no relative address that was made absolute."""
    known: Any = None
    """What is known of that line."""


def is_shelf(url: str) -> bool:
    """Whether this address of a catalog is that of a file or folder."""
    return url.startswith("file:")


def digest(url: str, memory: Path) -> str:
    """SHA-256 over the names and bytes of all files there, hexadecimal. Raises OSError where they cannot be read.

    `memory` is where those of large files are remembered.
    """
    path = _path(url)
    told = hashlib.sha256(str(path.resolve()).encode())
    for file in _files(path) if path.is_dir() else [path]:
        told.update(f"\n{file.resolve()} {digests.digest(file, memory)}".encode())
    return told.hexdigest()


def items(url: str, known: Callable[[str], Any] = lambda _: None) -> Iterator[Lying]:
    """All that lies there, rubbish included, with the relative addresses of assets made absolute.

    A line of which `known` tells anything but None is not read. Raises UpstreamError where there is no file, or where
    a file that was named is no STAC at all.
    """
    path = _path(url)
    if not path.exists():
        raise UpstreamError(f"there is no file or folder {path}")
    return _items(path, known)


def item_in(line: str) -> Any:
    """What a line of JSON says. Raises ValueError or RecursionError where it is none."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return json.loads(line)  # which takes NaN and halves of surrogates as well


def may_be_asked_for(item: Any, collection: str, bbox: BBox) -> bool:
    """False for what a server would not have sent, whenever it was taken: of another collection, or clearly elsewhere.

    What cannot be told apart from rubbish may be, for whoever reads it to refuse.
    """
    if not isinstance(item, Mapping):
        return True
    if item.get("collection") not in (collection, None):
        return False
    return _may_touch(item.get("bbox"), bbox)


def moment_of(item: Any) -> datetime | None:
    """When a server would say that the item was taken; None where it could not tell."""
    properties = item.get("properties") if isinstance(item, Mapping) else None
    told = properties.get("datetime") if isinstance(properties, Mapping) else None
    try:
        time = datetime.fromisoformat(told) if isinstance(told, str) else None
        return time if time is None or time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _items(path: Path, known: Callable[[str], Any]) -> Iterator[Lying]:
    if not path.is_dir():
        yield from _resting(path, known)
        return
    for file in _files(path):
        try:
            yield from _resting(file, known)
        except UpstreamError as error:
            yield Lying(str(error))


def _path(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())


def _resting(file: Path, known: Callable[[str], Any]) -> Iterator[Lying]:
    """The items in one file. Raises UpstreamError where it is not what its name says."""
    folder = file.resolve().parent
    try:
        if file.suffix.lower() in LINES:
            with file.open(encoding="utf-8") as lines:
                for line in lines:
                    if line.strip():
                        yield from _of_line(line.rstrip("\n"), folder, known)
            return
        yield from (Lying(_placed(item, folder)) for item in _unfolded(_content(file)))
    except (ValueError, RecursionError, rustac.RustacError, OSError) as error:
        raise UpstreamError(f"{file.name} is no STAC: {error}") from error


def _of_line(line: str, folder: Path, known: Callable[[str], Any]) -> Iterator[Lying]:
    told = known(line)
    if told is not None:
        yield Lying(None, line, told)
        return
    content = item_in(line)
    for item in _unfolded(content):
        placed = _placed(item, folder)
        yield Lying(placed, line if placed is content else None)


def _content(file: Path) -> Any:
    if file.suffix.lower() in PARQUET:
        return json.loads(json.dumps(rustac.read_sync(str(file))))  # tuples become lists
    return json.loads(file.read_text("utf-8"))


def _unfolded(content: Any) -> Iterator[Any]:
    """The items of a collection of items; nothing of a STAC catalog or collection; else what is there."""
    kind = content.get("type") if isinstance(content, Mapping) else None
    if kind == "FeatureCollection" and isinstance(content.get("features"), list):
        yield from content["features"]
    elif isinstance(content, list):
        yield from content
    elif kind not in ("Catalog", "Collection"):
        yield content


def _placed(item: Any, folder: Path) -> Any:
    """The item with the relative addresses of its assets made absolute, from its file's folder; itself without any."""
    assets = item.get("assets") if isinstance(item, Mapping) else None
    if not isinstance(assets, Mapping):
        return item
    placed = {key: _absolute(asset, folder) for key, asset in assets.items()}
    return item if all(placed[key] is assets[key] for key in assets) else {**item, "assets": placed}


def _absolute(asset: Any, folder: Path) -> Any:
    href = asset.get("href") if isinstance(asset, Mapping) else None
    if not isinstance(href, str) or not href or href.startswith(("/", "<")) or urlsplit(href).scheme:
        return asset
    return {**asset, "href": str(folder / href)}


def _may_touch(given: Any, bbox: BBox) -> bool:
    if not isinstance(given, list) or len(given) != 4 or not all(isinstance(number, int | float) for number in given):
        return True
    west, south, east, north = given
    apart = north < bbox[1] or south > bbox[3] or (west <= east and (east < bbox[0] or west > bbox[2]))
    return not apart
