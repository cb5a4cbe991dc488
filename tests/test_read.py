"""Every pixel lands where it belongs: rasters whose values say where they are."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from sco.errors import SceneError, UpstreamError
from sco.model import Asset, Band
from sco.preflight import Rules, address
from sco.read import read

CLASSES = Band("scl", 20, nodata=0, resampling="nearest")
REFLECTANCE = Band("red", 10, nodata=0, resampling="bilinear")
ORIGIN = Affine(10, 0, 600_000, 0, -10, 4_850_000)


def places(height: int, width: int) -> np.ndarray:
    """1 + column + row x width: no two pixels alike, none of them 0."""
    return (1 + np.arange(height * width)).reshape(height, width).astype(np.uint32)


def box(x: float, y: float, step: float, height: int, width: int, crs: str = "EPSG:32631") -> GeoBox:
    return GeoBox((height, width), Affine(step, 0, x, 0, -step, y), crs)


def read_numbers(path, band, geobox):
    return read(Asset(str(path)), band, geobox, Rules((path.parent,))).numbers


def test_a_window_on_the_same_grid_is_copied(write_raster):
    path = write_raster("red.tif", places(100, 120), ORIGIN, "EPSG:32631")
    found = read_numbers(path, REFLECTANCE, box(600_300, 4_849_800, 10, 20, 25))
    np.testing.assert_array_equal(found, places(100, 120)[20:40, 30:55])


def test_beyond_the_file_there_is_nodata(write_raster):
    path = write_raster("red.tif", places(50, 50), ORIGIN, "EPSG:32631")
    found = read_numbers(path, REFLECTANCE, box(599_950, 4_850_030, 10, 10, 10))
    assert (found[:3] == 0).all()
    assert (found[:, :5] == 0).all()
    np.testing.assert_array_equal(found[3:, 5:], places(50, 50)[:7, :5])


def test_a_grid_that_does_not_touch_the_file_is_all_nodata(write_raster):
    path = write_raster("red.tif", places(10, 10), ORIGIN, "EPSG:32631")
    assert not read_numbers(path, REFLECTANCE, box(700_000, 4_850_000, 10, 5, 5)).any()


@pytest.mark.parametrize("times", [2, 3])
def test_a_coarser_file_is_repeated_from_its_own_edges(write_raster, times):
    coarse = Affine(10 * times, 0, 600_000, 0, -10 * times, 4_850_000)
    path = write_raster("scl.tif", places(30, 30), coarse, "EPSG:32631")
    found = read_numbers(path, CLASSES, box(600_010, 4_849_990, 10, 7, 9))
    expected = places(30, 30).repeat(times, axis=0).repeat(times, axis=1)[1:8, 1:10]
    np.testing.assert_array_equal(found, expected)


def test_a_finer_file_is_averaged_without_its_nodata(write_raster):
    numbers = np.full((40, 40), 100, np.uint16)
    numbers[0, 0], numbers[0, 1], numbers[1, 0], numbers[1, 1] = 0, 10, 20, 30
    path = write_raster("red.tif", numbers, ORIGIN, "EPSG:32631")
    found = read_numbers(path, REFLECTANCE, box(600_000, 4_850_000, 20, 20, 20))
    assert found[0, 0] == 20
    assert (found.ravel()[1:] == 100).all()


def test_half_a_pixel_away_is_the_mean_of_the_neighbours(write_raster):
    path = write_raster("red.tif", places(60, 60), ORIGIN, "EPSG:32631")
    found = read_numbers(path, REFLECTANCE, box(600_100, 4_849_905, 10, 10, 10))
    rows = places(60, 60).astype(float)
    expected = (rows[9:19, 10:20] + rows[10:20, 10:20]) / 2
    np.testing.assert_allclose(found, expected, atol=0.5)


def test_across_two_utm_zones_every_pixel_is_within_a_hundredth(write_raster):
    ramp = Affine(200, 0, 200_000, 0, -200, 5_100_000)
    columns, rows = np.meshgrid(np.arange(400), np.arange(400))
    across = write_raster("across.tif", (1000 + columns).astype(np.float32), ramp, "EPSG:32632", nodata=-1)
    down = write_raster("down.tif", (1000 + rows).astype(np.float32), ramp, "EPSG:32632", nodata=-1)
    target = box(704_000, 5_080_000, 200, 100, 100)
    x, y = np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5)
    east, north = Transformer.from_crs(32631, 32632, always_xy=True).transform(*(target.transform @ (x, y)))
    column, row = ~ramp @ (east, north)
    band = Band("ramp", 200, nodata=-1)
    np.testing.assert_allclose(read_numbers(across, band, target) - 1000, column - 0.5, atol=0.01)
    np.testing.assert_allclose(read_numbers(down, band, target) - 1000, row - 0.5, atol=0.01)


@pytest.mark.parametrize("crs", ["EPSG:3031", "EPSG:3832", "+proj=sinu +R=6371007.181 +units=m"])
def test_a_tile_read_alone_equals_the_same_part_of_the_whole(write_raster, crs):
    centre = {"EPSG:3031": (0.0, -1_500_000.0), "EPSG:3832": (3_300_000.0, 0.0)}.get(crs, (0.0, 5_000_000.0))
    transform = Affine(500, 0, centre[0] - 50_000, 0, -500, centre[1] + 50_000)
    path = write_raster("scl.tif", places(200, 200), transform, crs)
    whole = box(centre[0] - 20_130, centre[1] + 20_170, 430, 60, 60, crs)
    all_at_once = read_numbers(path, CLASSES, whole)
    assert all_at_once.all()
    np.testing.assert_array_equal(read_numbers(path, CLASSES, whole[20:45, 10:50]), all_at_once[20:45, 10:50])


def test_over_the_antimeridian(write_raster):
    transform = Affine(1000, 0, 3_300_000, 0, -1000, -1_900_000)  # PDC Mercator, centred on 150 E: 180 E is at 3,339 km
    path = write_raster("red.tif", places(80, 80), transform, "EPSG:3832")
    found = read_numbers(path, CLASSES, box(3_310_000, -1_910_000, 1000, 60, 60, "EPSG:3832"))
    np.testing.assert_array_equal(found, places(80, 80)[10:70, 10:70])


def test_a_file_that_is_cut_off_is_an_error_and_not_nodata(write_raster):
    path = write_raster("red.tif", places(300, 300), ORIGIN, "EPSG:32631")
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(UpstreamError, match=r"red\.tif cannot be read"):
        read_numbers(path, REFLECTANCE, box(600_000, 4_850_000, 10, 300, 300))


def test_a_signature_is_never_told():
    signed = Asset("https://127.0.0.1:9/B04.tif?sv=2024&sig=SECRET%2Bkey&se=now")
    with pytest.raises(UpstreamError) as caught:
        read(signed, REFLECTANCE, box(600_000, 4_850_000, 10, 5, 5), Rules(hosts=("127.0.0.1:9",)))
    assert "SECRET" not in str(caught.value)
    assert "https://127.0.0.1:9/B04.tif cannot be read" in str(caught.value)


def test_a_missing_file_is_an_error_and_not_nodata(tmp_path):
    with pytest.raises(UpstreamError, match="cannot be read"):
        read_numbers(tmp_path / "gone.tif", REFLECTANCE, box(600_000, 4_850_000, 10, 5, 5))


def test_a_vrt_in_a_tif_is_not_opened(write_raster, tmp_path):
    secret = write_raster("secret.tif", places(10, 10), ORIGIN, "EPSG:32631")
    disguised = tmp_path / "evil.tif"
    disguised.write_text(
        '<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="Byte" band="1" '
        f'subClass="VRTRawRasterBand"><SourceFilename>{secret}</SourceFilename></VRTRasterBand></VRTDataset>'
    )
    with pytest.raises(UpstreamError):
        read_numbers(disguised, REFLECTANCE, box(600_000, 4_850_000, 10, 10, 10))


def test_header_and_item_disagree(write_raster):
    path = write_raster("red.tif", places(10, 10), ORIGIN, "EPSG:32631")
    lying = Asset(str(path), crs="EPSG:32632", shape=(20, 20), dtype="uint16", nodata=65535)
    geobox = box(600_000, 4_850_000, 10, 10, 10)
    with pytest.raises(SceneError, match=r"CRS EPSG:32632.*shape \(20, 20\).*dtype uint16.*nodata 65535.*trust-file"):
        read(lying, REFLECTANCE, geobox, Rules((path.parent,)))
    reading = read(lying, REFLECTANCE, geobox, Rules((path.parent,), "trust-file"))
    np.testing.assert_array_equal(reading.numbers, places(10, 10))
    assert len(reading.trusted) == 4


@pytest.mark.parametrize(
    "href",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "/vsicurl/http://127.0.0.1/x.tif",
        "vrt:///x.tif",
        "ftp://example.org/x.tif",
        "http://169.254.169.254/latest/meta-data",
        "<VRTDataset/>",
        "relative.tif",
        "GTIFF_RAW:/etc/passwd",
    ],
)
def test_addresses_that_are_never_opened(tmp_path, href):
    with pytest.raises(SceneError):
        read(Asset(href), REFLECTANCE, box(0, 0, 10, 2, 2), Rules((tmp_path,)))


def test_a_link_does_not_lead_out_of_the_allowed_folders(write_raster, tmp_path):
    path = write_raster("red.tif", places(10, 10), ORIGIN, "EPSG:32631")
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "link.tif").symlink_to(path)
    with pytest.raises(SceneError, match="outside the folders"):
        read(Asset(str(allowed / "link.tif")), REFLECTANCE, box(0, 0, 10, 2, 2), Rules((allowed,)))


def test_a_folder_that_only_begins_alike_is_another_one_and_a_file_may_be_named_itself(tmp_path):
    told = {name: str(tmp_path / name / "red.tif") for name in ("allowed", "allowed_not")}
    rules = Rules((tmp_path / "allowed",))
    assert address(told["allowed"], rules) == told["allowed"]
    with pytest.raises(SceneError, match="outside the folders"):
        address(told["allowed_not"], rules)
    with pytest.raises(SceneError, match="outside the folders"):
        address(told["allowed"], Rules())
    assert address(told["allowed"], Rules((tmp_path / "allowed" / "red.tif",))) == told["allowed"]


def test_a_link_that_was_allowed_is_looked_at_again_once_it_leads_elsewhere(tmp_path):
    inside, outside, link = tmp_path / "in" / "red.tif", tmp_path / "out" / "red.tif", tmp_path / "in" / "link.tif"
    for file in (inside, outside):
        file.parent.mkdir()
        file.write_bytes(b"")
    rules = Rules((tmp_path / "in",))
    link.symlink_to(inside)
    assert [address(str(link), rules) for _ in range(2)] == [str(inside)] * 2
    link.unlink()
    link.symlink_to(outside)
    with pytest.raises(SceneError, match="outside the folders"):
        address(str(link), rules)


def test_a_signer_that_is_down_is_an_upstream_error(monkeypatch, write_raster):
    from dataclasses import replace
    from datetime import UTC, datetime

    from sco import library
    from sco.model import Identity, Scene
    from sco.read import signed

    def down(href: str) -> str:
        raise TimeoutError(f"no token for {href}?sig=SECRET")

    monkeypatch.setattr("catalogs.simulated.CATALOG", replace(library.catalogs["simulated"], sign=down))
    scene = Scene(
        id="a",
        sensor="sentinel2",
        catalog="simulated",
        collection="sentinel-2-l2a",
        identity=Identity("", "", "", ""),
        time=datetime(2023, 7, 1, tzinfo=UTC),
        footprint="POLYGON ((0 0, 1 0, 1 1, 0 0))",
        bbox=(0, 0, 1, 1),
        assets={"red": Asset("https://example.org/red.tif")},
    )
    with pytest.raises(UpstreamError, match="cannot be signed by simulated: no token for") as caught:
        signed(scene, "red")
    assert "SECRET" not in str(caught.value)
