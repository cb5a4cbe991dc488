"""What manifests tell in English, told again in both languages: why scenes were left out, what offsets rest on."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sco.model import Words
from sco.products import words
from sco.products.words import Language

NUMBERS = frozenset({"cloud", "limit", "offset", "scale", "median", "pixels", "share", "threshold"})
"""What is put in as a number, which each language writes in its own way."""


@dataclass(frozen=True)
class Phrase:
    """A sentence of manifests, and the name of ours for it."""

    name: str
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Told:
    """A sentence of ours, and what is to be put into it."""

    name: str
    parts: tuple[tuple[str, str], ...]

    def filled(self, beginning: str, language: Language, n: int | None = None) -> str:
        """The sentence of that beginning in one language; one that counts is about `n` things."""
        name = f"{beginning}_{self.name}"
        text = words.say(name, language) if n is None else words.counted(name, n, language)
        found = {part: _put(part, given, language) for part, given in self.parts}
        return re.sub(r"\{(\w+)\}", lambda gap: found.get(gap[1], gap[0]), text)

    def both(self, beginning: str) -> Words:
        """The sentence in both languages."""
        return Words(*(self.filled(beginning, one) for one in ("en", "fr")))


@dataclass(frozen=True)
class LeftOut:
    """Scenes that were left out for the same reason."""

    scenes: tuple[tuple[str, Words], ...]
    """Their ids, in order, and what is told of each."""
    words: Words
    """How many they are, and why."""


REASONS = tuple(
    Phrase(name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("cloudy", r"cloud (?P<cloud>\S+) % is over the project's (?P<limit>\S+) %"),
        ("superseded", r"superseded by (?P<winner>\S+): .*"),
        ("twin", r"the same acquisition as (?P<first>\S+) of (?P<catalog>\S+), which comes first"),
        ("orbit", r"orbit (?P<orbit>.+), the project takes .+"),
        ("time", r"its time (?P<time>\S+) is outside what was asked"),
        ("place", r"its footprint does not touch the area that was asked"),
        ("collection", r"it is of collection (?P<collection>.+), not .+"),
        ("bad", r"known to be bad: (?P<told>.+)"),
        ("unlike", r"not taken from (?P<catalog>\S+): (?P<told>.+)"),
        ("rubbish", r"(?P<told>(it|its) .+)"),
    )
)
SIGNED = r"[+\-\d.e]+"
FACTS = tuple(
    Phrase(name, re.compile(pattern, re.DOTALL))
    for name, pattern in (
        ("baseline_after", r"baseline (?P<baseline>\S+) is at or after (?P<first>\S+)"),
        ("baseline_before", r"baseline (?P<baseline>\S+) is before (?P<first>\S+)"),
        ("flag_not_taken", r"flag says that the offset was not taken"),
        ("flag_taken", r"flag says that the offset was already taken"),
        ("announced", rf"item announces offset (?P<offset>{SIGNED})"),
        ("given_by_item", r"item gives the offset"),
        ("given_by_file", r"file gives the offset"),
        ("given_by_sensor", r"sensor gives the offset"),
        ("tags", rf"file tags say scale (?P<scale>{SIGNED}), offset (?P<offset>{SIGNED})"),
        ("still_in", r"pixels: still in the pixels \((?P<told>.*)\)"),
        ("taken", r"pixels: already taken from the pixels \((?P<told>.*)\)"),
        ("undecided", r"pixels: undecided \((?P<told>.*)\)"),
        (
            "median",
            r"median (?P<median>\d+) of (?P<pixels>\d+) dark pixels in (?P<band>\w+), "
            r"(?P<share>[\d.]+)% under (?P<threshold>\d+)",
        ),
        ("few_dark", r"only (?P<pixels>\d+) dark pixels to ask"),
        ("followed", r"the pixels are followed"),
    )
)


def fact(told: str) -> Words:
    """What an offset rests on."""
    return _recognised(told, FACTS, "as_told").both("fact")


def left_out(rejected: Iterable[tuple[str, str]]) -> list[LeftOut]:
    """Rejected scenes, (id, reason), put together by reason: the commonest one first."""
    kinds: dict[tuple[str, str], list[tuple[str, Told]]] = {}
    for name, reason in sorted(rejected):
        found = _recognised(reason, REASONS, "other")
        kinds.setdefault((found.name, dict(found.parts).get("limit", "")), []).append((name, found))
    largest = sorted(kinds.values(), key=lambda group: (-len(group), group[0][1].name))
    return [_together(group) for group in largest]


def _together(group: Sequence[tuple[str, Told]]) -> LeftOut:
    one = group[0][1]
    english, french = (one.filled("left_out", language, len(group)) for language in ("en", "fr"))
    return LeftOut(tuple((name, told.both("because")) for name, told in group), Words(english, french))


def _recognised(told: str, phrases: Sequence[Phrase], otherwise: str) -> Told:
    for phrase in phrases:
        if match := phrase.pattern.fullmatch(told):
            return Told(phrase.name, tuple(match.groupdict().items()))
    return Told(otherwise, (("told", told),))


def _put(part: str, given: str, language: Language) -> str:
    """What is put in for a part: a number, a band or a fact in the words of the language, or the text as it is."""
    if part in NUMBERS:
        return words.number(given, language)
    if part == "band":
        return words.of(words.band(given), language)
    inner = [one for one in FACTS if part == "told" and one.pattern.fullmatch(given)]
    return words.of(fact(given), language) if inner else given
