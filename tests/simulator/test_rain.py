"""The simulated rain: its months, its days, and how unusual they are."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import gamma, kstest

from sco import library
from sco.simulator.rain import CELLS, SCALE, SHAPES, true_rain, write_rain


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rain")
    write_rain(folder)
    return folder


def test_how_unusual_a_sum_is_follows_from_the_distribution_that_it_is_drawn_from() -> None:
    true = true_rain()
    july = true.sel(time="2003-07-01").isel(y=3, x=5)
    assert float(july["spi_1"]) == pytest.approx(_deviate(float(july["precipitation"]), SHAPES[6]), abs=1e-9)
    summer = float(true["precipitation"].sel(time=slice("2003-05-01", "2003-07-01")).isel(y=3, x=5).sum())
    assert float(july["spi_3"]) == pytest.approx(_deviate(summer, SHAPES[4:7].sum()), abs=1e-9)
    assert np.isnan(true["spi_12"][:11]).all()
    assert np.isfinite(true["spi_12"][11:]).all()
    for months in (1, 12):
        values = true[f"spi_{months}"].values[11::12]  # once a year, so that they do not depend on one another
        assert kstest(values.ravel(), "norm").pvalue > 0.01


def _deviate(amount: float, shape: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf(gamma.cdf(amount, shape, scale=SCALE)))


def test_the_days_of_a_file_are_the_months_but_for_their_error(folder: Path) -> None:
    with xr.open_dataset(folder / "rain" / "chirps-v2.0.2003.days_p05.nc") as data:
        months = data["precip"].resample(time="MS").sum().values[:, ::-1]
        assert data.sizes == {"time": 365, "latitude": 8, "longitude": 8}
        assert "imulated" in data.attrs["title"]
    true = true_rain()["precipitation"].sel(time="2003").values
    assert np.corrcoef(months.ravel(), true.ravel())[0, 1] > 0.97
    assert 0 < np.abs(months / true - 1).mean() < 0.2
    assert months.sum() == pytest.approx(true.sum(), rel=0.02)


def test_every_day_has_an_item_that_the_sensor_knows(folder: Path) -> None:
    items = json.loads((folder / "rain.json").read_text("utf-8"))["features"]
    assert len(items) == (date(2021, 1, 1) - date(1991, 1, 1)).days
    assert all(item["properties"]["simulated"] for item in items)
    known = {library.sensors["chirps"].identify(item["id"], {}).datatake for item in items}
    assert len(known) == len(items)
    assert items[0]["bbox"] == list(CELLS.bounds)
