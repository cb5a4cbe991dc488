"""Mosaics of made-up scenes on a grid of four by four pixels."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from sco.library import sensors
from sco.model import Asset, Identity, Scene
from sco.observation import Observer
from sco.preflight import Rules
from sco.quality import State
from sco.solar import Observation, observations, solar_day

TRANSFORM = Affine(20, 0, 600_000, 0, -20, 4_850_000)
GRID = GeoBox((4, 4), TRANSFORM, "EPSG:32631")
MASKED = sensors["sentinel2"].masked
VEGETATION, CLOUD, NOTHING = 4, 9, 0


@pytest.fixture
def write_scene(write_raster):
    def write(name: str, scl, red, baseline: str = "03.01", bands=("red", "scl"), hour: int = 10) -> Scene:
        written = {"scl": np.array(scl, np.uint8), "red": np.array(red, np.uint16)}
        paths = {band: write_raster(f"{name}_{band}.tif", written[band], TRANSFORM, "EPSG:32631") for band in bands}
        west, south, east, north = GRID.geographic_extent.boundingbox.bbox
        return Scene(
            id=name,
            sensor="sentinel2",
            catalog="simulated",
            collection="sentinel-2-l2a",
            identity=Identity("s2a", name, "31TFJ", ""),
            time=datetime(2023, 7, 15, hour, 30, tzinfo=UTC),
            footprint=GRID.geographic_extent.buffer(0.01).geom.wkt,
            bbox=(west, south, east, north),
            assets={band: Asset(str(path)) for band, path in paths.items()},
            baseline=baseline,
        )

    return write


def look(tmp_path: Path, *scenes: Scene):
    observer = Observer(Observation(date(2023, 7, 15), "sentinel2", scenes), GRID, Rules((tmp_path,)))
    return observer, observer.mosaic(("red",), MASKED)


def test_the_first_scene_that_saw_a_pixel_gives_it(tmp_path, write_scene):
    left = [[VEGETATION, VEGETATION, CLOUD, NOTHING]] * 4
    right = [[VEGETATION, CLOUD, VEGETATION, CLOUD]] * 4
    _, mosaic = look(
        tmp_path, write_scene("a", left, np.full((4, 4), 1000)), write_scene("b", right, np.full((4, 4), 2000))
    )
    assert mosaic.states[0].tolist() == [State.SEEN, State.SEEN, State.SEEN, State.MASKED]
    np.testing.assert_allclose(mosaic.bands["red"][0], [0.1, 0.1, 0.2, np.nan], atol=1e-7)


def test_each_scene_is_calibrated_before_the_mosaic_so_that_there_is_no_seam(tmp_path, write_scene):
    west = [[VEGETATION, VEGETATION, NOTHING, NOTHING]] * 4
    east = [[NOTHING, NOTHING, VEGETATION, VEGETATION]] * 4
    _, mosaic = look(
        tmp_path,
        write_scene("a", west, np.full((4, 4), 1500), baseline="03.01"),
        write_scene("b", east, np.full((4, 4), 2500), baseline="05.09"),
    )
    np.testing.assert_allclose(mosaic.bands["red"], 0.15, atol=1e-7)


def test_a_band_that_cannot_be_read_is_failed_and_never_nodata(tmp_path, write_scene):
    scene = write_scene("a", np.full((4, 4), VEGETATION), np.full((4, 4), 1000))
    Path(scene.assets["red"].href).write_bytes(b"not a tiff")
    observer, mosaic = look(tmp_path, scene)
    assert (mosaic.states == State.FAILED).all()
    assert np.isnan(mosaic.bands["red"]).all()
    assert "cannot be read" in observer.failed["a", "red"]


def test_a_quality_band_that_cannot_be_read_fails_the_footprint(tmp_path, write_scene):
    scene = write_scene("a", np.full((4, 4), VEGETATION), np.full((4, 4), 1000))
    Path(scene.assets["scl"].href).unlink()
    _, mosaic = look(tmp_path, scene)
    assert (mosaic.states == State.FAILED).all()


def test_a_missing_asset_is_failed_and_named(tmp_path, write_scene):
    scene = write_scene("a", np.full((4, 4), VEGETATION), np.full((4, 4), 1000), bands=("scl",))
    observer, mosaic = look(tmp_path, scene)
    assert (mosaic.states == State.FAILED).all()
    assert "offers no asset for red" in observer.failed["a", "red"]


def test_another_scene_makes_good_for_a_failed_one(tmp_path, write_scene):
    broken = write_scene("a", np.full((4, 4), VEGETATION), np.full((4, 4), 1000))
    Path(broken.assets["red"].href).write_bytes(b"not a tiff")
    whole = write_scene("b", [[VEGETATION, CLOUD, NOTHING, VEGETATION]] * 4, np.full((4, 4), 2000))
    _, mosaic = look(tmp_path, broken, whole)
    assert mosaic.states[0].tolist() == [State.SEEN, State.FAILED, State.FAILED, State.SEEN]


def test_a_pixel_without_a_number_was_not_acquired(tmp_path, write_scene):
    red = np.full((4, 4), 1000)
    red[0, 0] = 0
    _, mosaic = look(tmp_path, write_scene("a", np.full((4, 4), VEGETATION), red))
    assert mosaic.states[0, 0] == State.NOT_ACQUIRED
    assert (mosaic.states.ravel()[1:] == State.SEEN).all()


def test_an_asset_is_read_once_for_two_indicators(tmp_path, write_scene):
    scene = write_scene("a", np.full((4, 4), VEGETATION), np.full((4, 4), 1000))
    observer = Observer(Observation(date(2023, 7, 15), "sentinel2", (scene,)), GRID, Rules((tmp_path,)))
    observer.mosaic(("red",), MASKED)
    Path(scene.assets["red"].href).unlink()
    np.testing.assert_allclose(observer.mosaic(("red",), MASKED | {"snow"}).bands["red"], 0.1, atol=1e-7)


def test_the_solar_day_is_the_day_where_the_area_is(write_scene):
    scene = replace(write_scene("a", np.zeros((4, 4)), np.zeros((4, 4))), time=datetime(2023, 7, 15, 23, tzinfo=UTC))
    assert solar_day(scene, 170.0) == date(2023, 7, 16)
    assert solar_day(scene, -120.0) == date(2023, 7, 15)


def test_scenes_are_grouped_by_solar_day_in_order(write_scene):
    late = write_scene("late", np.zeros((4, 4)), np.zeros((4, 4)), hour=11)
    early = write_scene("early", np.zeros((4, 4)), np.zeros((4, 4)))
    next_day = replace(early, id="next", time=datetime(2023, 7, 16, 10, tzinfo=UTC))
    grouped = observations([late, next_day, early], 4.5)
    assert [(one.day.day, [scene.id for scene in one.scenes]) for one in grouped] == [
        (15, ["early", "late"]),
        (16, ["next"]),
    ]


def test_a_daily_product_keeps_its_own_day_west_of_greenwich(write_scene):
    daily = replace(
        write_scene("a", np.zeros((4, 4)), np.zeros((4, 4))), sensor="oisst", time=datetime(2022, 9, 1, tzinfo=UTC)
    )
    assert solar_day(daily, -75.0) == date(2022, 9, 1)


def test_a_cloud_beyond_the_tiles_edge_reaches_into_it(tmp_path, write_scene, monkeypatch):
    from sco import library

    sensor = library.sensors["sentinel2"]
    (scl,) = sensor.qualities
    widening = replace(sensor, qualities=(replace(scl, dilated_m={"cloud": 25.0}),))
    monkeypatch.setattr("sensors.sentinel2.SENSOR", widening)
    scene = write_scene("a", [[VEGETATION, VEGETATION, CLOUD, VEGETATION]] * 4, np.full((4, 4), 1000))
    _, whole = look(tmp_path, scene)
    west = Observer(Observation(date(2023, 7, 15), "sentinel2", (scene,)), GRID[:, :2], Rules((tmp_path,)))
    assert whole.states[0].tolist() == [State.SEEN, State.MASKED, State.MASKED, State.MASKED]
    assert west.mosaic(("red",), MASKED).states[0].tolist() == [State.SEEN, State.MASKED]
