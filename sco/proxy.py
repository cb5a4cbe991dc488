"""A proxy on loopback that GDAL's web requests go through, so that no redirect leads it off the allowed hosts.

GDAL follows redirects by itself and has no setting against it. But it can be given a proxy, and a proxy is told the
host of every connection before it is made. This one opens connections to allowed hosts only and passes bytes on; TLS
stays between GDAL and the archive. Where the environment names a proxy of its own, connections are made through that.

curl passes by any proxy for the hosts that `no_proxy` of the environment names, and there is no setting against that.
"""

import os
import selectors
import socket
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import lru_cache
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from sco.errors import SceneError
from sco.landing import check_host

if TYPE_CHECKING:
    import rasterio

LONGEST_HEAD = 65_536
AT_ONCE = 2**18
TIMEOUT_S = 30.0
IDLE_S = 300.0
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOBODY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


def through(address: str, hosts: tuple[str, ...]) -> "AbstractContextManager[rasterio.Env | None]":
    """In it, GDAL opens this address so that whatever it asks for it, now or later, it asks of these hosts."""
    import rasterio

    if not address.startswith(("https://", "http://")):
        return nullcontext()
    passage: AbstractContextManager[rasterio.Env] = rasterio.Env(
        GDAL_HTTP_PROXY=f"127.0.0.1:{_port(hosts, os.getpid())}"
    )
    return passage


@lru_cache(maxsize=64)
def _port(hosts: tuple[str, ...], _: int) -> int:
    """Where this process's proxy to these hosts listens; it stays open for as long as the process lives."""
    server = _Proxy(("127.0.0.1", 0), _Passage)
    server.hosts = hosts
    Thread(target=server.serve_forever, args=(0.1,), name="proxy", daemon=True).start()
    return int(server.server_address[1])


class _Proxy(ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    hosts: tuple[str, ...] = ()


class _Passage(BaseRequestHandler):
    """One connection of GDAL's: a tunnel to one host, or plain requests one after another."""

    server: _Proxy
    request: socket.socket

    def handle(self) -> None:
        self.request.settimeout(TIMEOUT_S)
        with _Line() as line:
            while asked := self._asked():
                method, target, head, rest = asked
                try:
                    if method == "CONNECT":
                        self._tunnel(target, head, rest)
                        break
                    if not line.carry(method, target, head, rest, self.request):
                        break
                except (OSError, ValueError):
                    self._say(NOBODY)
                    break

    def _asked(self) -> tuple[str, str, bytes, bytes] | None:
        """The next request: method, target, head and what came after it; None where there is none that may be made."""
        try:
            head, rest = _head_of(self.request)
            method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ", 2)
            check_host(f"https://{target}/" if method == "CONNECT" else target, self.server.hosts)
        except (ConnectionError, TimeoutError):
            return None
        except (SceneError, OSError, ValueError):
            self._say(REFUSED)
            return None
        return method, target, head, rest

    def _tunnel(self, target: str, head: bytes, rest: bytes) -> None:
        host, _, port = target.rpartition(":")
        with _reached(host.strip("[]"), int(port), head) as there:
            self._say(OPEN)
            there.sendall(rest)
            _pour(self.request, there)

    def _say(self, answer: bytes) -> None:
        with suppress(OSError):  # whoever asked may be gone
            self.request.sendall(answer)


class _Line:
    """The connection behind plain requests, kept from one to the next for as long as they are to the same host."""

    def __init__(self) -> None:
        self._place: tuple[str, int] | None = None
        self._there: socket.socket | None = None

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def carry(self, method: str, target: str, head: bytes, rest: bytes, asker: socket.socket) -> bool:
        """Carry one request there and its answer back; whether another may follow. Raises OSError, ValueError."""
        parts = urlsplit(target)
        there = self._reach((str(parts.hostname), parts.port or 80))
        there.sendall(_for_the_host(head, method, target) + rest)
        answer, begun = _head_of(there)
        asker.sendall(answer + begun)
        length = _length_of(answer, method)
        if length is None or rest:
            _pour(asker, there)
            return False
        return _hand_over(there, asker, length - len(begun))

    def _reach(self, place: tuple[str, int]) -> socket.socket:
        if self._there is None or self._place != place or _has_hung_up(self._there):
            self._hang_up()
            self._place, self._there = place, socket.create_connection(place, TIMEOUT_S)
        return self._there

    def _hang_up(self) -> None:
        if self._there is not None:
            self._there.close()
        self._there = None


def _has_hung_up(there: socket.socket) -> bool:
    """Whether a connection that waits for the next request was closed at its other end."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(there, selectors.EVENT_READ)
        return bool(waiting.select(0))


def _length_of(answer: bytes, method: str) -> int | None:
    """Bytes of the answer after its head; None where only the end of the connection tells."""
    status, *lines = answer.lower().split(b"\r\n")
    fields = dict(line.split(b":", 1) for line in lines if b":" in line)
    closes = b"close" in fields.get(b"connection", b"") or not status.startswith(b"http/1.1 ")
    if closes or b"transfer-encoding" in fields:
        return None
    if method == "HEAD" or status.split(b" ")[1] in (b"204", b"304"):
        return 0
    told = fields.get(b"content-length", b"").strip()
    return int(told) if told.isdigit() else None


def _hand_over(there: socket.socket, asker: socket.socket, length: int) -> bool:
    """Pass so many bytes on; whether all of them came."""
    with suppress(OSError):  # it breaks off, which whoever asked sees by the length
        while length > 0 and (read := there.recv(min(AT_ONCE, length))):
            asker.sendall(read)
            length -= len(read)
    return length == 0


def _head_of(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request or an answer, with the empty line at its end, and what came after it.

    Raises ConnectionError where nothing comes at all, ValueError where it has no end.
    """
    read = b""
    while b"\r\n\r\n" not in read:
        more = connection.recv(AT_ONCE)
        if not more and not read:
            raise ConnectionError("nobody asks")
        if not more or len(read) > LONGEST_HEAD:
            raise ValueError("no request")
        read += more
    head, _, rest = read.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _for_the_host(head: bytes, method: str, target: str) -> bytes:
    """The head as the host itself is to have it."""
    parts = urlsplit(target)
    path = parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
    lines = [line for line in head.split(b"\r\n")[1:-2] if not line.lower().startswith((b"proxy-", b"connection:"))]
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode("ascii"), *lines, b"", b""])


def _reached(host: str, port: int, head: bytes) -> socket.socket:
    """A connection to this host, through the proxy of the environment where it has one. Raises OSError, ValueError."""
    proxy = _proxy_for(host)
    if proxy is None:
        return socket.create_connection((host, port), TIMEOUT_S)
    there = socket.create_connection((str(proxy.hostname), proxy.port or 80), TIMEOUT_S)
    there.sendall(b"\r\n".join([f"CONNECT {host}:{port} HTTP/1.1".encode(), *_credentials(proxy, head), b"", b""]))
    answer, rest = _head_of(there)
    if answer.split(b" ", 2)[1] != b"200" or rest:
        there.close()
        raise OSError(f"the proxy at {proxy.hostname} does not connect to {host}")
    return there


def _proxy_for(host: str) -> Any:
    """The address of the environment's proxy for this host, split into its parts, or None."""
    named = os.environ.get("GDAL_HTTPS_PROXY") or os.environ.get("GDAL_HTTP_PROXY") or getproxies().get("https")
    if not named or proxy_bypass(host):
        return None
    return urlsplit(named if "://" in named else f"http://{named}")


def _credentials(proxy: Any, head: bytes) -> list[bytes]:
    """Header lines by which the proxy knows us: those that GDAL sent, else what its address holds."""
    from base64 import b64encode
    from urllib.parse import unquote

    sent = [line for line in head.split(b"\r\n") if line.lower().startswith(b"proxy-authorization:")]
    if sent or proxy.username is None:
        return sent
    told = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return [b"Proxy-Authorization: Basic " + b64encode(told.encode())]


def _pour(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until one side hangs up, or both are silent for too long."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(one, selectors.EVENT_READ, (one, other))
        waiting.register(other, selectors.EVENT_READ, (other, one))
        while ready := waiting.select(IDLE_S):
            for key, _ in ready:
                end, far_end = key.data
                read = end.recv(AT_ONCE)
                if not read:
                    return
                far_end.sendall(read)
