"""STAC items that lie in files: one item, a collection of items, lines, GeoParquet, or a folder of these.

Formats: https://github.com/radiantearth/stac-spec and https://github.com/stac-utils/stac-geoparquet
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import rustac

from sco.errors import UpstreamError
from sco.model import BBox

LINES = (".ndjson", ".jsonl")
PARQUET = (".parquet", ".geoparquet")
SUFFIXES = (".json", ".geojson", *LINES, *PARQUET)


def is_shelf(url: str) -> bool:
    """Whether this address of a catalog is that of a file or folder."""
    return url.startswith("file:")


def digest(url: str) -> str:
    """SHA-256 over the names and bytes of all files there, hexadecimal. Raises OSError where they cannot be read."""
    path = _path(url)
    told = hashlib.sha256(str(path.resolve()).encode())
    for file in _files(path) if path.is_dir() else [path]:
        with file.open("rb") as content:
            told.update(f"\n{file.resolve()} {hashlib.file_digest(content, 'sha256').hexdigest()}".encode())
    return told.hexdigest()


def items(url: str) -> Iterator[Any]:
    """All that lies there, rubbish included, with the relative addresses of assets made absolute.

    Raises UpstreamError where there is no file, or where a file that was named is no STAC at all.
    """
    path = _path(url)
    if not path.exists():
        raise UpstreamError(f"there is no file or folder {path}")
    return _items(path)


def may_be_asked_for(item: Any, collection: str, bbox: BBox, start: datetime, end: datetime) -> bool:
    """False for what a server would not have sent: of another collection, or clearly elsewhere or of another time.

    What cannot be told apart from rubbish may be, for whoever reads it to refuse.
    """
    if not isinstance(item, Mapping):
        return True
    if item.get("collection") not in (collection, None):
        return False
    return _may_touch(item.get("bbox"), bbox) and _may_be_within(item.get("properties"), start, end)


def _items(path: Path) -> Iterator[Any]:
    if not path.is_dir():
        yield from _resting(path)
        return
    for file in _files(path):
        try:
            yield from _resting(file)
        except UpstreamError as error:
            yield str(error)


def _path(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _files(folder: Path) -> list[Path]:
    return sorted(one for one in folder.rglob("*") if one.suffix.lower() in SUFFIXES and one.is_file())


def _resting(file: Path) -> Iterator[Any]:
    """The items in one file. Raises UpstreamError where it is not what its name says."""
    folder = file.resolve().parent
    try:
        for content in _contents(file):
            for item in _unfolded(content):
                yield _placed(item, folder)
    except (ValueError, RecursionError, rustac.RustacError, OSError) as error:
        raise UpstreamError(f"{file.name} is no STAC: {error}") from error


def _contents(file: Path) -> Iterator[Any]:
    match file.suffix.lower():
        case suffix if suffix in PARQUET:
            yield json.loads(json.dumps(rustac.read_sync(str(file))))  # tuples become lists
        case suffix if suffix in LINES:
            with file.open(encoding="utf-8") as lines:
                yield from (json.loads(line) for line in lines if line.strip())
        case _:
            yield json.loads(file.read_text("utf-8"))


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
    """The item with the relative addresses of its assets made absolute, from the folder of its file."""
    assets = item.get("assets") if isinstance(item, Mapping) else None
    if not isinstance(assets, Mapping):
        return item
    return {**item, "assets": {key: _absolute(asset, folder) for key, asset in assets.items()}}


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


def _may_be_within(properties: Any, start: datetime, end: datetime) -> bool:
    told = properties.get("datetime") if isinstance(properties, Mapping) else None
    try:
        time = datetime.fromisoformat(told) if isinstance(told, str) else None
        return time is None or start <= (time if time.tzinfo else time.replace(tzinfo=UTC)) < end
    except (ValueError, OverflowError):
        return True
