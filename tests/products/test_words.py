"""What a town hall reads, in both languages: spaces, days, plurals, signs, and errors that say something."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from printed import words_of

from sco.library import indicators
from sco.products import words
from sco.products.contents import Publication

SILENT = frozenset({"code", "script", "style", "svg", "title"})
"""Elements whose words are no sentences."""
LOOSE = re.compile(r" [:;!?»%](?!\w)|« |\w[;!?](?=\s|$)|[a-zé]:(?=\s)")
"""French signs with a space that may break, or none."""
ISO = re.compile(r"(?<![\w/.-])\d{4}-\d{2}-\d{2}(?![\w-])")
ONE = re.compile(r"(?<![\d.,\u202f])1 (scènes|images|périodes|zones|ans|autres|scenes|periods|years)\b")


class Sentences(HTMLParser):
    """The words of a page in one language, a piece for each block."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language
        self.hidden: list[bool] = []
        self.told: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("meta", "link", "br", "img", "input"):
            return
        other = dict(attrs).get("lang") not in (None, self.language) and tag == "span"
        self.hidden.append(other or tag in SILENT or (bool(self.hidden) and self.hidden[-1]))
        if tag not in ("span", "b", "a", "code"):
            self.told.append("")

    def handle_endtag(self, tag: str) -> None:
        self.hidden.pop()

    def handle_data(self, data: str) -> None:
        if self.hidden and not self.hidden[-1] and self.told:
            self.told[-1] += data


def sentences_of(path: Path, language: str) -> list[str]:
    found = Sentences(language)
    found.feed(path.read_text("utf-8"))
    return [" ".join(one.split(" ")).strip() for one in found.told if one.strip()]


def test_french_signs_have_spaces_that_do_not_break() -> None:
    assert words.french("Oui ! Vu : 3 % ; « non » ?") == "Oui\u202f! Vu\u00a0: 3\u202f%\u202f; «\u202fnon\u202f»\u202f?"
    assert words.french("https://x.org/a?b:c et 10:30") == "https://x.org/a?b:c et 10:30"
    assert words.of(indicators["ndvi"].description, "fr").count("\u202f;") == 1


def test_no_french_sentence_has_a_loose_sign() -> None:
    told = {name: one.fr for name, one in words.sentences().items()}
    told |= {name: words.french(one.description.fr) for name, one in indicators.items()}
    assert {name: text for name, text in told.items() if LOOSE.search(text)} == {}


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_pages_and_reports_read_well(product: Path, publication: Publication, language: words.Language) -> None:
    period = publication.periods[-1].label
    told = [
        line for file in ("index.html", f"reports/{period}.html") for line in sentences_of(product / file, language)
    ]
    paper = [line for page in words_of(product / f"reports/{period}.{language}.pdf") for line in page]
    assert len(told) > 60
    assert len(paper) > 20
    assert [line for line in (*told, *paper) if ONE.search(line)] == []
    assert [line for line in told if ISO.search(line)] == []
    if language == "fr":
        assert [line for line in told if LOOSE.search(line)] == []
        assert [line for line in paper if line.startswith((":", ";", "!", "?", "%", "»"))] == []


def test_days_are_told_as_people_say_them() -> None:
    assert words.day(date(2023, 10, 3)) == words.Words("3 October 2023", "3 octobre 2023")
    assert words.day(date(2023, 1, 1)) == words.Words("1 January 2023", "1er janvier 2023")


@pytest.mark.parametrize(
    ("n", "english", "french"),
    [
        (0, "0 satellite images (scenes)", "0 image de satellite (scène)"),
        (1, "1 satellite image (scene)", "1 image de satellite (scène)"),
        (1234, "1,234 satellite images (scenes)", "1\u202f234 images de satellite (scènes)"),
    ],
)
def test_one_thing_is_told_in_the_singular(n: int, english: str, french: str) -> None:
    assert words.counted("paper_scenes", n, "en") == english
    assert words.counted("paper_scenes", n, "fr") == french


def test_a_few_observations_are_one_in_french_below_two() -> None:
    assert words.counted("paper_clear", 1.3, "fr", 1).startswith("1,3 observation claire ")
    assert words.counted("paper_clear", 1.3, "en", 1).startswith("1.3 clear observations ")


def test_each_other_sentence_belongs_to_one() -> None:
    told = words.sentences()
    assert [name for name in told if name.endswith("_one") and name.removesuffix("_one") not in told] == []


@pytest.mark.parametrize(
    ("name", "value", "error", "told"),
    [
        ("water_extent", 0.019, 0.189, "1,9\u202f%"),
        ("water_extent", 0.95, 0.189, "95,0\u202f%"),
        ("water_extent", 0.5, 0.189, "50,0 ± 18,9\u202f%"),
        ("water_extent", 0.156, 0.021, "15,6 ± 2,1\u202f%"),
        ("snow_days_share", 0.02, 0.3, "0,020"),
        ("ndvi", 0.02, 0.3, "0,020 ± 0,300"),
        ("ndvi_anomaly", 0.02, 0.3, "+0,020 ± 0,300"),
        ("heat_island", 2.25, 0.3, "+2,2 ± 0,3\u00a0K"),
    ],
)
def test_the_error_of_a_share_is_told_where_it_leaves_it_within_nothing_and_all(
    name: str, value: float, error: float, told: str
) -> None:
    assert words.within(value, error, indicators[name], "fr") == told


def test_differences_have_their_sign() -> None:
    signed = {name for name, one in indicators.items() if words.is_signed(one)}
    assert {"ndvi_anomaly", "ndvi_z", "sst_anomaly", "burn_severity", "heat_island", "spi_3"} <= signed
    assert not {"ndvi", "water_extent", "burn_severity_class", "land_productivity", "vci"} & signed
    assert words.said(0.034, indicators["ndvi_anomaly"], "en") == "+0.034"
    assert words.said(-0.034, indicators["ndvi_anomaly"], "fr") == "−0,034"
    assert words.said(0.0, indicators["ndvi_anomaly"], "fr") == "0,000"
    assert words.points(0.064, "fr") == "+6,4 points"
    assert words.points(-0.01, "fr") == "−1,0 point"
    assert words.points(-0.01, "en") == "−1.0 points"


def test_sizes_are_told_in_the_letters_of_the_language() -> None:
    assert (words.size(1_234_567), words.size(1_234_567, "fr")) == ("1.2 MB", "1,2 Mo")
    assert (words.size(12), words.size(12, "fr")) == ("12 bytes", "12 octets")


def test_every_band_of_an_indicator_has_a_name() -> None:
    assert [band for one in indicators.values() for band in one.bands if words.band(band).fr == band] == []
