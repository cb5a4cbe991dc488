"""Increment: one new scene among 120 months that are stored, beside computing all of them again: one JSON line.

Both go from the items to the last commit. Everything is rebuilt as `sco backfill --only all` does, in this process;
the increment is an update after one more item has come, which every repeat gives to another month.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import scenes
from contest import line

from sco.entry import Only
from sco.machine import Machine
from sco.plan import make_plan
from sco.project import Project
from sco.reconcile import Reconciliation

MONTHS = 120
SIZE, TILE = 2560, 1024
RECIPE = scenes.Recipe(days=MONTHS * 4, size=SIZE, distinct=12, days_apart=7)


def main(repeats: int) -> None:
    """Fill the store, then alternate between a new scene and a full rebuild, and print the line."""
    with tempfile.TemporaryDirectory() as name:
        project = scenes.write(Path(name), RECIPE, tile=TILE)
        project.write_text(project.read_text().replace(f"end = {RECIPE.last:%Y-%m-%d}", "end = 2032-12-31"))
        items = Path(name) / "items.json"
        everything = json.loads(items.read_text())["features"]
        _offer(items, everything[repeats:])
        _run(project, Only.DUE)
        laps = []
        for turn in reversed(range(repeats)):
            _offer(items, everything[turn:])
            seconds, computed = _run(project, Only.DUE)
            laps.append((seconds, computed, *_run(project, Only.ALL)))
    one, all_of_them = (statistics.median(lap[place] for lap in laps) for place in (0, 2))
    line(
        benchmark="increment",
        ours={"one_scene_s": round(one, 3), "rebuild_s": round(all_of_them, 3)},
        partitions={"one_scene": laps[-1][1], "rebuild": laps[-1][3]},
        ratios={"share_of_rebuild": round(one / all_of_them, 4)},
        repeats=repeats,
    )


def _offer(file: Path, features: list[object]) -> None:
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def _run(file: Path, only: Only) -> tuple[float, int]:
    began = time.monotonic()
    with Reconciliation(make_plan(Project.load(file)), "benchmark", only, Machine(2)) as run:
        for batch in run.batches:
            run.carry_out(batch)
    return time.monotonic() - began, run.summary.partitions


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--repeats", type=int, default=5)
    main(asked.parse_args().repeats)
