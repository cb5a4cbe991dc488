"""The simulated sea: what is usual, its heatwaves, its rise; and what is written of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from sco import library
from sco.simulator import sea
from sco.simulator.sea import EVENT, RISES, true_levels, true_temperature, write_levels, write_temperature


@pytest.fixture(scope="module")
def warmth() -> xr.Dataset:
    return true_temperature()


def test_the_weather_has_the_spread_and_the_memory_that_the_truth_counts_on(warmth: xr.Dataset) -> None:
    weather = warmth["sst_anomaly"].sel(time=slice(None, "2018-12-31")).values
    assert weather.std() == pytest.approx(sea.WEATHER, rel=0.03)
    assert weather.mean() == pytest.approx(0, abs=0.03)
    assert np.corrcoef(weather[1:].ravel(), weather[:-1].ravel())[0, 1] == pytest.approx(sea.MEMORY, abs=0.01)
    assert (weather > sea.WEATHER * 1.2816).mean() == pytest.approx(0.1, abs=0.01)


def test_the_added_heatwave_is_in_the_west_and_stronger_than_the_weathers_own(warmth: xr.Dataset) -> None:
    summit = warmth.sel(time="2019-07-07")
    west, east = summit.isel(x=slice(0, 4)), summit.isel(x=slice(4, 8))
    assert (west["marine_heatwave"] == 1).mean() > 0.9
    assert float(west["marine_heatwave_category"].max()) >= 3
    assert (east["marine_heatwave"] == 1).mean() < 0.5
    assert float(west["marine_heatwave_intensity"].mean()) == pytest.approx(sea.HEAT, abs=0.7)
    assert (EVENT[1] - EVENT[0]).days == 34


def test_an_event_is_five_warm_days_and_bridges_gaps_of_two() -> None:
    def of(days: str) -> list[int]:
        return sea._lasted(np.array([day == "x" for day in days])).tolist()

    assert of("xxxx.") == [0, 0, 0, 0, 0]
    assert of("xxxxx.") == [1, 2, 3, 4, 5, 0]
    assert of("xxxxx..xxxxx") == list(range(1, 13))
    assert of("xxxxx...xxxxx") == [1, 2, 3, 4, 5, 0, 0, 0, 1, 2, 3, 4, 5]
    assert of("xxxxx..xxxx.") == [1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0]


def test_the_level_rises_as_each_column_does() -> None:
    true = true_levels()
    years = np.arange(true.sizes["time"]) / 12
    slopes = np.polyfit(years, true["sea_level"].values.reshape(len(years), -1) * 1000, 1)[0].reshape(6, 8)
    np.testing.assert_allclose(slopes.mean(axis=0), RISES, atol=0.7)  # eddies are left in
    assert true["sea_level_trend"][-1].values[0].tolist() == RISES.tolist()
    assert np.isnan(true["sea_level_trend"][:-1]).all()
    np.testing.assert_allclose(true["sea_level"] - true["sea_level_anomaly"], sea.MEAN_TOPOGRAPHY)


def test_what_is_written_is_the_truth_with_its_noise(
    warmth: xr.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sea, "LAST", sea.FIRST.replace(month=1, day=9))
    short = true_temperature()
    items = json.loads(write_temperature(tmp_path).read_text("utf-8"))["features"]
    stored = []
    for item in items:
        with rasterio.open(item["assets"]["sst"]["href"]) as file:
            stored.append(file.read(1) * 0.01)
            assert (file.crs, file.nodata, file.shape) == ("EPSG:4326", -999, (6, 8))
    off = np.stack(stored) - short["sst"].values
    assert len(items) == 9
    assert off.std() == pytest.approx(sea.DEGREES_ERROR, rel=0.1)
    assert off.mean() == pytest.approx(0, abs=0.02)
    assert library.sensors["oisst"].identify(items[0]["id"], {}).datatake == "20140101"
    assert all(item["properties"]["simulated"] for item in items)


def test_altimetry_has_both_of_its_heights(tmp_path: Path) -> None:
    items = json.loads(write_levels(tmp_path).read_text("utf-8"))["features"]
    with xr.open_dataset(items[0]["assets"]["data"]["href"]) as data:
        np.testing.assert_allclose(data["adt"] - data["sla"], sea.MEAN_TOPOGRAPHY, atol=1e-6)
        january = data["adt"].sel(time="1993-01").mean("time").values[::-1]
        assert data.sizes["time"] == len(items) == 1461
    np.testing.assert_allclose(january, true_levels()["sea_level"][0], atol=5 * sea.METRES_ERROR)
    assert library.sensors["sea_level"].identify(items[0]["id"], {}).datatake == "19930101"
