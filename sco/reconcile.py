"""Carry out a plan: batches of partitions, each computed and committed whole."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Self

import dask
from dask.delayed import Delayed

from sco import compute, crash, derive
from sco.budget import Budget, carefully
from sco.cluster import Lost, computing
from sco.compute import Block
from sco.derive import Derivation
from sco.entry import Only
from sco.errors import ScoError
from sco.journal import Attempt, Journal
from sco.lock import alone
from sco.partition import Outcome
from sco.plan import Plan
from sco.progress import say
from sco.project import Project
from sco.store import Store

BATCH_BLOCKS = 16


@dataclass(frozen=True)
class Machine:
    """What a run may use."""

    workers: int | None = None
    """Threads that compute; one a core by default."""
    memory: str | None = None
    """Like 1500M or 4G; half of what the machine has available by default."""
    cluster: str | None = None
    """Address of a dask scheduler that computes in place of threads."""


THIS_MACHINE = Machine()


@dataclass(frozen=True)
class Batch:
    """What is computed together and committed in one transaction: blocks of scenes, or derivations from the store."""

    number: int
    work: tuple[Block | Derivation, ...]

    @property
    def title(self) -> str:
        """The periods of the batch, as people write them."""
        first, last = self.work[0].first.label, self.work[-1].last.label
        return first if first == last else f"{first} to {last}"

    @property
    def size(self) -> int:
        """How many partitions it gives."""
        return sum(one.size for one in self.work)

    @property
    def asset_count(self) -> int:
        """How many files of scenes it opens."""
        return sum(one.asset_count for one in self.work if isinstance(one, Block))


@dataclass(frozen=True)
class Summary:
    """What a run did."""

    project: str
    run: str
    batches: int
    computed: int = 0
    empty: int = 0
    failed: tuple[str, ...] = ()
    """Partitions with assets that could not be read, each with the first reason."""
    unusable: tuple[str, ...] = ()
    """Items that catalogs offered and that are no scenes, each with its catalog and the reason."""
    seconds: float = 0.0
    snapshot: str = ""

    @property
    def partitions(self) -> int:
        """How many partitions were committed."""
        return self.computed + self.empty


def unusable(plan: Plan) -> tuple[str, ...]:
    """The items that the plan had to do without because they are rubbish, each with its catalog and the reason."""
    rejected = (one for answer in plan.answers for one in answer.rejected if one.rubbish)
    return tuple(f"{one.id} of {one.catalog}: {one.reason}" for one in rejected)


def lay_out(project: Project) -> Store:
    """The project's store with every period and indicator laid out; nothing is written where all is there."""
    attrs = {
        "title": project.title.en,
        "project": project.id,
        "every": project.period.every,
        "simulated": str(project.simulated).lower(),
    }
    return Store.lay_out(project.store_url, project.tiling, project.period.slices(), project.resolved_indicators, attrs)


class Reconciliation:
    """One run over a project: holds its lock, its store and its journal from the first batch to the last.

    Entering it raises LockedError when another run holds the project.
    """

    def __init__(self, plan: Plan, verb: str, only: Only = Only.DUE, machine: Machine = THIS_MACHINE) -> None:
        self.plan = plan
        self.project = plan.project
        self.verb = verb
        self.machine = machine
        self.budget = Budget.of(plan.tiling, machine.memory)
        self.batches = _batches(self.budget, plan.blocks(only), *plan.derivations(only))
        self.summary = Summary(self.project.id, "", len(self.batches), unusable=unusable(plan))

    def __enter__(self) -> Self:
        with ExitStack() as held:
            held.enter_context(alone(self.project))
            self._journal = held.enter_context(Journal(self.project.workspace / "journal.sqlite"))
            self._cluster = held.enter_context(computing(self.machine.cluster)) if self.machine.cluster else None
            self._store = lay_out(self.project)
            partitions = sum(batch.size for batch in self.batches)
            run = self._journal.start_run(self.project.id, self.verb, partitions)
            self._held = held.pop_all()
        self._began = time.monotonic()
        self.summary = replace(self.summary, run=run, snapshot=self._store.tip())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        status = "interrupted" if kind is KeyboardInterrupt else "failed" if kind else "done"
        self.summary = replace(self.summary, seconds=round(time.monotonic() - self._began, 2))
        try:
            self._journal.finish_run(self.summary.run, status)
        except ScoError:
            if kind is None:
                raise  # otherwise what went wrong first is told
        finally:
            self._held.close()

    def carry_out(self, batch: Batch) -> list[Outcome]:
        """Compute a batch with dask and commit it; the outcomes are committed when this returns."""
        began = time.monotonic()
        outcomes = self._compute(batch)
        snapshot = self._store.commit(outcomes, self.summary.run, f"{self.verb} {batch.title}")
        crash.point("before journal")
        self._note(batch, outcomes, time.monotonic() - began)
        crash.point("after journal")
        self._count(outcomes, snapshot)
        return outcomes

    def _compute(self, batch: Batch) -> list[Outcome]:
        lazy = self._outcomes_of(batch)
        if self._cluster is None:
            results = self._on_threads(batch, lazy)
        else:
            found = self._cluster.compute(lazy)
            results = [one for one in found if not isinstance(one, Lost)]
            lost = tuple(f"{one.key}: {one.reason}" for one in found if isinstance(one, Lost))
            self.summary = replace(self.summary, failed=(*self.summary.failed, *lost))
        return [outcome for result in results for outcome in result]

    def _on_threads(self, batch: Batch, lazy: Sequence[Delayed]) -> list[list[Outcome]]:
        def compute_with(threads: int) -> list[list[Outcome]]:
            return list(dask.compute(*lazy, scheduler="threads", num_workers=threads))

        workers = self.machine.workers or os.cpu_count() or 1
        return carefully(compute_with, self.budget.at_once(batch.work, workers), say)

    def _outcomes_of(self, batch: Batch) -> list[Delayed]:
        run = self.summary.run
        blocks = [one for one in batch.work if isinstance(one, Block)]
        derivations = [one for one in batch.work if isinstance(one, Derivation)]
        return [
            *compute.outcomes_of(blocks, run),
            *derive.outcomes_of(derivations, run, self.project.store_url, self._store.tip()),
        ]

    def _note(self, batch: Batch, outcomes: Sequence[Outcome], seconds: float) -> None:
        reads = batch.asset_count
        attempts = (
            Attempt(
                run=self.summary.run,
                partition=str(outcome.partition),
                seconds=seconds / len(outcomes),
                scenes=len(outcome.manifest["scenes"]),
                reads=round(reads / len(outcomes)),
                outcome=_outcome_word(outcome),
                error_class="transient" if outcome.record.failed_reads else "",
                message=_first_failure(outcome) if outcome.record.failed_reads else "",
            )
            for outcome in outcomes
        )
        self._journal.note(*attempts)

    def _count(self, outcomes: Sequence[Outcome], snapshot: str) -> None:
        failed = tuple(f"{one.partition}: {_first_failure(one)}" for one in outcomes if one.record.failed_reads)
        empty = sum(one.record.empty is not None for one in outcomes)
        self.summary = replace(
            self.summary,
            computed=self.summary.computed + len(outcomes) - empty,
            empty=self.summary.empty + empty,
            failed=(*self.summary.failed, *failed),
            snapshot=snapshot,
        )


def _batches(budget: Budget, *steps: Sequence[Block | Derivation]) -> tuple[Batch, ...]:
    """What may be computed together; no batch spans two steps, as the later ones read what the earlier commit."""
    cut = (work for step in steps for work in budget.batches(step, BATCH_BLOCKS))
    return tuple(Batch(number, work) for number, work in enumerate(cut))


def _outcome_word(outcome: Outcome) -> str:
    if outcome.record.failed_reads:
        return "failed reads"
    return f"empty: {outcome.record.empty}" if outcome.record.empty else "computed"


def _first_failure(outcome: Outcome) -> str:
    reasons = (reason for scene in outcome.manifest["scenes"] for reason in scene["failed"].values())
    return next(reasons, "what it is made from has failed reads")
