"""How fresh a project is, by its store and journal alone; `sco doctor --fresh` is 9 where that is not enough."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Told, sco

from benchmarks import tiny
from flows import run
from sco.errors import ConfigurationError
from sco.freshness import freshness
from sco.project import Project

Ask = Callable[[str], Path]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh")
    return tiny.make(folder / "world").project(folder / "project")


@pytest.fixture
def asked(project: Path) -> Ask:
    """The same project with a [freshness] table of these lines."""

    def ask(lines: str) -> Path:
        file = project.with_name("asked.toml")
        file.write_text(project.read_text("utf-8") + f"\n[freshness]\n{lines}\n", "utf-8")
        return file

    return ask


@pytest.fixture(scope="module")
def updated(project: Path) -> datetime:
    run.reconcile(str(project), "update")
    return datetime.now(UTC)


def test_a_project_that_was_never_updated_is_overdue(asked: Ask):
    file = asked("days = 2")
    found = freshness(Project.load(file))
    assert (found.last_update, found.newest) == (None, None)
    assert found.overdue == ("it was never updated, and should be every 2 days",)
    assert not (file.parent / "store").exists()  # looking leaves no trace


def test_the_last_update_and_the_newest_value_are_told(asked: Ask, updated: datetime):
    one = Project.load(asked("days = 2\nvalues_days = 40"))
    found = freshness(one, datetime(2022, 4, 10, tzinfo=UTC))
    assert found.last_update is not None
    assert timedelta(0) <= updated - found.last_update < timedelta(seconds=10)
    assert (found.newest, found.newest_end) == ("2022-03", datetime(2022, 4, 1, tzinfo=UTC))
    assert found.overdue == ()


def test_each_deadline_is_missed_by_itself(asked: Ask, updated: datetime):
    one = Project.load(asked("days = 2\nvalues_days = 40"))
    late = freshness(one, updated + timedelta(days=3)).overdue
    assert late[0] == "no update has ended well for 3 days; 2 days are allowed"
    assert late[1].startswith("the newest value is of a period that ended ")
    assert late[1].endswith("days ago; 40 days are allowed")
    assert freshness(Project.load(asked("days = 3")), updated + timedelta(days=2, hours=23)).overdue == ()


def test_a_night_without_news_keeps_a_project_fresh(asked: Ask, updated: datetime):
    one = Project.load(asked("days = 1"))
    run.reconcile(str(one.file), "update")  # everything is current
    found = freshness(one)
    assert found.last_update is not None
    assert found.last_update > updated


def test_without_a_journal_the_last_commit_counts(asked: Ask, updated: datetime):
    one = Project.load(asked("days = 1"))
    kept = one.workspace / "journal.sqlite"
    kept.rename(kept.with_suffix(".away"))
    try:
        found = freshness(one)
        assert not kept.exists()
    finally:
        kept.with_suffix(".away").rename(kept)
    assert found.last_update is not None
    assert timedelta(0) <= updated - found.last_update < timedelta(seconds=10)


def test_a_project_that_asks_nothing_is_never_overdue(project: Path, updated: datetime):
    assert freshness(Project.load(project), updated + timedelta(days=9999)).overdue == ()


@pytest.mark.parametrize("lines", ["days = 0", "days = 2\nvalues_days = -1", "values_days = 3", "day = 3"])
def test_a_deadline_that_is_none_is_refused(asked: Ask, lines: str):
    with pytest.raises(ConfigurationError, match=r"freshness|did you mean 'days'"):
        Project.load(asked(lines))


def doctor(*words: object) -> Told:
    return sco("doctor", *words)


def test_the_command_is_9_for_cron(asked: Ask, updated: datetime):
    fresh = doctor("--fresh", asked("days = 1"), "--json")
    assert fresh.returncode == 0
    (told,) = json.loads(fresh.stdout)["projects"]
    assert (told["project"], told["newest"], told["overdue"]) == ("tiny", "2022-03", [])
    stale = doctor("--fresh", asked("days = 1\nvalues_days = 1"))
    assert stale.returncode == 9
    assert "error: 1 deadlines are missed:\n  tiny: the newest value is of a period that ended" in stale.stderr
    assert stale.stdout.splitlines()[0] == "project\tlast update\tnewest value\toverdue"
    assert doctor("camargue").returncode == 3
