"""One contender of the notebook: `glance.py ours|odc FOLDER` opens a lazy cube and takes a pixel's series, five times.

Prints medians of the seconds, beside what it took to have the items at hand. Ours runs in our environment, odc-stac in
the peers'.
"""

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = 100
CHUNK = 1024
TURNS = 5
Open = Callable[[], Any]


def ours(folder: Path) -> tuple[float, Open]:
    """The seconds that the kept answer takes, and how to open a cube over it."""
    from sco import library
    from sco.answers import ask, gather
    from sco.cube import load
    from sco.plan import rules_of
    from sco.project import Project

    project = Project.load(folder / "project.toml")
    if not list(project.workspace.glob("answers/*")):
        ask(project, project.period.slices())
    began = time.monotonic()
    found = gather(project, "sentinel2", project.period.start, project.period.last_day)
    answer = time.monotonic() - began
    sensor, tiling, rules = library.sensors["sentinel2"], project.tiling, rules_of(project)
    return answer, lambda: load(found, sensor, tiling, rules, ("red", "nir"))


def odc(folder: Path) -> tuple[float, Open]:
    """The seconds that reading the items takes, and how to open a cube over them."""
    import odc.stac
    import pystac
    from odc.geo.geobox import GeoBox

    recipe = json.loads((folder / "recipe.json").read_text())
    side = recipe["tiles"][0] * recipe["size"] * 10
    bounds = (600_000, 4_900_000 - side, 600_000 + side, 4_900_000)
    geobox = GeoBox.from_bbox(bounds, crs="EPSG:32631", resolution=10, tight=True)
    began = time.monotonic()
    items = [pystac.Item.from_dict(one) for one in json.loads((folder / "items-odc.json").read_text())["features"]]
    reading = time.monotonic() - began
    return reading, lambda: odc.stac.load(
        items,
        bands=["red", "nir", "scl"],
        geobox=geobox,
        chunks={"x": CHUNK, "y": CHUNK},
        groupby="solar_day",
        resampling={"scl": "nearest", "*": "bilinear"},
    )


def main(who: str, folder: Path) -> None:
    """Open and take a series in turns, another pixel each time, and print the medians."""
    warnings.simplefilter("ignore")
    items_s, opener = {"ours": ours, "odc": odc}[who](folder)
    opened, taken, means = [], [], []
    for turn in range(TURNS):
        began = time.monotonic()
        cube = opener()
        opened.append(time.monotonic() - began)
        began = time.monotonic()
        place = {"x": 1300 + 1024 * (turn % 3) + turn, "y": 1400 + 1024 * (turn % 2), "time": slice(turn, turn + STEPS)}
        series = cube.isel(place).compute(scheduler="threads", num_workers=2)
        taken.append(time.monotonic() - began)
        means.append(_mean(series, who))
    found = {"items_s": items_s, "open_s": statistics.median(opened), "series_s": statistics.median(taken)}
    print(json.dumps({"work_s": found["series_s"], **found, "means": means, "steps": int(cube.sizes["time"])}))


def _mean(series: Any, who: str) -> float:
    """The mean NDVI of what is neither cloud nor missing."""
    red, nir = (series[band].astype("float64") for band in ("red", "nir"))
    if who == "odc":
        clear = series["scl"].isin((4, 5, 6)) & (series["red"] > 0)
        red, nir = red.where(clear), nir.where(clear)
    return float(((nir - red) / (nir + red)).mean())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
