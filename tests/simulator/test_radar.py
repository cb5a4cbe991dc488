"""The radar of the simulated world: what it sees, what is written, and the flood that it leads to."""

import json
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

from flows import run
from sco import open as open_stored
from sco.products.lines import reference_warning
from sco.project import Project
from sco.simulator import radar
from sco.simulator.ground import LAKE, TOWN, Ground
from sco.simulator.radar import CLEARED_ON, FLOOD, cleared, flooded, monthly_radar, passes, power, write_radar
from sco.simulator.world import World
from sco.store import Store

WORLD = World(size_m=12_800, start=date(2020, 11, 1), end=date(2023, 12, 5), resolution_m=200)


def at(place: tuple[float, float]) -> Ground:
    left, bottom, right, top = WORLD.grid.bounds
    x, y = (left + right) / 2 + place[0] * WORLD.size_m, (bottom + top) / 2 + place[1] * WORLD.size_m
    return Ground(WORLD, np.array([[x]]), np.array([[y]]))


def test_water_is_dark_and_the_town_is_bright() -> None:
    day = date(2022, 6, 1)
    water, town = (10 * np.log10(power(at(place).on(day)).item()) for place in (LAKE, TOWN))
    assert water == pytest.approx(-21, abs=0.1)
    assert -8 < town < -3.9


def test_the_flood_is_around_the_lake_and_passes() -> None:
    ground = Ground(WORLD, *WORLD.grid.centres())
    share = {day: float(flooded(ground.on(day)).mean()) for day in (FLOOD[0], FLOOD[1], date(2023, 12, 1))}
    assert share[FLOOD[0]] == pytest.approx(0.1, abs=0.03)
    assert share[FLOOD[1]] == pytest.approx(share[FLOOD[0]], abs=0.003)  # the lake has fallen a little
    assert share[date(2023, 12, 1)] == 0
    assert not (flooded(ground.on(FLOOD[0])) & (ground.on(FLOOD[0]).water > 0.5)).any()


def test_the_forest_is_cleared_on_its_day_and_for_good() -> None:
    ground = Ground(WORLD, *WORLD.grid.centres())
    patch = cleared(ground)
    assert 0.004 < patch.mean() < 0.02
    assert (ground.covers["forest"][patch] > 0.5).all()
    before, after, late = (
        10 * np.log10(power(ground.on(day)))[patch] for day in (date(2021, 6, 9), CLEARED_ON, WORLD.end)
    )
    assert (before - after).mean() == pytest.approx(3.7, abs=0.4)
    np.testing.assert_array_equal(after, late)
    elsewhere = ~patch & (ground.depth < -20)
    np.testing.assert_array_equal(
        power(ground.on(date(2021, 6, 9)))[elsewhere], power(ground.on(CLEARED_ON))[elsewhere]
    )


def test_the_truth_of_the_clearing_is_at_the_last_month() -> None:
    true = monthly_radar(WORLD)
    patch = cleared(Ground(WORLD, *WORLD.grid.centres()))
    assert ((true["forest_loss"][-1] == 1).values == patch).all()
    assert np.isnan(true["forest_loss"][:-1]).all()
    assert np.unique(true["forest_loss_date"][-1].values[patch]) == pytest.approx([2021.438], abs=1e-3)
    assert np.isnan(true["forest_loss_date"][-1].values[~patch]).all()


def test_scenes_have_the_speckle_of_their_looks_and_say_that_they_are_simulated(tmp_path: Path) -> None:
    short = World(size_m=12_800, start=date(2022, 6, 1), end=date(2022, 6, 30))
    file = write_radar(short, tmp_path)
    items = json.loads(file.read_text("utf-8"))["features"]
    assert len(items) == len(list(passes(short))) == 3
    assert all(item["properties"]["simulated"] for item in items)
    with rasterio.open(items[0]["assets"]["vv"]["href"]) as scene:
        seen = scene.read(1)
    speckle = seen / power(Ground(short, *short.grid.centres()).on(date(2022, 6, 5)))
    assert speckle.mean() == pytest.approx(1, abs=0.02)
    assert speckle.std() == pytest.approx(1 / np.sqrt(radar.LOOKS), abs=0.02)


def test_the_flood_and_the_clearing_are_found_from_the_scenes_on(tmp_path: Path) -> None:
    """Three Novembers of reference, a flood in the fourth; where the lake stood in one of them it may pass for lake."""
    write_radar(WORLD, tmp_path)
    project = tmp_path / "project.toml"
    project.write_text(
        f"""id = "radar"
title = {{ en = "Radar (simulated)", fr = "Radar (simulé)" }}
indicators = ["backscatter", "flood_extent", "forest_loss", "forest_loss_date"]
store = "store"
[period]
start = 2020-11-01
end = 2023-11-30
reference = [2020-11-01, 2022-11-30]
[area]
bounds = {list(WORLD.grid.bounds)}
crs = "{WORLD.grid.crs}"
resolution = 200
tile = 64
[[sources]]
sensor = "sentinel1_rtc"
catalogs = [{{ id = "planetary_computer", file = "radar.json" }}]
[access]
files = ["scenes"]
""",
        "utf-8",
    )
    run.reconcile(str(project), "update")
    checked = Project.load(project)
    manifests = {str(one): told for one, told in Store.open(checked.store_url).manifests().items()}
    shown = reference_warning(SimpleNamespace(project=checked))  # type: ignore[arg-type]
    assert shown is not None
    assert "covers 2 years" in shown.en
    # the metadata of a value warns of its short reference in the words that the page shows
    assert manifests["flood_extent 2023-11 r000c000"]["warning"] == {"en": shown.en, "fr": shown.fr}
    stored, truth = open_stored(project), monthly_radar(WORLD)
    lost, when = (stored[f"forest_loss{end}"][-1].values for end in ("", "_date"))
    patch = truth["forest_loss"][-1].values == 1
    assert (lost[patch] == 1).mean() > 0.9
    # the seasons of but three years take a part of the drop with them, and it is dated some weeks late
    assert 0.1 < (when[patch & (lost == 1)] - 2021.44).mean() < 0.3
    found = stored["flood_extent"].load()
    true = truth["flood_extent"].sel(time="2023-11-01").values == 1
    november = found.sel(time="2023-11-01").values
    ground = Ground(WORLD, *WORLD.grid.centres())
    held = [ground.on(date(year, 11, day)).water > 0.1 for year in (2020, 2021, 2022) for day in (1, 15, 29)]
    dry = true & ~np.any(held, axis=0)
    assert dry.sum() > 200
    assert (november[dry] == 1).mean() > 0.97
    assert (november[~true] == 1).mean() < 0.005
    assert float(found.sel(time="2022-11-01").max()) == 0
    assert np.isnan(found.sel(time="2023-07-01")).all()  # two Julys in the reference are too few
