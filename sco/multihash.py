"""Checksums as the STAC file extension writes them: multihash, hexadecimal.

https://github.com/stac-extensions/file, https://multiformats.io/multihash
"""

import hashlib
from functools import lru_cache
from pathlib import Path

from sco.errors import SceneError

ALGORITHMS = {"11": "sha1", "12": "sha256", "13": "sha512", "d503": "md5"}
"""Multihash code -> name in hashlib."""


def require_intact(path: Path, told: str) -> None:
    """Raises SceneError where a local file is not what its item's checksum says, or the checksum is not understood."""
    algorithm, digest = _parsed(told)
    try:
        state = path.stat()
    except OSError:
        return  # opening it will say what is wrong
    found = _digest(path, algorithm, state.st_size, state.st_mtime_ns)
    if found != digest:
        raise SceneError(
            f"{path} does not have the checksum that its item tells ({algorithm} {found[:12]}…, told {digest[:12]}…): "
            "fetch the file again"
        )


def _parsed(told: str) -> tuple[str, str]:
    for code, algorithm in ALGORITHMS.items():
        length = hashlib.new(algorithm, usedforsecurity=False).digest_size
        prefix = f"{code}{length:02x}"
        if told.lower().startswith(prefix) and len(told) == len(prefix) + 2 * length:
            return algorithm, told.lower()[len(prefix) :]
    raise SceneError(f"checksum {told[:20]!r} is not a multihash of {', '.join(ALGORITHMS.values())}")


@lru_cache(maxsize=100_000)
def _digest(path: Path, algorithm: str, size: int, modified: int) -> str:
    """Digest of a file, remembered for as long as its size and time of change stay."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
