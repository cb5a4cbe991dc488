"""Blocks of a store that is not there yet are read while it is laid out; where that fails, it is told all the same."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from flows import run
from sco import compute, reconcile
from sco.block import Block
from sco.errors import ConfigurationError
from sco.journal import Journal
from sco.partition import Outcome
from sco.project import Project
from sco.store import Store

MakeProject = Callable[..., Path]


def test_blocks_are_computed_while_a_new_store_is_laid_out(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, began, waited = project(), Event(), []
    lay_out, compute_block = reconcile.lay_out, compute.compute_block

    def late(of: Project) -> Store:
        waited.append(began.wait(60))
        return lay_out(of)

    def told(block: Block, name: str, idle: int) -> list[Outcome]:
        began.set()
        return compute_block(block, name, idle)

    monkeypatch.setattr(reconcile, "lay_out", late)
    monkeypatch.setattr(compute, "compute_block", told)
    assert run.reconcile(str(file), "update").partitions == 12
    assert waited == [True]
    assert Store.open(Project.load(file).store_url).verify() == []


def test_a_store_that_is_there_is_looked_at_before_anything_is_computed(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, computed = project(), []
    run.reconcile(str(file), "update")
    monkeypatch.setattr(reconcile, "lay_out", _refused)
    monkeypatch.setattr(compute, "compute_block", lambda *given: computed.append(given))
    with pytest.raises(ConfigurationError, match="no room here"):
        run.reconcile(str(file), "update", only="all")
    assert computed == []


def test_a_new_store_that_cannot_be_laid_out_ends_the_run_and_frees_the_project(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, lay_out = project(), reconcile.lay_out
    monkeypatch.setattr(reconcile, "lay_out", _refused)
    with pytest.raises(ConfigurationError, match="no room here"):
        run.reconcile(str(file), "update")
    with Journal(Project.load(file).workspace / "journal.sqlite") as journal:
        assert [one.status for one in journal.runs()] == ["failed"]
    monkeypatch.setattr(reconcile, "lay_out", lay_out)
    assert run.reconcile(str(file), "update").partitions == 12


def _refused(_: Project) -> Store:
    raise ConfigurationError("no room here")
