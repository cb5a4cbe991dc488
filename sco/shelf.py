"""STAC items that lie in files: one item, a collection of items, lines, GeoParquet, or a folder of these.

Formats: https://github.com/radiantearth/stac-spec and https://github.com/stac-utils/stac-geoparquet
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

import orjson
import rustac

from sco import digests
from sco.errors import UpstreamError
from sco.model import BBox
from sco.sheaf import Bound, Sheaf, digest_of

ROOM = 2**18
"""Bytes of a file that are looked at together."""
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
    digest: bytes | None = None
    """SHA-256 of that line."""
    at: int | None = None
    """At which byte of its file it begins, where one line feed ends it."""


class Memory(Protocol):
    """What is known of lines by their SHA-256."""

    def fate(self, digest: bytes) -> Any:
        """Anything but None of a line that need not be read."""

    def sheaf(self, first: bytes) -> Sheaf | None:
        """The lines that this one begins, if they need not be read."""


class Nothing:
    """Of no line."""

    def fate(self, _: bytes) -> None:
        """None."""

    def sheaf(self, _: bytes) -> None:
        """None."""


NOTHING = Nothing()


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


def items(url: str, known: Memory = NOTHING) -> Iterator[Lying | Bound]:
    """All that lies there, rubbish included, with the relative addresses of assets made absolute.

    What is known is not read. Raises UpstreamError where there is no file, or where a file that was named is no STAC at
    all.
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


def _items(path: Path, known: Memory) -> Iterator[Lying | Bound]:
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


def _resting(file: Path, known: Memory) -> Iterator[Lying | Bound]:
    """The items in one file. Raises UpstreamError where it is not what its name says."""
    folder = file.resolve().parent
    try:
        if file.suffix.lower() in LINES:
            yield from _lined_up(file, folder, known)
        else:
            yield from (Lying(_placed(item, folder)) for item in _unfolded(_content(file)))
    except (ValueError, RecursionError, rustac.RustacError, OSError) as error:
        raise UpstreamError(f"{file.name} is no STAC: {error}") from error


def _lined_up(file: Path, folder: Path, known: Memory) -> Iterator[Lying | Bound]:
    """The items of a file of lines; a sheaf that is not what it begins as is not looked for a second time."""
    at, moved = 0, set[bytes]()
    room = memoryview(bytearray(ROOM))
    with file.open("rb") as content:
        while line := content.readline():
            digest = hashlib.sha256(line.removesuffix(b"\n")).digest()
            sheaf = known.sheaf(digest)
            if sheaf is not None and sheaf.sha256 not in moved:
                if _goes_on(content, line, sheaf, room):
                    yield Bound(file, at, sheaf)
                    at += sheaf.size
                    continue
                moved.add(sheaf.sha256)
                content.seek(at + len(line))
            yield from _of_line(line, digest, at, folder, known)
            at += len(line)


def _goes_on(content: BufferedReader, line: bytes, sheaf: Sheaf, room: memoryview) -> bool:
    """Whether the file goes on after this line as the sheaf does; `room` is what it is read into, again and again."""
    told, left = hashlib.sha256(line), sheaf.size - len(line)
    while left and (read := content.readinto(room[:left])):
        told.update(room[:read])
        left -= read
    return told.digest() == sheaf.sha256


def _of_line(line: bytes, digest: bytes, at: int, folder: Path, known: Memory) -> Iterator[Lying]:
    """The items of a line; of several where other things end lines than line feeds."""
    text = line.removesuffix(b"\n").decode("utf-8")
    if "\r" in text:
        for one in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            yield from _of_text(one, digest_of(one), None, folder, known)
    else:
        yield from _of_text(text, digest, at if line.endswith(b"\n") else None, folder, known)


def _of_text(text: str, digest: bytes, at: int | None, folder: Path, known: Memory) -> Iterator[Lying]:
    if not text.strip():
        return
    told = known.fate(digest)
    if told is not None:
        yield Lying(None, text, told, digest, at)
        return
    content = item_in(text)
    for item in _unfolded(content):
        placed = _placed(item, folder)
        yield Lying(placed, text, None, digest, at) if placed is content else Lying(placed)


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
