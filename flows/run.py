"""The order of a run, in plain functions: what the flows do under Prefect, and `--engine local` without it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.interrupt import Interrupt
from sco.entry import Only, State
from sco.errors import ConfigurationError, PartitionError
from sco.journal import Journal
from sco.machine import THIS_MACHINE, Machine
from sco.plan import Plan, make_plan
from sco.progress import count, say
from sco.project import Project
from sco.saved import SavedPlan, by_name
from sco.summary import Summary, unusable

if TYPE_CHECKING:
    from sco.reconcile import Reconciliation

CarryOut = Callable[["Reconciliation", int, str], Any]
Look = Callable[[Project, date | None, date | None], Plan]


def carry_out(work: "Reconciliation", number: int, title: str) -> None:
    """Compute and commit one batch of a reconciliation; `title` is what people call it."""
    work.carry_out(work.batches[number])


def reconcile(
    project: str,
    verb: str,
    start: date | None = None,
    end: date | None = None,
    only: str = "due",
    machine: Machine = THIS_MACHINE,
    plan_file: str | None = None,
    each: CarryOut = carry_out,
    look: Look = make_plan,
    *,
    reason: str | None = None,
    anyway: bool = False,
    backwards: bool = False,
) -> Summary:
    """Plan a project's range of days and carry the plan out, batch by batch.

    `reason` takes up what failed in one class alone; `plan_file` what a saved plan would have computed and no more.
    The first interrupt lets the batch in hand be finished, then raises KeyboardInterrupt.
    """
    one, saved = Project.load(project), SavedPlan.load(Path(plan_file)) if plan_file else None
    plan = look(one, *(saved.span(one) if saved else (start, end)))
    say(f"plan     {_plan_line(plan)}")
    if saved:
        plan = _as_saved(plan, saved, anyway)
    if reason:
        plan = plan.keeping(lambda entry: entry.failure == reason)
    chosen = plan.chosen(Only(only))
    if not chosen:
        say(f"compute  {_idle_line(plan)}")
        _note_idle(plan, verb)
        return Summary(plan.project.id, "", 0, unusable=unusable(plan))
    from sco.reconcile import Reconciliation  # with all that computes, which a run without news does without

    with Interrupt() as interrupt, Reconciliation(plan, verb, Only(only), machine, backwards) as work:
        done = 0
        count(done, len(chosen), "partitions")
        for batch in work.batches:
            each(work, batch.number, batch.title)
            done += batch.size
            count(done, len(chosen), batch.title)
            interrupt.end_here()
    say(f"compute  {_summary_line(work.summary)}")
    return work.summary


def rehearse(
    project: str,
    start: date | None,
    end: date | None,
    only: str,
    plan_file: str | None,
    anyway: bool,
    as_json: bool,
) -> None:
    """Show what `reconcile` would do, and do nothing."""
    from flows import planned

    saved = SavedPlan.load(Path(plan_file)) if plan_file else None
    days = saved.span(Project.load(project)) if saved else (start, end)

    def narrow(plan: Plan) -> Plan:
        plan = _as_saved(plan, saved, anyway) if saved else plan
        return plan.keeping(lambda entry: entry.is_chosen(Only(only)))

    planned.plan(project, *days, None, as_json, Only(only), narrow)


def _as_saved(plan: Plan, saved: SavedPlan, anyway: bool) -> Plan:
    """The plan with what the saved one would have computed, less what was computed since.

    Raises ConfigurationError where anything that was planned would be made from something else now, unless `anyway`.
    """
    moved = saved.moved(by_name(plan.document()["partitions"]))
    if moved and not anyway:
        raise ConfigurationError(
            f"the world has moved since {saved.file} was saved: {len(moved)} partitions differ, the first is "
            f"{moved[0]}; see all with `sco plan {plan.project.id} --against {saved.file}`, then save a new plan, or "
            "compute what is there now with --anyway"
        )
    taken, others = sorted(saved.due & set(moved)), len(set(moved) - saved.due)
    if moved:
        named = f", the first is {taken[0]}" if taken else ""
        say(f"plan     {len(taken)} partitions have moved since it was saved and are computed as they are now{named}")
        say(f"plan     {others} more have moved that were not due in it: they are left to `sco update`")
    return plan.keeping(lambda entry: str(entry.partition) in saved.due)


def publish(project: str) -> Path:
    """Publish what is stored, from a tagged snapshot; the folder of the product's version."""
    from sco.products import keys
    from sco.products.contents import Publication
    from sco.products.publication import publish as publish_product
    from sco.store import Store

    one = Project.load(project)
    root = one.product_root
    store = Store.open(one.store_url)
    snapshot = store.tip()
    accuracy = _accuracy(one, store.dataset(snapshot))
    publication = Publication.of(one, store, snapshot, accuracy, keys.signer_id())
    folder = publish_product(publication, lambda text: say(f"publish  {text}"))
    if publication.tag not in store.tags():
        store.tag(publication.tag, snapshot)
    say(f"publish  {folder.relative_to(root.parent)}")
    return folder


def demonstrate(folder: Path, update: Callable[[str], Summary], publish: Callable[[str], Path]) -> Path:
    """Simulate a territory into `folder`, serve its scenes on loopback, update its store and publish its product.

    Raises PartitionError if a scene could not be used: the simulated ones are all whole.
    """
    from sco.simulator import simulate
    from sco.simulator.server import serve

    simulation = simulate(folder, progress=lambda done, total: count(done, total, "scenes"))
    say(f"simulate {simulation.scenes} scenes of a made-up territory in {folder}")
    with serve(simulation.items, simulation.collections) as url:
        say(f"serve    STAC API at {url}")
        simulation = simulate(folder, url=url)
        summary = update(str(simulation.project))
    product = publish(str(simulation.project))
    if summary.failed:
        raise PartitionError(f"{len(summary.failed)} partitions have failed reads, the first: {summary.failed[0]}")
    return product


def _accuracy(project: Project, data: Any) -> tuple[Any, ...]:
    """How far a simulated project is from its truth, which the simulator keeps beside the project's file."""
    truth = project.file.parent / "truth.zarr"
    if not (project.simulated and truth.is_dir()):
        return ()
    import xarray as xr

    from sco.simulator import compare

    with xr.open_zarr(truth, consolidated=False) as known:
        return compare(data, known)


def _note_idle(plan: Plan, verb: str) -> None:
    """Write down that a run found everything current, where one ever worked: whether it still runs is asked by that."""
    journal = plan.project.workspace / "journal.sqlite"
    if journal.is_file():
        with Journal(journal) as kept:
            kept.finish_run(kept.start_run(plan.project.id, verb, 0), "done")


def _idle_line(plan: Plan) -> str:
    failed = plan.counts()[State.FAILED]
    again = f"; {failed} partitions failed and are not tried again by themselves: see `sco status`" if failed else ""
    return f"everything is current, there is nothing to do{again}"


def _plan_line(plan: Plan) -> str:
    scenes = sum(len(answer.scenes) for answer in plan.answers)
    states = ", ".join(f"{number} {state}" for state, number in plan.counts().items() if number)
    return f"{scenes} scenes, {len(plan.entries)} partitions: {states}"


def _summary_line(summary: Summary) -> str:
    unread, waiting = len(summary.failed) - summary.uncomputed, summary.waiting
    failed = (f", {unread} with failed reads" if unread else "") + (
        f", {summary.uncomputed} could not be computed" if summary.uncomputed else ""
    )
    failed += f", {waiting} made from these left to the next run" if waiting else ""
    rubbish = f", {len(summary.unusable)} unusable items passed over" if summary.unusable else ""
    return f"{summary.computed} partitions computed, {summary.empty} empty{failed}{rubbish}, in {summary.seconds:.1f} s"
