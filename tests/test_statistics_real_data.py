"""The statistics on recorded data: the figures of docs/statistics.md."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rioxarray
import xarray as xr

from indicators.vci import vci
from sco import library
from sco.climatology import anomaly, autocorrelation, expected, percentile, reference, standard_error
from sco.season import aggregate
from sco.trend import significant, trend

YEARS = (date(2001, 1, 1), date(2010, 12, 31))


@pytest.fixture(scope="module")
def greenness(request: pytest.FixtureRequest) -> xr.DataArray:
    """Monthly NDVI of 25 pixels in Somalia, 2000 to 2012."""
    data: Path = request.getfixturevalue("data")
    with rioxarray.open_rasterio(data / "modis_ndvi_2000_2012_bfast" / "modisraster.tif") as opened:
        steps = opened.load() / 1e4
        days = pd.to_datetime([name[1:] for name in opened.attrs["long_name"]], format="%Y.%m.%d")
    return steps.rename(band="time").assign_coords(time=days).resample(time="MS").mean()


def test_modis_has_two_green_seasons(greenness):
    normal = reference(greenness, *YEARS, "month", minimum_years=5)
    usual = normal["mean"].mean(("y", "x"))
    by_month = [0.56, 0.443, 0.407, 0.606, 0.69, 0.588, 0.548, 0.475, 0.457, 0.541, 0.72, 0.687]
    assert usual.values == pytest.approx(by_month, abs=6e-4)
    assert (normal["n_years"] == 10).all()
    assert float(normal["standard_error"].mean()) == pytest.approx(0.027, abs=0.001)


def test_modis_departures_are_none_on_average_and_know_the_drought(greenness):
    normal = reference(greenness, *YEARS, "month", minimum_years=5)
    departure = anomaly(greenness, normal, "month")
    assert float(abs(departure.sel(time=slice("2001", "2010")).mean("time")).max()) < 1e-6
    by_month = departure.mean(("y", "x")).to_series()
    assert by_month["2010-10":"2011-03"].mean() == pytest.approx(-0.1258, abs=1e-3)
    assert by_month["2011-08"].item() == pytest.approx(-0.1605, abs=1e-3)
    standard = anomaly(greenness, normal, "month", "z_score").mean(("y", "x")).to_series()
    assert standard["2011-08"].item() == pytest.approx(-3.23, abs=0.01)
    stands = percentile(greenness, *YEARS, "month").mean(("y", "x")).to_series()
    assert stands["2011-01"].item() == pytest.approx(2.0, abs=0.1)
    assert stands["2011-08"].item() == 0  # below any August of the reference, in all 25 pixels
    laid = expected(greenness["time"], normal, "month")
    condition = vci(greenness, laid["min"], laid["max"])
    inside = condition.sel(time=slice("2001", "2010"))
    assert (float(inside.min()), float(inside.max())) == pytest.approx((0, 100), abs=1e-4)
    # the rains of October 2010 failed, and those of 2011 were late: the drought of the Horn of Africa
    mean = condition.mean(("y", "x")).to_series()
    assert mean["2010-10":"2011-03"].mean() == pytest.approx(3.9, abs=0.1)
    assert mean["2011-08"].item() == pytest.approx(-57.7, abs=0.1)


def test_modis_pixels_that_pass_the_test_mostly_do_not_survive_the_field(greenness):
    departure = anomaly(greenness, reference(greenness, *YEARS, "month"), "month")
    plain, corrected = trend(departure), trend(departure, "hamed_rao")
    assert int((plain["p"] < 0.05).sum()) == 10
    assert int((corrected["p"] < 0.05).sum()) == 1
    assert int(significant(corrected["p"]).sum()) == 1
    classes = library.indicators["land_productivity"].formula(greenness).values
    assert {int(one): int((classes == one).sum()) for one in (-2, -1, 0, 1, 2)} == {-2: 2, -1: 12, 0: 11, 1: 0, 2: 0}


def band(data: Path, name: str) -> xr.DataArray:
    file = data / "sst" / "oisst_cog_20220913" / f"oisst-avhrr-v02r01.20220913-{name}.tif"
    with rioxarray.open_rasterio(file) as opened:
        numbers = opened[0].load().drop_vars(("band", "spatial_ref"))
    return numbers.where(numbers != -999) * 0.01


def september(mean: xr.DataArray) -> xr.Dataset:
    return xr.Dataset({"mean": mean.expand_dims(part=[9]), "std": mean.expand_dims(part=[9]) * np.nan})


def test_sst_anomaly_against_the_archives_own(data):
    sst, theirs = band(data, "sst"), band(data, "anom")
    now = sst.expand_dims(time=[np.datetime64("2022-09-13", "ns")])
    # against the archive's own climatology, which is the one band less the other
    same = anomaly(now, september(sst - theirs), "month")[0]
    assert float(abs(same - theirs).max()) < 1e-5
    # and against another one: the ships' of COADS, 2 degrees, older years
    with xr.open_dataset(data / "sst" / "coads_climatology_sst_airt.nc", decode_times=False) as opened:
        ships = opened["SST"].isel(TIME=8).load()
    ships = ships.assign_coords(COADSX=ships["COADSX"] % 360).sortby("COADSX")
    usual = ships.interp(COADSY=sst["y"].values, COADSX=sst["x"].values % 360).values
    ours = anomaly(now, september(sst.copy(data=usual)), "month")[0]
    both = ours.notnull() & theirs.notnull() & (abs(theirs["y"]) <= 60)
    difference = (ours - theirs).where(both)
    assert int(both.sum()) == 421_728
    assert float(difference.mean()) == pytest.approx(0.090, abs=0.002)
    assert float(np.sqrt((difference**2).mean())) == pytest.approx(0.352, abs=0.002)
    assert float(xr.corr(ours.where(both), theirs.where(both))) == pytest.approx(0.953, abs=0.002)


def test_the_pacific_warms_where_the_field_test_says_so(data):
    with xr.open_dataset(data / "sst" / "sst_ndjfm_anom.nc") as opened:
        winters = opened["sst"].load()
    found = trend(winters, "original", periods_per_unit=10)
    tested = int(found["p"].notnull().sum())
    alone, together = int((found["p"] < 0.05).sum()), int(significant(found["p"]).sum())
    assert (tested, alone, together) == (450, 215, 212)
    # each place that is significant in the field is so alone, at the level of the field
    assert bool((found["p"].where(significant(found["p"])).max() <= 0.1 * together / tested).item())


def test_the_mediterranean_rises_from_april_to_june(data):
    with xr.open_dataset(data / "sea_level_aviso" / "dt_med_allsat_phy_l4_2005T2.nc") as opened:
        adt = opened["adt"].load()
    level = adt.weighted(np.cos(np.deg2rad(adt["latitude"]))).mean(("latitude", "longitude"))
    months = aggregate(level, "month")
    assert months.values == pytest.approx([-0.1094, -0.0941, -0.0678], abs=1e-4)
    quarter = trend(level, "hamed_rao", periods_per_unit=91)
    assert float(quarter["slope"]) == pytest.approx(0.0590, abs=2e-4)
    # days know one another: 91 of them are worth one
    r = float(autocorrelation(level))
    assert r == pytest.approx(0.997, abs=0.001)
    spread, count = level.std(ddof=1), level.count()
    naive, honest = (float(standard_error(spread, count, autocorrelation=one)) for one in (0.0, r))
    assert (naive, honest) == pytest.approx((0.0022, 0.0206), abs=1e-4)
