"""What this process has read, asked for and held so far, where the system tells."""

import ctypes
import json
import resource
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

READ_SO_FAR = Path("/proc/self/io")
"""Linux; what came through sockets is not in its count."""
KIBIBYTE = 1 if sys.platform == "darwin" else 1024
"""In what ru_maxrss is counted."""


@dataclass(frozen=True)
class Meter:
    """Counts from the start of the process on."""

    bytes_read: int | None
    """From disks, and from archives on the web; None where the system does not tell."""
    requests: int
    """To archives on the web."""

    @classmethod
    def now(cls) -> "Meter":
        """As it stands."""
        from_disk, (from_buckets, requests) = _disk(), _buckets().counted()
        from_web = WEB.bytes + from_buckets
        return cls(None if from_disk is None else from_disk + from_web, WEB.requests + requests)

    def since(self, earlier: "Meter") -> "Meter":
        """What was added since then."""
        known = self.bytes_read is not None and earlier.bytes_read is not None
        read = (self.bytes_read or 0) - (earlier.bytes_read or 0)
        return Meter(read if known else None, self.requests - earlier.requests)


def peak_memory() -> int:
    """The most bytes that the process ever held in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE


class Web:
    """What was asked of archives by us, and came."""

    def __init__(self) -> None:
        self.requests = self.bytes = 0
        self._lock = Lock()

    def add(self, length: int) -> None:
        """One request more."""
        with self._lock:
            self.requests += 1
            self.bytes += length


WEB = Web()
"""By this process."""


class _Buckets:
    """GDAL's own count of what it asked buckets for, which it keeps where CPL_VSIL_NETWORK_STATS_ENABLED is set.

    It keeps it file by file, so that it is taken over and set back each time, before it grows long.
    """

    def __init__(self) -> None:
        from sco.preflight import gdal

        self._gdal = gdal()
        self._gdal.VSINetworkStatsGetAsSerializedJSON.restype = ctypes.c_void_p
        self._gdal.VSINetworkStatsGetAsSerializedJSON.argtypes = [ctypes.c_void_p]
        self._gdal.VSIFree.restype, self._gdal.VSIFree.argtypes = None, [ctypes.c_void_p]
        self._lock = Lock()
        self._bytes = self._requests = 0

    def counted(self) -> tuple[int, int]:
        """Bytes and requests so far."""
        with self._lock:
            methods = self._taken()
            self._bytes += sum(one.get("downloaded_bytes", 0) for one in methods)
            self._requests += sum(one.get("count", 0) for one in methods)
            return self._bytes, self._requests

    def _taken(self) -> list[dict[str, Any]]:
        told = self._gdal.VSINetworkStatsGetAsSerializedJSON(None)
        if not told:
            return []
        try:
            found = json.loads(ctypes.string_at(told))
        finally:
            self._gdal.VSIFree(told)
        self._gdal.VSINetworkStatsReset()
        return list(found.get("methods", {}).values())


@cache
def _buckets() -> _Buckets:
    return _Buckets()


def _disk() -> int | None:
    try:
        lines = READ_SO_FAR.read_text("ascii").splitlines()
    except OSError:
        return None
    return int(dict(line.split(": ") for line in lines)["rchar"])
