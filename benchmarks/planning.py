"""How long `sco plan`, `sco status` and an update with nothing to do take on a large project, as commands.

`.venv/bin/python benchmarks/planning.py [SCENES] [MONTHS]` (100,000 scenes over 100 months of 100 tiles unless told:
10,000 partitions) prints one JSON line. The items lie in a file; no pixel is read.
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


def main(scenes: int, months: int) -> int:
    """Time the commands; 1 if one of them is slower than promised."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = tiny.make(folder / "world").items()[0]
        file = project(folder, months)
        write_items(folder / "items.ndjson", template, scenes, months)
        plan_new = cost("plan", str(file), "--json")
        known = fill(file)
        took = {
            "plan_new": plan_new,
            "plan_current": cost("plan", str(file), "--json"),
            "status": cost("status", str(file), "--json"),
            "update_nothing_to_do": cost("update", str(file), "--engine", "local"),
        }
    print(json.dumps({"benchmark": "planning", **known, **took}))
    return int(
        took["plan_current"]["seconds"] > 10
        or took["status"]["seconds"] > 1
        or took["update_nothing_to_do"]["seconds"] > 3
    )


if __name__ == "__main__":
    arguments = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(arguments + [100_000, 100][len(arguments) :])))
