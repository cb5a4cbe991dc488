"""Open files are used again, and never in place of another file."""

import os
from threading import Barrier, Thread

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.vrt import WarpedVRT

from sco import handles
from sco.handles import Handle, Handles

ORIGIN = Affine(10, 0, 600_000, 0, -10, 4_850_000)


@pytest.fixture
def opened():
    """Opens files and counts how often."""

    class Opener:
        count = 0

        def __call__(self, path):
            self.count += 1
            return Handle(rasterio.open(path))

    return Opener()


def written(write_raster, name: str, value: int):
    return str(write_raster(name, np.full((8, 8), value, np.uint8), ORIGIN, "EPSG:32631"))


def test_a_file_is_opened_once_for_readings_one_after_another(write_raster, opened):
    pool, path = Handles(), written(write_raster, "a.tif", 1)
    for _ in range(3):
        with pool.lent(path, lambda: opened(path)) as handle:
            assert handle.file.read(1)[0, 0] == 1
    assert opened.count == 1
    pool.close()
    assert handle.file.closed


def test_a_file_that_became_another_is_opened_anew(write_raster, opened):
    pool, path = Handles(), written(write_raster, "a.tif", 1)
    with pool.lent(path, lambda: opened(path)):
        pass
    os.utime(written(write_raster, "a.tif", 2), ns=(1, 1))
    with pool.lent(path, lambda: opened(path)) as handle:
        assert handle.file.read(1)[0, 0] == 2
    assert opened.count == 2


def test_two_threads_never_hold_the_same_handle(write_raster, opened):
    pool, path, together, held = Handles(), written(write_raster, "a.tif", 1), Barrier(2), []

    def borrow():
        with pool.lent(path, lambda: opened(path)) as handle:
            together.wait(10)
            held.append(handle)

    threads = [Thread(target=borrow) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held[0] is not held[1]


def test_a_file_that_failed_its_borrower_is_closed_and_not_lent_again(write_raster, opened):
    pool, path = Handles(), written(write_raster, "a.tif", 1)
    with pytest.raises(OSError, match="broken"), pool.lent(path, lambda: opened(path)) as failed:
        raise OSError("broken")
    assert failed.file.closed
    with pool.lent(path, lambda: opened(path)) as handle:
        assert handle is not failed


def test_no_more_wait_open_than_memory_is_allowed_for(write_raster, opened):
    paths = [written(write_raster, f"{number}.tif", number) for number in range(5)]
    pool, lent = Handles(most_bytes=3 * (handles.FIXED_BYTES + 2 * 64 * 64)), []
    for path in paths:
        with pool.lent(path, lambda path=path: opened(path)) as handle:
            lent.append(handle)
    assert [handle.file.closed for handle in lent] == [True, True, False, False, False]


def test_a_remote_file_is_opened_anew_when_it_is_old(write_raster, opened, monkeypatch):
    pool, path = Handles(), written(write_raster, "a.tif", 1)
    for _ in range(2):
        with pool.lent("https://example.org/a.tif", lambda: opened(path)):
            pass
    assert opened.count == 1
    monkeypatch.setattr(handles, "KEPT_S", -1.0)
    with pool.lent("https://example.org/a.tif", lambda: opened(path)):
        pass
    assert opened.count == 2


def test_a_file_that_a_thread_left_open_is_warped_by_the_next_one(write_raster, opened):
    """Each thread is gone when the next one borrows: nothing of the file may have been its own."""
    pool, path, found = Handles(), written(write_raster, "a.tif", 1), []

    def borrow():
        with pool.lent(path, lambda: opened(path)) as handle, WarpedVRT(handle.file, crs="EPSG:32632") as warped:
            found.append((str(handle.file.crs), warped.read(1).max()))

    for _ in range(20):
        thread = Thread(target=borrow)
        thread.start()
        thread.join()
    assert found == [("EPSG:32631", 1)] * 20
    assert opened.count == 1
