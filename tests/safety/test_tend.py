"""The commands that look after a store: history, rollback and gc."""

import errno
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from benchmarks import tiny
from flows import run
from flows.cli import app, main
from sco.errors import ConfigurationError, LockedError
from sco.lock import alone
from sco.plan import make_plan
from sco.project import Project
from sco.store import Store


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words: object) -> dict:
    told = command(*words, "--json")
    assert told.exit_code == 0, told.output
    return json.loads(told.stdout)


@pytest.fixture
def file(project: Callable[..., Path]) -> Path:
    """A project with two months stored, the first of them tagged."""
    one = project()
    run.reconcile(str(one), "backfill", date(2022, 1, 1), date(2022, 1, 31))
    Store.open(Project.load(one).store_url).tag("january")
    run.reconcile(str(one), "backfill", date(2022, 2, 1), date(2022, 2, 28))
    return one


def test_history_tells_versions_with_their_runs_partitions_and_tags(file: Path) -> None:
    newest, january, laid_out = answer("history", file)["versions"]
    assert [one["message"] for one in (newest, january, laid_out)] == [
        "backfill 2022-02",
        "backfill 2022-01",
        "lay out",
    ]
    assert (january["tags"], newest["tags"]) == (["january"], [])
    assert len(newest["partitions"]) == 4
    assert newest["time"] >= january["time"]
    assert newest["run"] not in ("", january["run"])
    lines = command("history", file, "--limit", 1).stdout.splitlines()
    assert lines[0].split("\t") == ["version", "time", "run", "message", "partitions", "tags"]
    assert [line.split("\t")[0] for line in lines[1:]] == [newest["version"]]


def test_rollback_says_what_becomes_stale_and_the_plan_agrees(file: Path) -> None:
    february = {f"ndvi 2022-02 r{row:03}c{column:03}" for row in (0, 1) for column in (0, 1)}
    told = answer("rollback", file, "january")
    assert (set(told["cleared"]), told["restored"], set(told["stale"])) == (february, [], february)
    plan = make_plan(Project.load(file), date(2022, 1, 1), date(2022, 2, 28))
    assert {str(entry.partition) for entry in plan.entries if entry.due} == february
    assert answer("history", file)["versions"][0]["message"] == f"rollback to {told['to']}"
    assert "there is nothing to do" in command("rollback", file, "january").output
    run.reconcile(str(file), "update")
    assert answer("rollback", file, told["version"][:9])["to"] == told["version"]


def test_gc_keeps_what_it_must_and_tells_what_it_freed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sco.retention.KEEP_NEWEST", 1)
    assert answer("gc", file)["forgotten"] == 0
    told = answer("gc", file, "--keep-days", 0)
    assert (told["forgotten"], told["kept"]) == (1, 2)
    assert told["bytes_freed"] > 0
    assert [one["message"] for one in answer("history", file)["versions"]] == ["backfill 2022-02", "backfill 2022-01"]
    assert Store.open(Project.load(file).store_url).verify() == []


@pytest.mark.parametrize("words", [("rollback", "january"), ("gc",)])
def test_nothing_changes_a_project_that_a_run_works_on(file: Path, words: tuple[str, ...]) -> None:
    with alone(Project.load(file)):
        told = command(words[0], file, *words[1:])
    assert isinstance(told.exception, LockedError)
    assert told.exception.exit_code == 8


def test_an_unknown_version_is_said_clearly(file: Path, world: tiny.Tiny) -> None:
    told = command("rollback", file, "v9")
    assert isinstance(told.exception, ConfigurationError)
    assert "has no version 'v9': see `sco history`" in str(told.exception)


def test_a_full_disk_anywhere_is_one_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "answers.json")

    monkeypatch.setattr("flows.look.status", full)
    monkeypatch.setattr("sys.argv", ["sco", "status", "camargue"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 1
    assert "No space left on device: 'answers.json': make room, then run the same" in capsys.readouterr().err
