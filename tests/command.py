"""The `sco` command, run in a process of its own that needs not import everything first."""

import atexit
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.warm import WARM

PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Told:
    """How a command ended, and what it said."""

    returncode: int | None
    stdout: str
    stderr: str


class Running:
    """A command that runs; what it says goes into files."""

    def __init__(self, words: tuple[object, ...], environment: Mapping[str, str], before: Callable[[], Any] | None):
        self.folder = Path(tempfile.mkdtemp())
        said = [str(self.folder / name) for name in ("stdout", "stderr")]
        told = (list(map(str, words)), dict(os.environ) | dict(environment), os.getcwd(), said, before)
        self.process = WARM.Process(target=_run, args=told)
        self.process.start()

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.kill(self.process.pid or 0, signal.SIGINT)

    def end(self) -> Told:
        """Wait for its end."""
        self.process.join(PATIENCE_SECONDS)
        assert not self.process.is_alive(), "it does not end"
        stdout, stderr = ((self.folder / name).read_text("utf-8") for name in ("stdout", "stderr"))
        return Told(self.process.exitcode, stdout, stderr)


def start(*words: object, before: Callable[[], Any] | None = None, **environment: str) -> Running:
    """`sco` with these words, after `before` was called in its process."""
    return Running(words, environment, before)


def sco(*words: object, **environment: str) -> Told:
    """`sco` with these words, from its start to its end."""
    return start(*words, **environment).end()


def _run(
    words: list[str], environment: dict[str, str], folder: str, said: list[str], before: Callable[[], Any] | None
) -> None:
    for number, path in enumerate(said, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv = ["sco", *words]
    if before:
        before()
    from flows.cli import main

    try:
        main()
    finally:
        atexit._run_exitfuncs()  # as every process does, but for forked ones: Prefect stops its server then
