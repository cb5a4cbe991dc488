"""Carry out a plan: batches of partitions, each computed and committed whole."""

import ctypes
import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Self

import dask
import dask.threaded
from dask.delayed import Delayed

from sco import climatology, compute, crash, derive
from sco.block import Block
from sco.budget import Budget, carefully
from sco.cluster import computing
from sco.compute import Around, plainly
from sco.derive import Derivation
from sco.engine import code_version
from sco.entry import Only
from sco.errors import ScoError
from sco.journal import UNCOMPUTED, Attempt, Journal, Spent
from sco.lock import alone
from sco.machine import THIS_MACHINE, Machine
from sco.meter import Meter, peak_memory
from sco.partition import Outcome, Partition
from sco.plan import Plan
from sco.progress import say
from sco.project import REMOTE, Project
from sco.store import Store, sealed
from sco.summary import Summary, unusable
from sco.trial import Fault, Lost, Result, Work, carried_through, on_worker, partitions_of, tried
from sco.version import Version

BATCH_BLOCKS = 16
TURN_S = 0.002
"""How long a thread keeps the interpreter while others wait for it; its own 5 ms are longer than most reads take."""
ALLOCATION = {
    -8: 2,  # M_ARENA_MAX: with a heap for each thread, 240 scenes took 17 % more memory than 24; with two, 12 %
    -3: 32 * 2**20,  # M_MMAP_THRESHOLD: a window of a file comes from what was let go of, not fresh from the system
    -1: 128 * 2**20,  # M_TRIM_THRESHOLD: nor does it go back before its batch is done, only to be asked for again
    -2: 4 * 2**20,  # M_TOP_PAD: a heap grows by this, and not by the 128 KB for which all threads have to wait
}
"""What the C library is told of how to keep memory, by the numbers of glibc's malloc.h."""


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
    def partitions(self) -> list[Partition]:
        """Those that it gives."""
        return [each for one in self.work for each in partitions_of(one)]

    @property
    def asset_count(self) -> int:
        """How many files of scenes it opens."""
        return sum(one.asset_count for one in self.work if isinstance(one, Block))


def lay_out(project: Project) -> Store:
    """The project's store with every period and indicator laid out; nothing is written where all is there."""
    attrs = {
        "title": project.title.en,
        "project": project.id,
        "every": project.period.every,
        "simulated": str(project.simulated).lower(),
        **(climatology.described(*project.period.reference) if project.period.reference else {}),
    }
    slices, indicators = project.period.slices(), project.resolved_indicators
    return Store.lay_out(project.store_url, project.tiling, slices, indicators, attrs, project.uncertainty)


class Reconciliation:
    """One run over a project: holds its lock, its store and its journal from the first batch to the last.

    Entering it raises LockedError when another run holds the project.
    """

    def __init__(
        self,
        plan: Plan,
        verb: str,
        only: Only = Only.DUE,
        machine: Machine = THIS_MACHINE,
        backwards: bool = False,
    ) -> None:
        self.plan = plan
        self.project = plan.project
        self.verb = verb
        self.machine = machine
        self.budget = Budget.of(plan.tiling, machine.memory)
        steps: list[Sequence[Work]] = [plan.blocks(only), *plan.derivations(only)]
        self.batches = _batches(self.budget, *(step[::-1] if backwards else step for step in steps))
        self._faulty: set[Partition] = set()
        """What this run could not compute, and what is made from it."""
        self.summary = Summary(self.project.id, "", len(self.batches), unusable=unusable(plan))

    def __enter__(self) -> Self:
        with ExitStack() as held:
            held.enter_context(alone(self.project))
            self._journal = held.enter_context(Journal(self.project.workspace / "journal.sqlite"))
            self._cluster = held.enter_context(computing(self.machine.cluster)) if self.machine.cluster else None
            begins_at_once = self._begins_at_once
            self._laid_out = held.enter_context(_beside(partial(lay_out, self.project)))
            snapshot = "" if begins_at_once else self._store.tip()
            partitions = sum(batch.size for batch in self.batches)
            run = self._journal.start_run(self.project.id, self.verb, partitions)
            held.enter_context(_tuned())
            self._held = held.pop_all()
        self._began = time.monotonic()
        self.summary = replace(self.summary, run=run, snapshot=snapshot)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        well = "incomplete" if self.summary.uncomputed else "done"
        status = "interrupted" if kind is KeyboardInterrupt else "failed" if kind else well
        self.summary = replace(self.summary, seconds=round(time.monotonic() - self._began, 2))
        try:
            self._journal.finish_run(self.summary.run, status)
        except ScoError:
            if kind is None:
                raise  # otherwise what went wrong first is told
        finally:
            self._held.close()

    @property
    def _begins_at_once(self) -> bool:
        """Whether blocks are read while the store is laid out: there is none yet that could tell against them.

        The lock keeps other runs of this machine from making it; in a bucket another machine could.
        """
        url = self.project.store_url
        return bool(self.batches) and self._cluster is None and not url.startswith(REMOTE) and not Store.exists(url)

    @property
    def _store(self) -> Store:
        """The project's store, as soon as it is laid out; raises what that raised."""
        return self._laid_out.result()

    def carry_out(self, batch: Batch) -> list[Outcome]:
        """Compute a batch with dask and commit it; the outcomes are committed when this returns.

        A partition that cannot be computed is written down, and costs no other one but what is made from it.
        """
        began, before, known = time.monotonic(), Meter.now(), self.plan.recorded
        if known is not None and self._laid_out.done():
            self._store.require_untouched(batch.partitions, known, self.summary.run)
        outcomes, faults = carried_through(self._ready(batch), self._compute)
        snapshot = self._store.commit(outcomes, self.summary.run, f"{self.verb} {batch.title}", known)
        crash.point("before journal")
        spent = self._spent(batch, len(faults), time.monotonic() - began, Meter.now().since(before))
        self._journal.note(*self._attempts(outcomes, faults, spent), spent=spent)
        crash.point("after journal")
        self._faulty |= {fault.partition for fault in faults}
        self._count(outcomes, faults, snapshot)
        _give_back()
        return outcomes

    def _ready(self, batch: Batch) -> list[Work]:
        """The work of a batch without what is made from partitions that this run could not compute."""
        ready: list[Work] = []
        for one in batch.work:
            kept = one if isinstance(one, Block) or not self._faulty else one.without(self._faulty)
            self._faulty |= set(partitions_of(one)) - set(partitions_of(kept)) if kept is not one else set()
            ready += [kept] if kept.size else []
        waiting = batch.size - sum(one.size for one in ready)
        self.summary = replace(self.summary, waiting=self.summary.waiting + waiting)
        return ready

    def _compute(self, work: Sequence[Work]) -> list[Result]:
        if self._cluster is not None:
            return self._cluster.compute(self._outcomes_of(work, on_worker))

        def compute_with(threads: int) -> list[Result]:
            newest = cache(lambda: self._store.version())
            lazy = self._outcomes_of(work, partial(_sealed, newest, memory=threads == 1))
            # a scheduler that is only named makes dask import its distributed one as well
            return list(dask.compute(*lazy, scheduler=dask.threaded.get, num_workers=threads))

        workers = self.machine.workers or os.cpu_count() or 1
        return carefully(compute_with, self.budget.at_once(work, workers), say)

    def _outcomes_of(self, work: Sequence[Work], around: Around = plainly) -> list[Delayed]:
        """One task a piece of work, in their order; a batch has no two kinds of them."""
        run = self.summary.run
        blocks = [one for one in work if isinstance(one, Block)]
        derivations = [one for one in work if isinstance(one, Derivation)]
        lazy = compute.outcomes_of(blocks, run, around)
        if derivations:
            lazy += derive.outcomes_of(derivations, run, self.project.store_url, self._store.tip(), around)
        return lazy

    def _spent(self, batch: Batch, failed: int, seconds: float, counted: Meter) -> Spent:
        here = self._cluster is None
        return Spent(
            run=self.summary.run,
            partitions=batch.size,
            failed=failed,
            reads=batch.asset_count,
            seconds=seconds,
            bytes_read=counted.bytes_read if here else None,
            requests=counted.requests if here else None,
            peak_memory=peak_memory() if here else None,
        )

    def _attempts(self, outcomes: Sequence[Outcome], faults: Sequence[Fault], spent: Spent) -> Iterator[Attempt]:
        share = max(1, len(outcomes) + len(faults))
        alike = partial(
            Attempt,
            run=spent.run,
            seconds=spent.seconds / share,
            reads=round(spent.reads / share),
            bytes_read=round((spent.bytes_read or 0) / share),
            code=code_version(),
        )
        for one in outcomes:
            yield alike(
                partition=str(one.partition),
                scenes=len(one.manifest["scenes"]),
                outcome=_outcome_word(one),
                error_class=str(one.record.failure or ""),
                message=_first_failure(one) if one.record.failed_reads else "",
                fingerprint=one.record.fingerprint,
            )
        for fault in faults:
            yield alike(
                partition=str(fault.partition),
                scenes=0,
                outcome=UNCOMPUTED,
                error_class=str(fault.failure),
                message=fault.reason,
                fingerprint=fault.fingerprint,
            )

    def _count(self, outcomes: Sequence[Outcome], faults: Sequence[Fault], snapshot: str) -> None:
        unread = [
            f"{one.partition}: {one.record.failure}: {_first_failure(one)}"
            for one in outcomes
            if one.record.failed_reads
        ]
        lost = [f"{one.partition}: {one.failure}: {one.reason}" for one in faults]
        empty = sum(one.record.empty is not None for one in outcomes)
        self.summary = replace(
            self.summary,
            computed=self.summary.computed + len(outcomes) - empty,
            empty=self.summary.empty + empty,
            failed=(*self.summary.failed, *unread, *lost),
            uncomputed=self.summary.uncomputed + len(lost),
            snapshot=snapshot,
        )


def _sealed(newest: Callable[[], Version], compute: Callable[[], list[Outcome]], memory: bool) -> Result:
    """What can be computed, encoded where it was computed, so that a commit has little left to do.

    Raises what the store raises that is asked for its `newest` version: that is no fault of any partition.
    """
    result = tried(compute, memory)
    if isinstance(result, Lost):
        return result
    version = newest()
    return tried(lambda: [sealed(version, one) for one in result], memory)


@contextmanager
def _beside(work: Callable[[], Store]) -> Iterator[Future[Store]]:
    """Work in a thread of its own, which has ended when the block is left."""
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as thread:
        yield thread.submit(work)


@contextmanager
def _tuned() -> Iterator[None]:
    """The process as threads want it that take turns at reading and computing."""
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc's own
        for what, much in ALLOCATION.items():
            mallopt(what, much)
    gc.freeze()  # what was imported would be searched for garbage again and again, a tenth of a short run
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        gc.unfreeze()


def _give_back() -> None:
    """Give the system the memory that was let go of, which lies scattered: it grew by 1 MB a block."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's own
        trim(0)


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
