"""What manifests tell in English, told again in both languages: why scenes were left out, what offsets rest on.

Templates/phrases.toml has the words. What is not in it stays as it is, and is told as English.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache

from sco import library
from sco.model import Words
from sco.products import words

Said = Words | str
"""A sentence in both languages, or the English original of what has no words yet."""
LONGEST = 4096
"""Characters of a sentence that is looked into."""
GAP = re.compile(r"\{(\w+)(?::(\w+))?\}")
SHAPES = {
    "number": r"[-+\d][\d.,e+-]*",
    "day": r"none|\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?",
    "version": r"\S+",
    "word": r"\w+",
    "piece": "[^;]+?",
    "band": r"\w+(?: at full resolution)?",
}
Parts = Mapping[str, Words]
SIDES: tuple[words.Language, ...] = ("en", "fr")
"""In the order of Words."""


@dataclass(frozen=True)
class Phrase:
    """A sentence of manifests and ours for it."""

    pattern: re.Pattern[str]
    kinds: Mapping[str, str]
    """Of what is put in, by name."""
    words: Words
    one: Words | None = None
    """The same of one scene, where scenes are counted by it."""
    own: Words | None = None
    """What is told of one scene alone."""
    rest: str | None = None
    """The part that is told for itself."""
    of: str | None = None
    """The name of the phrase that scenes are counted by."""


@dataclass(frozen=True)
class Told:
    """What becomes of a sentence: how scenes are counted by it, and what is told of one alone."""

    many: Words
    one: Words
    alone: tuple[Said, ...]


@dataclass(frozen=True)
class LeftOut:
    """Scenes that were left out for the same reason."""

    scenes: tuple[tuple[str, tuple[Said, ...]], ...]
    """Their ids, in order, and what is told of each."""
    words: Words
    """How many they are, and why."""


def fact(told: str) -> Said:
    """What an offset rests on, or any other sentence; several in one are told one after the other."""
    whole, *pieces = (_told(one).alone for one in (told, *told.split("; ")))
    known = [piece[0] for piece in pieces if piece and isinstance(piece[0], Words)]
    if whole and whole[0] == told and len(known) == len(pieces):
        return Words(*(words.listed([words.of(one, side) for one in known], side) for side in SIDES))
    return whole[0] if whole else told


def failure(told: str) -> tuple[Said, ...]:
    """Why a file could not be read, the general before the particular."""
    return _told(told).alone


def left_out(rejected: Iterable[tuple[str, str]]) -> list[LeftOut]:
    """Rejected scenes, (id, reason), put together by reason: the commonest one first."""
    kinds: dict[tuple[Words, Words], list[tuple[str, tuple[Said, ...]]]] = {}
    for name, reason in sorted(rejected):
        found = _told(reason)
        kinds.setdefault((found.many, found.one), []).append((name, found.alone))
    largest = sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0][0].en))
    return [LeftOut(tuple(scenes), _counted(*kind, len(scenes))) for kind, scenes in largest]


def plain(told: Said) -> str | dict[str, str]:
    """As a script takes it: by language, or the text of an English original."""
    return told if isinstance(told, str) else words.both(told)


def _counted(many: Words, one: Words, n: int) -> Words:
    sides = ((one if words.is_one(str(n), side) else many, side) for side in SIDES)
    return Words(*(words.of(told, side).replace("{n}", words.number(f"{n:,}", side)) for told, side in sides))


@lru_cache(maxsize=65_536)
def _told(told: str) -> Told:
    looked = _phrases().values() if len(told) <= LONGEST else ()
    return next(filter(None, (_by(phrase, told) for phrase in looked)), _other((told,)))


def _by(phrase: Phrase, told: str) -> Told | None:
    """What a sentence becomes by this phrase; None where it is another one, or has a part without words."""
    found = phrase.pattern.fullmatch(told)
    given = {name: _part(phrase.kinds[name], text) for name, text in found.groupdict().items()} if found else {}
    parts = {name: part for name, part in given.items() if part is not None}
    if found is None or len(parts) < len(given):
        return None
    filled, rest = _filled(phrase.words, parts), (fact(found[phrase.rest]),) if phrase.rest else ()
    if phrase.one is not None:
        own = (_filled(phrase.own, parts),) if phrase.own else rest
        return Told(filled, _filled(phrase.one, parts), own)
    return _under(phrase.of or "other", (filled, *rest))


def _other(alone: tuple[Said, ...]) -> Told:
    return _under("other", alone)


def _under(name: str, alone: tuple[Said, ...]) -> Told:
    group = _phrases()[name]
    return Told(group.words, group.one or group.words, alone)


@cache
def _phrases() -> Mapping[str, Phrase]:
    told = tomllib.loads((words.TEMPLATES / "phrases.toml").read_text("utf-8"))
    return {name: _phrase(**entry) for name, entry in told.items()}


def _phrase(
    en: str,
    fr: str,
    reason: str = "",
    one: dict[str, str] | None = None,
    own: dict[str, str] | None = None,
    rest: str | None = None,
    of: str | None = None,
) -> Phrase:
    kinds = dict(GAP.findall(reason))
    counted, single = (Words(**each) if each else None for each in (one, own))
    return Phrase(_pattern(reason), kinds, Words(en, fr), counted, single, rest, of)


def _pattern(reason: str) -> re.Pattern[str]:
    """What the sentence looks like; without one nothing does."""
    if not reason:
        return re.compile(r"(?!)")
    literal = GAP.sub("\0", reason).split("\0")
    shapes = [f"(?P<{name}>{SHAPES.get(kind, '.+?')})" for name, kind in GAP.findall(reason)]
    pieces = [piece for pair in zip(map(re.escape, literal), [*shapes, ""], strict=True) for piece in pair]
    return re.compile("".join(pieces), re.DOTALL)


def _filled(sentence: Words, parts: Parts) -> Words:
    english, french = ({name: words.of(part, side) for name, part in parts.items()} for side in SIDES)
    return Words(_put(sentence.en, english), _put(sentence.fr, french))


def _put(text: str, parts: Mapping[str, str]) -> str:
    return GAP.sub(lambda gap: parts.get(gap[1], gap[0]), text)


def _part(kind: str, text: str) -> Words | None:
    """What is put in for a part; None where it is a sentence without words."""
    return _KINDS.get(kind, _as_it_is)(text)


def _as_it_is(text: str) -> Words:
    return Words(text, text)


def _number(text: str) -> Words:
    told = f"{int(text):,}" if text.isdigit() else text
    return Words(words.number(told, "en"), words.number(told, "fr"))


def _version(text: str) -> Words:
    return Words("none", "aucune") if text == "none" else Words(text, text)


def _day(text: str) -> Words | None:
    try:
        return Words("undated", "sans date") if text == "none" else words.day(datetime.fromisoformat(text).date())
    except ValueError:
        return None


def _band(text: str) -> Words:
    name, *close = text.split(" ", 1)
    band = words.band(name)
    return Words(f"{band.en}, {close[0]}", f"{band.fr}, en pleine résolution") if close else band


def _catalog(text: str) -> Words:
    title = library.catalogs[text].title if text in library.catalogs else text
    return Words(title, title)


def _sentence(text: str) -> Words | None:
    found = fact(text)
    return found if isinstance(found, Words) else None


_KINDS: Mapping[str, Callable[[str], Words | None]] = {
    "number": _number,
    "day": _day,
    "version": _version,
    "band": _band,
    "catalog": _catalog,
    "reason": _sentence,
}
