"""How long a product takes to publish, whole and when a month is added, and how much memory at most.

`.venv/bin/python benchmarks/publication.py [--side 2000] [--months 60] [--zones 25] [--folder DIR]` fills a store with
three made-up indicators and their standard errors, publishes it, adds a month and publishes again, each in a process of
its own as `sco publish` does it. Prints one JSON line. Seconds are the whole command's, memory is the most that was
resident; where other work shares the machine, the seconds of processor say more.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sco import uncertainty
from sco.packing import pack
from sco.partition import Outcome, Partition, Pixels, Record
from sco.period import Slice
from sco.project import Project
from sco.reconcile import lay_out
from sco.store import Store

INDICATORS = ("ndvi", "ndwi", "water_extent")
FIRST = date(2019, 1, 1)
RESOLUTION = 10
LEFT, TOP = 600_000.0, 4_820_000.0
CONFIG = """
id = "bench"
title = {{ en = "A made-up plain", fr = "Une plaine inventée" }}
indicators = ["ndvi", "ndwi", "water_extent"]
store = "store"
[period]
start = {first}
end = {last}
reference = [2019-01-01, 2022-12-31]
[area]
bounds = [{left}, {bottom}, {right}, {top}]
crs = "EPSG:32631"
resolution = {resolution}
[[sources]]
sensor = "sentinel2"
catalogs = ["simulated"]
[zones]
file = "zones.geojson"
name = "name"
[publish]
to = "product"
"""


@dataclass(frozen=True)
class Ground:
    """A made-up territory: smooth, with a season, noise, and clouds that hide other pixels each month."""

    side: int
    seed: int = 7

    def month(self, indicator: int, number: int) -> NDArray[np.float32]:
        """(y, x) values of one month, NaN under clouds."""
        random = np.random.default_rng([self.seed, indicator, number])
        rows, columns = np.mgrid[0 : self.side, 0 : self.side] / self.side
        season = 0.15 * np.sin(2 * np.pi * number / 12)
        ground = 0.45 + 0.2 * np.sin(9 * rows) * np.cos(7 * columns) + season
        if indicator == 2:
            ground = (rows + 0.02 * np.sin(20 * columns) < 0.3 + season / 10).astype("float64")
        else:
            ground = ground + random.normal(0, 0.02, ground.shape)
        return np.where(self._cloud(random), np.nan, np.clip(ground, 0, 1)).astype("float32")

    def error(self, values: NDArray[np.float32], number: int) -> NDArray[np.float32]:
        """(y, x) standard errors of these values, which differ from pixel to pixel as those of few observations do."""
        random = np.random.default_rng([self.seed, 5, number])
        return np.where(np.isnan(values), np.nan, random.gamma(4, 0.005, values.shape)).astype("float32")

    def count(self, number: int, least: int) -> NDArray[np.uint16]:
        """(y, x) of an observation count, in patches."""
        random = np.random.default_rng([self.seed, 9, number, least])
        patches = random.integers(least, least + 6, (self.side // 40 + 1,) * 2)
        return np.kron(patches, np.ones((40, 40), "uint16"))[: self.side, : self.side].astype("uint16")

    def _cloud(self, random: np.random.Generator) -> NDArray[np.bool_]:
        coarse = random.random((self.side // 100 + 1,) * 2) < 0.05
        return np.kron(coarse, np.ones((100, 100), bool))[: self.side, : self.side].astype(bool)


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="sco-bench-"))
    try:
        print(json.dumps(measure(folder, asked.side, asked.months, asked.zones)))
    finally:
        if not asked.folder:
            shutil.rmtree(folder)


def measure(folder: Path, side: int, months: int, zones: int) -> dict[str, object]:
    """Seconds and megabytes of both publications."""
    began = time.monotonic()
    file = write_project(folder, side, months, zones)
    fill(file, side, range(months))
    filled = time.monotonic() - began
    whole = run(file)
    again = write_project(folder, side, months + 1, zones)
    fill(again, side, range(months, months + 1))
    month = run(again)
    latest = (folder / "product/latest").resolve()
    files = [path for path in latest.rglob("*") if path.is_file()]
    return {
        "indicators": len(INDICATORS), "months": months, "side": side, "zones": zones, "cores": os.cpu_count(),
        "fill_s": round(filled, 1), "whole": whole, "one_month_more": month,
        "files": len(files), "megabytes": round(sum(path.stat().st_size for path in files) / 1e6),
        "linked": sum(path.stat().st_nlink > 1 for path in files),
    }  # fmt: skip


def run(file: Path) -> dict[str, float]:
    """Publish in a process of its own: seconds, and peak resident megabytes."""
    began = time.monotonic()
    command = [sys.executable, "-W", "ignore", "-m", "flows.cli", "publish", str(file), "--engine", "local"]
    child = os.posix_spawn(command[0], command, {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])})
    _, status, used = os.wait4(child, 0)
    if status:
        sys.exit(f"the publication failed with status {os.waitstatus_to_exitcode(status)}")
    seconds, cpu = time.monotonic() - began, used.ru_utime + used.ru_stime
    return {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "peak_mb": round(used.ru_maxrss / 1024)}


def write_project(folder: Path, side: int, months: int, zones: int) -> Path:
    """A project file over this many months, and its zones."""
    folder.mkdir(parents=True, exist_ok=True)
    year, month = divmod(months - 1, 12)
    extent = side * RESOLUTION
    text = CONFIG.format(
        first=FIRST, last=date(FIRST.year + year, month + 1, 28), left=LEFT, bottom=TOP - extent, right=LEFT + extent,
        top=TOP, resolution=float(RESOLUTION),
    )  # fmt: skip
    (folder / "project.toml").write_text(text, "utf-8")
    across = round(zones**0.5)
    squares = list(_squares(across, extent / across))
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    told = {"type": "FeatureCollection", "crs": crs, "features": squares}
    (folder / "zones.geojson").write_text(json.dumps(told), "utf-8")
    return folder / "project.toml"


def fill(file: Path, side: int, months: range) -> None:
    """Commit these months to the project's store, one after another."""
    project, ground = Project.load(file), Ground(side)
    store, slices = lay_out(project), project.period.slices()
    for number in months:
        outcomes = [one for place in range(3) for one in _outcomes(project, ground, place, number, slices[number])]
        store.commit(outcomes, "bench", f"month {number}")
    assert len(Store.open(project.store_url).records()) == 3 * (months[-1] + 1) * len(list(project.tiling))


def _outcomes(project: Project, ground: Ground, place: int, number: int, period: Slice) -> Iterator[Outcome]:
    indicator = project.resolved_indicators[place]
    values = ground.month(place, number)
    packed = pack(values, indicator.packing)
    errors = pack(ground.error(values, number), uncertainty.packing_of(indicator))
    counts = [ground.count(number, least) for least in (3, 1)]
    failed = np.zeros_like(counts[0])
    for tile in project.tiling:
        window = project.tiling.window_of(tile)
        pixels = Pixels(packed[window], counts[0][window], counts[1][window], failed[window], errors[window])
        partition = Partition(period, tile, indicator.id)
        record = Record(f"{place:02x}{number:04x}".ljust(64, "0"), "bench")
        yield Outcome(partition, record, _manifest(partition, number), pixels)


def _manifest(partition: Partition, number: int) -> dict[str, object]:
    scene = {
        "sensor": "sentinel2", "catalog": "simulated", "collection": "sentinel-2-l2a", "updated": None,
        "baseline": "05.10", "cloud_percent": 10.0, "vouched": None, "trusted": {}, "failed": {},
        "assets": {band: f"https://example.org/{number}/{band}.tif" for band in ("red", "green", "nir", "scl")},
        "calibration": {
            band: {"scale": 1e-4, "offset": -0.1, "evidence": ["baseline 05.10"]} for band in ("red", "green", "nir")
        },
    }  # fmt: skip
    days = [f"{partition.period.start:%Y-%m}-{day:02d}T10:30:00+00:00" for day in (2, 7, 12, 17, 22, 27)]
    return {
        "partition": {
            "indicator": partition.indicator, "period": partition.period.label, "tile": str(partition.tile)
        },
        "indicator_version": 1, "sensors": {"sentinel2": 1}, "code": "0.1.0+bench",
        "scenes": [{"id": f"S2A_{day[:10]}_{partition.tile}", "time": day, **scene} for day in days],
        "rejected": [], "completeness": {"used": 6, "known": 6},
        "counts": {"seen": 1, "masked": 1, "failed": 0, "pixels": 1},
    }  # fmt: skip


def _squares(across: int, length: float) -> Iterator[dict[str, object]]:
    for row in range(across):
        for column in range(across):
            left, top = LEFT + column * length, TOP - row * length
            corners = [(0, 0), (1, 0), (1, -1), (0, -1), (0, 0)]
            ring = [[left + x * length, top + y * length] for x, y in corners]
            geometry = {"type": "Polygon", "coordinates": [ring]}
            yield {"type": "Feature", "properties": {"name": f"Zone {row}-{column}"}, "geometry": geometry}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=2000)
    parser.add_argument("--months", type=int, default=60)
    parser.add_argument("--zones", type=int, default=25)
    parser.add_argument(
        "--folder", type=Path, help="Where it all stays; a temporary folder that goes away if left out."
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
