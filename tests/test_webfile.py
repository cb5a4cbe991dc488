"""Files on the web are read by our own requests: from allowed hosts alone, and from one version of a file alone."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
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
from remote import NUMBERS, ORIGIN, SIDE, forget, hasty, numbers_at, on_a_disk, written  # noqa: F401 - fixtures among them

from sco import landing
from sco.errors import SceneError, UpstreamError
from sco.handles import HANDLES
from sco.landing import LANDINGS
from sco.read import environment

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
        forget()
        monkeypatch.setattr(landing, "MOST_WHOLE", 1000)
        with pytest.raises(UpstreamError, match=f"answers no ranges, and the whole file is {red.stat().st_size} bytes"):
            numbers_at(f"{server.url}/red.tif", server.host)
