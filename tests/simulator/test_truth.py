from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sco.errors import CubeError
from sco.simulator.ground import Ground
from sco.simulator.truth import compare, monthly, surface
from sco.simulator.world import World

WORLD = World(resolution_m=1000, start=date(2022, 6, 1), end=date(2022, 9, 30))


@pytest.fixture(scope="module")
def true() -> xr.Dataset:
    return monthly(WORLD)


def test_truth_is_the_daily_truth_within_the_sampling(true: xr.Dataset) -> None:
    ground = Ground(WORLD, *WORLD.grid.centres())
    days = [ground.on(date(2022, 8, 1) + timedelta(days=day)) for day in range(31)]
    snow = np.stack([day.snowy for day in days])
    ndvi = np.stack([day.ndvi for day in days])
    ndvi[snow] = np.nan
    august = true.sel(time="2022-08-01")
    never_snow = ~snow.any(axis=0)
    np.testing.assert_allclose(august.ndvi.values[never_snow], np.nanmedian(ndvi[:, never_snow], axis=0), atol=0.01)
    np.testing.assert_allclose(august.lst, np.mean([day.temperature for day in days], axis=0), atol=0.5)
    assert np.isnan(august.ndvi.values[august.snow_share.values == 1]).all()


def test_truth_is_on_the_projects_grid_and_says_that_it_is_simulated(true: xr.Dataset) -> None:
    assert dict(true.sizes) == {"time": 4, "y": 60, "x": 60}
    assert (true.x[0].item(), true.y[0].item()) == (704_500, 5_077_500)
    assert true.attrs["simulated"] == "true"
    assert set(np.unique(true.burned)) == {0, 1}
    assert int((true.water_extent.isel(time=3) > 0.5).sum()) > 40


def test_the_fire_is_seen(true: xr.Dataset) -> None:
    scar = true.ndvi.where(true.burned == 1).mean(("y", "x"))
    assert scar.sel(time="2022-06-01").item() - scar.sel(time="2022-08-01").item() > 0.3


def test_surface_is_reflectance_or_kelvin() -> None:
    x, y = WORLD.grid.centres()
    day = date(2022, 8, 1)
    assert 0 < surface(WORLD, "red", x, y, day).mean() < 0.3
    assert 270 < surface(WORLD, "lwir11", x, y, day).mean() < 320


def answer(values: np.ndarray, seen: np.ndarray) -> xr.Dataset:
    coordinates = {"time": pd.DatetimeIndex(["2022-07-01"]), "y": [2.0, 1.0], "x": [1.0, 2.0]}
    dims = ("time", "y", "x")
    return xr.Dataset({"ndvi": (dims, values[None]), "ndvi_n_seen": (dims, seen[None])}, coords=coordinates)


def test_compare_counts_only_what_was_seen_and_is_known() -> None:
    seen = np.array([[1, 1], [0, 3]], np.uint16)
    data = answer(np.array([[0.5, 0.7], [9.0, np.nan]]), seen)
    truth = answer(np.array([[0.4, 0.4], [0.1, 0.1]]), seen).drop_vars("ndvi_n_seen")
    (found,) = compare(data.chunk(), truth)
    assert (found.indicator, found.n, found.unit) == ("ndvi", 2, "1")
    assert found.bias == pytest.approx(0.2)
    assert found.rmse == pytest.approx(np.sqrt(0.05))


def test_compare_refuses_another_place() -> None:
    data = answer(np.zeros((2, 2)), np.ones((2, 2), np.uint16))
    with pytest.raises(CubeError, match="share no months or no pixels"):
        compare(data, data.drop_vars("ndvi_n_seen").assign_coords(x=[8.0, 9.0]))
