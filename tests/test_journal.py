"""The journal keeps runs and attempts, says what failed, and is safe to write from several processes."""

import multiprocessing
import re
import sqlite3
from pathlib import Path

import pytest

from sco.errors import ConfigurationError, ScoError
from sco.journal import Attempt, Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "journal.sqlite"


def test_a_run_is_kept_from_start_to_end(path: Path) -> None:
    with Journal(path) as journal:
        run = journal.start_run("camargue", "update", 12)
        assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{4}", run)
        (begun,) = journal.runs()
        assert (begun.id, begun.project, begun.verb, begun.wanted) == (run, "camargue", "update", 12)
        assert (begun.status, begun.finished) == ("running", None)
        journal.finish_run(run, "done")
    with Journal(path) as journal:
        last = journal.last_success()
        assert last is not None
        assert last.id == run
        assert last.finished is not None
        assert last.finished >= last.started
        assert last.started.utcoffset() is not None


def test_runs_come_newest_first_and_only_success_is_success(path: Path) -> None:
    with Journal(path) as journal:
        ids = [journal.start_run("p", "update", n) for n in range(5)]
        journal.finish_run(ids[1], "done")
        journal.finish_run(ids[4], "failed")
        assert [run.id for run in journal.runs(3)] == [ids[4], ids[3], ids[2]]
        last = journal.last_success()
        assert last is not None
        assert last.id == ids[1]


def test_failed_are_the_partitions_whose_latest_attempt_failed(path: Path) -> None:
    with Journal(path) as journal:
        run = journal.start_run("p", "update", 3)
        bad = Attempt(run, "ndvi 2023-01 r000c000", 2.0, 4, "failed reads", "transient", "504 from the archive", 9, 100)
        journal.note(bad, Attempt(run, "ndvi 2023-02 r000c000", 2.0, 4, "failed", "scene", "no band nir"))
        journal.note(Attempt(run, "ndvi 2023-02 r000c000", 2.0, 4, "computed"))
        assert journal.failed() == [bad]


def test_pace_is_the_median_of_attempts_that_went_well(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.pace() is None
        assert journal.last_success() is None
        assert journal.failed() == []
        run = journal.start_run("p", "update", 3)
        journal.note(*(Attempt(run, f"p{n}", seconds, 2, "computed") for n, seconds in enumerate([1.0, 3.0, 100.0])))
        journal.note(Attempt(run, "p9", 900.0, 1, "failed", "scene", "x"), Attempt(run, "p8", 9.0, 0, "empty"))
        assert journal.pace() == 1.5


def test_a_newer_journal_and_a_file_that_is_none_are_refused(path: Path, tmp_path: Path) -> None:
    Journal(path).close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ConfigurationError, match="version 99"):
        Journal(path)
    (tmp_path / "other").write_text("this is not a database, and it is longer than a header" * 10)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        Journal(tmp_path / "other")


def test_attempts_are_noted_all_or_none(path: Path) -> None:
    with Journal(path) as journal:
        run = journal.start_run("p", "update", 2)
        good = Attempt(run, "p1", 1.0, 1, "failed", "scene", "x")
        with pytest.raises(sqlite3.IntegrityError):
            journal.note(good, Attempt(run, None, 1.0, 1, "failed"))  # type: ignore[arg-type]
        assert journal.failed() == []


def _note_ten(path: Path, number: int, start: "multiprocessing.synchronize.Barrier") -> None:
    start.wait()
    with Journal(path) as journal:
        run = journal.start_run("p", "update", 10)
        for n in range(10):
            journal.note(Attempt(run, f"p{number}-{n}", 1.0, 1, "failed", "scene", "x"))
        journal.finish_run(run, "done")


def test_four_processes_create_and_write_at_once(path: Path) -> None:
    server = multiprocessing.get_context("forkserver")
    start = server.Barrier(4)
    writers = [server.Process(target=_note_ten, args=(path, number, start)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    with Journal(path) as journal:
        assert len(journal.failed()) == 40
        assert [run.status for run in journal.runs()] == ["done"] * 4


def test_a_full_journal_is_said_clearly_keeps_what_it_has_and_goes_on_with_room(path: Path) -> None:
    with Journal(path) as journal:
        run = journal.start_run("p", "update", 3)
        good = Attempt(run, "ndvi 2023-01 r000c000", 2.0, 4, "computed")
        journal.note(good)
        (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
        journal._database.execute(f"PRAGMA max_page_count = {pages}")
        big = Attempt(run, "ndvi 2023-02 r000c000", 2.0, 4, "failed", "transient", "x" * 100_000)
        with pytest.raises(ScoError, match=r"cannot be used \(database or disk is full\): look for space"):
            journal.note(good, big)
        assert journal.failed() == []
        journal._database.execute(f"PRAGMA max_page_count = {pages + 1000}")
        journal.note(big)
        assert journal.failed() == [big]
        assert journal._database.execute("SELECT count(*) FROM attempts").fetchone() == (2,)
