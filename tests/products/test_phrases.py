"""Reasons and evidence of manifests, in both languages: their numbers kept, scenes of one reason together."""

import pytest

from sco.products import phrases
from sco.products.contents import Publication

CLOUDY = "cloud {} % is over the project's 90 %"


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\xa0", " ")


def test_scenes_of_one_reason_are_told_together_the_commonest_first() -> None:
    cloudy = [(f"S2A_{place:02}", CLOUDY.format(100 - place / 4)) for place in range(12)]
    newer = ("S2B_OLD", "superseded by S2B_NEW: baseline 05.09 over 04.00")
    first, second = phrases.left_out([newer, *cloudy])
    assert first.words.en == "12 scenes too cloudy (over 90% cloud)"
    assert plain(first.words.fr) == "12 scènes trop nuageuses (plus de 90 % de nuages)"
    assert second.words.en == "1 scene replaced by a newer version of the same"
    assert second.words.fr == "1 scène remplacée par une version plus récente"
    name, told = first.scenes[3]
    assert (name, told.en, plain(told.fr)) == ("S2A_03", "cloud 99.25%", "nuages 99,25 %")
    assert second.scenes[0][1].fr == "S2B_NEW est utilisée"


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
            "(médiane 1599 de 7117 pixels sombres (rouge), dont 0,1 % sous 1000)",
        ),
        (
            "pixels: undecided (only 12 dark pixels to ask)",
            "les pixels ne permettent pas de trancher (seulement 12 pixels sombres)",
        ),
    ],
)
def test_evidence_is_told_in_french_with_its_numbers(told: str, french: str) -> None:
    assert plain(phrases.fact(told).fr) == french


def test_what_the_machinery_says_of_a_real_record_is_recognised(publication: Publication) -> None:
    bands = [
        band
        for manifest in publication.manifests.values()
        for scene in manifest.get("scenes", ())
        for band in scene["calibration"].values()
    ]
    evidence = {str(fact) for band in bands for fact in band["evidence"]}
    assert len(evidence) > 3
    assert not [fact for fact in evidence if phrases.fact(fact).fr.startswith("en anglais")]
    assert not [one.words.en for one in phrases.left_out(publication.rejected) if "another reason" in one.words.en]


def test_hostile_words_are_put_in_as_they_are() -> None:
    (found,) = phrases.left_out([("A", "known to be bad: {n} {limit} \\1")])
    assert found.scenes[0][1].en == "{n} {limit} \\1"
