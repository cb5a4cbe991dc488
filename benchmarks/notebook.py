"""Notebook: open a lazy cube over 100,000 items and take one pixel's series, against odc-stac: one JSON line.

Both open from items that are at hand, and how long it took to have them is told beside it: the answer that the last
plan kept, read and checked, for us; the items as pystac reads them for odc-stac, which has a tenth of them, since with
all of them one opening takes minutes. Medians of five openings each, over five pixels.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import race
import scenes
from contest import line

SIDE = 5
ITEMS = 100_000
TENTH = 10
KEYS = ("items_s", "open_s", "series_s")


def main(python: Path, items: int) -> None:
    """Write the items, run both, print the line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, items // SIDE**2)
        _thin(folder, items // TENTH)
        ours, odc = (_told(program, who, folder) for program, who in ((sys.executable, "ours"), (python, "odc")))
    line(
        benchmark="notebook",
        ours={key: round(ours[key], 3) for key in KEYS},
        peers={"odc": {key: round(odc[key], 3) for key in KEYS}},
        ratios={"odc": {key: round(odc[key] / ours[key], 1) for key in KEYS}},
        most_apart=max(abs(one - other) for one, other in zip(ours["means"], odc["means"], strict=True)),
        items={"ours": items, "odc": items // TENTH},
        repeats=5,
    )


def write(folder: Path, days: int) -> None:
    """A territory of 5 x 5 scenes, seen every day for so many days; all days' items name the same files."""
    recipe = scenes.Recipe(days=1, size=1000, tiles=(SIDE, SIDE), cloudiness=0)
    project = scenes.write(folder, recipe)
    items = json.loads((folder / "items.json").read_text())["features"]
    first = scenes.FIRST - timedelta(days=days - 1)
    dated = [_dated(item, first + timedelta(days=day), day) for day in range(days) for item in items]
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": dated}))
    text = project.read_text().replace(f"start = {scenes.FIRST:%Y-%m-%d}", f"start = {first:%Y-%m-%d}")
    project.write_text(text)


def _thin(folder: Path, count: int) -> None:
    """The first so many items, for the peer."""
    content = json.loads((folder / "items.json").read_text())
    (folder / "items-odc.json").write_text(json.dumps({**content, "features": content["features"][:count]}))


def _dated(item: dict[str, Any], day: Any, number: int) -> dict[str, Any]:
    told = {
        "datetime": f"{day:%Y-%m-%dT%H:%M:%SZ}",
        "s2:datatake_id": f"GS2A_{day:%Y%m%dT%H%M%S}_{number:06d}_N03.01",
    }
    name = f"{item['id'][:10]}{day:%Y%m%d}_0_L2A"
    return {**item, "id": name, "properties": {**item["properties"], **told}}


def _told(program: str | Path, who: str, folder: Path) -> dict[str, Any]:
    command = [str(program), str(race.HERE / "glance.py"), who, str(folder)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--peers", type=Path, default=race.PEERS)
    asked.add_argument("--items", type=int, default=ITEMS)
    told = asked.parse_args()
    main(told.peers, told.items)
