"""What other loaders turn into wrong pixels without a word: here an error, or a decision that is written down."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from sco.library import sensors
from sco.model import Asset, Identity, Scene
from sco.observation import Mosaic, Observer
from sco.preflight import Rules
from sco.quality import State
from sco.solar import Observation, observations

TRANSFORM = Affine(20, 0, 600_000, 0, -20, 4_850_000)
SHAPE = (256, 256)
GRID = GeoBox(SHAPE, TRANSFORM, "EPSG:32631")
MASKED = sensors["sentinel2"].masked
RED = np.random.default_rng(5).normal(2000, 300, SHAPE).clip(1, 9000).astype(np.uint16)
TOLD = Asset(
    "", crs="EPSG:32631", shape=SHAPE, transform=tuple(TRANSFORM)[:6], dtype="uint16", nodata=0, scale=1e-4, offset=0
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    paths = {"red": tmp_path / "red.tif", "scl": tmp_path / "scl.tif"}
    for band, numbers in (("red", RED), ("scl", np.full(SHAPE, 4, np.uint8))):
        profile = {"height": SHAPE[0], "width": SHAPE[1], "count": 1, "dtype": numbers.dtype, "nodata": 0}
        with rasterio.open(
            paths[band], "w", driver="COG", crs="EPSG:32631", transform=TRANSFORM, compress="deflate", **profile
        ) as file:
            file.write(numbers, 1)
    outline = GRID.geographic_extent.buffer(0.01)
    assets = {"red": replace(TOLD, href=str(paths["red"])), "scl": replace(TOLD, href=str(paths["scl"]), dtype="uint8")}
    return Scene(
        id="S2A_31TFJ_20210715_0_L2A",
        sensor="sentinel2",
        catalog="simulated",
        collection="sentinel-2-l2a",
        identity=Identity("s2a", "20210715T103031", "31TFJ", ""),
        time=datetime(2021, 7, 15, 10, 30, tzinfo=UTC),
        footprint=outline.geom.wkt,
        bbox=outline.boundingbox.bbox,
        assets=assets,
        baseline="03.01",
    )


def look(tmp_path: Path, *scenes: Scene, mismatch: str = "reject") -> tuple[Observer, Mosaic]:
    observer = Observer(Observation(date(2021, 7, 15), "sentinel2", scenes), GRID, Rules((tmp_path,), mismatch))
    return observer, observer.mosaic(("red",), MASKED)


def told(scene: Scene, **changes: object) -> Scene:
    return replace(scene, assets={**scene.assets, "red": replace(scene.assets["red"], **changes)})


def assert_right(mosaic: Mosaic) -> None:
    assert (mosaic.states == State.SEEN).all()
    np.testing.assert_allclose(mosaic.bands["red"], RED * 1e-4, rtol=2e-7)


def assert_failed(observer: Observer, mosaic: Mosaic, reason: str) -> None:
    assert (mosaic.states == State.FAILED).all()
    assert np.isnan(mosaic.bands["red"]).all()
    (message,) = observer.failed.values()
    assert reason in message


def test_as_it_should_be(scene, tmp_path):
    assert_right(look(tmp_path, scene)[1])


LIES: dict[str, dict[str, object]] = {
    "CRS": {"crs": "EPSG:32632"},
    "transform": {"transform": (20, 0, 601_000, 0, -20, 4_850_000)},
    "shape": {"shape": (128, 128)},
    "nodata": {"nodata": 65535},
    "dtype": {"dtype": "int16"},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_item_that_lies_about_its_file_is_rejected_or_overruled(scene, tmp_path, lie):
    lying = told(scene, **LIES[lie])
    assert_failed(*look(tmp_path, lying), f"item says {lie}")
    observer, mosaic = look(tmp_path, lying, mismatch="trust-file")
    assert_right(mosaic)
    assert lie in observer.trusted[scene.id, "red"][0]


def test_an_item_that_says_nothing_of_its_file_changes_nothing(scene, tmp_path):
    silent = told(scene, crs=None, shape=None, transform=None, dtype=None, nodata=None, scale=None, offset=None)
    _, mosaic = look(tmp_path, silent)
    assert_right(mosaic)
    assert mosaic.bands["red"].dtype == np.float32


def test_a_scene_without_one_of_its_assets_is_no_slice_of_zeros(scene, tmp_path):
    bare = replace(scene, assets={"scl": scene.assets["scl"]})
    assert_failed(*look(tmp_path, bare), "offers no asset for red")


def test_a_file_that_is_gone_is_no_slice_of_zeros(scene, tmp_path):
    Path(scene.assets["red"].href).unlink()
    assert_failed(*look(tmp_path, scene), "cannot be read")


def test_the_same_scene_a_second_later_is_no_second_observation(scene):
    again = replace(scene, id="S2A_31TFJ_20210715_1_L2A", time=scene.time + timedelta(seconds=1))
    (one,) = observations([scene, again], 4.5)
    assert [each.id for each in one.scenes] == [scene.id, again.id]


def test_a_file_that_is_cut_off_is_an_error_at_every_length(scene, tmp_path):
    path = Path(scene.assets["red"].href)
    whole = path.read_bytes()
    for length in (10, 300, len(whole) // 2, len(whole) - 500):
        path.write_bytes(whole[:length])
        assert_failed(*look(tmp_path, scene), "cannot be read")


@pytest.mark.parametrize("place", range(12))
def test_a_flipped_bit_is_an_error_where_the_item_tells_the_checksum(scene, tmp_path, place):
    path = Path(scene.assets["red"].href)
    sealed = told(scene, checksum=multihash(path.read_bytes()))
    assert_right(look(tmp_path, sealed)[1])
    damage(path, lambda content: len(content) * (2 * place + 1) // 24)
    assert_failed(*look(tmp_path, sealed), "checksum")


def multihash(content: bytes) -> str:
    """SHA-256 as the STAC file extension writes it: code 0x12, length 0x20, digest."""
    return "1220" + sha256(content).hexdigest()


def damage(path: Path, where: Callable[[bytes], int]) -> None:
    content = bytearray(path.read_bytes())
    content[where(content)] ^= 4
    path.write_bytes(content)
