"""How long looks at a large project take, as commands: plan, status, an update with nothing to do, a lazy cube.

`.venv/bin/python benchmarks/planning.py [SCENES] [MONTHS]` (100,000 scenes over 100 months of 100 tiles unless told:
10,000 partitions; some minutes) prints one JSON line; no pixel is read. The items lie in a file, 4 kB each. `first` is
the plan that sees them for the first time, `new` the next one, which still has all to do, `current` the one after all
is done, `one_more` the one after one item more was appended to the file. Each command is a process of its own, from its
start to its end. A promise counts in processor time, which what else runs on the machine lengthens least.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from pyproj import Transformer
from shapely.geometry import box, mapping

from benchmarks import tiny
from sco.partition import Empty, Outcome, Record
from sco.period import divide
from sco.plan import make_plan
from sco.project import Project
from sco.reconcile import lay_out

SCO = Path(sys.executable).parent / "sco"
PROMISED = {
    "plan_new": 10,
    "plan_current": 10,
    "plan_one_more": 10,
    "status": 1,
    "update_nothing_to_do": 3,
    "open_cube": 2,
}
"""Seconds of a processor."""
REPEATS = 3
LEFT, TOP, SIDE = 700_000, 5_060_000, 32_000
"""Metres in EPSG:32631; 10 x 10 tiles of 16 pixels of 200 m."""
START = date(2015, 1, 1)


def project(folder: Path, months: int) -> Path:
    """A project of 100 tiles over so many months."""
    end = divide(START, START + timedelta(days=31 * months), "month")[months - 1].end - timedelta(days=1)
    file = folder / "project.toml"
    file.write_text(
        f"""id = "large"
title = {{ en = "Large (simulated)", fr = "Grand (simulé)" }}
indicators = ["ndvi"]
store = "store"
[period]
start = {START}
end = {end}
every = "month"
[area]
bounds = [{LEFT}, {TOP - SIDE}, {LEFT + SIDE}, {TOP}]
crs = "EPSG:32631"
resolution = 200
tile = 16
[[sources]]
sensor = "sentinel2"
catalogs = [{{ id = "local", file = "items.ndjson" }}]
""",
        "utf-8",
    )
    return file


def write_items(file: Path, template: dict[str, Any], scenes: int, months: int) -> None:
    """So many items of 10 km squares all over the area and the months, made after one real item."""
    with file.open("w", encoding="utf-8") as lines:
        for item in _items(template, scenes, months):
            lines.write(json.dumps(item) + "\n")


def _items(template: dict[str, Any], scenes: int, months: int) -> Iterator[dict[str, Any]]:
    numbers = np.random.default_rng(7)
    degrees = Transformer.from_crs("EPSG:32631", "EPSG:4326", always_xy=True)
    assets = {key: value for key, value in template["assets"].items() if key in ("red", "nir", "scl")}
    places = numbers.uniform(-5_000, SIDE - 5_000, (scenes, 2))
    west, south = degrees.transform(LEFT + places[:, 0], TOP - SIDE + places[:, 1])
    minutes = np.linspace(0, months * 30.4 * 24 * 60, scenes, endpoint=False)
    for number in range(scenes):
        moment = f"{np.datetime64(START, 's') + np.timedelta64(int(minutes[number]), 'm')}Z"
        outline = box(west[number], south[number], west[number] + 0.13, south[number] + 0.09)
        name = f"{template['id']}_{number}"
        properties = template["properties"] | {"datetime": moment, "created": moment, "updated": moment}
        properties["s2:product_uri"] = name
        properties["s2:datatake_id"] = name
        yield template | {
            "id": name,
            "geometry": mapping(outline),
            "bbox": list(outline.bounds),
            "properties": properties,
            "assets": assets,
        }


def fill(file: Path) -> dict[str, int]:
    """Commit to every partition that it is as the catalogs have it now, so that nothing is left to do."""
    one = Project.load(file)
    plan = make_plan(one)
    outcomes = [
        Outcome(
            entry.partition,
            Record(entry.fingerprint, "20230101T000000-0001", Empty.ALL_MASKED),
            {"scenes": [], "indicator_version": 1},
            None,
        )
        for entry in plan.entries
    ]
    store = lay_out(one)
    for start in range(0, len(outcomes), 2_000):
        store.commit(outcomes[start : start + 2_000], "20230101T000000-0001", "all")
    return {"partitions": len(plan.entries), "scenes": sum(len(answer.scenes) for answer in plan.answers)}


def cost(*words: str) -> dict[str, float]:
    """How long the command takes, from start to end, and how much of a processor."""
    began, before = time.monotonic(), os.times()
    subprocess.run([str(SCO), *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": round(time.monotonic() - began, 2), "cpu_seconds": round(busy, 2)}


def usual(*words: str) -> dict[str, float]:
    """The middle one of some runs of a command, by processor time."""
    return sorted((cost(*words) for _ in range(REPEATS)), key=lambda one: one["cpu_seconds"])[REPEATS // 2]


def one_more(file: Path, items: Path, template: dict[str, Any], months: int) -> dict[str, float]:
    """The middle one of some plans, each after one item more in the middle of the months was appended to the items."""
    took = []
    for number in range(REPEATS):
        item = list(_items(template, 2, months))[1]
        item["id"] = item["properties"]["s2:product_uri"] = item["properties"]["s2:datatake_id"] = f"more_{number}"
        with items.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(item) + "\n")
        took.append(cost("plan", str(file), "--json"))
    return sorted(took, key=lambda one: one["cpu_seconds"])[REPEATS // 2]


def opening(file: Path) -> dict[str, float]:
    """How long a notebook that has imported what it needs waits for a lazy cube over all scenes."""
    code = (
        "import sys, time, sco, sco.answers, sco.cube, sco.plan, sco.preflight\n"
        "one = sco.open_project(sys.argv[1])\n"
        "began, busy = time.monotonic(), time.process_time()\n"
        "cube = sco.open_cube(one, 'sentinel2', one.period.start, one.period.last_day)\n"
        "print(time.monotonic() - began, time.process_time() - busy, cube.sizes['time'])\n"
    )
    told = subprocess.run([sys.executable, "-c", code, str(file)], check=True, stdout=subprocess.PIPE, text=True).stdout
    seconds, busy, days = told.split()
    return {"seconds": round(float(seconds), 2), "cpu_seconds": round(float(busy), 2), "days": int(days)}


def main(scenes: int, months: int) -> int:
    """Time the commands; 1 if one of them takes more than is promised."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = tiny.make(folder / "world").items()[0]
        file = project(folder, months)
        write_items(folder / "items.ndjson", template, scenes, months)
        took = {"plan_first": cost("plan", str(file), "--json"), "plan_new": usual("plan", str(file), "--json")}
        known = fill(file)
        took |= {
            "status_first": cost("status", str(file), "--json"),
            "plan_current": usual("plan", str(file), "--json"),
            "status": usual("status", str(file)),
            "update_nothing_to_do": usual("update", str(file), "--engine", "local"),
            "open_cube": opening(file),
            "plan_one_more": one_more(file, folder / "items.ndjson", template, months),
        }
    late = [one for one, most in PROMISED.items() if took[one]["cpu_seconds"] > most]
    print(json.dumps({"benchmark": "planning", **known, **took, "promised_cpu_seconds": PROMISED, "late": late}))
    return int(bool(late))


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(arguments + [100_000, 100][len(arguments) :])))
