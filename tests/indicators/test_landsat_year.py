"""A real year over New York: eight Landsat 8 dates of 2018, their greenness by season and their heat.

The scenes are level 1 (Collection 1), so that reflectance and temperature are those at the top of the atmosphere; the
rescaling and the two thermal constants are those of every Landsat 8 scene,
https://www.usgs.gov/landsat-missions/using-usgs-landsat-level-1-data-product. The sun's height cancels in the NDVI.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from rasterio.warp import Resampling, reproject

from sco import library
from sco.compute import indicate
from sco.quality import State

FRAME = "LC08_L1TP_013032_*"
"""Path and row over the city, Long Island and Connecticut; its dates lie up to a pixel apart."""
CLEAR = 2720
"""BQA of ground that was seen, with no confidence at all in cloud, shadow, snow and cirrus."""


def on_grid(path: Path, like: rasterio.DatasetReader) -> np.ndarray:
    """The numbers of the nearest pixels on the grid of another date; 0 where there is none."""
    with rasterio.open(path) as file:
        numbers = np.zeros(like.shape, file.dtypes[0])
        there = {"dst_transform": like.transform, "dst_crs": like.crs, "dst_nodata": 0}
        reproject(rasterio.band(file, 1), numbers, resampling=Resampling.nearest, **there)
        return numbers


@pytest.fixture(scope="module")
def cube(data: Path) -> xr.Dataset:
    """The year's cube, lazily: red, nir, lst (brightness temperature of band 10, kelvin) and quality."""
    scenes = sorted((data / "landsat8_ny2018_gdalcubes").glob(FRAME))
    with rasterio.open(next(scenes[0].glob("*_B4.TIF"))) as like:
        stacks = {
            name: np.stack([on_grid(next(scene.glob(f"*_{name}.TIF")), like) for scene in scenes])
            for name in ("B4", "B5", "B10", "BQA")
        }
    radiance = stacks["B10"] * 3.342e-4 + 0.1
    layers = {
        "red": stacks["B4"] * 2e-5 - 0.1,
        "nir": stacks["B5"] * 2e-5 - 0.1,
        "lst": 1321.0789 / np.log(774.8853 / radiance + 1),
        "quality": np.where(stacks["BQA"] == CLEAR, State.SEEN, State.MASKED),
    }
    times = pd.to_datetime([scene.name[17:25] for scene in scenes])
    dims = ("time", "y", "x")
    return xr.Dataset({name: (dims, values) for name, values in layers.items()}, {"time": times}).chunk({"time": 1})


@pytest.fixture(scope="module")
def land(cube: xr.Dataset) -> xr.DataArray:
    """Ground that is green at some time of the year, so that the Sound and the ocean are left out."""
    ndvi = library.indicators["ndvi"].formula(cube["red"], cube["nir"]).where(cube["quality"] == State.SEEN)
    return (ndvi.max("time") > 0.3).compute()


def test_the_ndvi_of_a_season_is_the_median_of_its_clear_dates(cube: xr.Dataset) -> None:
    seasons = indicate(cube, library.indicators["ndvi"], every="season")
    assert seasons["ndvi"].chunks is not None
    ndvi = ((cube.nir - cube.red) / (cube.nir + cube.red)).where(cube.quality == State.SEEN).to_numpy()
    found = seasons.compute()
    months = cube["time"].dt.month.to_numpy()
    for label, chosen in (("2018-03-01", (3, 4, 5)), ("2018-06-01", (6, 7, 8)), ("2018-09-01", (9, 10, 11))):
        dates = ndvi[np.isin(months, chosen)]
        seen = np.isfinite(dates).any(axis=0)
        season = found.sel(time=label)
        np.testing.assert_allclose(season["ndvi"].values[seen], np.nanmedian(dates[:, seen], axis=0), atol=1e-6)
        assert np.isnan(season["ndvi"].values[~seen]).all()
        np.testing.assert_array_equal(season["ndvi_n_seen"], np.isfinite(dates).sum(axis=0))


def test_the_city_greens_in_summer(cube: xr.Dataset, land: xr.DataArray) -> None:
    seasons = indicate(cube, library.indicators["ndvi"], every="season")["ndvi"].where(land).median(("y", "x"))
    found = {str(time)[:10]: float(value) for time, value in zip(seasons["time"].values, seasons, strict=True)}
    measured = {"2017-12-01": 0.273, "2018-03-01": 0.358, "2018-06-01": 0.629, "2018-09-01": 0.567, "2018-12-01": 0.350}
    assert found == pytest.approx(measured, abs=0.002)


def test_the_surface_is_hot_in_july_where_nothing_is_green(cube: xr.Dataset, land: xr.DataArray) -> None:
    """Measured: 31 degrees over land on 10 July, 6 in December; 19 of 1241 places at 40 or more, hardly green."""
    names = ("lst", "hot_days_share", "ndvi")
    months = {name: indicate(cube, library.indicators[name])[name].where(land) for name in names}
    heat = months["lst"].median(("y", "x"))
    assert float(heat.sel(time="2018-07-01")) == pytest.approx(31.1, abs=0.1)
    assert float(heat.sel(time="2018-12-01")) == pytest.approx(5.9, abs=0.1)
    hot = (months["hot_days_share"] > 0).sum(("y", "x"))
    assert int(hot.sel(time="2018-07-01")) == int(hot.sum()) == 19
    july = {name: month.sel(time="2018-07-01").compute() for name, month in months.items()}
    rural = july["lst"].where(july["ndvi"] > 0.7).mean()
    excess = library.indicators["heat_island"].formula(july["lst"], rural)
    baked = july["hot_days_share"] == 1
    assert float(excess.where(baked).mean()) == pytest.approx(12.07, abs=0.1)
    assert float(july["ndvi"].where(baked).median()) == pytest.approx(0.149, abs=0.002)
    assert float(july["ndvi"].median()) == pytest.approx(0.666, abs=0.002)
    assert float(excess.where(july["ndvi"] > 0.7).mean()) == pytest.approx(0, abs=1e-4)
