"""Carry out a plan: batches of partitions, each computed and committed whole."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Self

import dask
from filelock import FileLock, Timeout

from sco import compute
from sco.compute import Block
from sco.errors import LockedError
from sco.journal import Attempt, Journal
from sco.partition import Outcome
from sco.plan import Only, Plan, tiling_of
from sco.project import Project
from sco.store import Store

BATCH_BLOCKS = 16


@dataclass(frozen=True)
class Batch:
    """Blocks that are computed together and committed in one transaction."""

    number: int
    blocks: tuple[Block, ...]

    @property
    def title(self) -> str:
        """The periods of the batch, as people write them."""
        first, last = self.blocks[0].period.label, self.blocks[-1].period.label
        return first if first == last else f"{first} to {last}"


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
    return Store.lay_out(
        project.store_url, tiling_of(project), project.period.slices(), project.resolved_indicators, attrs
    )


class Reconciliation:
    """One run over a project: holds its lock, its store and its journal from the first batch to the last.

    Entering it raises LockedError when another run holds the project.
    """

    def __init__(self, plan: Plan, verb: str, only: Only = Only.DUE, workers: int | None = None) -> None:
        self.plan = plan
        self.project = plan.project
        self.verb = verb
        self.workers = workers
        self.batches = _batches(plan.blocks(only))
        self.summary = Summary(self.project.id, "", len(self.batches), unusable=unusable(plan))
        self._lock = FileLock(self.project.workspace / "run.lock", timeout=0)

    def __enter__(self) -> Self:
        self.project.workspace.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            held.enter_context(self._locked())
            self._journal = held.enter_context(Journal(self.project.workspace / "journal.sqlite"))
            self._store = lay_out(self.project)
            partitions = sum(len(block.fingerprints) for batch in self.batches for block in batch.blocks)
            run = self._journal.start_run(self.project.id, self.verb, partitions)
            self._held = held.pop_all()
        self._began = time.monotonic()
        self.summary = replace(self.summary, run=run, snapshot=self._store.tip())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        status = "interrupted" if kind is KeyboardInterrupt else "failed" if kind else "done"
        self.summary = replace(self.summary, seconds=round(time.monotonic() - self._began, 2))
        self._journal.finish_run(self.summary.run, status)
        self._held.close()

    def carry_out(self, batch: Batch) -> list[Outcome]:
        """Compute a batch with dask and commit it; the outcomes are committed when this returns."""
        began = time.monotonic()
        lazy = compute.outcomes_of(batch.blocks, self.summary.run)
        results: Sequence[list[Outcome]] = dask.compute(*lazy, num_workers=self.workers)
        outcomes = [outcome for result in results for outcome in result]
        snapshot = self._store.commit(outcomes, self.summary.run, f"{self.verb} {batch.title}")
        self._note(batch, outcomes, time.monotonic() - began)
        self._count(outcomes, snapshot)
        return outcomes

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise LockedError(
                f"another run is working on {self.project.id} ({self._lock.lock_file}): wait for it, or stop it first"
            ) from error
        try:
            yield
        finally:
            self._lock.release()

    def _note(self, batch: Batch, outcomes: Sequence[Outcome], seconds: float) -> None:
        reads = max(1, sum(block.asset_count for block in batch.blocks))
        for outcome in outcomes:
            share = len(outcome.manifest["scenes"])
            self._journal.note(
                Attempt(
                    run=self.summary.run,
                    partition=str(outcome.partition),
                    seconds=seconds / len(outcomes),
                    scenes=share,
                    reads=round(reads / len(outcomes)),
                    outcome=_outcome_word(outcome),
                    error_class="transient" if outcome.record.failed_reads else "",
                    message=_first_failure(outcome),
                )
            )

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


def _batches(blocks: Sequence[Block]) -> tuple[Batch, ...]:
    starts = range(0, len(blocks), BATCH_BLOCKS)
    return tuple(Batch(n, tuple(blocks[start : start + BATCH_BLOCKS])) for n, start in enumerate(starts))


def _outcome_word(outcome: Outcome) -> str:
    if outcome.record.failed_reads:
        return "failed reads"
    return f"empty: {outcome.record.empty}" if outcome.record.empty else "computed"


def _first_failure(outcome: Outcome) -> str:
    reasons = (reason for scene in outcome.manifest["scenes"] for reason in scene["failed"].values())
    return next(reasons, "")
