"""What a process read is counted: from its disk, and by GDAL from the web."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from sco import library
from sco.meter import Meter, peak_memory
from sco.model import Asset
from sco.preflight import Rules
from sco.read import environment, read

RED = library.sensors["sentinel2"].band("red")
GRID = GeoBox((512, 512), Affine(10, 0, 0, 0, -10, 0), "EPSG:32631")


@pytest.fixture
def raster(write_raster) -> Path:
    noise = np.random.default_rng(7).integers(1, 9999, (512, 512)).astype("u2")
    return write_raster("noise.tif", noise, GRID.transform, "EPSG:32631")


def test_a_local_file_is_counted_by_its_bytes(raster: Path, tmp_path: Path):
    before = Meter.now()
    with environment():
        read(Asset(str(raster)), RED, GRID, Rules(roots=(tmp_path,)))
    spent = Meter.now().since(before)
    size = raster.stat().st_size
    assert size <= spent.bytes_read <= size + 500_000  # the rest is what Python and GDAL look up
    assert spent.requests == 0


def test_a_file_of_the_web_is_counted_by_bytes_and_requests(raster: Path):
    content = raster.read_bytes()
    asked = []

    class Archive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Range"))
            first, _, last = (self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last or len(content)) + 1]
            self.send_response(206 if self.headers.get("Range") else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(part)

        do_HEAD = do_GET  # noqa: N815 - the server asks for it by this name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    before = Meter.now()
    with environment():
        read(Asset(f"http://{host}/noise.tif"), RED, GRID, Rules(hosts=(host,)))
    spent = Meter.now().since(before)
    server.shutdown()
    assert len(content) <= spent.bytes_read <= 2 * len(content) + 500_000
    assert 1 <= spent.requests <= len(asked)
    assert Meter.now().since(Meter.now()).requests == 0


def test_the_most_memory_ever_held_only_grows():
    before = peak_memory()
    assert before > 50 * 2**20
    held = np.ones(before // 8 + 2**24)
    assert peak_memory() > before
    assert held.size
    del held
    assert peak_memory() > before
