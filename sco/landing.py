"""Where a web address really leads, and the first bytes of the file there.

Nobody but us follows a redirect: hop by hop, each host checked before it is asked. GDAL is never given a web address
(`sco.webfile`), so that no answer of a server leads it anywhere.
"""

import os
import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any, cast
from urllib.parse import SplitResult, urljoin, urlsplit

from requests import Request, Response, Session
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, Retry

from sco.errors import SceneError
from sco.meter import WEB
from sco.turns import Turns

AGENT = "space-for-climate-observatory-pipeline"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MOST_HOPS = 5
KEPT_S = 300.0
"""Signed addresses at the end of a redirect last longer than this."""
MOST_KEPT = 1024
HEAD_BYTES = 2**15
"""Of a file that are asked for at first: the headers of COGs are seldom longer."""
MOST_WHOLE = 2**24
"""Bytes of a file that is taken whole where a server knows no ranges."""
TIMEOUT = (10.0, 60.0)
CONNECTIONS = 64
"""To one host, kept open."""
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


@dataclass(frozen=True)
class Landing:
    """The end of the redirects, the file that was there, and how more of it is asked for."""

    address: str
    size: int
    version: str
    """What the server tells its versions apart by; empty where it tells nothing."""
    head: bytes
    """As the file begins."""
    pool: HTTPConnectionPool
    target: str
    headers: Mapping[str, str]
    """What the host knows us by."""


class Landings:
    """Where addresses led a short while ago. Threads that begin with the same file ask once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, tuple[float, Landing]] = OrderedDict()
        self._lock = Lock()
        self._asking = Turns()

    def of(self, address: str, hosts: tuple[str, ...]) -> Landing:
        """Where this web address leads. Raises SceneError for a hop off the hosts, OSError if there is no file."""
        key = (address, hosts, os.getpid())
        with self._asking.taken(key):
            known = self._kept.get(key)
            if known is None or time.monotonic() - known[0] > KEPT_S:
                known = time.monotonic(), _landed(address, hosts)
                with self._lock:
                    self._kept[key] = known
                    while len(self._kept) > MOST_KEPT:
                        self._kept.popitem(last=False)
        return known[1]

    def forget(self, address: str, hosts: tuple[str, ...]) -> None:
        """Ask again the next time, as something is not as it was."""
        with self._lock:
            self._kept.pop((address, hosts, os.getpid()), None)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._kept.clear()


LANDINGS = Landings()
"""Those of this process."""


def is_refused(address: str, hosts: tuple[str, ...]) -> bool:
    """Whether this web address now wants other credentials than it carries; False where nobody answers."""
    try:
        check_host(address, hosts)
        with _asked(address, 1) as answer:
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


def span_of(answer: Mapping[str, str]) -> tuple[int, int, int]:
    """First and last byte of a partial answer, and the length of the file, by its headers. Raises OSError."""
    told = answer.get("Content-Range", "")
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", told.strip())
    if found is None:
        raise OSError(f"the server says {told[:80]!r} about the part that it sent, which is no range of bytes")
    return int(found[1]), int(found[2]), int(found[3])


def version_of(answer: Mapping[str, str]) -> str:
    """What the server tells this version of a file by."""
    return answer.get("ETag") or answer.get("Last-Modified") or ""


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


def _landed(address: str, hosts: tuple[str, ...]) -> Landing:
    for _ in range(MOST_HOPS + 1):
        check_host(address, hosts)
        with _asked(address, HEAD_BYTES) as answer:
            if not answer.is_redirect:
                return _found(address, answer)
            address = urljoin(address, answer.headers["location"])
    raise SceneError(f"asset address {_told(address)!r} is behind more than {MOST_HOPS} redirects: it is not read")


def _asked(address: str, length: int) -> Response:
    """The answer to the question for the first bytes; no redirect is followed."""
    wanted = {"Range": f"bytes=0-{length - 1}", "Accept-Encoding": "identity"}
    return _session(os.getpid()).get(address, headers=wanted, allow_redirects=False, stream=True, timeout=TIMEOUT)


def _found(address: str, answer: Response) -> Landing:
    answer.raise_for_status()
    if answer.status_code == 206:
        first, last, size = span_of(answer.headers)
        if first != 0 or not 0 <= last < HEAD_BYTES:
            raise OSError(f"the server sent bytes {first} to {last}, which nobody asked for")
    else:
        size = _length(answer)
        last = size - 1
    head: bytes = answer.raw.read(last + 1, decode_content=False)
    if len(head) != last + 1:
        raise OSError(f"connection closed after {len(head)} of {last + 1} bytes")
    WEB.add(len(head))
    return Landing(address, size, version_of(answer.headers), head, *_way(address))


def _way(address: str) -> tuple[HTTPConnectionPool, str, dict[str, str]]:
    """The connections by which requests to this address are made, what they ask for there, and what they tell of us."""
    session = _session(os.getpid())
    request = session.prepare_request(Request("GET", address, headers={"Accept-Encoding": "identity"}))
    settings = session.merge_environment_settings(address, {}, True, None, None)
    way = cast(HTTPAdapter, session.get_adapter(address))
    pool = way.get_connection_with_tls_context(request, settings["verify"], settings["proxies"], settings["cert"])
    return (
        pool,
        way.request_url(request, settings["proxies"]),
        {name: str(told) for name, told in request.headers.items()},
    )


def _length(answer: Response) -> int:
    """Of a file that comes whole, as the server knows no ranges."""
    told = answer.headers.get("Content-Length", "")
    if not told.isdecimal() or int(told) > MOST_WHOLE:
        raise OSError(f"the server answers no ranges, and the whole file is {told or 'nobody knows how many'} bytes")
    return int(told)


@lru_cache(maxsize=1)
def _session(_: int) -> Session:
    """The connections of this process."""
    session = Session()
    session.headers["User-Agent"] = AGENT
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(CONNECTIONS, CONNECTIONS, max_retries=PATIENCE))
    return session


def _told(address: str) -> str:
    """The address as a message may show it: without its query, where signatures are."""
    return address.split("?")[0][:80]
