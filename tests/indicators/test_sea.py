"""The sea's own indicators from real grids: altimetry of the Mediterranean and of the world, OISST of a day."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from sco import library
from sco.block import Block
from sco.compute import compute_block
from sco.item import read_item
from sco.model import Asset, Identity, Scene
from sco.partition import Pixels
from sco.period import slice_of
from sco.preflight import Rules
from sco.solar import observations
from sco.tile import Tile


def a_scene(band: str, path: Path, variable: str, time: datetime, geobox: GeoBox) -> Scene:
    outline = geobox.geographic_extent
    return Scene(
        id=f"{time:%Y%m%d}",
        sensor="sea_level",
        catalog="local",
        collection="sea-level",
        identity=Identity("", f"{time:%Y%m%d}", "", ""),
        time=time,
        footprint=outline.geom.wkt,
        bbox=outline.boundingbox.bbox,
        assets={band: Asset(str(path), variable=variable)},
    )


def computed(name: str, scenes: list[Scene], geobox: GeoBox, root: Path, day: date) -> tuple[np.ndarray, Pixels]:
    """The month of `day`, decoded, NaN for no data; and as it is stored."""
    block = Block(
        period=slice_of(day, "month"),
        tile=Tile(0, 0),
        geobox=geobox,
        fingerprints={name: "f" * 64},
        observations=observations(scenes, 0.0),
        rejected=(),
        rules=Rules((root,)),
    )
    (outcome,) = compute_block(block, "run")
    packing = library.indicators[name].packing
    numbers = outcome.pixels.values
    return np.where(numbers == packing.fill, np.nan, numbers * packing.scale), outcome.pixels


@pytest.fixture
def altimetry(data: Path) -> Path:
    return data / "sea_level_aviso"


def test_sea_level_of_a_month_is_the_mean_of_its_real_days(altimetry: Path) -> None:
    path = altimetry / "dt_med_allsat_phy_l4_2005T2.nc"
    geobox = GeoBox((24, 40), Affine(0.125, 0, 12, 0, -0.125, 38), "EPSG:4326")
    scenes = [a_scene("adt", path, "adt", datetime(2005, 4, day, tzinfo=UTC), geobox) for day in range(1, 31)]
    found, stored = computed("sea_level", scenes, geobox, altimetry, date(2005, 4, 1))
    with xr.open_dataset(path) as dataset:
        days = dataset["adt"].sel(time="2005-04").values[:, ::-1][:, 64:88, 144:184]
    sea = np.isfinite(days).all(axis=0)
    assert 0.3 < sea.mean() < 1
    np.testing.assert_allclose(found[sea], days.mean(axis=0)[sea], atol=2.5e-4 + 1e-6)
    assert np.isnan(found[np.isnan(days).all(axis=0)]).all()
    np.testing.assert_array_equal(stored.n_seen, np.isfinite(days).sum(axis=0))
    assert -0.3 < np.nanmin(found) < np.nanmax(found) < 0.3


def test_sea_level_anomaly_of_the_world_is_what_the_grid_holds(altimetry: Path) -> None:
    path = altimetry / "NASA-SSH_alt_ref_simple_grid_v1_20240923.nc"
    geobox = GeoBox((40, 40), Affine(0.5, 0, 170, 0, -0.5, -20), "EPSG:4326")  # over the date line
    scenes = [a_scene("sla", path, "SSHA", datetime(2024, 9, 23, tzinfo=UTC), geobox)]
    found, stored = computed("sea_level_anomaly", scenes, geobox, altimetry, date(2024, 9, 1))
    with xr.open_dataset(path) as dataset:
        held = dataset["SSHA"].values[::-1][220:260, 340:380]
    np.testing.assert_allclose(found, held, atol=2.5e-4 + 1e-6)
    np.testing.assert_array_equal(stored.n_seen, np.isfinite(held))
    assert 0 < np.nanmean(found) < 0.3  # the sea stands higher than in 1993 to 2012


def test_sea_surface_temperature_is_what_the_analysis_holds(data: Path) -> None:
    folder = data / "sst" / "oisst_cog_20220913" / "oisst-avhrr-v02r01.20220913"
    item = json.loads((folder / "oisst-avhrr-v02r01.20220913.json").read_text("utf-8"))
    for asset in item["assets"].values():
        asset["href"] = str(folder / asset["href"])
    catalog = library.catalogs["planetary_computer"]
    scene = read_item(item, library.sensors["oisst"], catalog, catalog.collections["oisst"][0])
    geobox = GeoBox((40, 60), Affine(0.25, 0, -5, 0, -0.25, 45), "EPSG:4326")
    found, _ = computed("sst", [scene], geobox, folder, date(2022, 9, 13))
    with rasterio.open(scene.assets["sst"].href) as file:
        stored = file.read(1, window=((180, 220), (700, 760)))
    np.testing.assert_allclose(found, np.where(stored == -999, np.nan, stored * 0.01), atol=1e-3 + 1e-6)
    assert 14 < np.nanmin(found) < np.nanmax(found) < 31
