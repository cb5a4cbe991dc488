"""Reasons and evidence of manifests, in both languages: their numbers kept, scenes of one reason together."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sco import item, radiometry, search, witness
from sco.library import sensors
from sco.model import Words
from sco.products import phrases
from sco.products.contents import Publication

CLOUDY = "cloud {} % is over the project's 90 %"


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")


def french(told: tuple[phrases.Said, ...]) -> list[str]:
    assert all(isinstance(one, Words) for one in told)
    return [plain(one.fr) for one in told if isinstance(one, Words)]


def test_scenes_of_one_reason_are_told_together_the_commonest_first() -> None:
    cloudy = [(f"S2A_{place:02}", CLOUDY.format(100 - place / 4)) for place in range(12)]
    newer = ("S2B_OLD", "superseded by S2B_NEW: baseline 05.09 over 04.00")
    first, second = phrases.left_out([newer, *cloudy])
    assert first.words.en == "12 scenes too cloudy (over 90% cloud)"
    assert plain(first.words.fr) == "12 scènes trop nuageuses (plus de 90 % de nuages)"
    assert second.words.en == "1 scene replaced by a newer version of the same"
    assert second.words.fr == "1 scène remplacée par une version plus récente"
    name, told = first.scenes[3]
    assert (name, *french(told)) == ("S2A_03", "nuages 99,25 %")
    assert french(second.scenes[0][1]) == ["S2B_NEW est utilisée : version de traitement 05.09 plutôt que 04.00"]


@pytest.mark.parametrize(
    ("reason", "english", "french"),
    [
        (
            "the same acquisition as A of earth_search, which comes first",
            "1 scene already taken from another catalog",
            "1 scène déjà prise dans un autre catalogue",
        ),
        (
            "orbit ascending, the project takes descending",
            "1 scene of another orbit direction",
            "1 scène d'un autre sens d'orbite",
        ),
        (
            "its time 2023-01-01T00:00:00Z is outside what was asked",
            "1 scene outside the period",
            "1 scène hors de la période",
        ),
        (
            "its footprint does not touch the area that was asked",
            "1 scene outside the territory",
            "1 scène hors du territoire",
        ),
        ("known to be bad: stripes (a forum)", "1 scene known to be bad", "1 scène connue comme mauvaise"),
        (
            "not taken from planetary_computer: red: 3 % of 900 pixels within 0.0001, at most 0.1 apart",
            "1 scene whose pixels are not those of the first catalog",
            "1 scène dont les pixels ne sont pas ceux du premier catalogue",
        ),
        (
            "its geometry covers no ground",
            "1 catalog entry that no scene can be made from",
            "1 entrée de catalogue inutilisable",
        ),
        ("who knows", "1 scene for another reason", "1 scène pour une autre raison"),
    ],
)
def test_each_reason_has_words_in_both_languages(reason: str, english: str, french: str) -> None:
    (found,) = phrases.left_out([("A", reason)])
    assert (found.words.en, plain(found.words.fr)) == (english, french)


@pytest.mark.parametrize(
    ("told", "french"),
    [
        ("item announces offset -0.1", "le catalogue annonce un décalage de −0,1"),
        ("flag says that the offset was already taken", "le catalogue dit que le décalage a déjà été retiré"),
        ("baseline 03.01 is before 04.00", "version de traitement 03.01, antérieure au décalage (à partir de 04.00)"),
        ("file tags say scale 0.0001, offset 0", "le fichier dit échelle 0,0001, décalage 0"),
        (
            "pixels: still in the pixels (median 1599 of 7117 dark pixels in red, 0.1% under 1000)",
            "les pixels disent que le décalage y est encore "
            "(médiane 1 599 de 7 117 pixels sombres dans le rouge, dont 0,1 % sous 1 000)",
        ),
        (
            "pixels: undecided (only 12 dark pixels to ask)",
            "les pixels ne permettent pas de trancher (seulement 12 pixels sombres)",
        ),
    ],
)
def test_evidence_is_told_in_french_with_its_numbers(told: str, french: str) -> None:
    assert plain(words_of(told).fr) == french


def words_of(told: str) -> Words:
    found = phrases.fact(told)
    assert isinstance(found, Words), told
    return found


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("orbit not told, the project takes descending", "orbite : non indiquée ; le projet retient : descendante"),
        (
            "superseded by S2A_B: updated 2023-01-02T03:04:05Z over 2022-12-01T00:00:00Z",
            "S2A_B est utilisée : mise à jour : 2 janvier 2023 plutôt que 1er décembre 2022",
        ),
        ("its time 2023-01-02T10:30:00Z is outside what was asked", "prise le 2 janvier 2023"),
        ("the same acquisition as A of earth_search, which comes first", "A (Earth Search v1) est utilisée"),
        ("it has no properties", "sans propriétés"),
        ("its proj:shape is [1], not rows and columns", "proj:shape vaut [1] (attendu : des lignes et des colonnes)"),
        (
            "not taken from planetary_computer: red: 3.5 % of 900 pixels within 0.0001, at most 0.1 apart",
            "rouge : 3,5 % de 900 pixels à 0,0001 près, au plus 0,1 d'écart",
        ),
    ],
)
def test_what_is_told_of_one_scene_is_french_with_its_numbers(reason: str, told: str) -> None:
    (group,) = phrases.left_out([("A", reason)])
    assert french(group.scenes[0][1]) == [told]


def test_why_a_file_could_not_be_read_is_told_the_general_first() -> None:
    against = "item says CRS EPSG:1, file has EPSG:2; item says dtype int16, file has uint16"
    remedy = 'Set access.mismatch = "trust-file" if the file is the one to believe'
    assert french(phrases.failure(f"/a/b.tif: {against}. {remedy}")) == [
        "le fichier ne correspond pas à sa fiche",
        "CRS : EPSG:1 dans la fiche, EPSG:2 dans le fichier ; dtype : int16 dans la fiche, uint16 dans le fichier",
    ]
    words, original = phrases.failure("https://x.org/y.tif cannot be read: TIFFReadEncodedTile() failed")
    assert french((words,)) == ["le fichier est illisible"]
    assert original == "TIFFReadEncodedTile() failed"


def test_what_has_no_words_stays_the_english_original() -> None:
    assert phrases.fact("who knows") == "who knows"
    (group,) = phrases.left_out([("A", "who knows")])
    assert group.scenes == (("A", ("who knows",)),)
    assert phrases.fact("pixels: undecided (the pixels cannot be asked: a storm)").startswith("pixels: undecided")  # type: ignore[union-attr]
    assert phrases.plain("who knows") == "who knows"


def sentences_in(module: object) -> Iterator[str]:
    """What a module says of scenes that it refuses, with something for whatever is put in."""
    tree = ast.parse(Path(str(getattr(module, "__file__", ""))).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SceneError":
            yield from (text for one in node.args if (text := sample(one)) and " " in text)


def sample(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    pieces = node.values if isinstance(node, ast.JoinedStr) else []
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in pieces)


@pytest.mark.parametrize("module", [item, search])
def test_whatever_an_item_is_refused_for_has_words(module: object) -> None:
    told = list(sentences_in(module))
    assert told
    assert [one for one in told if isinstance(phrases.failure(one)[0], str)] == []


def test_whatever_an_offset_rests_on_has_words() -> None:
    source = "".join(Path(module.__file__).read_text("utf-8") for module in (radiometry, witness))
    told = re.findall(r'"((?:item|file|sensor|flag|baseline|only|the pixels are|pixels:|file tags)[^"]*)"', source)
    samples = [
        re.sub(r"\{[^}]*\}", "7", one.replace("{relation}", "before").replace("{vote.verdict}", "undecided"))
        for one in told
        if " " in one
    ]
    known = [one.replace("(7)", "(only 7 dark pixels to ask)") for one in samples]
    assert len(known) > 6
    assert [one for one in known if isinstance(phrases.fact(one), str)] == []


def test_every_band_and_every_flag_of_a_sensor_has_a_name() -> None:
    from sco.products import words

    bands = {band.name for sensor in sensors.values() for band in sensor.bands}
    assert [name for name in bands if words.band(name) == Words(name, name)] == []
    flags = {flag for sensor in sensors.values() for quality in sensor.qualities for flag in quality.flags}
    assert [flag for flag in flags if f"mask_{flag}" not in words.sentences()] == []


def test_what_the_machinery_says_of_a_real_record_is_recognised(publication: Publication) -> None:
    bands = [
        band
        for manifest in publication.manifests.values()
        for scene in manifest.get("scenes", ())
        for band in scene["calibration"].values()
    ]
    evidence = {str(fact) for band in bands for fact in band["evidence"]}
    assert len(evidence) > 3
    assert not [fact for fact in evidence if isinstance(phrases.fact(fact), str)]
    assert not [one.words.en for one in phrases.left_out(publication.rejected) if "another reason" in one.words.en]


def test_hostile_words_are_put_in_as_they_are() -> None:
    (found,) = phrases.left_out([("A", "known to be bad: {n} {limit} \\1")])
    assert found.scenes[0][1] == ("{n} {limit} \\1",)
