"""Two mirrors of one small simulated world, in Earth Search's spelling and the Planetary Computer's."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

import sco
from flows import run
from sco import mirrors, search
from sco.answers import gather
from sco.errors import UpstreamError
from sco.library import sensors
from sco.mirrors import agreement
from sco.plan import State, make_plan, rules_of
from sco.preflight import Rules
from sco.project import Project
from sco.radiometry import calibration_of
from sco.simulator import Simulation, simulate
from sco.store import Store
from sco.witness import ask

SENTINEL2 = sensors["sentinel2"]
FIRST, LATER = "earth_search", "planetary_computer"


@pytest.fixture(scope="module")
def twin(observatory, tmp_path_factory) -> Simulation:
    """The same world as the Planetary Computer would keep it."""
    world = replace(observatory.world, spelling=LATER)
    return simulate(tmp_path_factory.mktemp("twin") / "world", world)


def items_of(simulation: Simulation) -> list[dict]:
    items = json.loads(simulation.items.read_text())["features"]
    return [item for item in items if item["collection"] == "sentinel-2-l2a"]


@pytest.fixture
def mirrored(observatory, twin, make_project, tmp_path) -> Callable[..., Project]:
    """A project whose two catalogs have these items: mirrored(first, later)."""

    def make(first: list[dict] | None = None, later: list[dict] | None = None, **changes: object) -> Project:
        given = {FIRST: items_of(observatory) if first is None else first}
        given |= {LATER: items_of(twin) if later is None else later}
        for name, items in given.items():
            (tmp_path / f"{name}.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
        folders = [str(place) for place in (observatory.folder / "scenes", twin.folder / "scenes", tmp_path)]
        source = {"sensor": "sentinel2", "max_cloud": 90}
        source["catalogs"] = [{"id": name, "file": f"{name}.json"} for name in given]
        return Project.load(make_project(**{"access": {"files": folders}, "sources": [source], **changes}))

    return make


@pytest.fixture
def pairs(mirrored) -> SimpleNamespace:
    """Every acquisition in both catalogs, and what may be read."""
    project = mirrored()
    scenes = [
        scene for one in gather(project, "sentinel2", date(2021, 11, 1), date(2022, 3, 31)) for scene in one.scenes
    ]
    return SimpleNamespace(scenes=scenes, rules=rules_of(project))


def raw(items: list[dict]) -> dict:
    """A late, raw scene of the first catalog, whose numbers are the mirror's own."""
    return next(
        item
        for item in items
        if item["properties"]["datetime"] > "2022-02"
        and not item["properties"]["earthsearch:boa_offset_applied"]
        and item["properties"]["eo:cloud_cover"] < 40
    )


def day_of(item: dict) -> str:
    return item["properties"]["datetime"][:10]


def redone(scene, band: str, folder: Path, change: Callable[[np.ndarray], np.ndarray]):
    """The scene with other numbers in one of its files."""
    copy = folder / f"{scene.id}-{band}.tif"
    shutil.copy(scene.assets[band].href, copy)
    with rasterio.open(copy, "r+", driver="GTiff", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.write(change(file.read(1)), 1)
    return replace(
        scene, assets={**scene.assets, band: replace(scene.assets[band], href=str(copy), checksum=None, size=None)}
    )


def truncated(item: dict, key: str, folder: Path) -> dict:
    """The item with the first third of one of its files."""
    broken = folder / f"{item['id']}-{key}-broken.tif"
    content = Path(item["assets"][key]["href"]).read_bytes()
    broken.write_bytes(content[: len(content) // 3])
    item = deepcopy(item)
    item["assets"][key]["href"] = str(broken)
    return item


def offset_of(scene, rules: Rules) -> float:
    return calibration_of(scene, SENTINEL2.band("red"), SENTINEL2, ask(scene, SENTINEL2, rules)).offset


def ndvi(project: Project):
    return sco.open(project.file)["ndvi"].load()


def manifests(project: Project) -> list:
    return list(Store.open(project.store_url).manifests().values())


def test_both_spellings_give_the_same_reflectance_whatever_the_stored_numbers_hold(pairs):
    offsets = {(offset_of(one, pairs.rules), offset_of(one.mirrors[0], pairs.rules)) for one in pairs.scenes}
    assert offsets == {(0.0, -0.1), (-0.1, -0.1)}
    found = [agreement(one, one.mirrors[0], SENTINEL2, pairs.rules) for one in pairs.scenes]
    assert len(found) > 15
    assert all(one.equal for one in found)
    assert found[0].evidence.startswith("red: 100 % of ")


def test_a_mirror_that_is_a_hundredth_brighter_is_another_one(pairs, tmp_path):
    scene = pairs.scenes[0]
    brighter = redone(scene.mirrors[0], "red", tmp_path, lambda red: np.where(red, red + 100, 0))
    found = agreement(scene, brighter, SENTINEL2, pairs.rules)
    assert (found.equal, found.compared) == (False, True)
    assert found.evidence.startswith("red: 0 % of ")
    assert float(found.evidence.split("at most ")[1].split(" ")[0]) == pytest.approx(0.01, abs=0.0002)


def test_a_mirror_that_lies_a_pixel_away_is_another_one(pairs, tmp_path):
    scene = pairs.scenes[0]
    shifted = redone(scene.mirrors[0], "red", tmp_path, lambda red: np.roll(red, 1, axis=1))
    assert not agreement(scene, shifted, SENTINEL2, pairs.rules).equal
    mirror = scene.mirrors[0]
    red = mirror.assets["red"]
    step, *rest = red.transform
    moved = (step, rest[0], rest[1] + step, *rest[2:])
    elsewhere = replace(mirror, assets={**mirror.assets, "red": replace(red, transform=moved)})
    assert "grid" in agreement(scene, elsewhere, SENTINEL2, pairs.rules).evidence
    assert not agreement(scene, elsewhere, SENTINEL2, pairs.rules).equal


def test_overviews_that_were_made_in_another_way_are_no_difference(pairs, monkeypatch):
    scene = next(one for one in pairs.scenes if (one.cloud_percent or 0) < 40)

    def overview(asset, most, rules):
        numbers = read_overview(asset, most, rules)
        smooth = (numbers[:-1].astype(int) + numbers[1:]) // 2  # as an archive does that averages
        return smooth.astype(numbers.dtype) if "B0" in asset.href else numbers[:-1]

    read_overview = mirrors.overview
    monkeypatch.setattr(mirrors, "overview", overview)
    found = uncached(scene, scene.mirrors[0], pairs.rules)
    assert found.equal
    assert found.evidence.startswith("red at full resolution: 100 % of ")
    blind = replace(scene, assets={name: replace(asset, transform=None) for name, asset in scene.assets.items()})
    assert not uncached(blind, scene.mirrors[0], pairs.rules).equal


def uncached(scene, mirror, rules):
    mirrors._compared.cache_clear()
    try:
        return agreement(scene, mirror, SENTINEL2, rules)
    finally:
        mirrors._compared.cache_clear()


def test_a_band_that_cannot_be_read_is_passed_over(pairs, tmp_path):
    scene = pairs.scenes[0]
    lost = {name: replace(asset, href=str(tmp_path / "gone.tif")) for name, asset in scene.assets.items()}
    red_lost = replace(scene, assets={**scene.assets, "red": lost["red"]})
    found = agreement(red_lost, scene.mirrors[0], SENTINEL2, pairs.rules)
    assert found.equal
    assert found.evidence.startswith("blue: 100 %")
    found = agreement(replace(scene, assets=lost), scene.mirrors[0], SENTINEL2, pairs.rules)
    assert (found.equal, found.compared) == (False, False)
    assert "nothing could be compared" in found.evidence


def test_a_scene_that_is_missing_is_filled_from_the_mirror_bit_for_bit(mirrored, observatory, tmp_path):
    items = items_of(observatory)
    gone = raw(items)
    whole = mirrored(indicators=["ndvi"], store="whole")
    run.reconcile(str(whole.file), "update")
    expected = ndvi(whole)
    holed = mirrored([item for item in items if day_of(item) != day_of(gone)], indicators=["ndvi"], store="holed")
    run.reconcile(str(holed.file), "update")
    np.testing.assert_array_equal(ndvi(holed).values, expected.values)
    month = [one for one in manifests(holed) if one["partition"]["period"] == day_of(gone)[:7]]
    fills = [scene for one in month for scene in one["scenes"] if scene["catalog"] == LATER]
    assert fills
    assert {scene["time"][:10] for scene in fills} == {day_of(gone)}
    assert all(scene["vouched"].startswith("as for ") for scene in fills)
    assert all(one["completeness"]["used"] == one["completeness"]["known"] == len(one["scenes"]) for one in month)


def test_asking_again_reads_no_pixel_and_finds_the_same(mirrored, observatory, monkeypatch):
    items = items_of(observatory)
    project = mirrored([item for item in items if day_of(item) != day_of(raw(items))], indicators=["ndvi"])
    before = make_plan(project)
    monkeypatch.setattr(mirrors, "agreement", lambda *_: pytest.fail("pixels were read"))
    assert told(make_plan(project)) == told(before)
    (project.workspace / "agreements.json").write_text("{")
    monkeypatch.undo()
    assert told(make_plan(project)) == told(before)


def told(plan) -> tuple:
    return [entry.fingerprint for entry in plan.entries], plan.answers[0].scenes, plan.answers[0].rejected


def shifted_twin(twin: Simulation, folder: Path, by: int) -> list[dict]:
    """The mirror's items with brighter numbers in every red file."""
    items = deepcopy(items_of(twin))
    for item in items:
        asset = item["assets"]["B04"]
        copy = folder / f"{item['id']}-B04.tif"
        shutil.copy(asset["href"], copy)
        with rasterio.open(copy, "r+", driver="GTiff", IGNORE_COG_LAYOUT_BREAK="YES") as file:
            red = file.read(1)
            file.write(np.where(red, red + by, 0).astype(red.dtype), 1)
        asset["href"] = str(copy)
        del asset["file:checksum"], asset["file:size"]
    return items


def test_a_mirror_with_other_pixels_fills_nothing(mirrored, observatory, twin, tmp_path):
    items = items_of(observatory)
    gone = day_of(raw(items))
    project = mirrored(
        [item for item in items if day_of(item) != gone], shifted_twin(twin, tmp_path, 100), indicators=["ndvi"]
    )
    plan = make_plan(project)
    (answer,) = plan.answers
    assert {scene.catalog for scene in answer.scenes} == {FIRST}
    refused = [one for one in answer.rejected if isinstance(one, search.Refused)]
    assert {f"{one.time:%Y-%m-%d}" for one in refused} == {gone}
    assert refused[0].reason.startswith("not taken from planetary_computer: as for S2")
    assert "red: 0 %" in refused[0].reason
    run.reconcile(str(project.file), "update")
    whole = mirrored(indicators=["ndvi"], store="whole")
    run.reconcile(str(whole.file), "update")
    had = {str(one["partition"]): one["completeness"] for one in manifests(project)}
    for one in manifests(whole):
        lost = sum(scene["time"][:10] == gone for scene in one["scenes"])
        known = len(one["scenes"])
        assert had[str(one["partition"])] == {"used": known - lost, "known": known}
        assert one["completeness"] == {"used": known, "known": known}


def test_nothing_is_filled_where_nothing_is_shared(mirrored, observatory, twin):
    first, later = items_of(observatory), items_of(twin)
    early = [item for item in first if day_of(item) < "2022-01"]
    late = [item for item in later if day_of(item) >= "2022-01"]
    (answer,) = make_plan(mirrored(early, late)).answers
    assert {scene.catalog for scene in answer.scenes} == {FIRST}
    reasons = {one.reason for one in answer.rejected if isinstance(one, search.Refused)}
    assert reasons == {"not taken from planetary_computer: no scene that earth_search has as well could be compared"}


def test_a_first_catalog_that_is_silent_is_replaced_only_on_what_is_remembered(mirrored, observatory):
    items = items_of(observatory)
    project = mirrored([item for item in items if day_of(item) != day_of(raw(items))])
    make_plan(project)
    (project.file.parent / f"{FIRST}.json").unlink()
    (answer,) = make_plan(project).answers
    assert {scene.catalog for scene in answer.scenes} == {LATER}
    (project.workspace / "agreements.json").unlink()
    with pytest.raises(UpstreamError, match=r"earth_search does not answer .* run again later"):
        make_plan(project)


def test_a_truncated_file_is_read_from_the_mirror(mirrored, observatory, tmp_path):
    items = items_of(observatory)
    bad = raw(items)
    whole = mirrored(indicators=["ndvi"], store="whole")
    run.reconcile(str(whole.file), "update")
    expected = ndvi(whole)
    broken = [truncated(item, "red", tmp_path) if item is bad else item for item in items]
    project = mirrored(broken, indicators=["ndvi"], store="broken")
    summary = run.reconcile(str(project.file), "update")
    assert summary.failed == ()
    stored = sco.open(project.file)
    assert int(stored["ndvi_n_failed"].max()) == 0
    np.testing.assert_array_equal(stored["ndvi"].values, expected.values)
    told = [scene["stand_ins"] for one in manifests(project) for scene in one["scenes"] if scene["id"] == bad["id"]]
    assert told
    assert all("of planetary_computer: blue: 100 %" in one["red"] for one in told)


def test_a_scene_of_which_nothing_is_readable_is_replaced_as_others_vouch(mirrored, observatory, tmp_path):
    items = items_of(observatory)
    bad = raw(items)
    lost = deepcopy(bad)
    for asset in lost["assets"].values():
        asset["href"] = str(tmp_path / "gone.tif")
    project = mirrored([lost if item is bad else item for item in items], indicators=["ndvi"])
    summary = run.reconcile(str(project.file), "update")
    assert summary.failed == ()
    told = [scene["stand_ins"] for one in manifests(project) for scene in one["scenes"] if scene["id"] == bad["id"]]
    assert all("of planetary_computer: as for S2" in one["red"] for one in told)
    assert all(set(one) == {"nir", "red", "scl"} for one in told)


def test_a_truncated_file_stays_failed_where_the_mirror_disagrees(mirrored, observatory, twin, tmp_path):
    items = items_of(observatory)
    bad = raw(items)
    broken = [truncated(item, "nir", tmp_path) if item is bad else item for item in items]
    project = mirrored(broken, shifted_twin(twin, tmp_path, 100), indicators=["ndvi"])
    summary = run.reconcile(str(project.file), "update")
    assert summary.failed
    assert int(sco.open(project.file)["ndvi_n_failed"].max()) == 1
    hit = [one for one in manifests(project) if bad["id"] in {scene["id"] for scene in one["scenes"]}]
    assert {one["completeness"]["known"] - one["completeness"]["used"] for one in hit if one["counts"]["failed"]} == {1}
    assert {entry.state for entry in make_plan(project).entries if entry.failed_reads} == {State.FAILED}


def test_one_catalog_is_never_asked_for_proof(mirrored, observatory, monkeypatch):
    monkeypatch.setattr("sco.vouching.vouched", lambda *_: pytest.fail("there is nothing to vouch for"))
    project = mirrored()
    alone = project.sources[0].model_copy(update={"catalogs": project.sources[0].catalogs[:1]})
    assert len(make_plan(project.model_copy(update={"sources": (alone,)})).answers) == 1
