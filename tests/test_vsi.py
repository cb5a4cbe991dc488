"""GDAL reads what we fetch as it reads a file on a disk; what did not come is told, and not taken for pixels."""

import gc
import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from observatory import Play, Request, Said, archive, playing, ranged, say
from observatory.tls import before_a_server, certificate, serving  # noqa: F401 - fixtures, and a server
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning
from remote import GRID, NUMBERS, ORIGIN, RED, SIDE, hasty, numbers_at, on_a_disk, written  # noqa: F401 - fixtures among them

from sco import vsi
from sco.errors import UpstreamError
from sco.landing import HEAD_BYTES
from sco.meter import Meter
from sco.model import Asset
from sco.preflight import Rules
from sco.read import environment, overview, read
from sco.webfile import WebFile


def counted(server: Play) -> list[tuple[int, int]]:
    """First byte and length of what was asked."""
    spans = [request.headers["Range"].removeprefix("bytes=").split("-") for request in server.asked]
    return [(int(first), int(last) - int(first) + 1) for first, last in spans]


def test_a_window_costs_its_own_blocks_and_a_file_one_request_for_its_head(tmp_path):
    file = written(tmp_path / "red.tif", NUMBERS, 128)
    with archive(file.parent) as server:
        corner = GeoBox((128, 256), ORIGIN, "EPSG:32631")
        before = Meter.now()
        for row in (0, 256):
            found = numbers_at(f"{server.url}/red.tif", server.host, grid=corner.translate_pix(0, row))
            np.testing.assert_array_equal(found, NUMBERS[row : row + 128, :256])
        spent = Meter.now().since(before)
        head, *blocks = counted(server)
        assert head == (0, HEAD_BYTES)
        assert [length for _, length in blocks] == [2 * 128 * 128 * 2] * 2
        assert spent.requests == 3
        assert spent.bytes_read is None or spent.bytes_read >= HEAD_BYTES + 4 * 128 * 128 * 2


READ_AND_END = """
import sys
sys.path[:0] = sys.argv[3:]
from remote import HANDLES, numbers_at
print(numbers_at(*sys.argv[1:3]).sum())
sys.kept = HANDLES  # which is let go of last of all
"""


def test_a_process_ends_well_with_files_open(red):
    with archive(red.parent) as server:
        told = [f"{server.url}/red.tif", server.host, str(Path(__file__).parent)]
        ended = subprocess.run([sys.executable, "-c", READ_AND_END, *told], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, f"{NUMBERS.sum()}\n"), ended.stderr


def test_numbers_are_those_of_the_file_on_a_disk_in_every_way_of_reading(tmp_path):
    file = written(tmp_path / "red.tif", NUMBERS, compress="deflate")
    with rasterio.open(file, "r+") as opened:
        opened.build_overviews([2, 4, 8])
    shifted = GeoBox((100, 90), ORIGIN @ Affine.translation(40.3, 51.7), "EPSG:32631")
    coarse = GeoBox((50, 60), ORIGIN @ Affine.translation(8, 16) @ Affine.scale(4), "EPSG:32631")
    turned = GeoBox((80, 80), Affine(12, 0, 111_000, 0, -12, 4_860_000), "EPSG:32632")
    beyond = GeoBox((700, 700), ORIGIN @ Affine.translation(-50, -60), "EPSG:32631")
    with archive(file.parent) as server, environment():
        rules = Rules((file.parent,), hosts=(server.host,))
        for grid in (GRID, shifted, coarse, turned, beyond):
            for ways in ("means", "any"):
                way = Rules((file.parent,), hosts=(server.host,), overviews=ways)
                near, far = (read(Asset(where), RED, grid, way) for where in (str(file), f"{server.url}/red.tif"))
                np.testing.assert_array_equal(near.numbers, far.numbers)
        seen = overview(Asset(f"{server.url}/red.tif"), (64, 64), rules)
        np.testing.assert_array_equal(seen, overview(Asset(str(file)), (64, 64), rules))


def test_a_jpeg_2000_is_read_right_and_ahead(tmp_path):
    file = tmp_path / "red.jp2"
    smooth = (NUMBERS // 8).astype(np.uint16)
    with rasterio.open(
        file, "w", driver="JP2OpenJPEG", width=SIDE, height=SIDE, count=1, dtype="uint16", crs="EPSG:32631",
        transform=ORIGIN, QUALITY=100, REVERSIBLE="YES", BLOCKXSIZE=128, BLOCKYSIZE=128,
    ) as opened:  # fmt: skip
        opened.write(smooth, 1)
    with archive(tmp_path) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.jp2", server.host), smooth)
        assert len(server.asked) <= 16  # blocks, each of which is opened anew


def test_a_jpeg_2000_that_breaks_off_is_an_error_where_gdal_says_nothing(tmp_path, monkeypatch):
    """GDAL's driver opens the file anew for every block, and hands out memory as it is where that fails."""
    monkeypatch.setattr("sco.read.ATTEMPTS", 1)
    with rasterio.open(
        tmp_path / "red.jp2", "w", driver="JP2OpenJPEG", width=SIDE, height=SIDE, count=1, dtype="uint16",
        crs="EPSG:32631", transform=ORIGIN, BLOCKXSIZE=128, BLOCKYSIZE=128,
    ) as opened:  # fmt: skip
        opened.write(NUMBERS, 1)

    def answer(this: Play, request: Request) -> Said:
        good = ranged(tmp_path / "red.jp2", request.headers["Range"])
        return good if len(this.asked) < 3 else say(b"", 404)

    with playing(answer) as server, pytest.raises(UpstreamError, match="status 404"):
        numbers_at(f"{server.url}/red.jp2", server.host)


def test_a_header_that_does_not_come_is_told_and_not_taken_for_the_end_of_the_file(tmp_path, monkeypatch):
    """The header of this file is longer than what is asked for at first."""
    monkeypatch.setattr("sco.read.ATTEMPTS", 1)
    file = written(tmp_path / "red.tif", np.tile(NUMBERS, (4, 4)), 16, "deflate")

    def answer(this: Play, request: Request) -> Said:
        return ranged(file, request.headers["Range"]) if len(this.asked) == 1 else say(b"", 404)

    with (
        playing(answer) as server,
        pytest.raises(UpstreamError, match="status 404"),
        warnings.catch_warnings(action="ignore", category=NotGeoreferencedWarning),
    ):
        numbers_at(f"{server.url}/red.tif", server.host)
    with archive(file.parent) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host), NUMBERS)


def test_a_file_may_be_opened_read_and_closed_by_different_threads(red):
    with archive(red.parent) as server, environment():
        web = WebFile(f"{server.url}/red.tif", (server.host,))
        held: list[rasterio.DatasetReader] = []
        before = set(vsi._cursors)

        def opened(name: str) -> None:
            with environment():
                held.append(rasterio.open(name, driver="GTiff"))

        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as two, ThreadPoolExecutor(1) as three:
            one.submit(opened, vsi.name_of(web)).result(10)
            np.testing.assert_array_equal(two.submit(held[0].read, 1).result(10), NUMBERS)
            three.submit(held[0].close).result(10)
    assert held[0].closed
    assert set(vsi._cursors) == before
    assert web in vsi._files.values()
    del web
    gc.collect()
    assert not [one for one in vsi._files.values() if one.address == f"{server.url}/red.tif"]


def test_many_threads_read_many_files_right(tmp_path):
    files = [np.roll(NUMBERS, number, axis=0) for number in range(6)]
    for number, one in enumerate(files):
        written(tmp_path / f"f{number}.tif", one, 128, "deflate")
    windows = [(row, column) for row in range(0, SIDE, 128) for column in range(0, SIDE, 128)]

    def look(job: tuple[int, tuple[int, int]]) -> bool:
        number, (row, column) = job
        grid = GeoBox((100, 100), ORIGIN @ Affine.translation(column + 9, row + 5), "EPSG:32631")
        found = numbers_at(f"{server.url}/f{number}.tif", server.host, grid=grid)
        told = np.zeros((100, 100), np.uint16)
        part = files[number][row + 5 : row + 105, column + 9 : column + 109]
        told[: part.shape[0], : part.shape[1]] = part
        return bool((found == told).all())

    with archive(tmp_path) as server, ThreadPoolExecutor(16) as threads:
        assert all(threads.map(look, [(number, window) for window in windows for number in range(6)]))
        assert sum(span == (0, HEAD_BYTES) for span in counted(server)) == 6


def test_a_child_process_has_connections_of_its_own(red):
    with archive(red.parent) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host), NUMBERS)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            right = bool((numbers_at(f"{server.url}/red.tif", server.host) == NUMBERS).all())
            os.write(writing, b"right" if right else b"wrong")
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reading, 5) == b"right"
        os.close(reading)
        os.close(writing)
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host), NUMBERS)
