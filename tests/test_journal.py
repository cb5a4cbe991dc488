"""The journal keeps runs and attempts, says what failed, and is safe to write from several processes."""

import multiprocessing
import re
import sqlite3
from pathlib import Path

import pytest

from benchmarks.warm import WARM
from sco.errors import ConfigurationError, ScoError
from sco.journal import Attempt, Journal, Spent

FIRST_VERSION = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, project TEXT NOT NULL, verb TEXT NOT NULL, wanted INTEGER NOT NULL,
    started TEXT NOT NULL, finished TEXT, status TEXT NOT NULL
);
CREATE TABLE attempts (
    run TEXT NOT NULL REFERENCES runs (id), partition TEXT NOT NULL, seconds REAL NOT NULL, scenes INTEGER NOT NULL,
    outcome TEXT NOT NULL, error_class TEXT NOT NULL, message TEXT NOT NULL,
    reads INTEGER NOT NULL, bytes_read INTEGER NOT NULL
);
INSERT INTO runs VALUES ('r', 'p', 'update', 1, '2023-01-01T00:00:00+00:00', NULL, 'running');
INSERT INTO attempts VALUES ('r', 'ndvi 2023-01 r000c000', 2.0, 4, 'failed reads', 'transient', '504', 9, 100);
PRAGMA user_version = 1;
"""


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


def test_what_batches_took_is_kept_of_those_that_went_well_newest_first(path: Path) -> None:
    with Journal(path) as journal:
        assert journal.spent() == []
        assert journal.last_success() is None
        assert journal.failed() == []
        run = journal.start_run("p", "update", 3)
        first = Spent(run, 4, 0, 12, 6.5, 1000, 3, 2**30)
        last = Spent(run, 1, 0, 0, 0.5)
        journal.note(Attempt(run, "p1", 1.0, 2, "computed"), spent=first)
        journal.note(spent=Spent(run, 4, 1, 12, 900.0))
        journal.note(spent=last)
        assert journal.spent() == [last, first]
        assert journal.spent(1) == [last]


def test_uncomputed_are_those_that_nothing_came_of_and_no_later_try_mended(path: Path) -> None:
    with Journal(path) as journal:
        run = journal.start_run("p", "update", 3)
        lost = Attempt(run, "p1", 1.0, 0, "failed", "bug", "KeyError: 'nir'", fingerprint="f" * 64, code="1+abc")
        journal.note(lost, Attempt(run, "p2", 1.0, 1, "failed reads", "data", "cut off"))
        journal.note(Attempt(run, "p3", 1.0, 0, "failed", "bug", "x"), Attempt(run, "p3", 1.0, 2, "computed"))
        assert journal.uncomputed() == {"p1": lost}


def test_a_journal_of_the_first_version_is_read_on(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        database.executescript(FIRST_VERSION)
    database.close()
    with Journal(path) as journal:
        (old,) = journal.failed()
        assert (old.partition, old.error_class, old.fingerprint) == ("ndvi 2023-01 r000c000", "transient", "")
        assert journal.uncomputed() == {}
        assert journal.spent() == []
        journal.note(Attempt(old.run, old.partition, 1.0, 2, "computed", fingerprint="a"))
        assert journal.failed() == []


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
    start = WARM.Barrier(4)
    writers = [WARM.Process(target=_note_ten, args=(path, number, start)) for number in range(4)]
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
