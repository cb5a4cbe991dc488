"""A whole run over the meridian of 180 degrees, by hand-made scenes on both sides whose numbers tell their place.

In July a pixel's NDVI tells its longitude, in August its latitude; in September only the western scene is there.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tomlkit
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

import sco
from flows import run
from sco.plan import make_plan
from sco.project import Project
from sco.search import Answer

STEP = 100
"""Metres a pixel of the scenes; a pixel of the projects is five times as large."""
SIDE = 700
WEST = GeoBox((SIDE, SIDE), Affine(STEP, 0, 755_000, 0, -STEP, 8_045_000), "EPSG:32760")
"""From 179.41 degrees east to 179.93 west, beyond 180."""
EAST = GeoBox((SIDE, SIDE), Affine(STEP, 0, 175_000, 0, -STEP, 8_045_000), "EPSG:32701")
"""From 179.93 degrees east, before 180, to 179.41 west."""
MONTHS = {"2021-07-10": "longitude", "2021-08-10": "latitude", "2021-09-10": "longitude"}
FIJI = (180.0, -18.0)


def round_the_world(longitude: np.ndarray) -> np.ndarray:
    """Degrees east of Greenwich, from 0 to 360."""
    return longitude % 360


def degrees_of(geobox: GeoBox) -> tuple[np.ndarray, np.ndarray]:
    """Longitude, from 0 to 360, and latitude of every pixel's middle."""
    x, y = np.meshgrid(np.arange(geobox.shape[1]) + 0.5, np.arange(geobox.shape[0]) + 0.5)
    transformer = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    lon, lat = transformer.transform(*(geobox.affine * (x, y)))
    return round_the_world(np.asarray(lon)), np.asarray(lat)


def share(told: str, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """What a place's red tells of it: from 0 to 1, linear in its longitude or latitude."""
    return (lon - 179.4) / 1.4 if told == "longitude" else (lat + 18.6) / 1.2


def ndvi(told: str, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    red = 1000 + 8000 * share(told, lon, lat)
    return (10_000 - red) / (10_000 + red)


def files_of(name: str, geobox: GeoBox, told: str, folder: Path) -> dict[str, str]:
    red = np.round(1000 + 8000 * share(told, *degrees_of(geobox))).astype(np.uint16)
    numbers = {"red": red, "nir": np.full(geobox.shape, 10_000, np.uint16), "scl": np.full(geobox.shape, 4, np.uint8)}
    hrefs = {}
    for band, one in numbers.items():
        hrefs[band] = str(folder / f"{name}_{band}.tif")
        profile = {"height": SIDE, "width": SIDE, "count": 1, "dtype": one.dtype, "nodata": 0}
        with rasterio.open(
            hrefs[band], "w", driver="COG", crs=str(geobox.crs), transform=geobox.affine, **profile
        ) as file:
            file.write(one, 1)
    return hrefs


def item_of(tile: str, day: str, hrefs: dict[str, str], geometry: dict, bbox: list[float]) -> dict:
    stamp = day.replace("-", "")
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"S2A_{tile}_{stamp}_0_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": geometry,
        "bbox": bbox,
        "properties": {
            "datetime": f"{day}T22:20:31Z",  # ten in the morning of the next day, by the sun
            "platform": "sentinel-2a",
            "grid:code": f"MGRS-{tile}",
            "s2:datatake_id": f"GS2A_{stamp}T221601_031000_N03.01",
            "s2:processing_baseline": "03.01",
            "eo:cloud_cover": 0,
        },
        "links": [],
        "assets": {band: {"href": href} for band, href in hrefs.items()},
    }


def ring(west: float, east: float) -> list[list[list[float]]]:
    return [[[west, -18.4], [east, -18.4], [east, -17.6], [west, -17.6], [west, -18.4]]]


OVER = {"type": "MultiPolygon", "coordinates": [ring(179.41, 180), ring(-180, -179.93)]}
BESIDE = {"type": "Polygon", "coordinates": ring(-180, -179.41)}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scenes, and their items in items.json."""
    folder = tmp_path_factory.mktemp("fiji")
    items = []
    for day, told in MONTHS.items():
        west = files_of(f"west_{day}", WEST, told, folder)
        items.append(item_of("60KZG", day, west, OVER, [179.41, -18.4, -179.93, -17.6]))
        if not day.startswith("2021-09"):
            east = files_of(f"east_{day}", EAST, told, folder)
            items.append(item_of("01KAB", day, east, BESIDE, [-180, -18.4, -179.41, -17.6]))
    (folder / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}), "utf-8")
    return folder


@pytest.fixture
def project(shelf: Path, tmp_path: Path) -> Callable[[str], Project]:
    """A project of 48 x 48 pixels of 500 m around 180 degrees in this CRS, in four tiles and a bit."""

    def make(crs: str) -> Project:
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*FIJI)
        left, bottom = round(x, -3) - 12_000, round(y, -3) - 12_000
        content = {
            "id": "fiji",
            "title": {"en": "Fiji", "fr": "Fidji"},
            "indicators": ["ndvi"],
            "store": "store",
            "period": {"start": "2021-07-01", "end": "2021-09-30"},
            "area": {
                "bounds": [left, bottom, left + 24_000, bottom + 24_000],
                "crs": crs,
                "resolution": 500,
                "tile": 20,
            },
            "sources": [
                {"sensor": "sentinel2", "catalogs": [{"id": "earth_search", "file": str(shelf / "items.json")}]}
            ],
            "access": {"files": [str(shelf)]},
        }
        (tmp_path / "fiji.toml").write_text(tomlkit.dumps(content), "utf-8")
        return Project.load(tmp_path / "fiji.toml")

    return make


CASES = ["EPSG:3832", "EPSG:32760", "EPSG:32701"]


@pytest.mark.parametrize("crs", CASES)
def test_every_pixel_of_a_run_over_the_antimeridian_is_where_it_belongs(project, crs):
    fiji = project(crs)
    plan = make_plan(fiji)
    assert {entry.scenes for entry in plan.entries if entry.partition.period.label == "2021-07"} == {1, 2}
    summary = run.reconcile(str(fiji.file), "update")
    assert summary.failed == ()
    stored = sco.open(fiji.file).load()
    lon, lat = degrees_of(fiji.geobox)
    assert (lon.min() < 179.9, lon.max() > 180.1) == (True, True)
    for month, told in (("2021-07", "longitude"), ("2021-08", "latitude")):
        found = stored["ndvi"].sel(time=month).squeeze()
        assert (stored["ndvi_n_seen"].sel(time=month) == 1).all()  # one solar day, whatever side the scene is on
        assert_in_place(found, told, lon, lat)
    assert not any(entry.due for entry in make_plan(fiji).entries)


def assert_in_place(found: xr.DataArray, told: str, lon: np.ndarray, lat: np.ndarray) -> None:
    """NDVI as its place has it, within a tenth of a pixel's difference and the rounding of numbers and packing."""
    expected = ndvi(told, lon, lat)
    pixel = np.abs(np.diff(expected, axis=1 if told == "longitude" else 0)).max()
    assert pixel > 0.001
    assert float(np.abs(found.values - expected).max()) < 0.1 * pixel + 0.0001


@pytest.mark.parametrize("crs", CASES)
def test_what_one_scene_does_not_reach_is_not_acquired_on_either_side(project, crs):
    fiji = project(crs)
    run.reconcile(str(fiji.file), "update")
    stored = sco.open(fiji.file).sel(time="2021-09").load().squeeze()
    lon, lat = degrees_of(fiji.geobox)
    to_west = Transformer.from_crs("EPSG:4326", "EPSG:32760", always_xy=True)
    x, _ = to_west.transform(np.where(lon > 180, lon - 360, lon), lat)
    end = WEST.boundingbox.right
    seen = stored["ndvi_n_seen"].values == 1
    assert seen[x < end - 500].all()
    assert not seen[x > end + 500].any()
    assert (lon[seen] > 180).any()
    np.testing.assert_array_equal(np.isfinite(stored["ndvi"].values), seen)
    inside = x < end - 500
    difference = np.abs(stored["ndvi"].values - ndvi("longitude", lon, lat))[inside]
    assert float(difference.max()) < 0.0005


def test_both_sides_are_asked_and_an_item_on_both_counts_once(project):
    answer: Answer = make_plan(project("EPSG:3832")).answers[0]
    assert [scene.id for scene in answer.scenes] == [
        "S2A_01KAB_20210710_0_L2A",
        "S2A_60KZG_20210710_0_L2A",
        "S2A_01KAB_20210810_0_L2A",
        "S2A_60KZG_20210810_0_L2A",
        "S2A_60KZG_20210910_0_L2A",
    ]
    assert len({(one.catalog, one.collection) for one in answer.asked}) * 2 == len(answer.asked)
