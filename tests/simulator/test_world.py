import numpy as np
import pytest
from pyproj import Transformer
from shapely.geometry import box

from sco.errors import ConfigurationError
from sco.simulator.world import World, reproject, waves


def test_grid_is_aligned_square_and_around_the_centre() -> None:
    world = World()
    left, bottom, right, top = world.grid.bounds
    assert {edge % 400 for edge in world.grid.bounds} == {0}
    assert (right - left, top - bottom) == (60_000, 60_000)
    assert world.grid.shape == (300, 300)
    x, y = Transformer.from_crs(4326, 32631, always_xy=True).transform(6.0, 45.55)
    assert abs((left + right) / 2 - x) <= 400
    assert abs((bottom + top) / 2 - y) <= 400


def test_tiles_lie_in_two_zones_overlap_and_cover_the_territory() -> None:
    world = World()
    west, east = world.tiles
    assert (west.code, west.grid.crs, east.code, east.grid.crs) == ("31TGL", "EPSG:32631", "32TLR", "EPSG:32632")
    assert {edge % 400 for tile in world.tiles for edge in tile.grid.bounds} == {0}
    left, bottom, right, top = east.grid.bounds
    corners = reproject(
        "EPSG:32632", "EPSG:32631", np.array([left, right, right, left]), np.array([top, top, bottom, bottom])
    )
    from shapely.geometry import Polygon

    eastern, western, territory = Polygon(np.column_stack(corners)), box(*west.grid.bounds), box(*world.grid.bounds)
    assert eastern.union(western).contains(territory)
    overlap = eastern.intersection(western).intersection(territory).area / 60_000
    assert 9_000 < overlap < 14_000


def test_centres_of_the_other_zone_are_given_in_the_first() -> None:
    grid = World().tiles[1].grid
    x, y = grid.centres()
    back = Transformer.from_crs(32631, 32632, always_xy=True).transform(x[3, 5], y[3, 5])
    assert back == pytest.approx((grid.left + 5.5 * 200, grid.top - 3.5 * 200), abs=1e-4)


def test_waves_have_mean_0_and_variance_1_and_follow_the_seed() -> None:
    random = np.random.default_rng(0)
    u, v = random.uniform(0, 50, (2, 40_000))
    field = waves(World(), "test", 0.05, 0.5).at(u, v)
    assert float(field.mean()) == pytest.approx(0, abs=0.05)
    assert float(field.var()) == pytest.approx(1, abs=0.05)
    assert not np.allclose(field, waves(World(seed=8), "test", 0.05, 0.5).at(u, v))


@pytest.mark.parametrize("wrong", [{"size_m": 60_100}, {"resolution_m": 0}, {"revisit_days": 0}])
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        World(**wrong)  # type: ignore[arg-type]
