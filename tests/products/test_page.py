"""What the page is told: lines, frame, numbers of a layer, reports; on a made-up record of seven years."""

import base64
import json
import zlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.warp import transform

from sco.library import indicators
from sco.model import Packing, Words
from sco.partition import Partition, Record
from sco.period import divide
from sco.products import lines, mapview, origins, report, story, words
from sco.products.coarse import coarsen
from sco.products.contents import Publication
from sco.products.figures import Colours
from sco.project import Project
from sco.tile import Tile

PERIODS = divide(date(2015, 1, 1), date(2021, 12, 31), "month")
HEIGHT, WIDTH = 10, 12
SLOPE = 0.012
CONFIG = """
id = "delta"
title = { en = "Delta", fr = "Delta" }
indicators = ["ndvi"]
store = "store"
[period]
start = 2015-01-01
end = 2021-12-31
reference = [2015-01-01, 2019-12-31]
[area]
bounds = [600000.0, 4819000.0, 601200.0, 4820000.0]
crs = "EPSG:32631"
resolution = 100
[[sources]]
sensor = "sentinel2"
catalogs = ["simulated"]
[zones]
file = "zones.geojson"
name = "nom"
"""


def season(month: int) -> float:
    return 0.5 + 0.2 * float(np.cos(2 * np.pi * (month - 7) / 12))


def values() -> np.ndarray:
    """West rises by SLOPE a year above its season; east drops out of its own in July 2021; December is clouded."""
    stack = np.empty((len(PERIODS), HEIGHT, WIDTH))
    for place, period in enumerate(PERIODS):
        stack[place] = season(period.start.month)
        stack[place, :, : WIDTH // 2] += SLOPE * place / 12
        if period.label == "2021-07":
            stack[place, :, WIDTH // 2 :] -= 0.3
        if period.label in ("2021-12", "2021-11"):
            stack[place, 2:] = np.nan
    return stack.astype("float32")


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    folder = tmp_path_factory.mktemp("delta")
    (folder / "delta.toml").write_text(CONFIG, "utf-8")
    halves = {"West": (600_000, 600_600), "East": (600_600, 601_200)}
    features = [
        {"type": "Feature", "properties": {"nom": name}, "geometry": {"type": "Polygon", "coordinates": [ring(*span)]}}
        for name, span in halves.items()
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    project = Project.load(folder / "delta.toml")
    dims = ("time", "y", "x")
    counts = {
        f"ndvi_{name}": (dims, np.full((len(PERIODS), HEIGHT, WIDTH), n, "uint16")) for name, n in COUNTED.items()
    }
    time = np.array([np.datetime64(period.start, "ns") for period in PERIODS])
    dataset = xr.Dataset({"ndvi": (dims, values()), **counts}, {"time": time})
    partitions = [Partition(period, Tile(0, 0), "ndvi") for period in PERIODS]
    records = {one: Record(f"{place:064x}", "run") for place, one in enumerate(partitions)}
    manifests = {one: manifest(one.period.label) for one in partitions}
    return Publication(project, dataset, "SNAP", records, manifests)


COUNTED = {"n_seen": 3, "n_masked": 1, "n_failed": 0}


def ring(left: int, right: int) -> list[list[int]]:
    return [[left, 4_820_000], [right, 4_820_000], [right, 4_819_000], [left, 4_819_000], [left, 4_820_000]]


def manifest(label: str) -> dict[str, object]:
    calibration = {"scale": 1e-4, "offset": -0.1, "evidence": ["baseline 05.09 is at or after 04.00"]}
    scene = {
        "id": f"S2A_{label}",
        "catalog": "simulated",
        "sensor": "sentinel2",
        "time": f"{label}-11T10:30:00+00:00",
        "baseline": "05.09",
        "updated": None,
        "cloud_percent": 12.5,
        "calibration": {"red": calibration, "nir": calibration},
        "failed": {"scl": "truncated"},
    }
    return {
        "code": "0.1.0+abc",
        "scenes": [scene],
        "rejected": [{"id": "S2B", "catalog": "simulated", "reason": "cloud 97.94 % is over the project's 90 %"}],
    }


def chronicle(publication: Publication) -> lines.Chronicle:
    return lines.Chronicle(publication, indicators["ndvi"])


def test_the_page_opens_with_the_newest_month_that_was_well_seen(publication: Publication) -> None:
    assert publication.periods[-1].label == "2021-12"
    assert chronicle(publication).featured.label == "2021-10"


def test_a_record_without_a_good_month_opens_with_its_best(publication: Publication) -> None:
    clouded = publication.data.assign(ndvi=publication.data["ndvi"].where(publication.data["y"] < 4))
    clouded["ndvi"][5, 5] = 0.5
    poor = replace(publication, data=clouded)
    assert chronicle(poor).featured == PERIODS[5]


def test_the_farthest_from_usual_come_first(publication: Publication) -> None:
    july = next(period for period in PERIODS if period.label == "2021-07")
    east, west = chronicle(publication).standings(july)
    assert (east.zone.en, west.zone.en) == ("East", "West")
    assert east.value == pytest.approx(season(7) - 0.3, abs=1e-6)
    assert east.anomaly == pytest.approx(-0.3, abs=1e-6)
    assert east.years == 5
    middle = SLOPE * np.mean([year + 0.5 for year in range(5)])
    assert west.anomaly == pytest.approx(SLOPE * 6.5 - middle, abs=1e-6)
    assert west.is_far
    december = PERIODS[-1]
    assert chronicle(publication).standing(december).coverage == pytest.approx(0.2)  # type: ignore[union-attr]


def test_lines_hold_values_usual_range_and_trend(publication: Publication) -> None:
    whole, west, east = chronicle(publication).lines()
    assert west["value"][0] == pytest.approx(season(1), abs=5e-5)
    assert west["usual"]["low"][0] == pytest.approx(season(1), abs=5e-5)
    assert west["usual"]["high"][0] == pytest.approx(season(1) + SLOPE * 4, abs=5e-5)
    assert west["usual"]["mean"][0] == pytest.approx(season(1) + SLOPE * 2, abs=5e-5)
    assert west["usual"]["years"] == [5] * 12
    assert west["trend"]["slope"] == pytest.approx(SLOPE, rel=0.02)
    assert west["trend"]["certain"]
    assert west["trend"]["low"] <= west["trend"]["slope"] <= west["trend"]["high"]
    assert not east["trend"]["certain"]
    assert whole["coverage"][-1] == 0.2
    assert len(whole["value"]) == len(PERIODS)


def test_a_comparison_is_not_compared_again(publication: Publication) -> None:
    assert lines.is_comparison(indicators["ndvi_anomaly"])
    assert not lines.is_comparison(indicators["ndvi"])
    strand = chronicle(publication).zonal
    compared = replace(strand, is_comparison=True)
    assert len(list(strand.standings(PERIODS[3]))) == 2
    assert list(compared.standings(PERIODS[3])) == []
    assert "usual" not in next(compared.lines(4))


def test_units_are_written_as_people_write_them() -> None:
    days = indicators["hot_days"]
    assert [words.said(12.0, days, one) for one in ("fr", "en")] == ["12,0\u00a0j", "12.0\u00a0d"]
    assert words.said(0.3156, indicators["water_extent"], "fr") == "31,6\u202f%"
    assert words.said(-0.0154, indicators["water_extent"], "en", sign=True) == "−1.5 points"
    assert words.said(71.26, indicators["vci"], "en") == "71.3%"
    assert words.said(71.26, indicators["vci"], "fr") == "71,3\u202f%"
    assert words.said(-0.00004, indicators["ndvi"], "en", sign=True) == "0.000"
    assert words.said(None, indicators["ndvi"], "en") == "–"


def test_too_short_a_record_has_no_trend(publication: Publication) -> None:
    kept = [one for one in publication.records if one.period.start.year < 2019]
    short = replace(publication, records={one: publication.records[one] for one in kept})
    assert [line["trend"] for line in chronicle(short).lines()] == [None, None, None]


def decoded(packed: dict[str, object]) -> np.ndarray:
    """The planes of a layer, as the page reads them: values with NaN, and three counts."""
    halves = np.frombuffer(zlib.decompress(base64.b64decode(str(packed["data"]))), "uint8").reshape(4, 2, -1)
    codes = halves[:, 0].astype("uint16") | halves[:, 1].astype("uint16") << 8
    numbers = np.where(codes[0] == 65535, np.nan, packed["offset"] + packed["scale"] * codes[0])  # type: ignore[operator]
    return np.vstack([numbers, codes[1:] * packed["count"]])  # type: ignore[operator]


@pytest.mark.parametrize(
    "packing", [Packing(1e-4), Packing(0.01, 273.15, "uint16", 65535), Packing(1e-4, dtype="int32")]
)
def test_numbers_come_back_as_they_were_packed(packing: Packing) -> None:
    wide = 4 if packing.dtype == "int32" else 1
    steps = np.array([[-9000, 0, 1], [17, 20000 * wide, 3]], "float64")
    coarse = {"values": packing.offset + packing.scale * steps, "n_seen": np.arange(6.0).reshape(2, 3)}
    coarse |= {"n_masked": np.full((2, 3), 300.0), "n_failed": np.zeros((2, 3))}
    coarse["values"][1, 2] = np.nan
    planes = decoded(mapview.encoded(coarse, packing))
    assert np.allclose(planes[0], coarse["values"].ravel(), rtol=0, atol=packing.scale * (wide + 1) / 2, equal_nan=True)
    assert planes[1:].tolist() == [[0, 1, 2, 3, 4, 5], [300] * 6, [0] * 6]


def test_a_coarse_map_has_means_of_what_was_seen_and_counts_in_tenths() -> None:
    frame = np.array([[1, 2, np.nan], [3, np.nan, np.nan]], "float32")
    assert np.array_equal(coarsen(frame, 2), [[2, np.nan]], equal_nan=True)
    count = coarsen(np.array([[1, 2, 3], [0, 4, 1]], "uint16"), 2)
    assert count.tolist() == [[1.75, 2]]
    planes = decoded(mapview.encoded({"values": coarsen(frame, 2), **dict.fromkeys(COUNTED, count)}, Packing(1e-4), 2))
    assert planes[0][0] == pytest.approx(2, abs=5e-5)
    assert planes[1].tolist() == pytest.approx([1.8, 2])


def test_a_layer_without_a_value_can_be_read() -> None:
    nothing = {"values": np.full((2, 2), np.nan), **{name: np.zeros((2, 2)) for name in COUNTED}}
    assert np.isnan(decoded(mapview.encoded(nothing, Packing(1e-4)))[0]).all()


def test_places_on_the_frame_are_where_they_are_on_earth() -> None:
    frame = mapview.Frame(GeoBox((300, 300), Affine(200, 0, 704_000, 0, -200, 5_078_400), "EPSG:32631"))
    lon, lat = frame.degrees(np.array([150.0]), np.array([150.0]))
    (east,), (north,) = transform("EPSG:32631", "EPSG:4326", [734_000], [5_048_400])
    assert (lon[0], lat[0]) == pytest.approx((east, north), abs=1e-9)
    assert frame.pixels(lon, lat)[0] == pytest.approx([150, 150], abs=1e-6)
    facts = frame.facts(tile=150)
    assert facts["step"] == 1
    side = mapview.LATTICE
    lattice = np.array(facts["lon"]).reshape(side, side)
    between = (lattice[4, 4] + lattice[4, 5] + lattice[5, 4] + lattice[5, 5]) / 4
    exact, _ = frame.degrees(np.array([4.5 * 300 / 8]), np.array([4.5 * 300 / 8]))
    pixel = 200 / 78_000
    assert abs(between - exact[0]) < pixel / 4
    labels = [line["label"]["fr"] for line in facts["graticule"]]
    assert "45,6° N" in labels
    assert "6° E" in labels
    assert all(0 <= x <= 300 and 0 <= y <= 300 for line in facts["graticule"] for x, y in line["line"])


def test_zones_are_outlined_in_pixels(publication: Publication) -> None:
    whole, west, east = mapview.zones(publication)
    assert (whole["rings"], whole["km2"]) == ([], 1.2)
    assert (west["name"]["fr"], west["km2"]) == ("West", 0.6)
    walked = np.cumsum(np.reshape(east["rings"][0], (-1, 2)), axis=0) * mapview.Frame(publication.geobox).unit
    assert sorted(map(tuple, walked[:4].tolist())) == [(6, 0), (6, 10), (12, 0), (12, 10)]
    assert [min(mapview.outlines(publication)[1]), max(mapview.outlines(publication)[1])] == [[6, 0], [12, 10]]


def test_an_origin_tells_scenes_once_and_bands_alike_together(publication: Publication) -> None:
    told = origins.origin(publication, publication.layers[0])
    (scene,) = told["scenes"]
    (bands,) = scene["bands"]
    assert bands["how"]["en"] == "near infrared (nir), red: number in the file × 0.0001 − 0.1"
    assert bands["how"]["fr"] == "proche infrarouge (nir), rouge (red)\u00a0: nombre du fichier × 0,0001 − 0,1"
    assert [fact["fr"][:46] for fact in bands["why"]] == ["version de traitement 05.09, qui porte le déca"]
    (failed,) = scene["failed"]
    assert failed["what"]["fr"] == "classification de la scène (scl)"
    assert failed["why"] == ["truncated"]
    assert scene["catalog"] == "Simulated observatory"
    assert scene["time"] == {"en": "11 January 2015, 10:30 UTC", "fr": "11 janvier 2015, 10\u00a0h\u00a030 UTC"}
    assert told["tiles"] == {"r000c000": [0]}
    head = origins.head(publication, publication.layers[0])
    assert (head["scenes"], head["codes"], head["made_from"]) == (1, ["0.1.0+abc"], [])
    cloudy = {
        "en": "1 scene too cloudy (over 90% cloud)",
        "fr": "1 scène trop nuageuse (plus de 90\u202f% de nuages)",
    }
    assert head["rejected"] == [cloudy]
    named = {"id": "S2B", "why": [{"en": "cloud 97.94%", "fr": "nuages 97,94\u202f%"}]}
    assert told["rejected"] == [{"named": [named], "more": 0}]


def test_a_derived_layer_tells_what_it_was_derived_from(publication: Publication) -> None:
    made = [
        {
            "made_from": [
                {"indicator": "ndvi", "periods": ["2015-07", "2019-07"]},
                {"indicator": "ndvi", "periods": ["2021-07", "2021-07"]},
            ]
        }
    ]
    usual, own = origins.made_from(publication, made)
    assert usual.fr == "Indice de végétation (NDVI), juillet 2015 – juillet 2019"
    assert own == Words("Vegetation index (NDVI), July 2021", "Indice de végétation (NDVI), juillet 2021")


def test_reports_are_the_same_bytes_and_tell_the_three_farthest(publication: Publication, tmp_path: Path) -> None:
    pieces = {piece.name: piece for piece in report.pieces(publication)}
    again = {piece.name: piece for piece in report.pieces(replace(publication, snapshot="OTHER"))}
    july = pieces["report 2021-07"]
    assert july.made_from == again["report 2021-07"].made_from
    for folder, piece in ((tmp_path / "a", july), (tmp_path / "b", again["report 2021-07"])):
        for layer in mapview.pieces(publication):
            if layer.name.endswith("2021-07"):
                layer.write(folder)
        piece.write(folder)
    assert july.files(tmp_path / "a") == ["reports/2021-07.en.pdf", "reports/2021-07.fr.pdf", "reports/2021-07.html"]
    assert all(
        (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
        for file in july.files(tmp_path / "a")
    )
    page = (tmp_path / "a/reports/2021-07.html").read_text("utf-8")
    assert "−0,300" in page
    assert page.index("East") < page.index("West")
    assert "S2A_2021-07" in page
    assert "cog/ndvi/ndvi_2021-07.tif" in page


def test_a_story_changes_only_with_what_it_says(publication: Publication) -> None:
    first = [piece.made_from for piece in report.pieces(publication)]
    changed = dict(publication.records)
    last = max(changed)
    changed[last] = Record("f" * 64, "run-2")
    told = lines.chronicles(publication)
    assert story.tell(publication, told, last.period, []).panels[0].whole is not None
    assert first[-1] != [piece.made_from for piece in report.pieces(replace(publication, records=changed))][-1]


def test_a_new_month_leaves_earlier_reports_as_they_are(publication: Publication) -> None:
    before = {one: record for one, record in publication.records.items() if one.period < PERIODS[-1]}
    earlier = {piece.name: piece.made_from for piece in report.pieces(replace(publication, records=before))}
    later = {piece.name: piece.made_from for piece in report.pieces(publication)}
    assert later.keys() - earlier.keys() == {"report 2021-12"}
    assert earlier.items() <= later.items()


def test_colours_stay_where_they_are_for_a_new_month(publication: Publication) -> None:
    from sco.products.figures import colours_of

    shorter = replace(publication, records={one: publication.records[one] for one in list(publication.records)[:60]})
    assert colours_of(shorter, indicators["ndvi"]) == colours_of(publication, indicators["ndvi"])
    assert colours_of(publication, indicators["ndvi"]) == Colours("RdYlGn", 0.3, 0.8)


def test_sentences_have_both_languages_and_the_same_gaps() -> None:
    import re

    for name, told in words.sentences().items():
        assert told.en, name
        assert set(re.findall(r"\{\w+\}", told.en)) == set(re.findall(r"\{\w+\}", told.fr)), name


def test_every_sentence_that_a_script_says_is_there() -> None:
    import re

    scripts = [path.read_text("utf-8") for path in words.TEMPLATES.glob("*.js")]
    said = {name for script in scripts for name in re.findall(r'(?:say|counted)\("(\w+)"', script)}
    assert len(said) > 25
    assert said <= words.of_page(()).keys()
