"""Files that are made to harm whoever reads them, addresses that lead elsewhere, and headers that say otherwise."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import rasterio
from affine import Affine
from observatory import archive, playing, redirect, say
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.shutil import copy
from rasterio.vrt import WarpedVRT

from sco import landing
from sco.errors import SceneError, UpstreamError
from sco.landing import host_of
from sco.model import Asset, Band
from sco.plan import rules_of
from sco.preflight import DRIVERS, Rules, address, skip_drivers
from sco.project import Project
from sco.read import environment, read

RED = Band("red", 10, nodata=0)
ORIGIN = Affine(10, 0, 600_000, 0, -10, 4_850_000)
GRID = GeoBox((10, 10), ORIGIN, "EPSG:32631")
NUMBERS = np.arange(1, 101, dtype=np.uint16).reshape(10, 10)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(landing, "PATIENCE", landing.PATIENCE.new(backoff_factor=0.01))
    monkeypatch.setattr("sco.read.ATTEMPTS", 1)
    landing.LANDINGS.clear()
    landing._session.cache_clear()


@pytest.fixture
def red(write_raster) -> Path:
    return write_raster("red.tif", NUMBERS, ORIGIN, "EPSG:32631")


def numbers_at(href: str, **rules: object) -> np.ndarray:
    with environment():
        return read(Asset(href), RED, GRID, Rules(**rules)).numbers


# Files that are something else

HEAD = '<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="Byte" band="1"'
TAIL = "</VRTRasterBand></VRTDataset>"
DISGUISES = {
    "raw band": f'{HEAD} subClass="VRTRawRasterBand"><SourceFilename>/etc/passwd</SourceFilename>{TAIL}',
    "raw band beside": f'{HEAD} subClass="VRTRawRasterBand"><SourceFilename relativeToVRT="1">secret.bin'
    f"</SourceFilename><ImageOffset>0</ImageOffset><PixelOffset>1</PixelOffset><LineOffset>10</LineOffset>{TAIL}",
    "another file": f"{HEAD}><SimpleSource><SourceFilename>VICTIM</SourceFilename></SimpleSource>{TAIL}",
    "a server inside": f"{HEAD}><SimpleSource><SourceFilename>/vsicurl/SERVER/x</SourceFilename></SimpleSource>{TAIL}",
    "python": f'{HEAD} subClass="VRTDerivedRasterBand"><PixelFunctionLanguage>Python</PixelFunctionLanguage>'
    f"<PixelFunctionType>f</PixelFunctionType><PixelFunctionCode>import os; os.mkdir('VICTIM.d')</PixelFunctionCode>"
    f"{TAIL}",
    "declared": f'<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>\n{HEAD}>&e;{TAIL}',
    "wms": '<GDAL_WMS><Service name="TMS"><ServerUrl>SERVER/${z}/${x}/${y}</ServerUrl></Service><DataWindow>'
    "<UpperLeftX>0</UpperLeftX><UpperLeftY>1</UpperLeftY><LowerRightX>1</LowerRightX><LowerRightY>0</LowerRightY>"
    "<SizeX>10</SizeX><SizeY>10</SizeY></DataWindow></GDAL_WMS>",
    "wcs": "<WCS_GDAL><ServiceURL>SERVER/wcs?</ServiceURL><CoverageName>x</CoverageName></WCS_GDAL>",
    "tile index": "<GDALTileIndexDataset><IndexDataset>/vsicurl/SERVER/x.gpkg</IndexDataset></GDALTileIndexDataset>",
    "stac": '{"type": "FeatureCollection", "stac_version": "1.0.0", "features": [], "links": '
    '[{"rel": "next", "href": "SERVER/next"}]}',
    "png": "\x89PNG\r\n\x1a\n",
}


@pytest.mark.parametrize("kind", DISGUISES)
@pytest.mark.parametrize("over", ["file", "web"])
def test_a_file_that_is_something_else_is_not_opened(kind, over, red, tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(range(100)))
    with playing(lambda *_: say(red.read_bytes())) as victim, archive(tmp_path) as server:
        text = DISGUISES[kind].replace("SERVER", victim.url).replace("VICTIM", str(red))
        (tmp_path / "evil.tif").write_text(text, "latin-1")
        href = f"{server.url}/evil.tif" if over == "web" else str(tmp_path / "evil.tif")
        with pytest.raises(UpstreamError, match="cannot be read"):
            numbers_at(href, roots=(tmp_path,), hosts=(server.host,))
        assert victim.asked == []
    assert not Path(f"{red}.d").exists()


@pytest.mark.parametrize("kind", DISGUISES)
def test_nor_by_anybody_else_of_this_process(kind, tmp_path, red):
    """Whoever opens it without naming a driver, as some loaders do, finds no driver for it either."""
    skip_drivers()
    with playing(lambda *_: say(b"")) as victim:
        (tmp_path / "evil.tif").write_text(DISGUISES[kind].replace("SERVER", victim.url).replace("VICTIM", str(red)))
        with pytest.raises(RasterioError), rasterio.open(tmp_path / "evil.tif"):
            pass
        assert victim.asked == []


@pytest.mark.parametrize(
    "name",
    [
        "vrt://{red}",
        'STACIT:"{server}/search"',
        "STACTA:{server}/x.json",
        "WMS:{server}?",
        "WMTS:{server}/x.xml",
        "PLMosaic:mosaic=x",
        "ZARR:/vsicurl/{server}/x.zarr",
        'NETCDF:"/vsicurl/{server}/x.nc":x',
        "DERIVED_SUBDATASET:AMPLITUDE:{red}",
        "<GDAL_WMS><Service name='TMS'><ServerUrl>{server}</ServerUrl></Service></GDAL_WMS>",
        "<VRTDataset rasterXSize='1' rasterYSize='1'/>",
    ],
)
def test_no_spelling_reaches_a_driver_that_opens_other_addresses(name, red):
    skip_drivers()
    with playing(lambda *_: say(b"")) as victim:
        href = name.format(red=red, server=victim.url)
        with pytest.raises(SceneError):
            address(href, Rules(roots=(red.parent,), hosts=(victim.host,)))
        with pytest.raises(RasterioError), rasterio.open(href):
            pass
        assert victim.asked == []


def test_a_driver_that_gdal_takes_in_again_is_hollow(red, tmp_path):
    skip_drivers()
    with rasterio.open(red) as file:
        copy(file, tmp_path / "cog.tif", driver="COG", OVERVIEWS="IGNORE_EXISTING", BLOCKSIZE=128)
    (tmp_path / "evil.tif").write_text(DISGUISES["another file"].replace("VICTIM", str(red)))
    for _ in range(2):
        with environment() as gdal:
            assert gdal.drivers().keys() == DRIVERS | {"VRT"}
            for driver in (None, "VRT"):
                with pytest.raises(RasterioError), rasterio.open(tmp_path / "evil.tif", driver=driver):
                    pass


def test_the_drivers_that_are_left_do_all_that_we_do(red, tmp_path):
    skip_drivers()
    with rasterio.open(red) as file, WarpedVRT(file, crs="EPSG:32632") as warped:
        assert warped.read(1).max() == 100
    profile = {"height": 10, "width": 10, "count": 1, "dtype": "uint16", "crs": "EPSG:32631", "transform": ORIGIN}
    with rasterio.open(
        tmp_path / "B04.jp2", "w", driver="JP2OpenJPEG", QUALITY=100, REVERSIBLE="YES", **profile
    ) as out:
        out.write(NUMBERS, 1)
    np.testing.assert_array_equal(numbers_at(str(tmp_path / "B04.jp2"), roots=(tmp_path,)), NUMBERS)


# Addresses

HOSTS = ("archive.example.org", ".blob.core.windows.net", "127.0.0.1:8080")


@pytest.mark.parametrize(
    "href",
    [
        "https://archive.example.org/a/B04.tif",
        "https://archive.example.org:443/a/B04.tif",
        "https://sentinel2l2a01.blob.core.windows.net/B04.tif?sv=2024&sig=a%2Bb%3D",
        "https://ARCHIVE.example.org/B04.tif",
        "http://127.0.0.1:8080/B04.tif",
        "s3://eodata/Sentinel-2/B04.jp2",
    ],
)
def test_addresses_on_the_hosts_of_the_catalog(href):
    assert address(href, Rules(hosts=HOSTS)) == href


@pytest.mark.parametrize(
    "href",
    [
        "https://example.org/B04.tif",
        "https://archive.example.org.evil.com/B04.tif",
        "https://evil.com/archive.example.org/B04.tif",
        "https://archive.example.org@evil.com/B04.tif",
        "https://user:word@archive.example.org/B04.tif",
        "https://evil.com\\@archive.example.org/B04.tif",
        "https://evil.com\t.blob.core.windows.net/B04.tif",
        "https://blob.core.windows.net/B04.tif",
        "https://notblob.core.windows.net/B04.tif",
        "https://archive.example.org:8443/B04.tif",
        "https://archive.example.org:x/B04.tif",
        "https://[::1/B04.tif",
        "http://archive.example.org/B04.tif",
        "http://127.0.0.1:8081/B04.tif",
        "http://127.0.0.1/B04.tif",
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1:8080.evil.com/B04.tif",
        "https:///etc/passwd",
        "https:/archive.example.org/B04.tif",
        "zip+https://archive.example.org/a.zip!/B04.tif",
        "ftp://archive.example.org/B04.tif",
        "gs://bucket/B04.tif",
        "https://archive.example.org/\u2024\u2024/B04.tif",
        "",
    ],
)
def test_addresses_anywhere_else(href):
    with pytest.raises(SceneError, match=r"not read|only https"):
        address(href, Rules(hosts=HOSTS))


def test_a_project_lets_its_catalogs_hosts_be_read_and_no_others(make_project, tmp_path):
    source = {"sensor": "sentinel2", "catalogs": [{"id": "simulated", "url": "http://127.0.0.1:7822"}]}
    project = Project.load(make_project(sources=[source], access={"hosts": ["cogs.example.org"]}))
    rules = rules_of(project)
    assert rules.hosts == ("127.0.0.1:7822", "cogs.example.org")
    assert hash(rules) == hash(rules_of(project))
    assert Rules().hosts == ()
    assert host_of("https://a.org/v1") == "a.org"


# Redirects


def test_a_redirect_is_followed_where_it_stays_on_the_hosts(red):
    with archive(red.parent) as there, archive(red.parent, here=redirect(f"{there.url}/red.tif?signed=1")) as server:
        found = numbers_at(f"{server.url}/here.tif", hosts=(server.host, there.host))
        np.testing.assert_array_equal(found, NUMBERS)
        assert len(server.asked) == 1  # the rest is asked at the end of the way


@pytest.mark.parametrize("where", ["{victim}/secret.tif", "//{host}/secret.tif", "file:///etc/passwd", "/vsizip/x.zip"])
def test_a_redirect_off_the_hosts_is_refused(where, red):
    with playing(lambda *_: say(red.read_bytes())) as victim:
        target = where.format(victim=victim.url, host=victim.host)
        with (
            archive(red.parent, here=redirect(target)) as server,
            pytest.raises((SceneError, UpstreamError)) as refusal,
        ):
            numbers_at(f"{server.url}/here.tif", hosts=(server.host,))
        assert victim.asked == []
        if victim.host in target:
            assert refusal.type is SceneError
            assert f"is not on a host of its catalog ({server.host})" in str(refusal.value)


def test_redirects_without_end_are_refused(red):
    with (
        archive(red.parent, here=redirect("/here.tif")) as server,
        pytest.raises(SceneError, match="behind more than 5 redirects"),
    ):
        numbers_at(f"{server.url}/here.tif", hosts=(server.host,))


def test_an_archive_that_is_busy_once_is_asked_again(red):
    def busy(play, _):
        return say(b"", 503) if len(play.asked) == 1 else say(b"", 302, Location="/red.tif")

    with archive(red.parent, here=busy) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/here.tif", hosts=(server.host,)), NUMBERS)


@pytest.mark.parametrize("status", [404, 403, 500])
def test_what_is_not_there_is_an_error_and_not_nodata(status, red):
    with (
        archive(red.parent, here=lambda *_: say(b"", status)) as server,
        pytest.raises(UpstreamError, match="cannot be read"),
    ):
        numbers_at(f"{server.url}/here.tif?sig=SECRET", hosts=(server.host,))


# Headers and sizes


@pytest.mark.parametrize("over", ["file", "web"])
def test_a_file_of_another_length_than_its_item_says(over, red):
    length = red.stat().st_size
    with archive(red.parent) as server, environment():
        href = f"{server.url}/red.tif" if over == "web" else str(red)
        rules = Rules((red.parent,), hosts=(server.host,))
        assert read(Asset(href, size=length), RED, GRID, rules).trusted == ()
        with pytest.raises(SceneError, match=f"item says size {length + 1}, file has {length}"):
            read(Asset(href, size=length + 1), RED, GRID, rules)


def test_a_mismatch_can_be_a_warning(red):
    asset = Asset(str(red), dtype="int16", nodata=float("nan"))
    reading = read(asset, RED, GRID, Rules((red.parent,), "warn"))
    assert reading.trusted == (
        "warning: item says dtype int16, file has uint16",
        "warning: item says nodata nan, file has 0.0",
    )
    np.testing.assert_array_equal(reading.numbers, NUMBERS)
    assert (
        read(asset, RED, GRID, Rules((red.parent,), "trust-file")).trusted[0]
        == "item says dtype int16, file has uint16"
    )


BOMBS = {
    "blocks of": {"height": 8192, "width": 8192, "tiled": True, "blockxsize": 8192, "blockysize": 8192},
    "blocks of 40,000 x 1,000": {"height": 1000, "width": 40_000, "blockysize": 1000, "compress": "deflate"},
    "pixels, over": {"height": 2**18, "width": 2**17, "tiled": True, "blockxsize": 4096, "blockysize": 4096},
    "bytes of pixels in a file of": {
        "height": 40_000,
        "width": 40_000,
        "tiled": True,
        "blockxsize": 1024,
        "blockysize": 1024,
    },
    "bands, over": {"height": 16, "width": 16, "count": 1025},
}


@pytest.mark.parametrize("danger", BOMBS)
def test_a_file_that_is_made_to_exhaust_its_reader(danger, tmp_path):
    profile = {"count": 1, "dtype": "uint16", "crs": "EPSG:32631", "transform": ORIGIN, "SPARSE_OK": True}
    with rasterio.open(tmp_path / "bomb.tif", "w", driver="GTiff", **(profile | BOMBS[danger])):
        pass
    assert (tmp_path / "bomb.tif").stat().st_size < 30_000_000
    with pytest.raises(SceneError, match=rf"{danger}.*it cannot be read safely"):
        numbers_at(str(tmp_path / "bomb.tif"), roots=(tmp_path,), mismatch="trust-file")


def test_a_sparse_scene_is_no_bomb(tmp_path):
    profile = {"height": 10_980, "width": 10_980, "count": 1, "dtype": "uint16", "crs": "EPSG:32631"}
    with rasterio.open(
        tmp_path / "red.tif", "w", driver="GTiff", transform=ORIGIN, tiled=True, SPARSE_OK=True, nodata=0, **profile
    ):
        pass
    assert not numbers_at(str(tmp_path / "red.tif"), roots=(tmp_path,)).any()


def test_a_copy_under_another_name_is_the_same(red):
    shutil.copy(red, red.with_name("B04.TIF"))
    np.testing.assert_array_equal(numbers_at(str(red.with_name("B04.TIF")), roots=(red.parent,)), NUMBERS)


# Many threads at once

WARPING_BESIDE = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
import rasterio
from rasterio.vrt import WarpedVRT
from sco.preflight import skip_drivers

def warp():
    with rasterio.open(sys.argv[1]) as file:
        while time.monotonic() < end:
            with WarpedVRT(file, crs="EPSG:32632") as warped:
                assert warped.driver == "VRT"

def skip():
    while time.monotonic() < end:
        skip_drivers()

sys.setswitchinterval(1e-5)
end = time.monotonic() + 4
with ThreadPoolExecutor(4) as threads:
    done = [threads.submit(work) for work in (skip, skip, warp, warp)]
print(len([one.result() for one in done]))
"""


def test_drivers_are_skipped_while_others_warp(red):
    """In a process of its own: what goes wrong here is no exception, but the end of the process."""
    command = [sys.executable, "-c", WARPING_BESIDE, str(red)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (0, "4"), ended.stderr


def test_threads_that_begin_with_the_same_file_ask_for_its_head_once(red):
    together = Barrier(8)

    def read_now(href: str, host: str) -> np.ndarray:
        together.wait(10)
        return numbers_at(href, hosts=(host,))

    with archive(red.parent) as server, ThreadPoolExecutor(8) as threads:
        reads = [threads.submit(read_now, f"{server.url}/red.tif", server.host) for _ in range(8)]
        for one in reads:
            np.testing.assert_array_equal(one.result(30), NUMBERS)
    assert [request.headers["Range"] for request in server.asked] == ["bytes=0-32767"]
