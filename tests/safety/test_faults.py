"""What cannot be computed costs itself alone: it is told with its class, kept, tried again when that may help."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from flows import run
from sco import compute
from sco.engine import code_version
from sco.entry import failed_before
from sco.errors import SceneError, UpstreamError
from sco.failure import Failure
from sco.journal import Attempt, Journal
from sco.mirrors import Agreement
from sco.observation import Observer
from sco.partition import Record
from sco.plan import make_plan
from sco.project import Project
from sco.store import Store
from sco.trial import Lost, carried_through, tried

MakeProject = Callable[..., Path]
BAD = "ndvi 2022-02"


def states(file: Path) -> dict[str, tuple[str, bool]]:
    return {str(one.partition): (str(one.state), one.due) for one in make_plan(Project.load(file)).entries}


@pytest.fixture
def break_formula(monkeypatch) -> Callable[[Exception], None]:
    """From then on ndvi of February raises this, whenever a block is computed that has it."""
    whole = compute.compute_block

    def set_broken(error: Exception) -> None:
        def broken(block, run, idle=1):
            if block.period.label == "2022-02" and "ndvi" in block.fingerprints:
                raise error
            return whole(block, run, idle)

        monkeypatch.setattr(compute, "compute_block", broken)

    return set_broken


def test_a_bug_costs_its_partitions_alone_and_waits_for_other_code(project: MakeProject, break_formula, monkeypatch):
    file = project(indicators=("ndvi", "ndwi"))
    break_formula(KeyError("nir"))
    summary = run.reconcile(str(file), "update")
    assert (summary.computed + summary.empty, summary.uncomputed) == (20, 4)
    assert all(line.startswith(BAD) and line.endswith(": bug: KeyError: 'nir'") for line in summary.failed)
    stored = {str(one) for one in Store.open(Project.load(file).store_url).records()}
    assert len(stored) == 20
    assert not any(one.startswith(BAD) for one in stored)
    assert {name for name, state in states(file).items() if state == ("failed", False)} == {
        name for name in states(file) if name.startswith(BAD)
    }
    assert run.reconcile(str(file), "update").batches == 0  # not every night again
    monkeypatch.undo()
    assert run.reconcile(str(file), "update").batches == 0
    with monkeypatch.context() as patched:
        patched.setattr("sco.standing.code_version", lambda: "another")
        assert sum(due for _, due in states(file).values()) == 4
    assert run.reconcile(str(file), "backfill", only="failed", reason="data").batches == 0
    again = run.reconcile(str(file), "backfill", only="failed", reason="bug")
    assert (again.partitions, again.uncomputed) == (4, 0)
    assert {state for state, _ in states(file).values()} <= {"current", "empty"}


def test_what_is_transient_is_tried_again_by_the_next_update(project: MakeProject, break_formula, monkeypatch):
    file = project()
    break_formula(UpstreamError("HTTP response code: 503"))
    assert run.reconcile(str(file), "update").uncomputed == 4
    assert sum(state == ("failed", True) for state in states(file).values()) == 4
    monkeypatch.undo()
    assert run.reconcile(str(file), "update").partitions == 4


def test_a_partition_that_failed_keeps_what_the_store_has_of_it(project: MakeProject, break_formula):
    file = project()
    run.reconcile(str(file), "update")
    store = Store.open(Project.load(file).store_url)
    before = store.records()
    break_formula(ZeroDivisionError("float division by zero"))
    summary = run.reconcile(str(file), "backfill", only="all")
    assert summary.uncomputed == 4
    after = store.records()
    assert after.keys() == before.keys()
    assert all(after[one] == before[one] for one in before if str(one).startswith(BAD))
    assert all(state == "current" or state == "empty" for state, _ in states(file).values())  # the store is the truth


def test_a_run_with_a_fault_is_incomplete_in_the_journal(project: MakeProject, break_formula):
    file = project()
    break_formula(KeyError("nir"))
    run.reconcile(str(file), "update")
    with Journal(Project.load(file).workspace / "journal.sqlite") as journal:
        assert [one.status for one in journal.runs()] == ["incomplete"]
        assert journal.last_success() is None
        lost = journal.uncomputed()
        assert {(one.error_class, one.message, len(one.fingerprint)) for one in lost.values()} == {
            ("bug", "KeyError: 'nir'", 64)
        }
        assert all(one.code == code_version() for one in lost.values())


def test_what_is_made_from_a_fault_waits_and_is_made_from_the_whole_later(
    project: MakeProject,
    break_formula,
    monkeypatch,
):
    file = project(indicators=("ndvi", "ndvi_anomaly"))
    break_formula(KeyError("nir"))
    summary = run.reconcile(str(file), "update")
    assert (summary.uncomputed, summary.waiting) == (4, 4)  # the anomalies of February
    monkeypatch.undo()
    assert run.reconcile(str(file), "backfill", only="failed", reason="bug").partitions == 4
    due = {str(one.partition) for one in make_plan(Project.load(file)).chosen()}
    assert {name.rsplit(" ", 1)[0] for name in due} == {"ndvi_anomaly 2022-02"}
    run.reconcile(str(file), "update")
    assert not make_plan(Project.load(file)).chosen()


def test_the_command_ends_with_5_names_partition_and_class_and_status_and_plan_show_it(
    project: MakeProject,
    break_formula,
    capsys,
):
    from flows import look, planned
    from flows.commands import runs
    from flows.options import Engine
    from sco.errors import PartitionError

    file = project()
    break_formula(KeyError("nir"))
    with pytest.raises(PartitionError) as caught:
        runs.update(str(file), engine=Engine.LOCAL)
    assert caught.value.exit_code == 5
    assert "4 partitions could not be computed:\n  ndvi 2022-02 r000c000: bug: KeyError: 'nir'" in str(caught.value)
    capsys.readouterr()
    look.status(str(file), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["failed"] == 4
    assert {one["failure"] for one in told["partitions"] if one["state"] == "failed"} == {"bug"}
    look.status(str(file), as_json=False)
    february = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("2022-02"))
    assert february.split("\t") == ["2022-02", "0", "0", "4", "0", "4 bug"]
    planned.plan(str(file), None, None, None, as_json=False)
    february = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("2022-02"))
    assert february.split("\t")[1:6] == ["0", "0", "0", "0", "4"]
    assert february.endswith("bug: KeyError: 'nir'")


@dataclass(frozen=True)
class Piece:
    """Stands for a block: indicators of one period and tile."""

    fingerprints: dict[str, str]

    @property
    def size(self) -> int:
        return len(self.fingerprints)


def test_a_lost_piece_is_halved_down_to_its_faults(monkeypatch):
    monkeypatch.setattr("sco.trial.partitions_of", lambda work: list(work.fingerprints))
    asked = []

    def compute_all(work):
        asked.append([tuple(one.fingerprints) for one in work])
        broken = Lost(Failure.BUG, "broken")
        made = ([f"made {name}" for name in one.fingerprints] for one in work)
        return [
            broken if {"c", "f"} & one.fingerprints.keys() else whole for one, whole in zip(work, made, strict=True)
        ]

    work = [Piece({name: name.upper() for name in "abcdef"}), Piece({"g": "G"})]
    outcomes, faults = carried_through(work, compute_all)
    assert sorted(outcomes) == ["made a", "made b", "made d", "made e", "made g"]
    assert [(one.partition, one.fingerprint) for one in faults] == [("c", "C"), ("f", "F")]
    assert asked[:2] == [[tuple("abcdef"), ("g",)], [tuple("abc"), tuple("def")]]


def test_a_full_disk_and_an_interrupt_are_nobodys_fault():
    def raising(error):
        def call():
            raise error

        return call

    with pytest.raises(OSError, match="No space left"):
        tried(raising(OSError(28, "No space left on device")), memory=True)
    with pytest.raises(KeyboardInterrupt):
        tried(raising(KeyboardInterrupt()), memory=True)
    with pytest.raises(MemoryError):
        tried(raising(MemoryError()), memory=False)
    assert "area.tile smaller" in tried(raising(MemoryError()), memory=True).reason
    assert tried(raising(TimeoutError("timed out")), memory=False) == Lost(Failure.TRANSIENT, "TimeoutError: timed out")


RECORD = Record("f" * 64, "r")
ATTEMPT = Attempt("r", "p", 1.0, 0, "failed", "bug", "x", fingerprint="f" * 64, code="1")


@pytest.mark.parametrize(
    ("record", "attempt", "expected"),
    [
        (None, None, None),
        (RECORD, None, None),
        (RECORD, ATTEMPT, None),  # what is stored with this evidence is whole
        (replace(RECORD, fingerprint="0"), ATTEMPT, (Failure.BUG, False)),
        (None, ATTEMPT, (Failure.BUG, False)),
        (None, replace(ATTEMPT, code="0"), (Failure.BUG, True)),
        (None, replace(ATTEMPT, fingerprint="0"), None),
        (None, replace(ATTEMPT, error_class="data"), (Failure.DATA, False)),
        (None, replace(ATTEMPT, error_class="credentials"), (Failure.CREDENTIALS, True)),
        (replace(RECORD, failed_reads=2, failure=Failure.DATA), None, (Failure.DATA, False)),
        (replace(RECORD, failed_reads=2, failure=Failure.TRANSIENT), None, (Failure.TRANSIENT, True)),
        (replace(RECORD, failed_reads=2), None, (Failure.TRANSIENT, True)),  # stored before classes were kept
        (replace(RECORD, failed_reads=2, fingerprint="0"), None, None),  # its evidence moved: stale
    ],
)
def test_what_failed_is_due_where_trying_again_may_help(record, attempt, expected):
    found = failed_before(record, attempt, "f" * 64, lambda: "1")
    assert (found and (found.failure, found.hopeful)) == expected


def test_a_cut_file_whose_mirror_is_only_slow_is_transient(project: MakeProject, monkeypatch):
    plan = make_plan(Project.load(project()))
    block = plan.blocks()[0]
    scene = block.observations[0].scenes[0]
    both = replace(scene, mirrors=(replace(scene, id="mirror", catalog="other"),))
    answers = {scene.id: SceneError("it is cut off"), "mirror": UpstreamError("HTTP response code: 503")}

    def failing(self, one, name, margin):
        raise answers[one.id]

    monkeypatch.setattr(Observer, "_read_now", failing)
    monkeypatch.setattr(Observer, "_agreement", lambda *_: Agreement(True, "equal"))
    for seen, expected in ((scene, Failure.DATA), (both, Failure.TRANSIENT)):
        observer = Observer(replace(block.observations[0], scenes=(seen,)), block.geobox, block.rules)
        observer.mosaic(("red",), frozenset())
        assert set(observer.failed.values()) == {"it is cut off"}
        assert {observer.failures[read] for read in observer.failed} == {expected}
