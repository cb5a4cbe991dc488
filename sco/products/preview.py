"""A product served to this machine's browser: plain files with range requests, on loopback alone."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from sco.errors import ConfigurationError

HOST = "127.0.0.1"
TYPES = {".js": "text/javascript", ".jsonld": "application/ld+json", ".parquet": "application/vnd.apache.parquet"}


class Preview:
    """A server over one folder, from the moment that it is made."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        """Take the port, or any free one. Raises ConfigurationError for no folder and for a port that is taken."""
        if not (folder / "index.html").is_file():
            raise ConfigurationError(
                f"{folder} has no index.html: give a product's folder, or publish the project first"
            )
        self._socket = _bound(port)
        host, number = self._socket.getsockname()
        self.url = f"http://{host}:{number}/"
        config = uvicorn.Config(_application(folder), log_level="warning", access_log=False, lifespan="off")
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until Ctrl-C."""
        self._server.run(sockets=[self._socket])

    @contextmanager
    def in_background(self) -> Iterator[str]:
        """Serve for as long as the block lasts, and give the address."""
        thread = Thread(target=self.run, daemon=True)
        thread.start()
        try:
            yield self.url
        finally:
            self._server.should_exit = True
            thread.join()


def _application(folder: Path) -> Starlette:
    # a page of another site that has its name point to this machine is not answered
    trusted = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    return Starlette(routes=[Mount("/", _Files(directory=folder.resolve(), html=True))], middleware=[trusted])


class _Files(StaticFiles):
    """Files with the types that the standard library does not know everywhere."""

    def file_response(self, full_path, stat_result, scope, status_code=200):  # type: ignore[no-untyped-def]
        response = super().file_response(full_path, stat_result, scope, status_code)
        if kind := TYPES.get(Path(full_path).suffix):
            response.headers["content-type"] = kind
        return response


def _bound(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
        found.listen()
    except (OSError, OverflowError) as error:
        found.close()
        raise ConfigurationError(f"port {port} of {HOST} cannot be used: {error}; name another with --port") from error
    return found
