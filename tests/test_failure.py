"""What went wrong is put into one of four classes, by its type, its words and what it was raised from."""

import errno
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests
from affine import Affine
from odc.geo.geobox import GeoBox

from sco import landing, library
from sco.errors import CubeError, SceneError, UpstreamError
from sco.failure import Failure, classify, in_words, worst
from sco.landing import PATIENCE
from sco.model import Asset
from sco.preflight import Rules
from sco.read import read

T, C, D, B = Failure.TRANSIENT, Failure.CREDENTIALS, Failure.DATA, Failure.BUG
RED = library.sensors["sentinel2"].band("red")
HERE = GeoBox((8, 8), Affine(10, 0, 0, 0, -10, 0), "EPSG:32631")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("https://a.b/S2A_T31TFJ_20230403_503.tif cannot be read: HTTP response code: 401", C),
        ("HTTP response code: 403", C),
        ("403 Client Error: Forbidden for url: https://a.b/x.tif", C),
        ("HTTP Error 407: Proxy Authentication Required", C),
        ("ExpiredToken: The provided token has expired.", C),
        ("the SAS signature is not valid", C),
        ("x.tif cannot be signed by planetary_computer: HTTP Error 401: Unauthorized", C),
        ("HTTP response code: 404", D),
        ("NoSuchKey: The specified key does not exist", D),
        ("HTTP response code: 429", T),
        ("503 Server Error: Slow Down for url: https://a.b/x.tif", T),
        ("too many 502 error responses", T),
        ("Read timed out. (read timeout=60.0)", T),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))", T),
        ("[Errno 104] Connection reset by peer", T),
        ("CURL error: transfer closed with 4096 bytes remaining to read", T),
        ("Could not resolve host: a.b", T),
        ("'/vsicurl/https://a.b/x.tif' not recognized as being in a supported file format.", D),
        ("TIFFReadEncodedTile() failed.", D),
        ("NetCDF: HDF error", D),
        ("the checksum of x.tif is not that of its item", D),
        ("nobody has said anything", T),
    ],
)
def test_words_alone_tell_a_class_and_numbers_in_names_do_not(words, expected):
    assert classify(words) == expected
    assert classify(UpstreamError(words)) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SceneError("scene x offers no asset for nir"), D),
        (SceneError("item says shape (1, 1), file has (2, 2)"), D),
        (FileNotFoundError(errno.ENOENT, "gone"), D),
        (PermissionError(errno.EACCES, "closed"), C),
        (ConnectionResetError(), T),
        (TimeoutError(), T),
        (OSError(errno.EIO, "Input/output error"), T),
        (requests.exceptions.ConnectTimeout("HTTPSConnectionPool"), T),
        (KeyError("nir"), B),
        (ZeroDivisionError("float division by zero"), B),
        (CubeError("pixels of another shape"), B),
        (ValueError("HTTP response code: 503"), B),
    ],
)
def test_errors_are_classed_by_what_they_are(error, expected):
    assert classify(error) == expected


def raised_from(cause: BaseException) -> UpstreamError:
    try:
        try:
            raise cause
        except type(cause) as error:
            raise UpstreamError("x.tif cannot be read") from error
    except UpstreamError as error:
        return error


def test_what_an_error_was_raised_from_tells_where_its_own_words_do_not():
    assert classify(raised_from(PermissionError(errno.EACCES, "no"))) == C
    assert classify(raised_from(OSError("HTTP response code: 410"))) == D
    assert classify(raised_from(RuntimeError("who knows"))) == T


def test_of_several_failures_the_most_easily_healed_counts():
    assert worst([D, B, C]) == C
    assert worst([D, T]) == T
    assert worst([B, D]) == D


def test_an_error_is_one_line_of_bounded_length():
    assert in_words(KeyError("nir")) == "KeyError: 'nir'"
    assert in_words(UpstreamError("one\ntwo")) == "one two"
    assert in_words(ValueError()) == "ValueError"
    assert len(in_words(ValueError("x" * 5000))) < 320


class Archive(BaseHTTPRequestHandler):
    """Answers /CODE/... with that status and no raster."""

    def do_GET(self) -> None:
        code = int(self.path.split("/")[1])
        if code == 0:
            self.connection.close()
            return
        self.send_response(code)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"abc")

    do_HEAD = do_GET  # noqa: N815 - the server asks for it by this name

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def archive() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Archive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(
    ("code", "expected"), [(401, C), (403, C), (404, D), (429, T), (500, T), (503, T), (200, D), (0, T)]
)
def test_what_reading_really_raises_is_classed(archive, code, expected, monkeypatch):
    monkeypatch.setattr("sco.read.ATTEMPTS", 1)
    monkeypatch.setattr(landing, "PATIENCE", PATIENCE.new(total=0))
    landing._session.cache_clear()
    with pytest.raises(UpstreamError) as caught:
        read(Asset(f"http://{archive}/{code}/x.tif"), RED, HERE, Rules(hosts=(archive,)))
    landing._session.cache_clear()
    assert classify(caught.value) == expected, caught.value


def test_local_files_that_are_gone_or_cut_off_are_data(tmp_path: Path, write_raster):
    whole = write_raster("whole.tif", np.ones((64, 64), "u2"), HERE.transform, "EPSG:32631")
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole.read_bytes()[:-3000])
    for file in (tmp_path / "gone.tif", cut):
        with pytest.raises(UpstreamError) as caught:
            read(Asset(str(file)), RED, HERE, Rules(roots=(tmp_path,)))
        assert classify(caught.value) == D, caught.value
