"""No redirect leads GDAL off the allowed hosts, whenever it comes: an archive that changes its mind meets the proxy."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler
from threading import Thread

import numpy as np
import pytest
import rasterio
from affine import Affine
from observatory import Play, archive, playing, say
from observatory.tls import before_a_server, certificate, serving  # noqa: F401 - fixtures, and a server
from odc.geo.geobox import GeoBox

from sco import landing, proxy
from sco.errors import UpstreamError
from sco.handles import HANDLES
from sco.model import Asset, Band
from sco.preflight import Rules
from sco.proxy import through
from sco.read import environment, read

RED = Band("red", 10, nodata=0)
ORIGIN = Affine(10, 0, 600_000, 0, -10, 4_850_000)
SIDE = 512
GRID = GeoBox((SIDE, SIDE), ORIGIN, "EPSG:32631")
NUMBERS = np.random.default_rng(8).integers(1, 60_000, (SIDE, SIDE)).astype(np.uint16)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    """As patient as ever, with shorter pauses; nothing is remembered of other tests."""
    landing._landed.cache_clear()
    monkeypatch.setattr(landing, "PATIENCE", landing.PATIENCE.new(backoff_factor=0.01))
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "GDAL_HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield
    HANDLES.close()


@pytest.fixture
def red(write_raster) -> Path:
    return write_raster("red.tif", NUMBERS, ORIGIN, "EPSG:32631")


def numbers_at(href: str, *hosts: str, grid: GeoBox = GRID) -> np.ndarray:
    with environment():
        return read(Asset(href), RED, grid, Rules(hosts=hosts)).numbers


def turning(folder: Path, victim: str, honest: int):
    """An archive that sends whoever asks to the victim, after it was honest so many times."""
    answers = archive(folder)

    @contextmanager
    def play() -> Iterator[Play]:
        with answers as good, playing(lambda this, request: _turned(this, request, good, victim, honest)) as server:
            yield server

    return play()


def _turned(this: Play, request, good: Play, victim: str, honest: int):
    if len(this.asked) > honest:
        return say(b"", 302, Location=f"{victim}{request.path}")
    file = Path(request.path.split("?")[0]).name
    wanted = request.headers.get("Range", "")
    with socket.create_connection(good.host.split(":")) as connection:
        connection.sendall(f"GET /{file} HTTP/1.0\r\nRange: {wanted}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(2**16), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    kept = {name: value for name, value in lines if name in ("Content-Range", "Accept-Ranges")}
    return int(head.split(b" ")[1]), kept, content


@pytest.mark.parametrize("honest", [1, 2, 3], ids=["after our check", "after the header", "between two tiles"])
def test_a_server_that_changes_its_mind_leads_nowhere(red, honest):
    with archive(red.parent) as victim, turning(red.parent, victim.url, honest) as server:
        if honest < 3:
            with pytest.raises(UpstreamError, match="cannot be read"):
                numbers_at(f"{server.url}/red.tif", server.host)
        else:
            corner = GeoBox((32, 32), ORIGIN, "EPSG:32631")
            np.testing.assert_array_equal(
                numbers_at(f"{server.url}/red.tif", server.host, grid=corner), NUMBERS[:32, :32]
            )
            with pytest.raises(UpstreamError, match="cannot be read"):
                numbers_at(f"{server.url}/red.tif", server.host)
        assert len(server.asked) > honest
        assert victim.asked == []


def test_without_the_proxy_gdal_would_follow(red):
    """What the proxy is for: the same server, opened by GDAL alone."""
    with archive(red.parent) as victim, turning(red.parent, victim.url, 0) as server:
        with environment(), rasterio.open(f"{server.url}/red.tif", driver="GTiff") as file:
            np.testing.assert_array_equal(file.read(1), NUMBERS)
        assert victim.asked


def test_a_late_redirect_to_an_allowed_host_is_followed(red):
    with archive(red.parent) as other, turning(red.parent, other.url, 1) as server:
        np.testing.assert_array_equal(numbers_at(f"{server.url}/red.tif", server.host, other.host), NUMBERS)
        assert other.asked


def ask(hosts: tuple[str, ...], request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", proxy._port(hosts, 0)), 5) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(2**16), b""))


@pytest.mark.parametrize(
    "request_line",
    [
        "CONNECT 169.254.169.254:80",
        "CONNECT archive.example.org.evil.com:443",
        "CONNECT user@archive.example.org:443",
        "CONNECT archive.example.org:22",
        "GET http://169.254.169.254/latest/meta-data",
        "GET http://archive.example.org/plain",
        "GET /etc/passwd",
        "GET file:///etc/passwd",
        "nonsense",
    ],
)
def test_the_proxy_opens_to_nothing_else(request_line):
    hosts = ("archive.example.org", ".blob.core.windows.net")
    assert ask(hosts, f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == proxy.REFUSED


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A host that takes one connection, gives one answer a request, and hangs up after the last."""

    def answer(listening: socket.socket) -> None:
        there, _ = listening.accept()
        with there:
            for one in answers:
                there.recv(2**16)
                there.sendall(one)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        told = Thread(target=answer, args=(listening,))
        told.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        told.join(5)


def test_a_plain_connection_is_kept_and_every_request_on_it_is_checked():
    answers = [b"HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\r\n" + text for text in (b"one", b"two")]
    with (
        answering(*answers, b"never asked for") as host,
        socket.create_connection(("127.0.0.1", proxy._port((host,), 1)), 5) as connection,
    ):
        for answer in answers:
            connection.sendall(f"GET http://{host}/x HTTP/1.1\r\n\r\n".encode())
            head, body = proxy._head_of(connection)
            assert head + (body or connection.recv(3)) == answer
        connection.sendall(b"GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\n\r\n")
        assert b"".join(iter(lambda: connection.recv(2**16), b"")) == proxy.REFUSED


def test_an_answer_that_breaks_off_ends_the_connection_and_nothing_is_added():
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
    with answering(half) as host:
        assert ask((host,), f"GET http://{host}/x HTTP/1.1\r\n\r\n".encode()) == half


@pytest.mark.parametrize(
    ("answer", "method", "length"),
    [
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 7\r\n\r\n", "GET", 7),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n", "HEAD", 0),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "GET", 0),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "GET", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\n", "GET", None),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", "GET", None),
        (b"HTTP/1.1 200 OK\r\n\r\n", "GET", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "GET", None),
    ],
)
def test_how_long_an_answer_is(answer, method, length):
    assert proxy._length_of(answer, method) == length


def test_a_host_that_nobody_is_at_is_told():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
    assert ask((host,), f"CONNECT {host} HTTP/1.1\r\n\r\n".encode()) == proxy.NOBODY


def test_a_local_file_and_a_bucket_need_no_proxy():
    for address in ("/data/red.tif", "s3://bucket/red.tif"):
        with through(address, ()) as passage:
            assert passage is None


# TLS


def test_tls_goes_through_the_proxy_unbroken_and_off_the_hosts_it_does_not(red, over_tls):
    with archive(red.parent) as good, over_tls(good) as host:
        np.testing.assert_array_equal(numbers_at(f"https://{host}/red.tif", host), NUMBERS)
        HANDLES.close()
        with turning(red.parent, f"https://{host}", 1) as server, over_tls(server) as turncoat:
            asked = len(good.asked)
            with pytest.raises(UpstreamError, match="cannot be read"):
                numbers_at(f"https://{turncoat}/red.tif", turncoat)
            assert len(good.asked) == asked


@contextmanager
def a_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy as institutions have them, and the hosts that it was asked for."""
    asked: list[str] = []

    class Proxy(BaseRequestHandler):
        def handle(self) -> None:
            head, _ = proxy._head_of(self.request)
            host, port = head.split(b" ")[1].decode().split(":")
            asked.append(f"{host}:{port}")
            with socket.create_connection((host, int(port))) as there:
                self.request.sendall(proxy.OPEN)
                proxy._pour(self.request, there)

    with serving(Proxy) as address:
        yield address, asked


def test_a_proxy_of_the_environment_is_gone_through(red, over_tls, monkeypatch):
    with archive(red.parent) as good, over_tls(good) as host:
        with playing(lambda *_: say(b"", 407)) as refusing:
            monkeypatch.setenv("HTTPS_PROXY", refusing.url)
            assert proxy._proxy_for("archive.example.org").netloc == refusing.host
            answer = ask((host,), f"CONNECT {host} HTTP/1.1\r\n\r\n".encode())
            assert answer == proxy.NOBODY
        with a_proxy() as (address, asked):
            monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
            np.testing.assert_array_equal(numbers_at(f"https://{host}/red.tif", host), NUMBERS)
        assert len(asked) >= 2  # our check, and GDAL by way of the proxy
        assert set(asked) == {host}


def test_a_proxy_is_told_who_asks():
    named = proxy.urlsplit("http://me:s%20cret@proxy.example.org:3128")
    assert proxy._credentials(named, b"CONNECT x\r\n\r\n") == [b"Proxy-Authorization: Basic bWU6cyBjcmV0"]
    sent = b"CONNECT x\r\nProxy-Authorization: Basic eDp5\r\n\r\n"
    assert proxy._credentials(named, sent) == [b"Proxy-Authorization: Basic eDp5"]
    assert proxy._credentials(proxy.urlsplit("http://proxy:1"), b"CONNECT x\r\n\r\n") == []
