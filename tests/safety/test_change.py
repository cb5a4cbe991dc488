"""What changes is what must: chunk by chunk, in every time zone, on however many threads."""

import json
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks import kills, tiny
from benchmarks.warm import WARM
from flows import run
from sco import layout
from sco.machine import Machine
from sco.project import Project
from sco.store import Store
from sco.version import Place

Items = list[dict[str, Any]]


def changed_chunks(store: Store, before: str, after: str) -> dict[str, set[Place]]:
    """The chunks that were written from one version to a later one, by array."""
    found = store._repository.versions.diff(from_snapshot_id=before, to_snapshot_id=after)
    return {path.strip("/"): {tuple(index) for index in indices} for path, indices in found.updated_chunks.items()}


def places(store: Store, partitions: set[str]) -> set[Place]:
    version = store.version()
    records = {str(one): version.place_of(one) for one in store.records()}
    return {records[name] for name in partitions}


def touched(item: dict[str, Any], file: Path) -> set[str]:
    """The partitions that a scene lies on, from its footprint and its date alone."""
    from shapely.geometry import shape

    tiling, month = Project.load(file).tiling, item["properties"]["datetime"][:7]
    tiles = {tile: tiling.geobox_of(tile).extent.to_crs("EPSG:4326", resolution=100).geom for tile in tiling}
    return {f"ndvi {month} {tile}" for tile, outline in tiles.items() if shape(item["geometry"]).intersects(outline)}


def late(items: Items) -> tuple[Items, Items, dict[str, Any]]:
    return items[1:], items, items[0]


def reprocessed(items: Items) -> tuple[Items, Items, dict[str, Any]]:
    newer = json.loads(json.dumps(items[-1]))
    newer["properties"]["updated"] = "2024-01-01T00:00:00Z"
    return items, [*items[:-1], newer], newer


def withdrawn(items: Items) -> tuple[Items, Items, dict[str, Any]]:
    return items, items[:-2] + items[-1:], items[-2]


@pytest.mark.parametrize("event", [late, reprocessed, withdrawn])
def test_a_scene_changes_just_the_chunks_of_the_partitions_that_it_lies_on(
    event: Callable[[Items], tuple[Items, Items, dict[str, Any]]],
    world: tiny.Tiny,
    project: Callable[..., Path],
) -> None:
    file = project()
    was, now, scene = event(world.items())
    tiny.put_items(file.parent, was)
    run.reconcile(str(file), "update")
    store = Store.open(Project.load(file).store_url)
    before = store.tip()
    tiny.put_items(file.parent, now)
    summary = run.reconcile(str(file), "update")
    expected = touched(scene, file)
    assert 1 <= len(expected) <= 4
    assert summary.partitions == len(expected)
    store = Store.open(store.url)
    chunks = changed_chunks(store, before, store.tip())
    allowed = places(store, expected)
    assert chunks[f"{layout.LEDGER}/ndvi/record"] == allowed
    assert chunks[f"{layout.LEDGER}/ndvi/manifest"] == allowed
    for path in layout.planes("ndvi"):
        assert chunks.get(path, set()) <= allowed, path
    assert chunks.keys() <= {f"{layout.LEDGER}/ndvi/{kind}" for kind in layout.TEXTS} | set(layout.planes("ndvi"))


def update_in(zone: str, file: Path, threads: int) -> None:
    """What a process in this time zone does."""
    os.environ["TZ"] = zone
    time.tzset()
    run.reconcile(str(file), "update", machine=Machine(threads))


def test_time_zone_and_threads_change_no_byte(project: Callable[..., Path]) -> None:
    files = [project(name) for name in ("utc", "kiritimati")]
    for told in zip(("UTC", "Pacific/Kiritimati"), files, (1, 2), strict=True):
        child = WARM.Process(target=update_in, args=told)
        child.start()
        child.join()
        assert child.exitcode == 0
    one, other = (kills.Whole.of(file) for file in files)
    assert one.differences(other) == []
    assert len(one.fingerprints) == 12


def test_a_range_of_days_is_the_same_range_in_every_time_zone(project: Callable[..., Path]) -> None:
    file = project()
    run.reconcile(str(file), "backfill", date(2022, 2, 1), date(2022, 2, 28))
    assert {one.period.label for one in Store.open(Project.load(file).store_url).records()} == {"2022-02"}
