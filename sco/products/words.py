"""What pages and reports say, in both languages: periods, numbers, units, and the sentences of templates/words.toml."""

import math
import re
import tomllib
from collections.abc import Container, Mapping
from datetime import date, timedelta
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
"""Units of CF as people write them; those that are in neither table are written as they are."""
WORDY_UNITS = {"day": Words("d", "j")}
"""The same of those that each language writes in its own way."""


class Bilingual(Protocol):
    """The same words in English and in French."""

    @property
    def en(self) -> str:
        """In English."""

    @property
    def fr(self) -> str:
        """In French."""


TOLD = ("words.toml", "names.toml")
"""The files of TEMPLATES that hold sentences."""
ON_DEMAND = ("mask_", "stat_", "empty_", "paper_", "band_")
"""Beginnings of the names of sentences that a page has only if it needs them."""
NO_BREAK, NARROW = "\u00a0", "\u202f"
"""Spaces where no line may break; before a colon French has the one, before other signs of two parts the other."""
WHOLE_AREA = Words("Whole area", "Tout le territoire")


@cache
def sentences() -> Mapping[str, Words]:
    """The sentences that pages and reports share, by name."""
    told = [tomllib.loads((TEMPLATES / name).read_text("utf-8")) for name in TOLD]
    return {name: Words(words["en"], french(words["fr"])) for one in told for name, words in one.items()}


def of_page(needed: Container[str]) -> Mapping[str, Words]:
    """The sentences of the page's scripts; of the meanings of masks, statistics and empty layers only these."""
    told = sentences().items()
    return {name: said for name, said in told if name in needed or not name.startswith(ON_DEMAND)}


def both(words: Words) -> dict[str, str]:
    """The words by language, as a script takes them."""
    return {"en": words.en, "fr": french(words.fr)}


def of(told: Bilingual, language: Language) -> str:
    """The words in one language."""
    return told.en if language == "en" else french(told.fr)


def say(name: str, language: Language) -> str:
    """A sentence in one language."""
    return of(sentences()[name], language)


def counted(name: str, n: float, language: Language, digits: int = 0) -> str:
    """A sentence about `n` things, or its other one, NAME_one, where the language speaks of so many in the singular."""
    text = f"{n:,.{digits}f}"
    return say(f"{name}_one" if is_one(text, language) else name, language).replace("{n}", number(text, language))


def is_one(text: str, language: Language) -> bool:
    """Whether a number, as Python wrote it, is one of something: in French all below two, in English 1 alone."""
    size = abs(float(text.replace(",", "")))
    return size < 2 if language == "fr" else text.lstrip("+-") == "1"


def french(text: str) -> str:
    """French text with the spaces that must not break, wherever it has spaces before or within its signs."""
    text = re.sub(r"[ \u00a0\u202f]+:(?!\S)", f"{NO_BREAK}:", text)
    return re.sub(r"[ \u00a0\u202f]+(?=[;!?»%])|(?<=«)[ \u00a0\u202f]+", NARROW, text)


def day(when: date) -> Words:
    """A day as people say it."""
    month = MONTHS[when.month - 1]
    return Words(f"{when.day} {month.en} {when.year}", f"{_ordinal(when)} {month.fr} {when.year}")


def _ordinal(when: date) -> str:
    """The number of a day in its month, of which French counts the first alone."""
    return "1er" if when.day == 1 else str(when.day)


def named(period: Slice, every: Every) -> Words:
    """The period as people say it."""
    year, month = period.start.year, MONTHS[period.start.month - 1]
    match every:
        case "day":
            return day(period.start)
        case "dekad":
            last, first = (period.end - timedelta(days=1)).day, _ordinal(period.start)
            return Words(f"{period.start.day} to {last} {month.en} {year}", f"{first} au {last} {month.fr} {year}")
        case "month":
            return Words(f"{month.en} {year}", f"{month.fr} {year}")
        case "season":
            season, ending = SEASONS[period.start.month], period.end.year
            return Words(f"{season.en} {ending}", f"{season.fr} {ending}")
        case "year":
            return Words(str(year), str(year))


def is_category(indicator: Indicator) -> bool:
    """Whether its values name classes, of which no mean can be taken; where they are shares of area it can."""
    return bool(indicator.classes) and not indicator.is_share_of_area


def is_signed(indicator: Indicator) -> bool:
    """Whether its values are differences, above and below 0 alike, which are told with their sign."""
    low, high = indicator.valid_range
    return indicator.is_derived and low == -high and not is_category(indicator)


def is_share(indicator: Indicator) -> bool:
    """Whether its values are shares, of area or of the observations."""
    return indicator.is_share_of_area or indicator.composite == "fraction"


def informs(value: float, error: float, indicator: Indicator) -> bool:
    """Whether a standard error says something: that of a share, where it leaves the share within nothing and all.

    One that reaches beyond says no more than that a few observations cannot tell.
    """
    return not is_share(indicator) or error <= value <= 1 - error


def unit_of(indicator: Indicator, language: Language) -> str:
    """The unit that follows a number; nothing for a number without one, and for shares, which are told in percent."""
    wordy = WORDY_UNITS.get(indicator.unit)
    return of(wordy, language) if wordy else UNITS.get(indicator.unit, indicator.unit)


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
    if indicator.is_share_of_area:
        return points(value, language) if sign else share(value, language, 1)
    plus = "+" if sign or is_signed(indicator) else ""
    return measured(number(f"{value:{plus},.{digits_of(indicator)}f}", language), indicator, language)


def measured(text: str, indicator: Indicator, language: Language) -> str:
    """A number and the unit after it, on one line."""
    unit = unit_of(indicator, language)
    space = "" if not unit or (unit == "%" and language == "en") else NARROW if unit == "%" else NO_BREAK
    return f"{text}{space}{unit}"


def points(difference: float, language: Language) -> str:
    """A difference of two shares."""
    text = f"{100 * difference:+.1f}"
    sentence = "points_one" if is_one(text, language) else "points"
    return say(sentence, language).replace("{n}", number(text, language))


def within(value: float | None, error: float | None, indicator: Indicator, language: Language) -> str:
    """A value and its standard error, where one is known and says something."""
    if value is None or error is None or not informs(value, error, indicator):
        return said(value, indicator, language)
    if indicator.is_share_of_area:
        return f"{number(f'{100 * value:,.1f}', language)} ± {share(error, language, 1)}"
    digits, plus = digits_of(indicator), "+" if is_signed(indicator) else ""
    plain, beside = (number(text, language) for text in (f"{value:{plus},.{digits}f}", f"{error:,.{digits}f}"))
    return measured(f"{plain} ± {beside}", indicator, language)


def share(value: float, language: Language, digits: int = 0) -> str:
    """A share in percent."""
    space = "" if language == "en" else NARROW
    return number(f"{100 * value:.{digits}f}", language) + f"{space}%"


def number(text: str, language: Language) -> str:
    """A number that Python wrote, as the language writes it: a true minus, no sign on nothing, French commas."""
    text = text.replace("-", "−") if any(digit in "123456789" for digit in text) else text.lstrip("+-")
    return text if language == "en" else text.replace(",", NARROW).replace(".", ",")


def meaning(flag: str, language: Language) -> str:
    """What a quality flag stands for; a flag that has no words here is told by its own name."""
    found = sentences().get(f"mask_{flag}")
    return of(found, language) if found else flag.replace("_", " ")


def band(name: str) -> Words:
    """What people call a band; one that has no words here is told by its own name."""
    return sentences().get(f"band_{name}", Words(name, name))


def band_named(name: str) -> Words:
    """The same with the band's own name, by which specialists know it."""
    known = band(name)
    english, french = (word if word == name else f"{word} ({name})" for word in (known.en, known.fr))
    return Words(english, french)


def labelled(label: str, told: str, language: Language) -> str:
    """`label: told`, with the space that French has before a colon."""
    return f"{label}{NO_BREAK}: {told}" if language == "fr" else f"{label}: {told}"


def listed(told: list[str], language: Language) -> str:
    """Things one after the other, with the space that French has before a semicolon."""
    return (f"{NARROW}; " if language == "fr" else "; ").join(told)


def size(length: int, language: Language = "en") -> str:
    """A number of bytes as people say it."""
    units = ("Go", "Mo", "ko", "octets") if language == "fr" else ("GB", "MB", "kB", "bytes")
    for unit, factor in zip(units, (1e9, 1e6, 1e3), strict=False):
        if length >= factor:
            return f"{number(f'{length / factor:,.1f}', language)} {unit}"
    return f"{length} {units[-1]}"
