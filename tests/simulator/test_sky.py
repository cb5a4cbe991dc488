from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from sco.simulator.sky import CLOUD_BASE, Sky, Swath, sun, swath, weather
from sco.simulator.world import World

WORLD = World()
DAYS = [datetime(2021, 1, 1, 10, 30, tzinfo=UTC) + timedelta(days=day) for day in range(1095)]


def places() -> tuple[np.ndarray, np.ndarray]:
    x, y = WORLD.grid.coarser.centres()
    return x[::2, ::2], y[::2, ::2]


def test_some_days_are_clear_some_overcast_and_winter_is_worse() -> None:
    shares = np.array([weather(WORLD, day).cloud_share for day in DAYS])
    assert 0.2 < np.mean(shares == 0) < 0.4
    assert 0.05 < np.mean(shares == 1) < 0.2
    winter = np.array([day.month in (12, 1, 2) for day in DAYS])
    assert shares[winter].mean() > shares[~winter].mean()


def test_clouds_cover_about_the_share_that_the_weather_says() -> None:
    sky = Sky(WORLD, *places())
    partial = [day for day in DAYS if 0.2 < weather(WORLD, day).cloud_share < 0.8][:30]
    said = [weather(WORLD, day).cloud_share for day in partial]
    seen = [float((sky.at(day, Swath()).opacity > 0).mean()) for day in partial]
    assert np.mean(seen) == pytest.approx(np.mean(said), abs=0.08)


def test_a_shadow_lies_where_the_cloud_is_between_the_place_and_the_sun() -> None:
    x, y = places()
    time = next(day for day in DAYS if 0.3 < weather(WORLD, day).cloud_share < 0.5)
    reach = CLOUD_BASE * sun(time).reach * WORLD.size_m
    east, north = sun(time).towards
    here = Sky(WORLD, x, y).at(time, Swath())
    above = Sky(WORLD, x + east * reach, y + north * reach).at(time, Swath())
    assert here.shade.max() == 1
    np.testing.assert_allclose(here.shade, above.opacity, atol=2e-4)


def test_clouds_move_with_the_wind() -> None:
    x, y = places()
    time = next(day for day in DAYS if 0.3 < weather(WORLD, day).cloud_share < 0.5)
    east, north = weather(WORLD, time).wind
    later = time + timedelta(hours=2)
    moved = Sky(WORLD, x + 2 * east * WORLD.size_m, y + 2 * north * WORLD.size_m).at(later, Swath())
    np.testing.assert_allclose(Sky(WORLD, x, y).at(time, Swath()).opacity, moved.opacity, atol=2e-3)


def test_whatever_hides_anything_is_flagged() -> None:
    sky = Sky(WORLD, *places())
    for day in DAYS[:60]:
        view = sky.at(day, Swath())
        hidden = (view.opacity > 0) | (view.shade > 0) | (view.cirrus > 0)
        assert not (hidden & view.clear).any()


def test_a_partial_swath_leaves_one_side_of_a_line() -> None:
    u, v = np.meshgrid(np.linspace(-0.5, 0.5, 50), np.linspace(-0.5, 0.5, 50))
    shares = [float(swath(WORLD, "sentinel2", index, every=3).covers(u, v).mean()) for index in range(30)]
    assert all(share == 1 for index, share in enumerate(shares) if index % 3 != 2)
    assert all(0.2 < share < 0.9 for index, share in enumerate(shares) if index % 3 == 2)
