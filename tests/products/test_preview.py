"""The preview: ranges, types, loopback alone."""

import socket
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sco.errors import ConfigurationError
from sco.products.preview import Preview


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "product/page").mkdir(parents=True)
    (folder / "secret.txt").write_text("secret")
    (folder / "product/index.html").write_text("<p>here")
    (folder / "product/data.tif").write_bytes(bytes(range(256)))
    (folder / "product/page/x.js").write_text("1")
    (folder / "latest").symlink_to("product")
    with Preview(folder / "latest").in_background() as address:
        yield address


def ask(url: str, path: str, **headers: str) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", path, headers=headers)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply, content


def test_ranges_are_answered(url: str) -> None:
    reply, content = ask(url, "/data.tif", Range="bytes=10-19")
    assert (reply.status, reply.headers["content-range"]) == (206, "bytes 10-19/256")
    assert content == bytes(range(10, 20))
    reply, content = ask(url, "/data.tif")
    assert (reply.status, reply.headers["accept-ranges"], len(content)) == (200, "bytes", 256)


def test_the_page_and_its_parts_have_their_types(url: str) -> None:
    reply, content = ask(url, "/")
    assert (reply.status, content) == (200, b"<p>here")
    assert ask(url, "/page/x.js")[0].headers["content-type"].startswith("text/javascript")


def test_nothing_above_the_folder_and_no_other_name(url: str) -> None:
    assert urlsplit(url).hostname == "127.0.0.1"
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "//secret.txt", "/page/../../secret.txt"):
        reply, content = ask(url, path)
        assert reply.status in (400, 404)
        assert b"secret" not in content
    assert ask(url, "/", Host="evil.example")[0].status == 400


def test_a_port_that_is_taken_and_a_folder_that_is_none_are_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no index\.html"):
        Preview(tmp_path)
    (tmp_path / "index.html").write_text("")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigurationError, match="cannot be used"):
            Preview(tmp_path, taken.getsockname()[1])
