"""Masks widened by metres, as a project wants it: in the pixels of a partition, in its counts, in its fingerprint."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import tomlkit
from affine import Affine
from odc.geo.geobox import GeoBox

import sco
from flows import run
from sco import quality
from sco.block import Block
from sco.compute import compute_block
from sco.errors import ConfigurationError
from sco.grid import Tiling
from sco.library import indicators, sensors
from sco.model import Asset, Identity, Scene
from sco.observation import Observer
from sco.period import slice_of
from sco.plan import make_plan, rules_of
from sco.preflight import Rules
from sco.project import Project
from sco.quality import State
from sco.solar import Observation, observations
from sco.store import Store

TRANSFORM = Affine(20, 0, 600_000, 0, -20, 4_850_000)
SHAPE = (128, 128)
GRID = GeoBox(SHAPE, TRANSFORM, "EPSG:32631")
CLOUDS = np.zeros(SHAPE, bool)
CLOUDS[30:34, 61:64] = True  # the last columns of the left tile
CLOUDS[100, 100] = True
SNOW = np.zeros(SHAPE, bool)
SNOW[64:70, 10:20] = True


@pytest.fixture
def scene(write_raster) -> Scene:
    scl = np.full(SHAPE, 4, np.uint8)
    scl[CLOUDS], scl[SNOW] = 9, 11
    numbers = {"red": np.full(SHAPE, 500, np.uint16), "nir": np.full(SHAPE, 3500, np.uint16), "scl": scl}
    paths = {band: write_raster(f"{band}.tif", one, TRANSFORM, "EPSG:32631") for band, one in numbers.items()}
    outline = GRID.geographic_extent
    return Scene(
        id="S2A_31TFJ_20210715_0_L2A",
        sensor="sentinel2",
        catalog="simulated",
        collection="sentinel-2-l2a",
        identity=Identity("s2a", "20210715T103031", "31TFJ", ""),
        time=datetime(2021, 7, 15, 10, 30, tzinfo=UTC),
        footprint=outline.geom.wkt,
        bbox=outline.boundingbox.bbox,
        assets={band: Asset(str(path)) for band, path in paths.items()},
        baseline="03.01",
    )


def masked_pixels(scene: Scene, folder: Path, *widened: tuple[str, str, float]) -> np.ndarray:
    """Where a partition of NDVI masked, put together from its four tiles."""
    tiling = Tiling(GRID, 64)
    result = np.zeros(SHAPE, np.uint16)
    for tile in tiling:
        block = Block(
            period=slice_of(date(2021, 7, 15), "month"),
            tile=tile,
            geobox=tiling.geobox_of(tile),
            fingerprints={"ndvi": "f" * 64},
            observations=observations([scene], 4.0),
            rejected=(),
            rules=Rules((folder,), widened=widened),
        )
        (outcome,) = compute_block(block, "run")
        pixels = outcome.pixels
        assert ((pixels.n_seen == 1) ^ (pixels.n_masked == 1)).all()
        assert ((pixels.values == indicators["ndvi"].packing.fill) == (pixels.n_seen == 0)).all()
        result[tiling.window_of(tile)] = pixels.n_masked
    return result > 0


def near(mask: np.ndarray, metres: float) -> np.ndarray:
    """Where a pixel of the mask is at most so many metres away, middle to middle, one pixel at a time."""
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    found = np.zeros_like(mask)
    for row, column in zip(*np.nonzero(mask), strict=True):
        found |= np.hypot(rows - row, columns - column) * 20 <= metres
    return found


def test_pixels_near_a_cloud_are_masked_over_the_edges_of_tiles(scene, tmp_path):
    snow = near(SNOW, 0)
    np.testing.assert_array_equal(masked_pixels(scene, tmp_path), CLOUDS | snow)
    found = masked_pixels(scene, tmp_path, ("sentinel2", "cloud", 60.0))
    np.testing.assert_array_equal(found, near(CLOUDS, 60) | snow)
    assert found[30:34, 64:67].all()  # three pixels into the tile on the right
    other = masked_pixels(scene, tmp_path, ("landsat", "cloud", 60.0))
    np.testing.assert_array_equal(other, CLOUDS | snow)


def test_only_what_is_masked_is_widened(scene, tmp_path):
    """NDVI masks snow, and nobody masks vegetation."""
    wanted = (("sentinel2", "snow", 40.0), ("sentinel2", "vegetation", 2000.0))
    np.testing.assert_array_equal(masked_pixels(scene, tmp_path, *wanted), CLOUDS | near(SNOW, 40))


def test_a_band_that_holds_its_own_flags_is_read_with_and_without_a_margin(tmp_path, write_raster):
    numbers = np.full((40, 40), 50, np.uint8)
    numbers[20, 20] = 250  # cloud
    grid = GeoBox((40, 40), Affine(500, 0, 500_000, 0, -500, 5_000_000), "EPSG:32632")
    path = write_raster("snow.tif", numbers, grid.transform, "EPSG:32632", nodata=255)
    outline = grid.geographic_extent
    scene = Scene(
        id="MOD10A1.A2023193.h18v04.061",
        sensor="modis_snow",
        catalog="local",
        collection="modis-10A1-061",
        identity=Identity("terra", "2023193", "h18v04", ""),
        time=datetime(2023, 7, 12, tzinfo=UTC),
        footprint=outline.geom.wkt,
        bbox=outline.boundingbox.bbox,
        assets={"ndsi_snow_cover": Asset(str(path))},
    )
    rules = Rules((tmp_path,), widened=(("modis_snow", "cloud", 1000.0),))
    observer = Observer(Observation(date(2023, 7, 12), "modis_snow", (scene,)), grid, rules)
    mosaic = observer.mosaic(("ndsi_snow_cover",), sensors["modis_snow"].masked)
    assert observer.failed == {}
    assert (mosaic.states == State.MASKED).sum() == 13  # a disk of two pixels around the one
    assert (mosaic.states == State.SEEN).sum() == 40 * 40 - 13
    np.testing.assert_allclose(mosaic.bands["ndsi_snow_cover"][mosaic.states == State.SEEN], 0.5, rtol=1e-6)


def test_a_sensor_that_nobody_widens_is_itself():
    sensor = sensors["sentinel2"]
    assert quality.widening(sensor, ()) is sensor
    assert quality.widening(sensor, (("landsat", "cloud", 60.0),)) is sensor
    wider = quality.widening(sensor, (("sentinel2", "cloud", 60.0),))
    assert wider.qualities[0].dilated_m == {"cloud": 60.0}
    assert replace(wider, qualities=sensor.qualities) == sensor


def test_a_project_that_widens_masks_more_and_is_computed_anew(make_project):
    plain = make_project(indicators=["ndvi"])
    run.reconcile(str(plain), "update")
    before = sco.open(plain)["ndvi_n_masked"].load()
    text = tomlkit.parse(plain.read_text("utf-8"))
    text["sources"][0]["widen"] = {"cloud": 600}
    plain.write_text(tomlkit.dumps(text), "utf-8")
    project = Project.load(plain)
    assert rules_of(project).widened == (("sentinel2", "cloud", 600.0),)
    plan = make_plan(project)
    stale = [entry for entry in plan.entries if entry.due]
    assert {entry.reason for entry in stale} == {"configuration or code changed"}
    assert {entry.partition for entry in stale} == {entry.partition for entry in plan.entries if entry.scenes}
    run.reconcile(str(plain), "update")
    after = sco.open(plain)["ndvi_n_masked"].load()
    assert (after >= before).all()
    assert int(after.sum()) > 1.05 * int(before.sum())
    assert not any(entry.due for entry in make_plan(project).entries)
    assert len(Store.open(project.store_url).manifests()) == len(plan.entries)


@pytest.mark.parametrize(
    ("widen", "crs", "message"),
    [
        ({"clouds": 60}, None, "no flag 'clouds'; did you mean 'cloud'? sentinel2 has: "),
        ({"cloud": -1}, None, "sources.0.widen.cloud: Input should be greater than 0"),
        ({"cloud": 60}, "EPSG:4326", "sources.widen is in metres, and the area's EPSG:4326 is in degrees"),
    ],
)
def test_a_widening_that_means_nothing_is_refused(make_project, widen, crs, message):
    file = make_project()
    text = tomlkit.parse(file.read_text("utf-8"))
    text["sources"][0]["widen"] = widen
    if crs:
        text["area"] = {"bbox": [4.0, 43.0, 4.1, 43.1], "crs": crs, "resolution": 0.01}
    file.write_text(tomlkit.dumps(text), "utf-8")
    with pytest.raises(ConfigurationError) as error:
        Project.load(file)
    assert message in str(error.value)
