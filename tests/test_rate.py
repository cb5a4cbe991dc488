"""Turns are shared by everyone on the machine, and nobody is early."""

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sco import rate
from sco.rate import wait_turn

PER_SECOND = 20.0


@pytest.fixture(autouse=True)
def _own_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    yield
    monkeypatch.setattr("tempfile.tempdir", None)


def _ask(name: str, turns: int) -> list[float]:
    times = []
    for _ in range(turns):
        wait_turn(name, PER_SECOND)
        times.append(time.time())
    return times


def test_four_processes_keep_one_budget_together() -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.starmap(_ask, [("warm", 1)] * 4)
        times = sorted(moment for part in pool.starmap(_ask, [("one", 10)] * 4, chunksize=1) for moment in part)
    assert len(times) == 40
    assert (len(times) - 1) / (times[-1] - times[0]) <= 1.1 * PER_SECOND


def test_names_have_budgets_of_their_own_and_nobody_catches_up(paused: list[float]) -> None:
    for name in "abcdefgh":
        wait_turn(name, 1.0)
    assert paused == []
    for _ in range(3):
        wait_turn("late", 10.0)
    assert 0.1 < sum(paused) <= 0.1 + 0.2


@pytest.mark.parametrize("left", ["", "half a num", "nan", "9e99", "-1"])
def test_a_file_that_says_nonsense_holds_nobody_up(left: str, paused: list[float]) -> None:
    wait_turn("x", 5.0)
    (file,) = (path for path in rate._folder().iterdir() if path.suffix != ".lock")
    file.write_text(left)
    paused.clear()
    wait_turn("x", 5.0)
    assert paused == []
    assert 0 < float(file.read_text()) - time.time() <= 0.2
