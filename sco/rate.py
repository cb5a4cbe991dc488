"""Politeness: whoever asks a catalog on this machine, thread or process, waits for a turn from the same small file."""

import hashlib
import os
import tempfile
import time
from pathlib import Path

from filelock import FileLock

LONGEST_QUEUE_S = 600.0
"""A next turn later than this was written before a clock was set back or a machine started anew."""


def wait_turn(name: str, per_second: float) -> None:
    """Return when it is this caller's turn; all callers of this name on the machine get `per_second` turns together.

    Turns are evenly spaced: whoever was silent for long does not catch up.
    """
    pause = _take(_folder() / hashlib.sha256(name.encode()).hexdigest()[:16], 1 / per_second) - time.time()
    if pause > 0:
        time.sleep(pause)


def _take(file: Path, spacing: float) -> float:
    """The time of the next free turn, which is then taken."""
    with FileLock(f"{file}.lock", timeout=LONGEST_QUEUE_S, poll_interval=0.005):
        now = time.time()
        turn = _next_free(file)
        turn = turn if now < turn < now + LONGEST_QUEUE_S else now
        file.write_text(repr(turn + spacing), "ascii")
    return turn


def _next_free(file: Path) -> float:
    try:
        return float(file.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return 0.0  # nobody asked before, or a writer was killed halfway


def _folder() -> Path:
    """The folder of the turns, one for every user of the machine, since a folder of all could be barred by any."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"sco-turns-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
