"""Floods on made scenes whose share under water is known, in decibels with the speckle of a radar."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from indicators.flood_extent import otsu, threshold
from sco import library

FLOOD = library.indicators["flood_extent"].formula
SHAPE = (160, 192)
Plane = NDArray[np.float32]


def speckle(random: np.random.Generator, looks: float = 12) -> Plane:
    """Of an average of so many looks: gamma distributed power, in dB."""
    return (10 * np.log10(random.gamma(looks, 1 / looks, SHAPE))).astype(np.float32)


def fields(random: np.random.Generator) -> Plane:
    """Land between -12 and -8 dB."""
    return np.repeat(random.uniform(-12, -8, (1, SHAPE[1])), SHAPE[0], axis=0).astype(np.float32)


def lake() -> NDArray[np.bool_]:
    """Water that is always there: the uppermost rows."""
    return np.arange(SHAPE[0])[:, None] + np.zeros(SHAPE, np.int64) < 20


def river() -> NDArray[np.bool_]:
    """A flood along a river that runs across the tile, a quarter of it."""
    row, column = np.indices(SHAPE)
    return np.abs(row - 95 - 0.1 * column) < SHAPE[0] / 8


def arrays(*planes: Plane) -> list[xr.DataArray]:
    return [xr.DataArray(plane.astype(np.float32), dims=("y", "x")) for plane in planes]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_a_flood_is_found_with_its_share_and_permanent_water_is_not_one(random):
    usual = np.where(lake(), -21, fields(random)).astype(np.float32)
    now = np.where(lake() | river(), -20, usual) + speckle(random)
    found = FLOOD(*arrays(now, usual)).to_numpy()
    truth = river() & ~lake()
    assert truth.mean() == pytest.approx(0.25, abs=0.01)
    assert (found == truth).mean() > 0.995
    assert found.mean() == pytest.approx(truth.mean(), abs=0.003)
    assert found[lake()].max() == 0
    assert found.dtype == np.float32


def test_the_threshold_moves_with_the_scene(random):
    """A wet scene is darker everywhere by 2 dB, which a fixed threshold would take for something."""
    usual = fields(random)
    now = np.where(river(), -20, usual) + speckle(random)
    dry, wet = FLOOD(*arrays(now, usual)).to_numpy(), FLOOD(*arrays(now - 2, usual)).to_numpy()
    assert -8 < threshold(now - usual) < -3
    assert threshold(now - 2 - usual) == pytest.approx(threshold(now - usual) - 2, abs=0.1)
    assert (dry == wet).mean() > 0.999


@pytest.mark.parametrize("change", [0.0, -2.5, -6.0, 4.0], ids=["nothing", "rain", "all alike", "growth"])
def test_a_scene_that_does_not_fall_apart_has_no_flood(random, change):
    usual = fields(random)
    now = usual + change + speckle(random, looks=5)
    assert threshold(now - usual) == -np.inf
    assert FLOOD(*arrays(now, usual)).to_numpy().max() == 0


def test_ground_that_became_brighter_is_no_flood_of_the_rest(random):
    usual = fields(random)
    now = np.where(river(), usual + 8, usual) + speckle(random)
    assert FLOOD(*arrays(now, usual)).to_numpy().max() == 0


def test_a_small_flood_in_a_large_tile_is_found_by_the_squares_that_hold_it(random):
    """One per cent: over the whole tile Otsu's threshold would cut the land in halves."""
    usual = fields(random)
    row, column = np.indices(SHAPE)
    pond = np.hypot(row - 80, column - 96) < 10
    now = np.where(pond, -20, usual) + speckle(random)
    assert otsu((now - usual).ravel()) > -3
    found = FLOOD(*arrays(now, usual)).to_numpy()
    assert pond.mean() == pytest.approx(0.01, abs=0.001)
    assert found.mean() == pytest.approx(pond.mean(), abs=0.001)
    assert (found == pond).mean() > 0.999


def test_what_is_not_known_stays_unknown_and_each_period_has_its_own_threshold(random):
    usual = fields(random)
    wet, dry = np.where(river(), -20, usual) + speckle(random), usual + speckle(random)
    wet[:, :40] = np.nan
    usual[150:] = np.nan
    series = xr.concat(arrays(wet, dry), dim="time")
    found = FLOOD(series, arrays(usual)[0])
    assert found.dims == ("time", "y", "x")
    assert np.isnan(found[0, :, :40]).all()
    assert np.isnan(found[:, 150:]).all()
    assert (found[0, :150, 40:] == river()[:150, 40:]).mean() > 0.999
    assert float(found[1].max()) == 0
    lazy = FLOOD(series.chunk({"time": 1, "y": 50}), arrays(usual)[0].chunk({"x": 100}))
    assert lazy.chunks is not None
    xr.testing.assert_equal(lazy.compute(), found)


def test_nothing_known_is_nothing_flooded(random):
    nothing = np.full(SHAPE, np.nan, np.float32)
    assert np.isnan(FLOOD(*arrays(nothing, fields(random)))).all()


def test_otsu_divides_two_groups_by_hand():
    values = np.array([-9.0, -8.0, -8.0, -7.0, 0.0, 1.0, 1.0, 2.0], np.float32)
    assert -7 < otsu(values) < 0
