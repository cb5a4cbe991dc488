"""How far the answers are from the truth of a simulated world.

`.venv/bin/python benchmarks/truth.py [DEMO_FOLDER]` tells it of the demonstration, as the README does, in one JSON
line; run `make demo` first. `.venv/bin/python benchmarks/truth.py every FOLDER` simulates five years of a smaller
world into FOLDER, computes every indicator that its satellites can see, and writes the table of docs/indicators.md.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr
from shapely.geometry import box

import sco
from flows import run
from sco import library
from sco.simulator import Accuracy, Simulation, World, compare, monthly, simulate, with_derived
from sco.simulator.radar import monthly_radar, write_radar
from sco.simulator.world import Grid

PAGE = Path(__file__).parents[1] / "docs" / "indicators.md"
MARK = "<!-- accuracy -->\n", "<!-- /accuracy -->\n"
WORLD = World(size_m=24_000, start=date(2019, 1, 1), end=date(2023, 12, 31))
REFERENCE = (date(2019, 1, 1), date(2022, 12, 31))
RURAL = (-0.46, -0.42, -0.12, -0.06)
"""West, south, east, north in sizes of the world from its middle: the farmed plain."""
NOT_SEEN = {
    "precipitation": "the simulated world has no rain",
    "sst": "the simulated world has no sea",
    "adt": "the simulated world has no sea",
    "sla": "the simulated world has no sea",
}
"""Band -> why what is made of it has no known truth."""
NO_LOSS = "no forest is cleared in the simulated world"


@dataclass(frozen=True)
class Survey:
    """What one simulated satellite is asked for."""

    sensor: str
    catalog: str
    """Whose spelling its items are in."""
    grid: Grid
    seen: tuple[str, ...]
    derived: tuple[str, ...]
    """In the order in which they follow from one another."""
    items: str = "items.json"


SENTINEL2 = Survey(
    "sentinel2",
    "simulated",
    WORLD.grid,
    ("ndvi", "evi", "ndmi", "ndwi", "nbr", "water_extent", "snow_cover", "snow_days"),
    (
        *("ndvi_anomaly", "ndvi_z", "vci", "land_productivity", "land_productivity_z"),
        *("burn_severity", "burn_severity_class", "rbr"),
    ),
)
LANDSAT = Survey(
    "landsat",
    "earth_search",
    WORLD.grid.coarser,
    ("lst", "hot_days", "ndvi"),
    ("tci", "heat_island", "vci", "vhi"),
)
RADAR = Survey("sentinel1_rtc", "planetary_computer", WORLD.grid, ("backscatter",), ("flood_extent",), "radar.json")


def of_demo(folder: Path) -> None:
    """Print bias and RMSE by indicator, and the RMSE of NDVI by the number of clear observations."""
    stored = sco.open(folder / "project.toml")
    with xr.open_zarr(folder / "truth.zarr") as truth:
        error = (stored["ndvi"] - truth["ndvi"]).to_numpy()
        seen = stored["ndvi_n_seen"].to_numpy()
        rmse = {n: float(np.sqrt(np.nanmean(error[seen == n] ** 2))) for n in (1, 2, 3)}
        accuracy = [asdict(one) for one in compare(stored, truth)]
    print(json.dumps({"benchmark": "truth", "accuracy": accuracy, "ndvi_rmse_by_observations": rmse}))


def of_every(folder: Path) -> None:
    """Compute every indicator that the simulated satellites can see, and write what they say against the truth."""
    made = simulate(folder, WORLD)
    write_radar(WORLD, made.folder)
    found = [
        *_accuracies(made, LANDSAT, _truth_of(LANDSAT)),
        *_accuracies(made, SENTINEL2, _truth_of(SENTINEL2)),
        *_accuracies(made, RADAR, monthly_radar(WORLD)),
    ]
    print(json.dumps({"benchmark": "truth of every indicator", "accuracy": [asdict(one) for one in found]}))
    text = PAGE.read_text("utf-8")
    before, after = text.split(MARK[0])[0], text.split(MARK[1])[1]
    PAGE.write_text(f"{before}{MARK[0]}{table(found)}{MARK[1]}{after}", "utf-8")


def table(found: Sequence[Accuracy]) -> str:
    """A row for every indicator that there is: how far from the truth, or why nobody knows."""
    told = {one.indicator: one for one in found}  # of what both satellites see, the later and finer
    lines = ["| indicator | unit | bias | RMSE | pixels and months |", "|---|---|---|---|---|"]
    for name in library.indicators:
        unit = library.indicators[name].unit
        if name in told:
            one = told[name]
            lines.append(f"| `{name}` | {unit} | {one.bias:+.4f} | {one.rmse:.4f} | {one.n:,} |")
        else:
            lines.append(f"| `{name}` | {unit} | – | – | {why_not(name)} |")
    return "\n".join(lines) + "\n"


def why_not(name: str) -> str:
    """Why an indicator has no accuracy: the world lacks what it is made of, or it is none of one period."""
    if name.startswith("forest_loss"):
        return NO_LOSS
    indicator = library.indicators[name]
    lacking = [NOT_SEEN[band] for band in indicator.bands if band in NOT_SEEN]
    inputs = [why_not(one.indicator) for one in indicator.inputs]
    reasons = [*lacking, *(reason for reason in inputs if reason in NOT_SEEN.values())]
    return reasons[0] if reasons else "not compared"


def _accuracies(made: Simulation, survey: Survey, truth: xr.Dataset) -> tuple[Accuracy, ...]:
    project = made.folder / f"{survey.sensor}.toml"
    project.write_text(_project(survey), "utf-8")
    _write_rural(made.folder / "rural.geojson")
    run.reconcile(str(project), "update")
    return compare(sco.open(project), truth)


def _truth_of(survey: Survey) -> xr.Dataset:
    x, y = (xr.DataArray(one) for one in WORLD.relative(*survey.grid.centres()))
    west, south, east, north = RURAL
    rural = ((x > west) & (x < east) & (y > south) & (y < north)).rename(dim_0="y", dim_1="x")
    return with_derived(monthly(WORLD, survey.seen, survey.grid), survey.derived, REFERENCE, rural)


def _write_rural(path: Path) -> None:
    u, v = np.asarray(box(*RURAL).segmentize(0.02).exterior.coords).T
    ring = np.column_stack(WORLD.degrees(u, v)).tolist()
    feature = {
        "type": "Feature",
        "properties": {"name": "plain"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")


def _project(survey: Survey) -> str:
    return f"""id = "{survey.sensor}"
title = {{ en = "Accuracy (simulated)", fr = "Exactitude (simulé)" }}
indicators = {json.dumps([*survey.seen, *survey.derived])}
store = "store-{survey.sensor}"
[period]
start = {WORLD.start}
end = {WORLD.end}
every = "month"
reference = [{REFERENCE[0]}, {REFERENCE[1]}]
[area]
bounds = {list(WORLD.grid.bounds)}
crs = "{WORLD.grid.crs}"
resolution = {survey.grid.resolution_m}
tile = 128
[[sources]]
sensor = "{survey.sensor}"
catalogs = [{{ id = "{survey.catalog}", file = "{survey.items}" }}]
max_cloud = 90
[access]
files = ["scenes"]
[rural]
file = "rural.geojson"
"""


if __name__ == "__main__":
    if sys.argv[1:2] == ["every"]:
        of_every(Path(sys.argv[2]))
    else:
        of_demo(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
