"""What the library knows of every sensor in every catalog, held against items as they were recorded.

`python tests/test_conventions.py > docs/conventions.md` writes the table that one of the last tests compares.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from recorded import RECORDED, Key, item_of, pairs, scene_of

from sco import radiometry
from sco.library import catalogs, sensors
from sco.model import Band, Collection, Scene, Sensor

PAGE = Path(__file__).parents[1] / "docs" / "conventions.md"


@pytest.mark.parametrize("key", RECORDED, ids="-".join)
def test_a_recorded_item_is_read_from_the_right_files_with_the_right_numbers(key: Key) -> None:
    recorded, sensor = RECORDED[key], sensors[key[0]]
    assert item_of(key)["id"] == recorded.item
    scene = scene_of(key)
    assert {band: asset.href.rpartition("/")[2] for band, asset in scene.assets.items()} == recorded.assets
    assert scene.identity == recorded.identity
    assert set(sensor.quality_bands) <= scene.assets.keys()
    found = {
        bands: {calibration_of(scene, sensor.band(band), sensor) for band in bands} for bands in recorded.calibrations
    }
    assert found == {bands: {numbers} for bands, numbers in recorded.calibrations.items()}
    first = next(iter(recorded.calibrations))[0]
    evidence = radiometry.calibration_of(scene, sensor.band(first), sensor).evidence
    assert "; ".join(evidence) == recorded.evidence
    calibrated = {band for bands in recorded.calibrations for band in bands}
    assert calibrated | set(sensor.quality_bands) == scene.assets.keys()


def calibration_of(scene: Scene, band: Band, sensor: Sensor) -> tuple[float, float]:
    calibration = radiometry.calibration_of(scene, band, sensor)
    return calibration.scale, calibration.offset


@pytest.mark.parametrize("key", [key for key in RECORDED if key[0] != "oisst"], ids="-".join)
def test_a_recorded_item_lies_where_its_catalog_says(key: Key) -> None:
    """All but that of OISST, whose addresses are relative."""
    catalog = catalogs[key[1]]
    places = {urlsplit(asset.href)[:2] for asset in scene_of(key).assets.values()}
    open_to = {*catalog.hosts, urlsplit(catalog.url).netloc}
    assert all(scheme == "s3" or (scheme == "https" and host in open_to) for scheme, host in places)


def test_a_pair_without_a_proof_does_not_exist() -> None:
    ours = {key for key, _, _ in pairs() if key[1] == "local" or catalogs[key[1]].simulated}
    assert RECORDED.keys() == {key for key, _, _ in pairs()} - ours


HEAD = """# Sensors in catalogs

How each sensor's scenes are read from each catalog. One line a collection; where a catalog has several for a sensor,
all are asked, and of the same acquisition the first one's scene is taken. This page is written from `sensors/` and
`catalogs/` by `python tests/test_conventions.py > docs/conventions.md`, and a test keeps it equal to them. *Proven by*
names the real item, kept in `tests/recorded`, that `tests/test_conventions.py` reads with exactly these conventions:
file of each band, scale and offset with the evidence, quality bands, identity. A collection of which no real item is at
hand is not offered.

GEODES is asked and paged but offers no sensor: the items at hand have one zip archive a product, in which no band can
be addressed.

| Sensor | Catalog | Collection | Scale and offset | Masked | Proven by |
|---|---|---|---|---|---|
"""


def page() -> str:
    return HEAD + "".join(f"| {' | '.join(row(key, sensor, one))} |\n" for key, sensor, one in pairs())


def row(key: Key, sensor: Sensor, collection: Collection) -> tuple[str, ...]:
    recorded = RECORDED.get(key)
    proof = f"`{recorded.item}`" if recorded else proof_elsewhere(key)
    return f"`{key[0]}`", f"`{key[1]}`", f"`{key[2]}`", numbers(sensor, collection), masks(sensor), proof


def proof_elsewhere(key: Key) -> str:
    if catalogs[key[1]].simulated:
        return "its scenes are made, not recorded"
    return "files of one's own, in the spelling of the catalogs"


def numbers(sensor: Sensor, collection: Collection) -> str:
    measured = collection.assets.keys() - set(sensor.quality_bands) or collection.assets.keys()
    bands = [sensor.band(name) for name in measured]
    packed = sorted({f"x {band.scale:g}{f' {band.offset:+g}' if band.offset else ''}" for band in bands})
    source = "item's own, else " if collection.announces and sensor.offset is None else ""
    return "; ".join([f"{source}{', '.join(packed)}", *offset_rule(sensor, collection)])


def offset_rule(sensor: Sensor, collection: Collection) -> Iterator[str]:
    if sensor.offset is None:
        return
    since = f"{sensor.offset.value:+g} from baseline {sensor.offset.from_baseline} on"
    yield f"{since} (`{collection.baseline}`)" if collection.baseline else "as the item announces"
    if collection.offset_applied:
        yield f"not where `{collection.offset_applied}` is true"
    if collection.votes:
        yield "the pixels are asked as well"


def masks(sensor: Sensor) -> str:
    told = [f"`{one.band}`: {', '.join(sorted(one.masked)).replace('_', ' ')}" for one in sensor.qualities]
    return "; ".join(told) or "no data only"


def test_the_page_is_what_the_library_knows() -> None:
    assert PAGE.read_text("utf-8") == page()


def matrix() -> str:
    """Sensors by catalogs, for the README: how each pair is proven."""
    found: dict[tuple[str, str], set[str]] = {}
    for key, _, _ in pairs():
        found.setdefault(key[:2], set()).add(mark(key))
    shelf = list(catalogs)
    lines = [f"| | {' | '.join(shelf)} |", f"|---|{'---|' * len(shelf)}"]
    for sensor in sensors:
        cells = (", ".join(sorted(found.get((sensor, one), {"–"}))) for one in shelf)
        lines.append(f"| `{sensor}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def mark(key: Key) -> str:
    if key in RECORDED:
        return "recorded"
    if catalogs[key[1]].simulated:
        return "simulated"
    return "own files"


def test_the_readme_shows_every_pair_and_how_it_is_proven() -> None:
    text = (PAGE.parents[1] / "README.md").read_text("utf-8")
    shown = text.split("<!-- conventions -->\n")[1].split("<!-- /conventions -->")[0]
    assert shown == matrix(), "write the table of the README again from tests.test_conventions.matrix()"


if __name__ == "__main__":
    print(page(), end="")
