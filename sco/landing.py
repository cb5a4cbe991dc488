"""Where a web address really leads, and how long the file there is, before GDAL is let near it.

GDAL follows redirects by itself and cannot be told not to, so that they are followed here first, hop by hop, and GDAL
gets the address at their end. A server that redirects GDAL after it did not redirect us is caught by `sco.proxy`.
"""

import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urljoin, urlsplit

from requests import Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from sco.errors import SceneError
from sco.turns import Turns

AGENT = "space-for-climate-observatory-pipeline"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_HOPS = 5
KEPT_S = 600
"""Signed addresses at the end of a redirect last longer than this."""
TIMEOUT = (10.0, 60.0)
PLAIN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
"""What an address is made of. Anything else is read in one way by some and in another way by others."""
PATIENCE = Retry(
    total=4,
    connect=1,
    status_forcelist=(429, 500, 502, 503, 504),
    backoff_factor=0.5,
    retry_after_max=60,
    raise_on_status=True,
)

_threads = threading.local()
_asking = Turns()


@dataclass(frozen=True)
class Landing:
    """The end of the redirects, and the length of the file there in bytes if the server tells it."""

    address: str
    size: int | None = None


def land(address: str, hosts: tuple[str, ...]) -> Landing:
    """Where this web address leads. Raises SceneError for a hop off the hosts, OSError if nobody answers."""
    with _asking.taken(address):  # threads that begin with the same file would each ask
        return _landed(address, hosts, int(time.time() // KEPT_S))


def is_refused(address: str, hosts: tuple[str, ...]) -> bool:
    """Whether this web address now wants other credentials than it carries; False where nobody answers."""
    try:
        check_host(address, hosts)
        with _asked(address) as answer:
            return answer.status_code in (401, 403)
    except (SceneError, OSError):
        return False


def host_of(address: str) -> str:
    """The host of a web address as rules spell it: with its port, unless that is the one of https."""
    parts = urlsplit(address)
    usual = parts.scheme == "https" and parts.port in (None, 443)
    return str(parts.hostname) if usual else f"{parts.hostname}:{parts.port or 80}"


def check_host(address: str, hosts: Iterable[str]) -> None:
    """Raises SceneError for an address that is not on these hosts; a leading dot stands for all under a domain."""
    if not PLAIN.fullmatch(address):
        raise SceneError(f"asset address {_told(address)!r} has characters that no address has: it is not read")
    if _is_open(_split(address)) and any(_covers(host, host_of(address)) for host in hosts):
        return
    known = ", ".join(sorted(hosts)) or "none"
    raise SceneError(
        f"asset address {_told(address)!r} is not on a host of its catalog ({known}): it is not read. "
        "If it may be, name its host in access.hosts"
    )


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - a port that is no number is told when it is asked for
    except ValueError as error:
        raise SceneError(f"asset address {_told(address)!r} is no address, it is not read: {error}") from error
    return parts


def _is_open(parts: SplitResult) -> bool:
    """Whether it is https, or this machine, and carries no name and password."""
    return "@" not in parts.netloc and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    )


def _covers(rule: str, host: str) -> bool:
    return host == rule or (rule.startswith(".") and host.endswith(rule))


@lru_cache(maxsize=4096)
def _landed(address: str, hosts: tuple[str, ...], _: int) -> Landing:
    for _ in range(MOST_HOPS + 1):
        check_host(address, hosts)
        with _asked(address) as answer:
            if not answer.is_redirect:
                return Landing(address, _size(answer))
            address = urljoin(address, answer.headers["location"])
    raise SceneError(f"asset address {_told(address)!r} is behind more than {MOST_HOPS} redirects: it is not read")


def _asked(address: str) -> Response:
    """The answer to the question for one byte; no redirect is followed."""
    return _session().get(address, headers={"Range": "bytes=0-0"}, allow_redirects=False, stream=True, timeout=TIMEOUT)


def _size(answer: Response) -> int | None:
    told = answer.headers.get("Content-Length", "") if answer.status_code == 200 else ""
    if answer.status_code == 206:
        answer.content  # noqa: B018 - one byte, so that the connection can be used again
        told = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(told) if told.isdecimal() else None


def _session() -> Session:
    """The connections of the thread that asks."""
    if not hasattr(_threads, "session"):
        session = Session()
        session.headers["User-Agent"] = AGENT
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=PATIENCE))
        _threads.session = session
    session_of_thread: Session = _threads.session
    return session_of_thread


def _told(address: str) -> str:
    """The address as a message may show it: without its query, where signatures are."""
    return address.split("?")[0][:80]
