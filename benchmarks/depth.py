"""Depth: 24, 80 and 240 scenes of one tile to monthly NDVI: is memory flat, and time in proportion? One JSON line.

The first 24 days have files of their own, which the later days' items name again.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import race
import scenes
from contest import line

DEPTHS = (24, 80, 240)
SIZE, TILE = 1280, 512


def main(repeats: int) -> None:
    """Run every depth in turns, each a process of its own, and print the line."""
    with tempfile.TemporaryDirectory() as name:
        contenders = {
            str(days): [sys.executable, str(race.HERE / "ours.py"), str(_project(Path(name), days))] for days in DEPTHS
        }
        results = race.race(contenders, repeats)
    least, most = results[str(DEPTHS[0])], results[str(DEPTHS[-1])]
    line(
        benchmark="depth",
        ours={days: {key: round(getattr(one, key), 2) for key in KEYS} for days, one in results.items()},
        ratios={
            "peak_rss": round(most.peak_rss_mb / least.peak_rss_mb, 3),
            "work_s_a_scene": round((most.work_s / DEPTHS[-1]) / (least.work_s / DEPTHS[0]), 3),
        },
        repeats=repeats,
    )


KEYS = ("wall_s", "cpu_s", "peak_rss_mb", "work_s")


def _project(folder: Path, days: int) -> Path:
    """A project of so many scenes over the files of the first 24, which are written once."""
    recipe = scenes.Recipe(days=days, size=SIZE, distinct=DEPTHS[0])
    if days == DEPTHS[0]:
        return scenes.write(folder, recipe, tile=TILE)
    place = folder / str(days)
    place.mkdir()
    scenes.write_items(place / "items.json", recipe, str(folder))
    project = scenes.write_project(place / "project.toml", recipe, tile=TILE)
    project.write_text(project.read_text().replace('files = ["."]', f'files = ["{folder}"]'))
    return project


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--repeats", type=int, default=5)
    main(asked.parse_args().repeats)
