"""A plan over many scenes: each is put where it lies, what is kept changes nothing, a look imports what it needs."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from observatory.asking import an_item, one_collection  # noqa: F401 - a fixture
from shapely import box, from_wkt, union_all
from shapely.geometry import mapping

from sco import engine, imprint, library, overlay, roll
from sco.entry import Only, State
from sco.errors import IntegrityError
from sco.fingerprint import Fingerprints, errors_of
from sco.grid import degrees_boxes, middle_longitude
from sco.partition import Empty, Outcome, Partition, Record
from sco.placement import outline_of, place, step_of
from sco.plan import Plan, make_plan
from sco.project import Project
from sco.reconcile import lay_out
from sco.recorded import records_of
from sco.roster import Roster
from sco.solar import observations, solar_day
from sco.store import Store
from sco.tile import Tile

TOML = """id = "many"
title = {{ en = "Many (made up)", fr = "Beaucoup (inventé)" }}
indicators = ["ndvi", "evi"]
store = "store"
[period]
start = 2023-06-01
end = 2023-08-31
every = "dekad"
[area]
bounds = [{left}, {bottom}, {right}, {top}]
crs = "EPSG:32631"
resolution = 200
tile = 16
[[sources]]
sensor = "sentinel2"
catalogs = [{{ id = "earth_search", file = "items.ndjson" }}]
max_cloud = 60
"""
RUN = "20230101T000000-0001"


def _items(count: int, seed: int = 3) -> Iterator[dict[str, Any]]:
    """Squares of 9 km all over 13 x 13 km and three months; every third has checksums, every seventh is clouded."""
    numbers = np.random.default_rng(seed)
    for number in range(count):
        west, south = 4.3 + numbers.uniform(-0.06, 0.1), 43.4 + numbers.uniform(-0.06, 0.06)
        moment = f"2023-{numbers.integers(6, 9):02d}-{numbers.integers(1, 31):02d}T{numbers.integers(0, 24):02d}:40:31Z"
        outline = box(west, south, west + 0.11, south + 0.08)
        checksum = {"file:checksum": f"1220{number:064x}"} if number % 3 == 0 else {}
        keys = ("red", "nir", "blue", "scl") if number % 5 else ("red", "nir", "scl")
        yield an_item(
            id=f"S2A_31TFJ_{number}",
            geometry=mapping(outline),
            bbox=list(outline.bounds),
            assets={key: {"href": f"/scenes/{number}/{key}.tif", **checksum} for key in keys},
            says={
                "datetime": moment,
                "s2:datatake_id": str(number),
                "updated": moment,
                "eo:cloud_cover": 90 if number % 7 == 0 else 5,
            },
        )


def _project(folder: Path, items: list[dict[str, Any]]) -> Project:
    file = folder / "project.toml"
    file.write_text(TOML.format(left=603_000, bottom=4_804_000, right=616_000, top=4_817_000), "utf-8")
    (folder / "items.ndjson").write_text("".join(json.dumps(item) + "\n" for item in items))
    return Project.load(file)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return _project(tmp_path, list(_items(300)))


def _fingerprint(plan: Plan, partition: Partition) -> tuple[str, int]:
    """What a partition's fingerprint is by its definition, and of how many scenes, without any shortcut."""
    project, indicator = plan.project, library.indicators[partition.indicator]
    ground = union_all([box(*part) for part in degrees_boxes(project.tiling.geobox_of(partition.tile))])
    longitude, sensor = middle_longitude(project.geobox), library.sensors["sentinel2"]
    days: dict[date, list[Any]] = {}
    for scene in sorted(plan.answers[0].scenes, key=lambda one: (solar_day(one, longitude), one.id)):
        day = solar_day(scene, longitude)
        if day in partition.period and from_wkt(scene.footprint).intersects(ground):
            bands = (*indicator.bands, *sensor.quality_bands)
            sums = [scene.assets[band].checksum if band in scene.assets else "absent" for band in bands]
            told = [scene.catalog, scene.id, scene.updated, scene.baseline, scene.offset_applied, sums]
            days.setdefault(day, []).append(told)
    geobox = project.tiling.geobox_of(partition.tile)
    basis = {
        "engine": engine.COMPUTE,
        "grid": [str(geobox.crs), list(geobox.transform)[:6], list(geobox.shape)],
        "period": [str(partition.period.start), str(partition.period.end)],
        "indicator": [indicator.id, indicator.version],
        "sensors": [[sensor.id, sensor.version]] if days else [],
        "access": [project.access.mismatch, project.access.contradiction],
        "scenes": [[str(day), *told] for day, told in days.items()],
        **errors_of(indicator, project),
    }
    text = json.dumps(basis, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest(), sum(map(len, days.values()))


def test_fingerprints_are_what_their_definition_says(project: Project):
    plan = make_plan(project)
    assert len(plan.entries) == 9 * 25 * 2
    assert {entry.scenes for entry in plan.entries} > {2, 5, 9}
    for entry in plan.entries:
        assert (entry.fingerprint, entry.scenes) == _fingerprint(plan, entry.partition), entry.partition


def test_blocks_have_the_scenes_of_their_tile_and_period(project: Project):
    plan = make_plan(project)
    blocks = plan.blocks(Only.ALL)
    by_place = {(entry.partition.period, entry.partition.tile): entry.scenes for entry in plan.entries}
    for block in blocks:
        scenes = [scene for one in block.observations for scene in one.scenes]
        assert len(scenes) == by_place[block.period, block.tile]
        assert all(one.day in block.period for one in block.observations)
        assert [one.day for one in block.observations] == sorted({one.day for one in block.observations})
    used = {scene.id for block in blocks for one in block.observations for scene in one.scenes}
    assert plan.cost(Only.ALL).scenes == len(used)
    assert plan.cost(Only.ALL).reads == sum(block.asset_count for block in blocks) > 0


def test_what_is_kept_of_an_answer_makes_the_same_plan(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(overlay, "MANY", 10)
    first = make_plan(project)
    monkeypatch.setattr("sco.item.read_item", lambda *_: pytest.fail("it is read already"))
    monkeypatch.setattr("sco.search.read_item", lambda *_: pytest.fail("it is read already"))
    monkeypatch.setattr("sco.overlay._find", lambda *_: pytest.fail("it is found already"))
    again = make_plan(project)
    assert again.entries == first.entries
    assert again.blocks(Only.ALL) == first.blocks(Only.ALL)


def test_a_late_scene_moves_the_partitions_that_it_touches(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(overlay, "MANY", 10)
    before = {entry.partition: entry.fingerprint for entry in make_plan(project).entries}
    outline = box(4.31, 43.41, 4.32, 43.42)
    late = an_item(15, id="S2A_31TFJ_late", geometry=mapping(outline), bbox=list(outline.bounds))
    late["properties"]["s2:datatake_id"] = "late"
    with (project.file.parent / "items.ndjson").open("a") as lines:
        lines.write(json.dumps(late) + "\n")
    now = {entry.partition: entry.fingerprint for entry in make_plan(project).entries}
    moved = {one for one in now if now[one] != before[one]}
    touched = {tile for tile in project.tiling if outline.intersects(outline_of(project.tiling, tile))}
    assert {one.period.label for one in moved} == {"2023-07-D2"}
    assert {one.tile for one in moved} == touched != set(project.tiling)


def _commit(plan: Plan, store: Store) -> None:
    scenes = {"updated": None, "baseline": "05.09"}
    store.commit(
        [
            Outcome(
                entry.partition,
                Record(entry.fingerprint, RUN, Empty.ALL_MASKED),
                {
                    "indicator_version": 1,
                    "scenes": [
                        {"id": scene.id, **scenes, "updated": scene.updated}
                        for scene in plan._scenes.scenes.at(
                            plan._scenes.cells.get(
                                (entry.partition.period.label, entry.partition.tile), np.empty(0, int)
                            )
                        )
                    ],
                },
                None,
            )
            for entry in plan.entries
        ],
        RUN,
        "all",
    )


def test_every_stale_partition_is_told_why(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sco.store.AT_A_TIME", 3)
    lay_out(project)
    _commit(make_plan(project), Store.open(project.store_url))
    assert {entry.state for entry in make_plan(project).entries} == {State.EMPTY}
    monkeypatch.setattr("sco.store.Store.manifest", lambda *_: pytest.fail("one by one takes too long"))
    items = list(_items(300))
    gone = items.pop(8)
    items[9]["properties"]["updated"] = "2024-01-01T00:00:00Z"
    now = make_plan(_project(project.file.parent, items))
    reasons = {entry.reason for entry in now.entries if entry.state is State.STALE}
    assert f"scene {gone['id']} was withdrawn" in {reason.partition(" and ")[0] for reason in reasons}
    assert any(reason.startswith(f"scene {items[9]['id']} was updated") for reason in reasons)
    stale = [entry for entry in now.entries if entry.state is State.STALE]
    assert 4 < len(stale) < len(now.entries) / 4


def test_records_are_read_from_the_file_beside_the_store(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roll, "MANY", 1)
    lay_out(project)
    store, memory = Store.open(project.store_url), project.workspace / "records"
    _commit(make_plan(project), store)
    plain = store.records()
    assert store.records(memory=memory) == plain
    with monkeypatch.context() as closed:
        closed.setattr("sco.version.Version.rows", lambda *_: pytest.fail("they are in the file"))
        assert Store.open(project.store_url).records(memory=memory) == plain
        closed.setattr("sco.store.Store.open", lambda *_: pytest.fail("it has not changed"))
        assert records_of(project) == plain
    one = next(iter(plain))
    store.commit([Outcome(one, Record("f" * 64, RUN), {"scenes": []}, None)], RUN, "one")
    assert records_of(project) == plain | {one: Record("f" * 64, RUN)}
    memory.write_bytes(memory.read_bytes().replace(b"f" * 64, b"e" * 64))
    assert records_of(project)[one].fingerprint == "f" * 64
    next((project.file.parent / "store" / "snapshots").glob(store.tip())).unlink()
    with pytest.raises(IntegrityError, match="cannot be opened"):
        records_of(project)


def test_records_of_a_project_that_has_none(project: Project):
    assert records_of(project) is None
    lay_out(project)
    assert records_of(project) == {}


def test_an_overlay_is_found_again_only_for_the_same_shapes(project: Project, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(overlay, "MANY", 1)
    file, scenes = tmp_path / "overlay.npz", Roster.of(make_plan(project).answers[0].scenes)
    outlines = [outline_of(project.tiling, tile) for tile in project.tiling]
    plain = [places.tolist() for places in overlay.overlay(scenes, outlines)]
    assert [places.tolist() for places in overlay.overlay(scenes, outlines, file)] == plain
    assert [places.tolist() for places in overlay.overlay(scenes, outlines, file)] == plain
    fewer = overlay.overlay(scenes[1:], outlines, file)
    assert [places.tolist() for places in fewer] == [[place - 1 for place in found if place] for found in plain]
    file.write_bytes(file.read_bytes()[:-100])
    assert [places.tolist() for places in overlay.overlay(scenes, outlines, file)] == plain
    assert [places.tolist() for places in overlay.overlay(scenes[:0], outlines, file)] == [[]] * len(outlines)


def test_scenes_of_two_sensors_on_a_day_are_two_observations(project: Project):
    scenes = list(make_plan(project).answers[0].scenes)
    both = [*scenes, *(replace(scene, sensor="landsat") for scene in scenes[:50])]
    placed = place([scenes, both[len(scenes) :]], project.tiling, project.period.slices())
    cell = max(placed, key=lambda one: len(placed[one]))
    named = [(one.day, one.sensor) for one in placed[cell]]
    assert named == sorted(set(named))
    assert {sensor for _, sensor in named} == {"landsat", "sentinel2"}
    alone = placed.places(cell, frozenset({"landsat"}))
    assert {scene.sensor for scene in placed.scenes.at(alone)} == {"landsat"}
    whole = observations(both, middle_longitude(project.geobox))
    assert sum(len(one.scenes) for one in whole) == len(both)
    assert [(one.day, one.sensor) for one in whole] == sorted({(one.day, one.sensor) for one in whole})


def test_nothing_is_placed_where_there_is_nothing(project: Project):
    placed = place([()], project.tiling, project.period.slices())
    assert (len(placed), placed.get(("2023-06-D1", Tile(0, 0)))) == (0, None)
    assert placed.distinct([("2023-06-D1", Tile(0, 0))]) == 0


def test_a_day_lies_in_its_period(project: Project):
    slices = project.period.slices()
    days = [date(2023, 5, 31) + timedelta(days=number) for number in range(94)]
    found = [step_of(day, slices) for day in days]
    assert (found[0], found[1], found[-2], found[-1]) == (None, 0, 8, None)
    assert all(day in slices[step] for day, step in zip(days, found, strict=True) if step is not None)


def test_fingerprints_of_many_are_remembered_while_all_that_they_tell_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    items = list(_items(300))
    project = _project(tmp_path, items)
    whole = _fingerprints(project)
    monkeypatch.setattr(imprint, "MANY", 1)
    memory = project.workspace / "fingerprints"
    assert _fingerprints(project) == whole
    with monkeypatch.context() as blind:
        blind.setattr(Fingerprints, "_told_for", lambda *_: pytest.fail("it was remembered"))
        assert _fingerprints(project) == whole
    for damage in (lambda kept: kept[:-9], lambda kept: kept.replace(b"ndvi", b"ndvj"), lambda kept: b"\xff"):
        memory.write_bytes(damage(memory.read_bytes()))
        assert _fingerprints(project) == whole
    used = make_plan(project).answers[0].scenes[7].id
    for item in items:
        if item["id"] == used:
            item["properties"]["updated"] = "2024-01-01T00:00:00Z"
    moved = _fingerprints(_project(tmp_path, items))
    monkeypatch.setattr(imprint, "MANY", 10**9)
    assert moved == _fingerprints(project)
    assert 0 < sum(moved[one] != whole[one] for one in whole) < len(whole) / 2


CHANGES = {
    "one more": lambda items: [*items, [*_items(301)][300]],
    "one less": lambda items: items[:100] + items[101:],
    "one twice": lambda items: [*items, items[101]],
    "one elsewhere": lambda items: [
        *items[:101],
        items[101] | {one: items[5][one] for one in ("geometry", "bbox")},
        *items[102:],
    ],
    "turned round": lambda items: items[::-1],
}


@pytest.mark.parametrize("change", CHANGES)
def test_only_fingerprints_of_cells_that_moved_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
):
    items = list(_items(300))
    monkeypatch.setattr(imprint, "MANY", 1)
    whole = _fingerprints(_project(tmp_path, items))
    made: list[Partition] = []
    make = Fingerprints.of
    with monkeypatch.context() as counted:
        counted.setattr(Fingerprints, "of", lambda self, one, *told: made.append(one) or make(self, one, *told))
        found = _fingerprints(_project(tmp_path, CHANGES[change](items)))
    monkeypatch.setattr(imprint, "MANY", 10**9)
    assert found == _fingerprints(_project(tmp_path, CHANGES[change](items)))
    moved = {one for one in whole if found[one] != whole[one]}
    assert set(made) == moved
    assert (len(moved) == 0) == (change in ("one twice", "turned round"))
    assert len(moved) < len(whole) / 4


def test_remembered_fingerprints_are_of_this_code(project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imprint, "MANY", 1)
    before = _fingerprints(project)
    monkeypatch.setattr(engine, "COMPUTE", engine.COMPUTE + 1)
    assert not set(_fingerprints(project).values()) & set(before.values())


def _fingerprints(project: Project) -> dict[Partition, str]:
    return {entry.partition: entry.fingerprint for entry in make_plan(project).entries}


HEAVY = {"xarray", "pandas", "rasterio", "numba", "prefect", "pystac_client", "requests", "exactextract", "scipy"}


GEOMETRY = {"numpy", "odc", "dask", "shapely", "icechunk", "zarr"}


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [(("status",), HEAVY | GEOMETRY), (("update", "--engine", "local"), HEAVY), (("plan", "--json"), HEAVY)],
)
def test_a_look_that_finds_nothing_to_do_imports_nothing_that_computes(
    project: Project, words: tuple[str, ...], unwanted: set[str]
):
    lay_out(project)
    _commit(make_plan(project), Store.open(project.store_url))
    newest = Store.open(project.store_url).tip()
    verb, *rest = words
    code = (
        f"import sys\nsys.argv = ['sco', {verb!r}, {str(project.file)!r}, *{rest!r}]\n"
        "from sco import roll\nroll.MANY = 1\n"
        "from flows.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        f"print('imported', sorted({unwanted!r} & set(sys.modules)))"
    )
    for _ in range(2):  # the first one reads the items, by the catalog as other processes have it
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "imported []"
    assert Store.open(project.store_url).tip() == newest
