"""The named crash points are inert, all of them exist, and one that is asked for kills."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from timeit import timeit

import pytest

from sco import crash

SOURCE = Path(crash.__file__).parent


def test_every_named_point_is_somewhere_in_the_code_and_no_other() -> None:
    texts = (file.read_text("utf-8") for file in SOURCE.rglob("*.py"))
    found = [name for text in texts for name in re.findall(r'crash\.point\("([^"]+)"\)', text)]
    assert sorted(found) == sorted(crash.POINTS)


def test_a_point_is_inert_and_costs_next_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(crash.SWITCH, raising=False)
    inert = timeit(lambda: crash.point("before commit"), number=10_000)
    assert inert < 20 * timeit(lambda: os.environ.get(crash.SWITCH), number=10_000)
    monkeypatch.setenv(crash.SWITCH, "after commit")
    crash.point("before commit")


@pytest.mark.parametrize(("asked", "passed"), [("mid-write", 0), ("mid-write:3", 2)])
def test_the_point_that_is_asked_for_kills_the_process(asked: str, passed: int) -> None:
    code = "from sco import crash\nfor n in range(9):\n    crash.point('mid-write')\n    print(n, flush=True)"
    told = subprocess.run(
        [sys.executable, "-c", code], env={crash.SWITCH: asked, "PYTHONPATH": str(SOURCE.parent)}, capture_output=True
    )
    assert told.returncode == -signal.SIGKILL
    assert told.stdout.split() == [str(number).encode() for number in range(passed)]
