from datetime import date

import numpy as np
import pytest

from sco.simulator.ground import COVERS, FIRE, LAKE, TOWN, Ground
from sco.simulator.world import World

WORLD = World()


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground(WORLD, *WORLD.grid.coarser.centres())


def at(place: tuple[float, float]) -> Ground:
    left, bottom, right, top = WORLD.grid.bounds
    x, y = (left + right) / 2 + place[0] * WORLD.size_m, (bottom + top) / 2 + place[1] * WORLD.size_m
    return Ground(WORLD, np.array([[x]]), np.array([[y]]))


def test_covers_sum_to_one_and_all_are_there(ground: Ground) -> None:
    np.testing.assert_allclose(sum(ground.covers.values()), 1, atol=1e-5)
    assert set(ground.covers) == set(COVERS)
    assert all(share.max() > 0.9 for name, share in ground.covers.items() if "crop" not in name)
    assert all(share.max() > 0.6 for share in ground.covers.values())


def test_the_lake_shrinks_over_the_years_and_in_summer(ground: Ground) -> None:
    area = {day: float(ground.on(day).water.sum()) for day in (date(2021, 3, 1), date(2021, 9, 1), date(2023, 9, 1))}
    assert area[date(2021, 3, 1)] > 1.1 * area[date(2021, 9, 1)] > 1.3 * area[date(2023, 9, 1)] > 0
    assert at(LAKE).on(date(2023, 9, 1)).water.item() == pytest.approx(1)


def test_forest_burns_on_the_day_and_heals_slowly() -> None:
    forest = at(FIRE)
    before, after, later = (
        forest.on(day).ndvi.item() for day in (date(2022, 7, 19), WORLD.burn_day, date(2023, 7, 20))
    )
    assert before > 0.75
    assert after < 0.3
    assert after + 0.1 < later < before


def test_snow_is_high_and_in_winter(ground: Ground) -> None:
    february, august = ground.on(date(2021, 2, 15)).snowy, ground.on(date(2021, 8, 15)).snowy
    assert 0.1 < february.mean() < 0.5
    assert august.mean() < 0.02
    assert ground.elevation[february].min() > ground.elevation[~february].min()


def test_the_town_is_hotter_than_the_plain_in_summer(ground: Ground) -> None:
    kelvin = ground.on(date(2022, 8, 1)).temperature
    plain = (ground.elevation < 450) & (ground.covers["town"] < 0.01) & (ground.depth < -1)
    assert 4 < at(TOWN).on(date(2022, 8, 1)).temperature.item() - kelvin[plain].mean() < 15
    assert kelvin.min() > 270
    assert kelvin.max() < 325


def test_crops_have_their_seasons(ground: Ground) -> None:
    winter, summer = (ground.covers[name] > 0.6 for name in ("winter_crop", "summer_crop"))
    may, august = ground.on(date(2021, 5, 15)).ndvi, ground.on(date(2021, 8, 15)).ndvi
    assert may[winter].mean() > august[winter].mean() + 0.2
    assert august[summer].mean() > may[summer].mean() + 0.2
