"""The words of a PDF, page by page, by the characters that its fonts say their codes stand for."""

import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

OBJECT = re.compile(rb"(\d+) 0 obj(.*?)endobj", re.DOTALL)
STREAM = re.compile(rb"stream\r?\n(.*)\r?\n?endstream", re.DOTALL)
SHOWN = re.compile(
    rb"/([\w+.-]+) [\d.]+ Tf|(<[0-9A-Fa-f]*>|\((?:\\.|[^\\()])*\)|\[(?:[^\[\]\\]|\\.)*\])\s*T[jJ]|(T\*|T[dDm]|ET)",
    re.DOTALL,
)
PART = re.compile(rb"<([0-9A-Fa-f]*)>|\(((?:\\.|[^\\()])*)\)", re.DOTALL)
ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
Characters = Mapping[int, str]


def words_of(path: Path) -> list[list[str]]:
    """The lines of each page, in the order in which they are drawn."""
    return [list(_lines(content, fonts)) for content, fonts in _pages(path.read_bytes())]


def _pages(data: bytes) -> Iterator[tuple[bytes, Mapping[bytes, tuple[int, Characters]]]]:
    objects = {int(number): body for number, body in OBJECT.findall(data)}
    for page in (body for body in objects.values() if re.search(rb"/Type\s*/Page\b", body)):
        content = b"\n".join(_stream(objects[int(number)]) for number in _references(page, rb"/Contents"))
        yield content, {name: _font(objects, int(number)) for name, number in _fonts(objects, page)}


def _references(body: bytes, key: bytes) -> list[bytes]:
    found = re.search(key + rb"\s*(\[[^\]]*\]|\d+ 0 R)", body)
    return re.findall(rb"(\d+) 0 R", found[1]) if found else []


def _fonts(objects: Mapping[int, bytes], page: bytes) -> list[tuple[bytes, bytes]]:
    """Name and object of each font; the table of fonts may be an object of its own."""
    resources = b"".join([page, *(objects[int(number)] for number in _references(page, rb"/Resources"))])
    tables = b"".join([resources, *(objects[int(number)] for number in _references(resources, rb"/Font"))])
    return re.findall(rb"/(F[\w+.-]*) (\d+) 0 R", tables)


def _font(objects: Mapping[int, bytes], number: int) -> tuple[int, Characters]:
    """Bytes of a code, and what codes stand for."""
    body = objects[number]
    wide = 2 if b"/Identity-H" in body else 1
    (told,) = _references(body, rb"/ToUnicode") or [b""]
    return wide, _characters(_stream(objects[int(told)])) if told else {}


def _characters(table: bytes) -> Characters:
    found: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[int(code, 16)] = _unicode(text)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, text in re.findall(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            for place, code in enumerate(range(int(first, 16), int(last, 16) + 1)):
                found[code] = chr(int(text, 16) + place)
        for first, listed in re.findall(rb"<([0-9A-Fa-f]+)>\s*<[0-9A-Fa-f]+>\s*\[(.*?)\]", block, re.DOTALL):
            for place, text in enumerate(re.findall(rb"<([0-9A-Fa-f]+)>", listed)):
                found[int(first, 16) + place] = _unicode(text)
    return found


def _unicode(text: bytes) -> str:
    return bytes.fromhex(text.decode()).decode("utf-16-be")


def _stream(body: bytes) -> bytes:
    found = STREAM.search(body)
    assert found, body[:80]
    return zlib.decompress(found[1]) if b"/FlateDecode" in body[: found.start()] else found[1]


def _lines(content: bytes, fonts: Mapping[bytes, tuple[int, Characters]]) -> Iterator[str]:
    line, font = "", (1, {})
    for named, shown, moved in SHOWN.findall(content):
        if named:
            font = fonts.get(named, (1, {}))
        elif shown:
            line += "".join(_text(part, *font) for part in PART.findall(shown))
        elif moved and line.strip():
            yield line.strip()
            line = ""
    if line.strip():
        yield line.strip()


def _text(part: tuple[bytes, bytes], wide: int, characters: Characters) -> str:
    codes = bytes.fromhex(part[0].decode()) if part[0] else _unescaped(part[1])
    numbers = (int.from_bytes(codes[place : place + wide], "big") for place in range(0, len(codes), wide))
    return "".join(characters.get(number, chr(number) if wide == 1 else "") for number in numbers)


def _unescaped(text: bytes) -> bytes:
    octal = re.sub(rb"\\([0-7]{1,3})", lambda found: bytes([int(found[1], 8)]), text)
    return re.sub(rb"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), octal, flags=re.DOTALL)
