"""Rain from daily grids: the real days of ERA5 at Halifax, laid over a small grid, through the whole block."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from sco import library
from sco.block import Block
from sco.choices import Source
from sco.compute import compute_block
from sco.model import Identity
from sco.partition import Outcome
from sco.period import slice_of
from sco.preflight import Rules
from sco.search import search
from sco.solar import observations
from sco.tile import Tile

GRID = GeoBox((4, 6), Affine(0.05, 0, -63.55, 0, -0.05, 44.6), "EPSG:4326")
ITEM = "chirps-v2.0.1991.{month:02d}.{day:02d}"


@pytest.fixture
def halifax(data: Path) -> xr.DataArray:
    """Millimetres a day of 1991, as ERA5 has them."""
    with xr.open_dataset(data / "xclim_testdata" / "daily_surface_cancities_1990-1993.nc") as dataset:
        flux = dataset["pr"].sel(location="Halifax", time="1991").load()
    assert flux.attrs["units"] == "kg m-2 s-1"
    return (flux * 86_400).astype("float32")


def as_chirps(days: xr.DataArray, folder: Path) -> Path:
    """A year's file as the archive writes it: every pixel has the days of the place, the first column is sea."""
    lat, lon = 44.575 - 0.05 * np.arange(4)[::-1], -63.525 + 0.05 * np.arange(6)
    grid = np.repeat(days.values, 24).reshape(-1, 4, 6)
    grid[:, :, 0] = -9999
    attrs = {"units": "mm/day", "missing_value": np.float32(-9999), "_FillValue": np.float32(-9999)}
    coords = {"time": days["time"].values, "latitude": lat, "longitude": lon}
    dataset = xr.Dataset({"precip": (("time", "latitude", "longitude"), grid, attrs)}, coords=coords)
    dataset["latitude"].attrs["units"], dataset["longitude"].attrs["units"] = "degrees_north", "degrees_east"
    path = folder / "chirps-v2.0.1991.days_p05.nc"
    dataset.to_netcdf(path)
    return path


def items_over(path: Path, days: xr.DataArray) -> Path:
    west, south, east, north = GRID.geographic_extent.boundingbox.bbox
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    features = [
        {
            "type": "Feature",
            "stac_version": "1.1.0",
            "id": ITEM.format(month=month, day=day),
            "collection": "chirps-daily",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "bbox": [west, south, east, north],
            "properties": {"datetime": f"1991-{month:02d}-{day:02d}T00:00:00Z"},
            "assets": {"data": {"href": str(path)}},
            "links": [],
        }
        for month, day in zip(days.time.dt.month.values, days.time.dt.day.values, strict=True)
    ]
    file = path.with_name("items.json")
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return file


def month_of_rain(folder: Path, items: Path) -> Outcome:
    source = Source.model_validate({"sensor": "chirps", "catalogs": [{"id": "local", "file": str(items)}]})
    bbox = GRID.geographic_extent.boundingbox.bbox
    answer = search(source, bbox, datetime(1991, 3, 1, tzinfo=UTC), datetime(1991, 4, 1, tzinfo=UTC))
    block = Block(
        period=slice_of(date(1991, 3, 1), "month"),
        tile=Tile(0, 0),
        geobox=GRID,
        fingerprints={"precipitation": "f" * 64},
        observations=observations(answer.scenes, 0.0),
        rejected=(),
        rules=Rules((folder,)),
    )
    (outcome,) = compute_block(block, "run")
    return outcome


def test_a_month_of_rain_is_the_sum_of_its_real_days(halifax: xr.DataArray, tmp_path: Path) -> None:
    march = halifax.sel(time="1991-03")
    total = float(march.sum())
    assert 50 < total < 250
    outcome = month_of_rain(tmp_path, items_over(as_chirps(halifax, tmp_path), march))
    packed, seen = outcome.pixels.values, outcome.pixels.n_seen
    np.testing.assert_allclose(packed[:, 1:] * 0.2, total, atol=0.1 + 1e-3)
    assert (seen[:, 1:] == 31).all()
    assert (packed[:, 0] == -32768).all()  # the sea
    assert (seen[:, 0] == 0).all()


def test_days_that_are_missing_are_told_by_the_count(halifax: xr.DataArray, tmp_path: Path) -> None:
    half = halifax.sel(time=slice("1991-03-01", "1991-03-15"))
    outcome = month_of_rain(tmp_path, items_over(as_chirps(halifax, tmp_path), half))
    np.testing.assert_allclose(outcome.pixels.values[:, 1:] * 0.2, float(half.sum()), atol=0.1 + 1e-3)
    assert (outcome.pixels.n_seen[:, 1:] == 15).all()


def test_a_dry_month_is_exactly_nothing(halifax: xr.DataArray, tmp_path: Path) -> None:
    march = halifax.sel(time="1991-03") * 0
    outcome = month_of_rain(tmp_path, items_over(as_chirps(march, tmp_path), march))
    assert (outcome.pixels.values[:, 1:] == 0).all()
    assert library.indicators["precipitation"].packing.offset == 0


@pytest.mark.parametrize(
    ("item", "identity"),
    [
        ("chirps-v2.0.1991.03.05", Identity("chirps-v2.0", "19910305", "50s-50n", "final")),
        ("chirps-v2.0.19910305", Identity("chirps-v2.0", "19910305", "50s-50n", "final")),
        ("chirps-v2.0-prelim.2024.11.30", Identity("chirps-v2.0", "20241130", "50s-50n", "preliminary")),
        ("anything", Identity("", "", "", "")),
    ],
)
def test_an_id_tells_the_day(item: str, identity: Identity) -> None:
    assert library.sensors["chirps"].identify(item, {}) == identity


def test_what_is_no_amount_of_rain_is_left_out() -> None:
    days = xr.DataArray(np.array([0.0, 12.5, -9999.0, 7000.0, np.nan]), dims="x").chunk({"x": 2})
    found = library.indicators["precipitation"].formula(days)
    assert found.chunks is not None
    np.testing.assert_array_equal(found, [0, 12.5, np.nan, np.nan, np.nan])
