"""What pages and reports say, in both languages: periods, numbers, units, and the sentences of templates/words.toml."""

import math
import tomllib
from collections.abc import Container, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from sco.model import Indicator, Words
from sco.period import Every, Slice

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")
TEMPLATES = Path(__file__).parent / "templates"
MONTHS = (
    Words("January", "janvier"),
    Words("February", "février"),
    Words("March", "mars"),
    Words("April", "avril"),
    Words("May", "mai"),
    Words("June", "juin"),
    Words("July", "juillet"),
    Words("August", "août"),
    Words("September", "septembre"),
    Words("October", "octobre"),
    Words("November", "novembre"),
    Words("December", "décembre"),
)
SEASONS = {
    3: Words("spring", "printemps"),
    6: Words("summer", "été"),
    9: Words("autumn", "automne"),
    12: Words("winter", "hiver"),
}


UNITS = {"1": "", "percent": "%", "degree_Celsius": "°C", "degC": "°C", "m2": "m²", "km2": "km²"}
"""Units of CF as people write them; the others are written as they are."""


class Bilingual(Protocol):
    """The same words in English and in French."""

    @property
    def en(self) -> str:
        """In English."""

    @property
    def fr(self) -> str:
        """In French."""


ON_DEMAND = ("mask_", "stat_", "empty_", "paper_")
"""Beginnings of the names of sentences that a page has only if it needs them."""
WHOLE_AREA = Words("Whole area", "Tout le territoire")


@cache
def sentences() -> Mapping[str, Words]:
    """The sentences that pages and reports share, by name."""
    told = tomllib.loads((TEMPLATES / "words.toml").read_text("utf-8"))
    return {name: Words(**words) for name, words in told.items()}


def of_page(needed: Container[str]) -> Mapping[str, Words]:
    """The sentences of the page's scripts; of the meanings of masks, statistics and empty layers only these."""
    told = sentences().items()
    return {name: said for name, said in told if name in needed or not name.startswith(ON_DEMAND)}


def both(words: Words) -> dict[str, str]:
    """The words by language, as a script takes them."""
    return {"en": words.en, "fr": words.fr}


def of(told: Bilingual, language: Language) -> str:
    """The words in one language."""
    return told.en if language == "en" else told.fr


def say(name: str, language: Language) -> str:
    """A sentence in one language."""
    return of(sentences()[name], language)


def named(period: Slice, every: Every) -> Words:
    """The period as people say it."""
    year, month, day = period.start.year, MONTHS[period.start.month - 1], period.start.day
    match every:
        case "day":
            return Words(f"{day} {month.en} {year}", f"{day} {month.fr} {year}")
        case "dekad":
            last = (period.end - timedelta(days=1)).day
            return Words(f"{day} to {last} {month.en} {year}", f"{day} au {last} {month.fr} {year}")
        case "month":
            return Words(f"{month.en} {year}", f"{month.fr} {year}")
        case "season":
            season, ending = SEASONS[period.start.month], period.end.year
            return Words(f"{season.en} {ending}", f"{season.fr} {ending}")
        case "year":
            return Words(str(year), str(year))


def unit_of(indicator: Indicator) -> str:
    """The unit that follows a number; nothing for a number without one, and for shares, which are told in percent."""
    return UNITS.get(indicator.unit, indicator.unit)


def digits_of(indicator: Indicator) -> int:
    """Decimals that a mean of the indicator is told with: as many as a reader can use."""
    extent = indicator.valid_range[1] - indicator.valid_range[0]
    return 3 if extent <= 5 else 2 if extent <= 50 else 1


def exact_digits_of(indicator: Indicator) -> int:
    """Decimals that show every step of the indicator's packing."""
    return max(0, math.ceil(-math.log10(indicator.packing.scale) - 1e-9))


def said(value: float | None, indicator: Indicator, language: Language, sign: bool = False) -> str:
    """A value with its unit; a dash where there is none. `sign` is for differences: points where shares differ."""
    if value is None:
        return "–"
    plus = "+" if sign else ""
    if indicator.is_share_of_area:
        points = number(f"{100 * value:{plus}.1f}", language)
        return f"{points} pts" if sign else share(value, language, 1)
    text = number(f"{value:{plus},.{digits_of(indicator)}f}", language)
    return f"{text} {unit_of(indicator)}".rstrip()


def within(value: float | None, error: float | None, indicator: Indicator, language: Language) -> str:
    """A value and its standard error, where one is known."""
    if value is None or error is None:
        return said(value, indicator, language)
    digits = 1 if indicator.is_share_of_area else digits_of(indicator)
    plain = number(f"{100 * value if indicator.is_share_of_area else value:,.{digits}f}", language)
    return f"{plain} ± {said(error, indicator, language)}"


def share(value: float, language: Language, digits: int = 0) -> str:
    """A share in percent."""
    space = "" if language == "en" else "\u202f"
    return number(f"{100 * value:.{digits}f}", language) + f"{space}%"


def number(text: str, language: Language) -> str:
    """A number that Python wrote, as the language writes it: a true minus, no sign on nothing, French commas."""
    text = text.replace("-", "−") if any(digit in "123456789" for digit in text) else text.lstrip("+-")
    return text if language == "en" else text.replace(",", "\u202f").replace(".", ",")


def meaning(flag: str, language: Language) -> str:
    """What a quality flag stands for; a flag that has no words here is told by its own name."""
    found = sentences().get(f"mask_{flag}")
    return of(found, language) if found else flag.replace("_", " ")


def labelled(label: str, told: str, language: Language) -> str:
    """`label: told`, with the space that French has before a colon."""
    return f"{label}\u00a0: {told}" if language == "fr" else f"{label}: {told}"


def size(length: int) -> str:
    """A number of bytes as people say it."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if length >= factor:
            return f"{length / factor:,.1f} {unit}"
    return f"{length} B"
