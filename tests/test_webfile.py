"""Files on the web are read by our own requests: from allowed hosts alone, and from one version of a file alone."""

import gc
import os
import socket
import threading
import warnings
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler

import numpy as np
import pytest
import rasterio
from affine import Affine
from observatory import Play, Request, Said, archive, playing, ranged, say
from observatory.tls import before_a_server, certificate, serving  # noqa: F401 - fixtures, and a server
from odc.geo.geobox import GeoBox
from rasterio.errors import NotGeoreferencedWarning

from sco import landing, vsi
from sco.errors import SceneError, UpstreamError
from sco.handles import HANDLES
from sco.landing import HEAD_BYTES, LANDINGS
from sco.meter import Meter
from sco.model import Asset, Band
from sco.preflight import Rules
from sco.read import environment, overview, read
from sco.webfile import WebFile

RED = Band("red", 10, nodata=0)
ORIGIN = Affine(10, 0, 600_000, 0, -10, 4_850_000)
SIDE = 512
GRID = GeoBox((SIDE, SIDE), ORIGIN, "EPSG:32631")
NUMBERS = np.random.default_rng(8).integers(1, 60_000, (SIDE, SIDE)).astype(np.uint16)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch, tmp_path):
    """As patient as ever, with shorter pauses; nothing is remembered of other tests."""
    monkeypatch.setattr(landing, "PATIENCE", landing.PATIENCE.new(backoff_factor=0.01))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    _forget()
    yield
    _forget()


def _forget() -> None:
    HANDLES.close()
    LANDINGS.clear()
    landing._session.cache_clear()


@pytest.fixture
def red(tmp_path) -> Path:
    return written(tmp_path / "red.tif", NUMBERS)


def written(file: Path, numbers: np.ndarray, block: int = 64, compress: str = "none") -> Path:
    rows, columns = numbers.shape
    with rasterio.open(
        file, "w", driver="GTiff", height=rows, width=columns, count=1, dtype=numbers.dtype, crs="EPSG:32631",
        transform=ORIGIN, nodata=0, tiled=True, blockxsize=block, blockysize=block, compress=compress,
    ) as opened:  # fmt: skip
        opened.write(numbers, 1)
    return file


def numbers_at(href: str, *hosts: str, grid: GeoBox = GRID) -> np.ndarray:
    with environment():
        return read(Asset(href), RED, grid, Rules(hosts=hosts)).numbers


# Hosts


def turning(folder: Path, victim: str, honest: int):
    """An archive that sends whoever asks to the victim, after it was honest so many times."""

    def answer(this: Play, request: Request) -> Said:
        if len(this.asked) > honest:
            return say(b"", 302, Location=f"{victim}{request.path}")
        return ranged(folder / Path(request.path).name, request.headers.get("Range", ""))

    return playing(answer)


@pytest.mark.parametrize("honest", [1, 2], ids=["after the head", "between two windows"])
def test_a_server_that_changes_its_mind_leads_nowhere(red, honest):
    with archive(red.parent) as victim, turning(red.parent, victim.url, honest) as server:
        href = f"{server.url}/red.tif"
        if honest == 2:
            window = GeoBox((32, 32), ORIGIN @ Affine.translation(128, 256), "EPSG:32631")
            np.testing.assert_array_equal(numbers_at(href, server.host, grid=window), NUMBERS[256:288, 128:160])
        with pytest.raises(SceneError, match="is not on a host of its catalog"):
            numbers_at(href, server.host)
        assert len(server.asked) > honest
        assert victim.asked == []


def test_gdal_alone_would_follow(red):
    """Why it is given no address: the same server, opened by GDAL."""
    with archive(red.parent) as victim, turning(red.parent, victim.url, 0) as server:
        with environment(), rasterio.open(f"{server.url}/red.tif", driver="GTiff") as file:
            np.testing.assert_array_equal(file.read(1), NUMBERS)
        assert victim.asked


def test_a_late_redirect_to_an_allowed_host_is_followed(red):
    with archive(red.parent) as other, turning(red.parent, other.url, 1) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host, other.host), NUMBERS)
        assert other.asked


@pytest.mark.parametrize("honest", [0, 1])
def test_tls_is_kept_and_off_the_hosts_it_leads_nowhere(red, over_tls, honest):
    with archive(red.parent) as good, over_tls(good) as host:
        np.testing.assert_array_equal(numbers_at(f"https://{host}/red.tif", host), NUMBERS)
        with turning(red.parent, f"https://{host}", honest) as server, over_tls(server) as turncoat:
            asked = len(good.asked)
            with pytest.raises(SceneError, match="is not on a host"):
                numbers_at(f"https://{turncoat}/red.tif", turncoat)
            assert len(good.asked) == asked


def test_a_certificate_that_nobody_vouches_for_is_refused(red, over_tls, monkeypatch):
    with archive(red.parent) as good, over_tls(good) as host:
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.delenv(name)
        with pytest.raises(UpstreamError, match="CERTIFICATE_VERIFY_FAILED"):
            numbers_at(f"https://{host}/red.tif", host)
        assert good.asked == []


@contextmanager
def a_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy as institutions have them, and the hosts that it was asked for."""
    asked: list[str] = []

    class Proxy(BaseRequestHandler):
        def handle(self) -> None:
            host, port = self.request.recv(2**16).split(b" ")[1].decode().split(":")
            asked.append(f"{host}:{port}")
            with socket.create_connection((host, int(port))) as there:
                self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pour, args=(there, self.request))
                back.start()
                _pour(self.request, there)
                back.join(5)

    with serving(Proxy) as address:
        yield address, asked


def _pour(one: socket.socket, other: socket.socket) -> None:
    while part := one.recv(2**16):
        other.sendall(part)
    other.shutdown(socket.SHUT_WR)


def test_a_proxy_of_the_environment_is_gone_through(red, over_tls, monkeypatch):
    with archive(red.parent) as good, over_tls(good) as host, a_proxy() as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        np.testing.assert_array_equal(numbers_at(f"https://{host}/red.tif", host), NUMBERS)
    assert len(asked) >= 2  # where it leads, and the pixels
    assert set(asked) == {host}


# Logins


def test_a_login_by_netrc_is_told_to_its_host_alone_and_its_session_is_kept(red, tmp_path):
    """As NASA's Earthdata has it: the archive sends who has no session to a login, which sends it back."""

    def login(this: Play, request: Request) -> Said:
        known = request.headers.get("Authorization") == f"Basic {b64encode(b'me:secret').decode()}"
        return say(b"", 302, Location=f"{there.url}/session?for=red.tif") if known else say(b"", 401)

    def kept(this: Play, request: Request) -> Said:
        if request.path.startswith("/session"):
            return say(b"", 302, Location="/red.tif", Set_Cookie="session=7; Path=/")
        if request.headers.get("Cookie") != "session=7":
            return say(b"", 302, Location=f"http://localhost:{door.host.split(':')[1]}/login")
        return ranged(red, request.headers.get("Range", ""))

    (tmp_path / "netrc").write_text("machine localhost login me password secret\n")
    with playing(login) as door, playing(kept) as there:
        hosts = (there.host, f"localhost:{door.host.split(':')[1]}")
        np.testing.assert_array_equal(numbers_at(f"{there.url}/red.tif", *hosts), NUMBERS)
        assert len(door.asked) == 1
        assert not any("Authorization" in request.headers for request in there.asked)
        _forget_files()
        np.testing.assert_array_equal(numbers_at(f"{there.url}/red.tif", *hosts), NUMBERS)
        assert len(door.asked) == 1


def _forget_files() -> None:
    HANDLES.close()
    LANDINGS.clear()


# One version of a file


@pytest.mark.parametrize("told", ["ETag", "length"])
def test_a_file_that_becomes_another_is_never_read_half_and_half(tmp_path, told):
    second = NUMBERS[::-1].copy() if told == "ETag" else np.vstack([NUMBERS, NUMBERS])
    old = written(tmp_path / "old.tif", NUMBERS, 256)
    new = written(tmp_path / "new.tif", second, 256)

    def replaced(this: Play, request: Request) -> Said:
        file = old if len(this.asked) < 3 else new
        status, headers, content = ranged(file, request.headers["Range"])
        return status, headers | ({"ETag": f'"{file.stem}"'} if told == "ETag" else {}), content

    with playing(replaced) as server:
        half = GeoBox((256, SIDE), ORIGIN, "EPSG:32631")
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host, grid=half), NUMBERS[:256])
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host), second[:SIDE])


def _other_range(answer: Said) -> Said:
    return answer[0], answer[1] | {"Content-Range": "bytes 0-9/99"}, answer[2]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (lambda answer: (200, {}, answer[2]), "status 200 where it sent a part before"),
        (_other_range, "sent bytes 0 to 9"),
        (lambda answer: (206, {}, answer[2]), "which is no range of bytes"),
        (lambda answer: (206, answer[1], answer[2][:-7]), "connection closed after"),
        (lambda answer: (403, {}, b""), "status 403"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_an_error_and_not_a_pixel(red, monkeypatch, broken, reason):
    monkeypatch.setattr("sco.read.ATTEMPTS", 1)

    def answer(this: Play, request: Request) -> Said:
        good = ranged(red, request.headers["Range"])
        return good if len(this.asked) == 1 else broken(good)

    with playing(answer) as server, pytest.raises(UpstreamError, match=reason):
        numbers_at(f"{server.url}/red.tif", server.host)


def test_an_answer_that_breaks_off_once_costs_a_second_attempt(red):
    def answer(this: Play, request: Request) -> Said:
        status, headers, content = ranged(red, request.headers["Range"])
        return status, headers, content if len(this.asked) != 2 else content[:1000]

    with playing(answer) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host), NUMBERS)


# Servers without ranges


def test_a_small_file_is_taken_whole_from_a_server_that_knows_no_ranges(red, monkeypatch):
    with playing(lambda *_: say(red.read_bytes())) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host), NUMBERS)
        assert len(server.asked) == 1
        _forget()
        monkeypatch.setattr(landing, "MOST_WHOLE", 1000)
        with pytest.raises(UpstreamError, match=f"answers no ranges, and the whole file is {red.stat().st_size} bytes"):
            numbers_at(f"{server.url}/red.tif", server.host)


# What GDAL makes of it


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
