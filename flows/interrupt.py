"""Ctrl-C in the middle of a run: the batch in hand is finished and kept, then the run ends."""

import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

TOLD = b"\ninterrupted: the batch in hand is finished and kept; press Ctrl-C once more to drop it\n"


class Interrupt:
    """Holds SIGINT back for as long as the block lasts; the second one is not held back.

    Only the main thread of a process is told of signals: in any other nothing is held back.
    """

    def __init__(self, told: bytes = TOLD) -> None:
        self.wanted = False
        self._told = told
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._asked)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def end_here(self) -> None:
        """Raises KeyboardInterrupt where an interrupt came since the block began."""
        if self.wanted:
            raise KeyboardInterrupt

    def _asked(self, number: int, frame: FrameType | None) -> None:
        if self.wanted:
            raise KeyboardInterrupt
        self.wanted = True
        os.write(sys.stderr.fileno(), self._told)  # print is not safe in here: it may be what was interrupted
