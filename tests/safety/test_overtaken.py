"""A run whose partitions another run committed since it was planned says so, and computes none of them again."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pytest

from benchmarks import races
from flows import run
from sco.errors import LockedError
from sco.journal import Journal
from sco.plan import Plan, make_plan
from sco.project import Project
from sco.reconcile import Reconciliation
from sco.store import Store
from sco.trial import Result, Work

MakeProject = Callable[..., Path]
JANUARY, MARCH = (date(2022, 1, 1), date(2022, 1, 31)), (date(2022, 3, 1), date(2022, 3, 31))


def while_another_run(file: Path, *days: date) -> run.Look:
    """A look after which, and before anything is computed, another run does the work of these days, or all."""

    def look(project: Project, start: date | None, end: date | None) -> Plan:
        plan = make_plan(project, start, end)
        run.reconcile(str(file), "backfill", *days)
        return plan

    return look


def commits_of(file: Path) -> list[tuple[str, int]]:
    """What each commit of partitions brought, the oldest first: its message and how many."""
    history = Store.open(Project.load(file).store_url).history()
    return [(one.message, len(one.partitions)) for one in history[::-1] if one.partitions]


def test_what_was_computed_between_plan_and_lock_is_not_computed_again(project: MakeProject) -> None:
    file = project()
    with pytest.raises(LockedError, match="since this run was planned") as refused:
        run.reconcile(str(file), "update", look=while_another_run(file))
    assert refused.value.exit_code == 8
    assert commits_of(file) == [("backfill 2022-01 to 2022-03", 12)]
    with Journal(Project.load(file).workspace / "journal.sqlite") as journal:
        assert [(one.verb, one.status) for one in journal.runs()] == [("update", "failed"), ("backfill", "done")]
    assert run.reconcile(str(file), "update").partitions == 0


def test_runs_over_different_days_do_not_disturb_each_other(project: MakeProject) -> None:
    file = project()
    assert run.reconcile(str(file), "update", *MARCH, look=while_another_run(file, *JANUARY)).partitions == 4
    assert commits_of(file) == [("backfill 2022-01", 4), ("update 2022-03", 4)]


def test_what_an_earlier_run_committed_may_be_computed_anew(project: MakeProject) -> None:
    file = project()
    run.reconcile(str(file), "update")
    assert run.reconcile(str(file), "backfill", only="all").partitions == 12


def test_two_machines_on_one_object_store_the_later_commit_is_refused(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("moto", reason="the S3 stand-in comes with the dev extra")
    file = project()
    with races.stand_in(tmp_path):
        file.write_text(
            file.read_text("utf-8").replace('store = "store"', f'store = "s3://{races.BUCKET}/two"'), "utf-8"
        )
        one = Project.load(file)
        plan = make_plan(one)
        monkeypatch.setenv("HOME", str(tmp_path / "here"))
        with Reconciliation(plan, "update") as here:
            monkeypatch.setenv("HOME", str(tmp_path / "there"))
            with Reconciliation(plan, "update") as there:
                computed = there._compute

                def meanwhile(work: Sequence[Work]) -> list[Result]:
                    here.carry_out(here.batches[0])
                    return computed(work)

                monkeypatch.setattr(there, "_compute", meanwhile)
                with pytest.raises(LockedError, match=f"by run {here.summary.run} since"):
                    there.carry_out(there.batches[0])
        store = Store.open(one.store_url)
        assert {record.run for record in store.records().values()} == {here.summary.run}
        assert store.verify() == []
