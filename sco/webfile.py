"""One file on the web as GDAL reads it: bytes that we fetch, by ranges, from the hosts that its project allows.

GDAL asks for all that a window needs at once, and is never told an address: it follows redirects by itself, has no
setting against that, and does not notice when a file becomes another one between two ranges.
"""

from collections.abc import Sequence

from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import HTTPError

from sco import landing
from sco.landing import LANDINGS, TIMEOUT, Landing, span_of, version_of
from sco.meter import WEB

AHEAD = 2**16
"""Bytes that are fetched at least where GDAL reads little by little; twice as many each time it goes on."""
MOST_AHEAD = 2**20
NEAR = 2**16
"""Bytes between two ranges that are fetched with them: sooner than they would be asked for apart."""


class WebFile:
    """A file at a web address: the same from its first byte to its last, or an OSError. Threads may share it."""

    def __init__(self, address: str, hosts: tuple[str, ...]) -> None:
        """Raises SceneError where the address leads off the hosts, OSError where there is no file."""
        self.address, self.hosts = address, hosts
        self.failure: Exception | None = None
        """Why GDAL got less than it asked for, which GDAL itself may take for the end of the file, or for nothing."""
        self._landing: Landing = LANDINGS.of(address, hosts)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._landing.size

    @property
    def head(self) -> bytes:
        """Its first bytes."""
        return self._landing.head

    def part(self, first: int, length: int) -> bytes:
        """Just these bytes, at least one and all of them in the file. Raises OSError."""
        if first + length <= len(self.head):
            return self.head[first : first + length]
        try:
            content = _asked(self._landing, first, length)
        except OSError:
            LANDINGS.forget(self.address, self.hosts)
            raise
        WEB.add(length)
        return content

    def ranges(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of all these spans, first byte and length, none of which goes beyond the file. Raises OSError."""
        found: dict[tuple[int, int], bytes] = {}
        for group in _grouped(spans):
            first, after = group[0][0], max(start + length for start, length in group)
            content = self.part(first, after - first)
            found |= {(start, length): content[start - first :][:length] for start, length in group}
        return [found[span] for span in spans]


class Cursor:
    """A place in a file that is read little by little, and some bytes from there on."""

    def __init__(self, file: WebFile) -> None:
        self.file = file
        self.place, self.at_end = 0, False
        self._from, self._chunk, self._ahead = 0, file.head, AHEAD

    def read(self, length: int) -> bytes:
        """So many bytes, fewer at the file's end. Raises OSError."""
        wanted = max(0, min(length, self.file.size - self.place))
        content = self._at(self.place, wanted) if wanted else b""
        self.place += wanted
        self.at_end = wanted < length
        return content

    def _at(self, first: int, length: int) -> bytes:
        if first + length <= len(self.file.head):
            return self.file.part(first, length)
        if not self._from <= first <= first + length <= self._from + len(self._chunk):
            goes_on = self._from <= first <= self._from + len(self._chunk)
            self._ahead = min(2 * self._ahead, MOST_AHEAD) if goes_on else AHEAD
            chunk = self.file.part(first, min(max(length, self._ahead), self.file.size - first))
            self._from, self._chunk = first, chunk
        start = first - self._from
        return self._chunk[start : start + length]


def _asked(there: Landing, first: int, length: int) -> bytes:
    wanted = {**there.headers, "Range": f"bytes={first}-{first + length - 1}"}
    try:
        answer = there.pool.urlopen(
            "GET",
            there.target,
            headers=wanted,
            redirect=False,
            retries=landing.PATIENCE,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(*TIMEOUT),
        )
        try:
            _check(answer, there, first, length)
            # whole where no more can come than was asked for, which urllib3 does not copy
            content = answer.read() if answer.headers.get("Content-Length") == str(length) else answer.read(length)
        finally:
            answer.release_conn()
    except HTTPError as error:
        raise OSError(str(error)) from error
    if len(content) != length:
        raise OSError(f"connection closed after {len(content)} of {length} bytes")
    return content


def _check(answer: BaseHTTPResponse, there: Landing, first: int, length: int) -> None:
    """Raises OSError for an answer that is not the part that was asked for of the file that was met."""
    if answer.status != 206:
        raise OSError(f"the server answers with status {answer.status} where it sent a part before")
    begins, ends, size = span_of(answer.headers)
    if (begins, ends) != (first, first + length - 1):
        raise OSError(f"the server sent bytes {begins} to {ends} for {first} to {first + length - 1}")
    if size != there.size or version_of(answer.headers) != there.version:
        raise OSError("the file became another one while it was read: try again")


def _grouped(spans: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """The spans in their order in the file, those together that lie near to one another."""
    groups: list[list[tuple[int, int]]] = []
    reached = 0
    for first, length in sorted(spans):
        if not groups or first - reached > NEAR:
            groups.append([])
            reached = first
        groups[-1].append((first, length))
        reached = max(reached, first + length)
    return groups
