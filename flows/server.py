"""The Prefect server that a schedule talks to: the one that is configured, or one of its own on loopback."""

import ipaddress
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from sco.errors import ConfigurationError, UpstreamError

START_SECONDS = 180
STOP_SECONDS = 20
OWN_SETTINGS = {
    # leases that outlive the server, so that what a killed run held is free again when its lease is over
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    # a page of another site that is open in this machine's browser must not command the server
    "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": "{origin}",
}
HOST, PORT = "PREFECT_SERVER_API_HOST", "PREFECT_SERVER_API_PORT"
SERVER_PASSWORD, CLIENT_PASSWORD = "PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING"


@dataclass(frozen=True)
class Binding:
    """Where a server of ours would listen."""

    host: str
    port: int
    authenticated: bool

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can reach it, whatever a host name leads to."""
        try:
            return all(ipaddress.ip_address(address).is_loopback for address in _addresses(self.host))
        except OSError:
            return False

    @property
    def url(self) -> str:
        """Where this machine reaches its API."""
        host = self.host if self.is_loopback else "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/api"

    def require_safe(self) -> None:
        """Raises ConfigurationError where others could reach it and would not be asked who they are."""
        if not (self.is_loopback or self.authenticated):
            raise ConfigurationError(
                f"{HOST}={self.host} would let the whole network command this machine's runs: unset it to stay on "
                f"loopback, or set {SERVER_PASSWORD}=user:password first, and the same as {CLIENT_PASSWORD} for clients"
            )


def binding() -> Binding:
    """As Prefect's settings have it: environment, profile, prefect.toml."""
    from prefect.settings import get_current_settings

    api = get_current_settings().server.api
    return Binding(api.host, api.port, bool(api.auth_string and api.auth_string.get_secret_value()))


@contextmanager
def serving() -> Iterator[str]:
    """The address of the API that is configured, or of our own server for as long as the block lasts.

    A server that already answers on our own address is used, and stays. Prefect's settings lead to the API when this
    yields. Raises ConfigurationError for a binding that is open to strangers, UpstreamError where none starts.
    """
    from prefect.settings import get_current_settings

    configured = get_current_settings().api.url
    if configured:
        yield str(configured)
        return
    own = binding()
    own.require_safe()
    _lead_to(own)
    if _answers(own.url):
        yield own.url
        return
    server = _start(own)
    try:
        _wait(server, own.url)
        yield own.url
    finally:
        _stop(server)


def _addresses(host: str) -> list[str]:
    return [str(found[4][0]).split("%")[0] for found in socket.getaddrinfo(host, None)]


def _lead_to(own: Binding) -> None:
    from prefect.context import refresh_global_settings_context

    os.environ["PREFECT_API_URL"] = own.url
    if SERVER_PASSWORD in os.environ:
        os.environ.setdefault(CLIENT_PASSWORD, os.environ[SERVER_PASSWORD])
    refresh_global_settings_context()


def _start(own: Binding) -> subprocess.Popen[bytes]:
    # a session of its own: Ctrl-C ends the runs first, then we end the server
    return subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", own.host, "--port", str(own.port)],
        env=_environment(own),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _environment(own: Binding) -> Mapping[str, str]:
    origin = own.url.removesuffix("/api")
    defaults = {name: value.format(origin=origin) for name, value in OWN_SETTINGS.items()}
    return defaults | os.environ


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(url):
            return
        time.sleep(0.25)
    raise UpstreamError(
        f"the Prefect server at {url} does not start: see why with `prefect server start`, or choose another port "
        f"with {PORT}"
    )


def _answers(url: str) -> bool:
    # no proxy of the environment between us; health is answered without a password
    place = urlsplit(url)
    asked = HTTPConnection(str(place.hostname), place.port, timeout=5)
    try:
        asked.request("GET", f"{place.path}/health")
        reply = asked.getresponse()
        return reply.status == 200 and reply.read(16).strip() == b"true"
    except (OSError, HTTPException):
        return False
    finally:
        asked.close()


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(STOP_SECONDS)
        return
    server.kill()
    server.wait()
