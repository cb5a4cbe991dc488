"""Whatever happens in whatever order, the store holds what a plain model says that it must.

Runs a few short histories; SCO_SAFETY_EXAMPLES=100 runs so many, drawn anew each time.
"""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from odc.geo.geom import Geometry
from shapely.geometry import shape

from benchmarks import kills, tiny
from benchmarks.warm import WARM
from flows import run
from sco import retention
from sco.errors import IntegrityError
from sco.plan import make_plan
from sco.project import Project
from sco.store import Store

EXAMPLES = int(os.environ.get("SCO_SAFETY_EXAMPLES", "0"))
STEPS = 10
DEADLY = ("after search", "mid-read", "mid-write", "before commit", "mid-commit", "after commit", "before journal")
MONTHS = ("2022-01", "2022-02", "2022-03")

Scenes = frozenset[tuple[str, str]]
"""What a partition was made from: each scene's id, and when it was updated."""
Content = Mapping[str, Scenes]


class Archive:
    """What the catalog has: items that come, are reprocessed and go."""

    def __init__(self, items: list[dict[str, Any]], tiles: Mapping[str, Geometry]) -> None:
        self.known = {item["id"]: item for item in items}
        self.there = {item["id"]: item["properties"]["updated"] for item in items}
        self.tiles = tiles
        self.over = {
            item["id"]: {name for name, tile in tiles.items() if shape(item["geometry"]).intersects(tile.geom)}
            for item in items
        }

    def wanted(self) -> dict[str, Scenes]:
        """What each partition must be made from."""
        return {
            f"ndvi {month} {tile}": frozenset(
                (name, updated)
                for name, updated in self.there.items()
                if tile in self.over[name] and self.known[name]["properties"]["datetime"].startswith(month)
            )
            for month in MONTHS
            for tile in self.tiles
        }

    def write(self, folder: Path) -> None:
        """Put the items where the project's catalog has them."""
        items = []
        for name, updated in self.there.items():
            item = json.loads(json.dumps(self.known[name]))
            item["properties"]["updated"] = updated
            items.append(item)
        tiny.put_items(folder, items)


class History(RuleBasedStateMachine):
    """A project and its archive, and beside them the model: contents of versions as plain dictionaries."""

    world: tiny.Tiny
    folders: Iterator[Path]

    @initialize(month=st.sampled_from(MONTHS))
    def begin(self, month: str) -> None:
        self.folder = next(self.folders)
        self.file = self.world.project(self.folder)
        self.project = Project.load(self.file)
        self.archive = Archive(self.world.items(), _tiles(self.project))
        self.stamps = 0
        self.content: dict[str, Scenes] = {}
        self.versions: dict[str, dict[str, Scenes]] = {}
        self.tagged: set[str] = set()
        self.backfill(month)

    @precondition(lambda self: len(self.archive.there) > 1)
    @rule(data=st.data())
    def a_scene_is_withdrawn(self, data: st.DataObject) -> None:
        del self.archive.there[data.draw(st.sampled_from(sorted(self.archive.there)))]
        self.archive.write(self.folder)

    @rule(data=st.data())
    def a_scene_is_new_or_reprocessed(self, data: st.DataObject) -> None:
        self.stamps += 1
        name = data.draw(st.sampled_from(sorted(self.archive.known)))
        self.archive.there[name] = f"2024-01-01T00:00:{self.stamps:02}Z"
        self.archive.write(self.folder)

    @rule(month=st.sampled_from(MONTHS))
    def backfill(self, month: str) -> None:
        day = date.fromisoformat(f"{month}-10")
        run.reconcile(str(self.file), "backfill", day, day)
        self._now_holds({name: made for name, made in self.archive.wanted().items() if month in name})

    @rule()
    def update(self) -> None:
        run.reconcile(str(self.file), "update")
        self._now_holds(self.archive.wanted())

    @rule(point=st.sampled_from(DEADLY), times=st.integers(1, 3))
    def killed(self, point: str, times: int) -> None:
        told = self.folder / "told.txt"
        told.write_text("")
        child = WARM.Process(target=kills.live, args=(str(self.file), str(told), False, f"{point}:{times}"))
        child.start()
        child.join(300)
        assert child.exitcode in (0, -signal.SIGKILL)
        before, wanted, found = self.content, self.archive.wanted(), _content(self.store)
        for name, made in found.items():
            assert made in (before.get(name), wanted[name]), f"{name} holds neither what it held nor what it should"
        acknowledged = {line.removeprefix("done ") for line in told.read_text().splitlines() if line.startswith("done")}
        assert all(found[name] == wanted[name] for name in acknowledged)
        assert before.keys() <= found.keys()
        assert self.store.verify() == []
        self._now_holds(found)

    @rule()
    def publish(self) -> None:
        if not any(record.empty is None for record in self.store.records().values()):
            with pytest.raises(IntegrityError, match="there is no value in any period"):
                run.publish(str(self.file))
            return
        run.publish(str(self.file))
        tagged = set(self.store.tags().values())
        assert self.tagged <= tagged <= {*self.tagged, self.store.tip()}
        # after a rollback the same content may have been published before, from an older version
        assert any(self.versions[snapshot] == self.content for snapshot in tagged)
        self.tagged = tagged

    @rule(data=st.data())
    def rollback(self, data: st.DataObject) -> None:
        snapshot = data.draw(st.sampled_from(list(self.versions)))
        changed = self.store.roll_back(snapshot, "rollback")
        then, now = self.versions[snapshot], self.content
        assert {str(one) for one in changed.cleared} == now.keys() - then.keys()
        assert {str(one) for one in changed.restored} >= {name for name in then if then[name] != now.get(name)}
        self.content = dict(then)
        self.versions[self.store.tip()] = dict(then)

    @rule(keep=st.integers(1, 3))
    def gc(self, keep: int) -> None:
        before = set(self.versions)
        newest = [one.id for one in self.store._repository.ancestry() if one.parent_id][:keep]
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(retention, "KEEP_NEWEST", keep)
            self.store.clean(keep_days=0)
        readable = {one.snapshot for one in self.store.history()}
        assert {*newest, *self.tagged} <= readable
        kept = {*newest, *self.tagged} & before  # a run that was killed leaves versions that nothing was said of
        assert readable & before == kept
        self.versions = {name: held for name, held in self.versions.items() if name in kept}
        assert self.store.verify() == []

    @invariant()
    def the_store_holds_what_the_model_says(self) -> None:
        assert _content(self.store) == self.content

    @invariant()
    def every_kept_version_holds_what_it_held(self) -> None:
        for snapshot, held in self.versions.items():
            assert _content(self.store, snapshot) == held

    @invariant()
    def the_plan_takes_up_just_what_differs(self) -> None:
        due = {str(entry.partition) for entry in make_plan(self.project).entries if entry.due}
        wanted = self.archive.wanted()
        assert due == {name for name in wanted if self.content.get(name) != wanted[name]}

    @property
    def store(self) -> Store:
        return Store.open(self.project.store_url)

    def _now_holds(self, made: Mapping[str, Scenes]) -> None:
        self.content = {**self.content, **made}
        self.versions[self.store.tip()] = dict(self.content)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            assert self.store.verify() == []
            shutil.rmtree(self.folder)


def _tiles(project: Project) -> dict[str, Geometry]:

    tiling = project.tiling
    return {str(tile): tiling.geobox_of(tile).extent.to_crs("EPSG:4326", resolution=100) for tile in tiling}


def _content(store: Store, snapshot: str | None = None) -> dict[str, Scenes]:
    return {
        str(one): frozenset((scene["id"], scene["updated"]) for scene in manifest["scenes"])
        for one, manifest in store.manifests(snapshot).items()
    }


def test_every_history_ends_as_the_model_says(world: tiny.Tiny, tmp_path: Path) -> None:
    History.world = world
    History.folders = iter(tmp_path / f"history{number}" for number in range(100_000))
    few = settings(
        max_examples=EXAMPLES or 10,
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.generate],  # a history takes seconds: the first that fails is told as it is
        derandomize=not EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine: Callable[[], RuleBasedStateMachine] = History
    run_state_machine_as_test(machine, settings=few)
