"""A server on loopback that plays a catalog or an archive, faults included, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Said = tuple[int, dict[str, str], bytes]
"""Status, headers and content."""


@dataclass
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Play:
    """One server on loopback: what it answers, and what it was asked."""

    url: str = ""
    asked: list[Request] = field(default_factory=list)

    @property
    def searches(self) -> list[Request]:
        """The requests for a page of items."""
        return [request for request in self.asked if request.path != "/"]

    @property
    def host(self) -> str:
        """Host and port, as rules spell them."""
        return self.url.removeprefix("http://")


@contextmanager
def playing(answer: Callable[[Play, Request], Said]) -> Iterator[Play]:
    """A server on loopback that answers as told; `Content-Length` is right unless the answer names one."""
    play = Play()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or b"{}")
            request = Request(self.command, self.path, dict(self.headers), body)
            play.asked.append(request)
            status, headers, content = answer(play, request)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_POST = do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    play.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield play
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def say(content: Any, status: int = 200, **headers: str) -> Said:
    """An answer; what is not bytes is sent as JSON."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, names, content if isinstance(content, bytes) else json.dumps(content).encode()


def landing(play: Play, *conforms: str) -> dict[str, Any]:
    """The landing page of a catalog."""
    link = {"rel": "search", "type": "application/geo+json", "method": "POST", "href": f"{play.url}/search"}
    core = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "play",
        "description": "A play",
        "links": [link],
        "conformsTo": [*core, *conforms],
    }


def page(*items: Any, **rest: Any) -> dict[str, Any]:
    """A page of items."""
    return {"type": "FeatureCollection", "features": list(items), "links": [], **rest}


@contextmanager
def offering(*items: Any, **rest: Any) -> Iterator[Play]:
    """A catalog whose one page has these items."""
    with playing(lambda play, request: say(landing(play) if request.path == "/" else page(*items, **rest))) as play:
        yield play


@contextmanager
def archive(folder: Path, **faults: Callable[[Play, Request], Said]) -> Iterator[Play]:
    """The files of a folder, by ranges as archives of COGs serve them; `faults` answer for files by their stem."""

    def answer(play: Play, request: Request) -> Said:
        name = request.path.split("?")[0].rpartition("/")[2]
        fault = faults.get(name.partition(".")[0])
        return fault(play, request) if fault else ranged(folder / name, request.headers.get("Range", ""))

    with playing(answer) as play:
        yield play


def redirect(address: str) -> Callable[[Play, Request], Said]:
    """The fault of an archive that sends its clients elsewhere."""
    return lambda *_: say(b"", 302, Location=address)


def ranged(file: Path, wanted: str) -> Said:
    """The answer of an archive that is asked for this range of a file."""
    if not file.is_file():
        return say(b"", 404)
    content = file.read_bytes()
    if not wanted:
        return say(content, Accept_Ranges="bytes")
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    part = content[int(first) : int(last or len(content)) + 1]
    told = f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"
    return say(part, 206, Content_Range=told, Accept_Ranges="bytes")
