"""SHA-256 of large files, remembered for as long as the system tells that a file is what it was.

That is its inode, its length, and when its bytes and its entry last changed, to the nanosecond; nobody sets the latter
by hand. A file that changed moments ago is not remembered, as it may change again within one tick of that clock.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from sco.draft import drafted

LEAST_BYTES = 2**24
"""Of a file that is worth remembering; others are read as quickly."""
RESTS_NS = 10 * 10**9
"""How long a file must have rested."""


def digest(file: Path, memory: Path) -> str:
    """SHA-256 of the file's bytes, hexadecimal; `memory` is a file of ours. Raises OSError where it cannot be read."""
    name, state = str(file.resolve()), _state(file)
    known = _recalled(memory)
    if known.get(name, {}).get("state") == state:
        return str(known[name]["sha256"])
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if state[1] >= LEAST_BYTES and time.time_ns() - max(state[2:]) > RESTS_NS and _state(file) == state:
        with drafted(memory) as draft:
            draft.write_text(json.dumps({**known, name: {"state": state, "sha256": found}}), "utf-8")
    return found


def _state(file: Path) -> list[int]:
    told = os.stat(file)
    return [told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns]


def _recalled(memory: Path) -> Mapping[str, Mapping[str, object]]:
    """What is remembered; nothing where the memory is damaged or not there."""
    try:
        known = json.loads(memory.read_text("utf-8"))
        return {name: one for name, one in known.items() if len(str(one["sha256"])) == 64 and "state" in one}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
