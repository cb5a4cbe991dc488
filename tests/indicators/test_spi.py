"""The SPI against xclim's, on the rain of five real cities and on made-up series with dry months and gaps."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from indicators.spi import _gamma, spi
from sco import library
from sco.errors import ConfigurationError
from sco.project import Project

XCLIM = pd.read_csv(Path(__file__).with_name("spi_xclim.csv"), parse_dates=["time"])
"""Rain, and xclim 0.62.0's SPI of it, recorded by `benchmarks/spi.py`: gamma, ML, floc=0."""
CALIBRATION = {"wet": (1993, 2008), "dry": (1993, 2008), "gaps": (1993, 2008)}
MAPS = [library.indicators[f"spi_{months}"] for months in (1, 3, 6, 12)]


def rain(place: str) -> tuple[pd.DataFrame, xr.DataArray, xr.DataArray]:
    table = XCLIM[XCLIM["place"] == place].set_index("time")
    series = table["rain"].to_xarray().expand_dims(y=1, x=1).transpose("time", "y", "x")
    first, last = CALIBRATION.get(place, (1990, 1993))
    return table, series, (series["time"].dt.year >= first) & (series["time"].dt.year <= last)


@pytest.mark.parametrize("place", sorted(set(XCLIM["place"])))
@pytest.mark.parametrize("indicator", MAPS, ids=lambda one: one.id)
def test_equal_to_xclim_on_its_own_calibration(indicator, place):
    table, series, held = rain(place)
    ours = indicator.formula(series, held).values[:, 0, 0]
    theirs = table[indicator.id].to_numpy()
    assert np.isfinite(theirs).sum() > 30 or place == "gaps"
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-6)


def test_the_recorded_rain_has_dry_months_and_gaps():
    assert (rain("dry")[1] == 0).sum() > 60
    assert rain("gaps")[1].isnull().sum() > 5
    assert len(set(XCLIM["place"])) == 8


def test_the_real_cities_are_as_recorded(data):
    with xr.open_dataset(data / "xclim_testdata" / "daily_surface_cancities_1990-1993.nc") as opened:
        months = (opened["pr"].astype("float64") * 86400).resample(time="MS").mean()
    for city in months["location"].values:
        _, series, held = rain(str(city))
        np.testing.assert_allclose(months.sel(location=city), series[:, 0, 0], rtol=1e-9)
        three = spi(months.sel(location=city), held, 3)
        assert three.isel(time=slice(0, 2)).isnull().all()
        assert abs(float(three.mean())) < 0.05
        assert float(three.std()) == pytest.approx(0.97, abs=0.06)


def test_the_gamma_fit_is_scipys():
    from scipy.stats import gamma

    amounts = np.random.default_rng(0).gamma([0.3, 2.0, 40.0], 5.0, (30, 3))
    shape, scale = _gamma(amounts)
    for column in range(3):
        a, _, theirs = gamma.fit(amounts[:, column], floc=0)
        assert (shape[column], scale[column]) == pytest.approx((a, theirs), rel=1e-9)


def test_a_dry_month_has_the_probability_of_dry_months():
    # January is dry in 12 of 20 years: probability 0.6, deviate 0.2533
    times = pd.date_range("2001-01-01", periods=240, freq="MS")
    series = xr.DataArray(np.arange(1.0, 241.0) % 37 + 1, {"time": times}, ("time",))
    series[:144:12] = 0.0
    index = spi(series, xr.ones_like(series, bool), 1)
    assert index[:144:12].values == pytest.approx(0.2533471, abs=1e-7)
    assert (index[144::12] > 0.2534).all()


def test_what_cannot_be_fitted_is_not_made_up():
    times = pd.date_range("2001-01-01", periods=36, freq="MS")
    series = xr.DataArray(np.arange(36.0) + 1, {"time": times}, ("time",))
    held = series["time"].dt.year <= 2002
    assert spi(series, held, 1).isnull().all()  # two years
    assert spi(series * 0, xr.ones_like(held), 1).isnull().all()  # never any rain
    assert spi(xr.full_like(series, 5.0), xr.ones_like(held), 1).isnull().all()  # always the same
    with pytest.raises(
        ValueError, match="an SPI of 1 months is a sum of whole periods; the series has a season a step"
    ):
        spi(series[::3], held[::3], 1)
    assert spi(series[::3], xr.ones_like(held[::3]), 3).notnull().all()


def test_lazy_in_lazy_out_and_float32_kept():
    _, series, held = rain("dry")
    lazy = spi(series.astype("float32").chunk(time=50), held.chunk(), 3)
    assert lazy.chunks is not None
    assert lazy.dtype == np.float32
    np.testing.assert_allclose(lazy, spi(series, held, 3), atol=1e-5)


PROJECT = {
    "id": "drought",
    "title": {"en": "Drought", "fr": "Sécheresse"},
    "store": "store",
    "area": {"bounds": [0.0, 0.0, 1.0, 1.0], "crs": "EPSG:4326", "resolution": 0.05},
    "sources": [{"sensor": "chirps", "catalogs": [{"id": "local", "file": "items.json"}]}],
}


@pytest.mark.parametrize(
    ("name", "every", "advice"),
    [
        ("spi_1", "day", 'set every = "month" under'),
        ("spi_1", "season", 'set every = "month" under'),
        ("spi_3", "dekad", 'set every = "month" or every = "season" under'),
        ("spi_6", "year", 'set every = "month" or every = "season" under'),
        ("spi_12", "day", 'set every = "month" or every = "season" or every = "year" under'),
    ],
)
def test_a_project_whose_periods_make_no_spi_is_refused_when_it_is_read(tmp_path, name, every, advice):
    period = {"start": "1991-01-01", "end": "2020-12-31", "reference": ["1991-01-01", "2020-12-31"], "every": every}
    content = {**PROJECT, "indicators": ["precipitation", name], "period": period}
    with pytest.raises(ConfigurationError, match=f"'{name}' is not defined for every {every}: {advice}"):
        Project.check(content, tmp_path / "drought.toml")
    allowed = library.indicators[name].every
    for one in allowed:
        assert Project.check({**content, "period": {**period, "every": one}}, tmp_path / "drought.toml")
    assert "month" in allowed
