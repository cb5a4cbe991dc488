from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sco.errors import CubeError
from sco.simulator.ground import Ground
from sco.simulator.truth import compare, monthly, surface, with_derived
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
    np.testing.assert_allclose(august.lst, np.mean([day.temperature for day in days], axis=0) - 273.15, atol=0.5)
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


YEARS = World(size_m=12_000, resolution_m=1000, start=date(2019, 1, 1), end=date(2022, 12, 31))


def test_any_indicator_of_the_worlds_bands_has_a_truth() -> None:
    names = ("evi", "nbr", "snow_cover", "snow_days_share", "lst", "hot_days_share")
    true = monthly(WORLD, names, WORLD.grid.coarser)
    assert dict(true.sizes) == {"time": 4, "y": 30, "x": 30}
    day = Ground(WORLD, *WORLD.grid.coarser.centres()).on(date(2022, 8, 1))
    red, nir, blue = (day.snow_free(band) for band in ("red", "nir", "blue"))
    evi = 2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)
    still = ~day.snowy & (true.snow_days_share.sel(time="2022-08-01").values == 0) & (day.burnt < 0.01)
    assert np.abs(true.evi.sel(time="2022-08-01").values - evi)[still].mean() < 0.03
    assert true.evi.attrs == {
        "long_name": "Simulated truth: Enhanced vegetation index (EVI)",
        "units": "1",
        "grid_mapping": "spatial_ref",
    }
    assert float(true.snow_cover.max()) > 0.9
    assert 20 < float(true.lst.sel(time="2022-07-01").median()) < 40
    assert 0 < float(true.hot_days_share.sel(time="2022-07-01").mean()) < 0.2
    fallen = (true.nbr.sel(time="2022-06-01") - true.nbr.sel(time="2022-08-01")).where(true.burned == 1)
    assert float(fallen.mean()) > 0.4


def test_bands_that_the_world_does_not_have_are_named() -> None:
    with pytest.raises(CubeError, match=r"cannot tell 'backscatter'.*takes vv"):
        monthly(WORLD, ("backscatter",))


def test_what_is_derived_from_the_truth_is_true() -> None:
    """Three years of reference, by hand in one month; the fire of July 2022 against the July before."""
    base = monthly(YEARS, ("ndvi", "nbr", "lst"))
    rural = xr.DataArray(np.arange(12)[:, None] + np.zeros((12, 12)) < 6, dims=("y", "x"))
    reference = (date(2019, 1, 1), date(2021, 12, 31))
    names = ("ndvi_anomaly", "vci", "tci", "vhi", "burn_severity", "heat_island", "land_productivity")
    true = with_derived(base, names, reference, rural)
    august, ndvi, lst = true.sel(time="2022-08-01"), base.ndvi.values, base.lst.values
    years = np.stack([ndvi[month] for month in (7, 19, 31)])
    np.testing.assert_allclose(august.ndvi_anomaly, ndvi[43] - years.mean(axis=0), atol=1e-6)
    vci = 100 * (ndvi[43] - years.min(axis=0)) / (years.max(axis=0) - years.min(axis=0))
    vci[(vci < -100) | (vci > 200)] = np.nan
    np.testing.assert_allclose(august.vci, vci, rtol=1e-3)
    np.testing.assert_allclose(august.vhi, (august.vci + august.tci) / 2, rtol=1e-6)
    np.testing.assert_allclose(august.burn_severity, base.nbr.values[31] - base.nbr.values[43], atol=1e-6)
    np.testing.assert_allclose(august.heat_island, lst[43] - lst[43][:6].mean(), atol=1e-3)
    assert np.isnan(true.burn_severity.sel(time="2019-12-01")).all()
    productivity = true.land_productivity
    assert productivity.isel(time=slice(None, -1)).isnull().all()
    assert productivity.isel(time=-1).notnull().any()
