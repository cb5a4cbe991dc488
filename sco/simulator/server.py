"""A real STAC API over a file of items, on loopback, for as long as a `with` block lasts: `rustac serve`."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from sco.errors import UpstreamError

HOST = "127.0.0.1"
RUSTAC = Path(sys.executable).with_name("rustac")
START_SECONDS = 30.0
STOP_SECONDS = 5.0

LAUNCH = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the program that started this server is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Becomes the server, after asking Linux to kill it when the thread that started it ends (1 = PR_SET_PDEATHSIG)."""


@contextmanager
def serve(items: Path, collections: Sequence[Path] = (), port: int | None = None) -> Iterator[str]:
    """Serve an item collection (JSON, ndjson or stac-geoparquet), and give the address while the block lasts.

    Collections that no file describes are made from the items. A free port is taken unless one is named. The server
    stops with the block, and with this process however it ends. Raises UpstreamError if it does not come up.
    """
    number = _free_port() if port is None else _checked_port(port)
    with tempfile.TemporaryDirectory(prefix="sco-stac-") as folder:
        hrefs = [*_unlinked(collections, Path(folder)), str(items)]
        log = Path(folder) / "stderr.txt"
        server = _start(hrefs, number, log)
        try:
            _await(server, number, log)
            yield f"http://{HOST}:{number}"
        finally:
            _stop(server)


def _start(hrefs: Sequence[str], port: int, log: Path) -> subprocess.Popen[bytes]:
    if not RUSTAC.is_file():
        raise UpstreamError(f"no rustac beside {sys.executable}: install the project's requirements again")
    command = [str(RUSTAC), "serve", "-a", f"{HOST}:{port}", "--create-collections", *hrefs]
    launch = [sys.executable, "-c", LAUNCH, str(os.getpid()), *command]
    with log.open("wb") as stderr:
        return subprocess.Popen(launch, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)


def _await(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if server.poll() is not None:
            break
        if time.monotonic() > deadline:
            raise UpstreamError(f"rustac serve does not answer on port {port} after {START_SECONDS:.0f} s")
        time.sleep(0.02)
    if server.poll() is not None:
        said = log.read_text("utf-8", "replace").strip() or "nothing"
        raise UpstreamError(f"rustac serve ended with status {server.returncode} on port {port} and said: {said}")


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _checked_port(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise UpstreamError(f"port {port} of {HOST} cannot be used: {error}; name another, or none") from error
    return port


def _unlinked(collections: Sequence[Path], folder: Path) -> list[str]:
    """Copies of the collections without links, because rustac loads what they link to from beside its own folder."""
    copies = []
    for index, path in enumerate(collections):
        copy = folder / f"collection-{index}.json"
        copy.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"links": []}), "utf-8")
        copies.append(str(copy))
    return copies
