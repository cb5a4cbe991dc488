"""How far the answers are from the truth of a simulated world.

`.venv/bin/python benchmarks/truth.py [DEMO_FOLDER]` tells it of the demonstration, as the README does, in one JSON
line; run `make demo` first. `.venv/bin/python benchmarks/truth.py every FOLDER` simulates into FOLDER five years of a
smaller world, thirty of rain, six of warm seas and twenty of rising ones, computes every indicator from them, and
writes the table of docs/indicators.md.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import xarray as xr
from shapely.geometry import box

import sco
from flows import run
from sco import library
from sco.simulator import Accuracy, World, compare, monthly, rain, sea, simulate, with_derived
from sco.simulator.cells import Cells
from sco.simulator.radar import monthly_radar, write_radar
from sco.simulator.world import Grid

PAGE = Path(__file__).parents[1] / "docs" / "indicators.md"
MARK = "<!-- accuracy -->\n", "<!-- /accuracy -->\n"
WORLD = World(size_m=24_000, start=date(2019, 1, 1), end=date(2023, 12, 31))
REFERENCE = (date(2019, 1, 1), date(2022, 12, 31))
RURAL = (-0.46, -0.42, -0.12, -0.06)
"""West, south, east, north in sizes of the world from its middle: the farmed plain."""
SURE = 0.95
RISING = 2.0
"""Millimetres a year from which on a sea that rises should be told from one that does not."""


@dataclass(frozen=True)
class Survey:
    """What one simulated satellite is asked for."""

    sensor: str
    catalog: str
    """Whose spelling its items are in."""
    items: str
    folder: str
    """Where its files are."""
    area: str
    """In the words of a project."""
    days: tuple[date, date]
    reference: tuple[date, date]
    seen: tuple[str, ...]
    derived: tuple[str, ...]
    """In the order in which they follow from one another."""
    every: str = "month"


def of_metres(grid: Grid) -> str:
    """A grid of the world as a project says it."""
    return f'bounds = {list(grid.bounds)}\ncrs = "{grid.crs}"\nresolution = {grid.resolution_m}\ntile = 128'


def of_degrees(cells: Cells) -> str:
    """Cells in degrees as a project says them."""
    return f'bounds = {list(cells.bounds)}\ncrs = "EPSG:4326"\nresolution = {cells.step}\ntile = 16'


FIVE_YEARS = (WORLD.start, WORLD.end)
SENTINEL2 = Survey(
    "sentinel2",
    "simulated",
    "items.json",
    "scenes",
    of_metres(WORLD.grid),
    FIVE_YEARS,
    REFERENCE,
    ("ndvi", "evi", "ndmi", "ndwi", "nbr", "water_extent", "snow_cover", "snow_days_share"),
    (
        *("ndvi_anomaly", "ndvi_z", "vci", "land_productivity", "land_productivity_z"),
        *("burn_severity", "burn_severity_class", "rbr", "snow_days"),
    ),
)
LANDSAT = Survey(
    "landsat",
    "earth_search",
    "items.json",
    "scenes",
    of_metres(WORLD.grid.coarser),
    FIVE_YEARS,
    REFERENCE,
    ("lst", "hot_days_share", "ndvi"),
    ("hot_days", "tci", "heat_island", "vci", "vhi"),
)
RADAR = Survey(
    "sentinel1_rtc",
    "planetary_computer",
    "radar.json",
    "scenes",
    of_metres(WORLD.grid),
    FIVE_YEARS,
    REFERENCE,
    ("backscatter",),
    ("flood_extent", "forest_loss", "forest_loss_date", "forest_loss_confidence"),
)
RAIN = Survey(
    "chirps",
    "local",
    "rain.json",
    "rain",
    of_degrees(rain.CELLS),
    (rain.FIRST, rain.LAST),
    (rain.FIRST, rain.LAST),
    ("precipitation",),
    ("spi_1", "spi_3", "spi_6", "spi_12"),
)
WARMTH = Survey(
    "oisst",
    "local",
    "sst.json",
    "sst",
    of_degrees(sea.CELLS),
    (sea.FIRST, sea.LAST),
    (sea.FIRST, date(sea.LAST.year - 1, 12, 31)),
    ("sst",),
    ("sst_anomaly", *(f"marine_heatwave{end}" for end in ("", "_days", "_intensity", "_category"))),
    every="day",
)
LEVELS = Survey(
    "sea_level",
    "local",
    "levels.json",
    "levels",
    of_degrees(sea.CELLS),
    (sea.LEVELS_FROM, sea.LEVELS_TO),
    (sea.LEVELS_FROM, sea.LEVELS_TO),
    ("sea_level", "sea_level_anomaly"),
    tuple(f"sea_level_trend{end}" for end in ("", "_p", "_uncertainty")),
)


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
    made = simulate(folder, WORLD).folder
    _write_rural(made / "rural.geojson")
    radar = _computed(made, RADAR, write_radar, WORLD)
    levels = _computed(made, LEVELS, sea.write_levels)
    found = [
        *compare(_computed(made, LANDSAT), _truth_of(LANDSAT, WORLD.grid.coarser)),
        *compare(_computed(made, SENTINEL2), _truth_of(SENTINEL2, WORLD.grid)),
        *compare(radar, _certain(monthly_radar(WORLD))),
        *compare(*_aligned(_computed(made, RAIN, rain.write_rain), rain.true_rain())),
        *compare(*_aligned(_computed(made, WARMTH, sea.write_temperature), sea.true_temperature())),
        *compare(*_aligned(levels, _tested(sea.true_levels()))),
    ]
    print(json.dumps({"benchmark": "truth of every indicator", "accuracy": [asdict(one) for one in found]}))
    text = PAGE.read_text("utf-8")
    before, after = text.split(MARK[0])[0], text.split(MARK[1])[1]
    PAGE.write_text(f"{before}{MARK[0]}{table(found, probabilities(radar, levels))}{MARK[1]}{after}", "utf-8")


def table(found: Sequence[Accuracy], otherwise: Mapping[str, str]) -> str:
    """A row for every indicator that there is: how far from the truth, and whether it is right to be so sure."""
    told = {one.indicator: one for one in found}  # of what both satellites see, the later and finer
    lines = ["| indicator | unit | bias | RMSE | pixels and periods |", "|---|---|---|---|---|"]
    for name in library.indicators:
        one, more = told[name], f"; {otherwise[name]}" if name in otherwise else ""
        lines.append(f"| `{name}` | {one.unit} | {one.bias:+.4f} | {one.rmse:.4f} | {one.n:,}{more} |")
    return "\n".join(lines) + "\n"


def probabilities(radar: xr.Dataset, levels: xr.Dataset) -> dict[str, str]:
    """Of what says how sure another indicator is: whether it is right to be."""
    clearing = monthly_radar(WORLD)["forest_loss"][-1].values == 1
    sure = radar["forest_loss_confidence"][-1].values >= SURE
    trend, p, half = (levels[f"sea_level_trend{end}"][-1].values for end in ("", "_p", "_uncertainty"))
    rising, still = sea.RISES >= RISING, sea.RISES == 0
    within = abs(trend - sea.RISES) <= half
    return {
        "forest_loss_confidence": f"{SURE} or more in {sure[clearing].mean():.0%} of {clearing.sum()} pixels that were "
        f"cleared, and in {sure[~clearing].mean():.1%} of the others",
        "sea_level_trend_p": f"below 0.05 in {(p < 0.05)[:, rising].mean():.0%} of the pixels that rise by "
        f"{RISING:g} mm a year or more, in {(p < 0.05)[:, still].mean():.0%} of those that do not",
        "sea_level_trend_uncertainty": f"the true trend is within it in {within.mean():.0%} of {within.size} pixels",
    }


def _computed(folder: Path, survey: Survey, write: Callable[..., Path] | None = None, *world: World) -> xr.Dataset:
    if write is not None:
        write(*world, folder)
    project = folder / f"{survey.sensor}.toml"
    project.write_text(_project(survey), "utf-8")
    run.reconcile(str(project), "update")
    return sco.open(project)


def _aligned(stored: xr.Dataset, truth: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """Both on the axes of the store, whose degrees differ in the last digits."""
    for axis in ("y", "x"):
        np.testing.assert_allclose(truth[axis], stored[axis], atol=1e-9)
    return stored, truth.assign_coords(y=stored["y"].values, x=stored["x"].values)


def _certain(truth: xr.Dataset) -> xr.Dataset:
    """With the confidence of one who knows: 1 where the forest was cleared, 0 where it was not."""
    return truth.assign(forest_loss_confidence=truth["forest_loss"])


def _tested(truth: xr.Dataset) -> xr.Dataset:
    """With what the test of a trend says of the true series."""
    return with_derived(truth, ("sea_level_trend_p", "sea_level_trend_uncertainty"), (sea.LEVELS_FROM, sea.LEVELS_TO))


def _truth_of(survey: Survey, grid: Grid) -> xr.Dataset:
    x, y = (xr.DataArray(one) for one in WORLD.relative(*grid.centres()))
    west, south, east, north = RURAL
    rural = ((x > west) & (x < east) & (y > south) & (y < north)).rename(dim_0="y", dim_1="x")
    return with_derived(monthly(WORLD, survey.seen, grid), survey.derived, REFERENCE, rural)


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
start = {survey.days[0]}
end = {survey.days[1]}
every = "{survey.every}"
reference = [{survey.reference[0]}, {survey.reference[1]}]
[area]
{survey.area}
[[sources]]
sensor = "{survey.sensor}"
catalogs = [{{ id = "{survey.catalog}", file = "{survey.items}" }}]
max_cloud = 90
[access]
files = ["{survey.folder}"]
[rural]
file = "rural.geojson"
"""


if __name__ == "__main__":
    if sys.argv[1:2] == ["every"]:
        of_every(Path(sys.argv[2]))
    else:
        of_demo(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
