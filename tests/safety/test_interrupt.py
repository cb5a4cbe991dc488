"""Ctrl-C in the middle of a batch: that batch is finished and kept, the command ends with 130, the next one goes on."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from command import sco, start

from flows import run
from sco.journal import Journal
from sco.project import Project
from sco.store import Store


def slow_down(begun: Path, seconds: float) -> None:
    """Make this process compute a block a batch, say when each begins, and wait before it."""
    from sco import compute, reconcile

    reconcile.BATCH_BLOCKS = 1
    whole = compute.compute_block

    def slowly(block: Any, *others: Any) -> Any:
        with begun.open("a") as told:
            told.write(f"{block.period.label} {block.tile}\n")
        time.sleep(seconds)
        while begun.with_name("hold").exists():
            time.sleep(0.02)
        return whole(block, *others)

    compute.compute_block = slowly


class Command:
    """The `sco` command in a process of its own, a block a batch, each of which takes so many seconds."""

    def __init__(self, folder: Path, seconds: float, *words: object) -> None:
        self.begun = folder / "begun.txt"
        self.begun.touch()
        self.running = start(*words, before=partial(slow_down, self.begun, seconds))

    def wait_for(self, blocks: int) -> None:
        """Until the computing of so many blocks has begun."""
        until = time.monotonic() + 120
        while len(self.begun.read_text().splitlines()) < blocks:
            assert time.monotonic() < until, "it does not get there"
            assert self.running.process.is_alive(), self.running.end()
            time.sleep(0.02)

    def interrupt(self) -> None:
        self.running.interrupt()

    def end(self) -> tuple[int | None, str]:
        told = self.running.end()
        return told.returncode, told.stderr


def stored(file: Path) -> set[str]:
    return {f"{one.period.label} {one.tile}" for one in Store.open(Project.load(file).store_url).records()}


def statuses(file: Path) -> list[str]:
    with Journal(Project.load(file).workspace / "journal.sqlite") as journal:
        return [one.status for one in journal.runs()]


@pytest.mark.parametrize("engine", ["local", "prefect"])
def test_the_batch_in_hand_is_finished_and_the_next_run_goes_on(project: Callable[..., Path], engine: str) -> None:
    file = project()
    command = Command(file.parent, 1.0, "update", file, "--engine", engine)
    command.wait_for(2)
    command.interrupt()
    code, told = command.end()
    assert code == 130, told
    assert "the batch in hand is finished and kept" in told
    assert "interrupted: what was committed stays; run the same command again to go on" in told
    assert "Traceback" not in told
    begun = command.begun.read_text().splitlines()
    assert len(begun) == 2
    assert stored(file) == set(begun)
    assert statuses(file) == ["interrupted"]
    assert run.reconcile(str(file), "update").partitions == 10
    assert len(stored(file)) == 12
    assert statuses(file) == ["done", "interrupted"]


def test_the_second_interrupt_is_not_held_back(project: Callable[..., Path]) -> None:
    file = project()
    command = Command(file.parent, 5.0, "update", file, "--engine", "local")
    command.wait_for(1)
    command.interrupt()
    time.sleep(0.5)
    command.interrupt()
    code, told = command.end()
    assert code == 130, told
    assert stored(file) == set()
    assert statuses(file) == ["interrupted"]
    assert run.reconcile(str(file), "update").partitions == 12


def test_a_second_command_at_once_is_8_and_changes_nothing(project: Callable[..., Path]) -> None:
    file = project()
    hold = file.with_name("hold")
    hold.touch()
    first = Command(
        file.parent, 0.0, "backfill", file, "--start", "2022-01-01", "--end", "2022-01-31", "--engine", "local"
    )
    first.wait_for(1)
    other = sco("update", file, "--engine", "local")
    assert other.returncode == 8, other.stderr
    assert "another run is working on tiny" in other.stderr
    hold.unlink()
    code, told = first.end()
    assert code == 0, told
    assert {name.split()[0] for name in stored(file)} == {"2022-01"}
    assert statuses(file) == ["done"]
