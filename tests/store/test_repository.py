"""Nothing acknowledged is lost, whatever is killed, raced or refused."""

import os
import signal
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
from icechunk import IcechunkError
from samples import NDVI, TILING, YEAR, assert_stored, attrs, outcome, part

from benchmarks.warm import WARM
from sco.errors import IntegrityError, ScoError
from sco.store import Store


def _commit_ten(url: str, number: int, start: Barrier) -> None:
    store = Store.open(url)
    for month in range(1, 11):
        start.wait()
        store.commit([outcome(part(month, number % 2, number // 2))], f"run{number}", f"{number} {month}")


def test_four_processes_racing_lose_nothing(store: Store, url: str) -> None:
    start = WARM.Barrier(4)
    writers = [WARM.Process(target=_commit_ten, args=(url, number, start)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    expected = [outcome(part(month, row, column)) for month in range(1, 11) for row in (0, 1) for column in (0, 1)]
    assert set(store.records()) == {one.partition for one in expected}
    for one in expected[::7]:
        assert_stored(store, one)
    assert len(store.history()) == 41
    assert store.verify() == []


def _commit_for_ever(url: str, acknowledged: Path, skip: int) -> None:
    store = Store.open(url)
    with acknowledged.open("a") as told:
        for number in range(skip, 72):
            month, tile = 1 + number // 6, list(TILING)[number % 6]
            store.commit([outcome(part(month, tile.row, tile.column))], f"run{number}", str(number))
            told.write(f"{number}\n")
            told.flush()


def _numbers(acknowledged: Path) -> list[int]:
    return [int(line) for line in acknowledged.read_text().split()] if acknowledged.exists() else []


def _kill_soon(url: str, acknowledged: Path, delay: float) -> None:
    """Let a writer acknowledge a commit, and kill it a moment later."""
    before = _numbers(acknowledged)
    writer = WARM.Process(target=_commit_for_ever, args=(url, acknowledged, max(before, default=-1) + 1))
    writer.start()
    while len(_numbers(acknowledged)) == len(before):
        time.sleep(0.002)
    time.sleep(delay)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert writer.exitcode == -signal.SIGKILL


def test_a_killed_writer_leaves_everything_acknowledged_and_nothing_half(
    store: Store, url: str, tmp_path: Path
) -> None:
    acknowledged = tmp_path / "acknowledged"
    for kill in range(10):
        _kill_soon(url, acknowledged, delay=0.005 + 0.007 * kill)
        assert store.verify() == []
        assert len(store.records()) >= len(_numbers(acknowledged))
    ordered = [part(month, tile.row, tile.column) for month in range(1, 13) for tile in TILING]
    records = store.records()
    assert {ordered[number] for number in _numbers(acknowledged)} <= set(records)
    for partition in records:
        assert_stored(store, outcome(partition, run=records[partition].run))


def test_a_commit_that_landed_though_it_was_refused_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to a commit is lost after the branch has moved: it is not made a second time."""
    repository = store._repository
    land = repository._commit_local

    def lost(*asked: Any) -> str:
        land(*asked)
        raise IcechunkError("connection reset")

    monkeypatch.setattr(repository, "_commit_local", lost)
    snapshot = store.commit([outcome(part(1))], "r", "once")
    assert snapshot == store.tip()
    assert [one.message for one in store.history()] == ["once", "lay out"]


def test_a_commit_that_did_not_land_is_an_error_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> str:
        raise IcechunkError("  x no space left on device\n  |\n  | context:")

    tip = store.tip()
    monkeypatch.setattr(store._repository, "_commit_local", full)
    with pytest.raises(ScoError, match=r"did not take 'one': no space left on device\. Nothing of it is visible"):
        store.commit([outcome(part(1))], "r", "one")
    assert (store.tip(), store.records()) == (tip, {})


def test_a_store_whose_newest_version_is_lost_says_so_and_is_never_begun_anew(store: Store, url: str) -> None:
    store.commit([outcome(part(1))], "r", "one")
    newest = Path(url, "snapshots", store.tip())
    content = newest.read_bytes()
    newest.write_bytes(content[:50])
    with pytest.raises(IntegrityError, match=newest.name):
        Store.open(url)
    newest.write_bytes(content)
    Path(url, "refs", "branch.main", "ref.json").unlink()
    with pytest.raises(IntegrityError, match="restore the folder"):
        Store.lay_out(url, TILING, YEAR, [NDVI], attrs())
