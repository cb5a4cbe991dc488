"""The order of a run, in plain functions: what the flows do under Prefect, and `--engine local` without it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from sco.entry import Only
from sco.errors import PartitionError
from sco.plan import Plan, make_plan
from sco.progress import count, say
from sco.project import Project
from sco.reconcile import THIS_MACHINE, Machine, Reconciliation, Summary, unusable

CarryOut = Callable[[Reconciliation, int, str], Any]


def carry_out(work: Reconciliation, number: int, title: str) -> None:
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
) -> Summary:
    """Plan a project's range of days and carry the plan out, batch by batch."""
    plan = make_plan(Project.load(project), start, end)
    say(f"plan     {_plan_line(plan)}")
    if plan_file:
        plan.must_equal(Path(plan_file))
    if not plan.chosen(Only(only)):
        say("compute  everything is current, there is nothing to do")
        return Summary(plan.project.id, "", 0, unusable=unusable(plan))
    with Reconciliation(plan, verb, Only(only), machine) as work:
        done, total = 0, len(plan.chosen(Only(only)))
        for batch in work.batches:
            each(work, batch.number, batch.title)
            done += batch.size
            count(done, total, batch.title)
    say(f"compute  {_summary_line(work.summary)}")
    return work.summary


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
    publication = Publication(
        project=one,
        data=store.dataset(snapshot),
        snapshot=snapshot,
        records=store.records(snapshot),
        manifests=store.manifests(snapshot),
        accuracy=_accuracy(one, store.dataset(snapshot)),
        signer=keys.signer_id(),
    )
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


def _plan_line(plan: Plan) -> str:
    scenes = sum(len(answer.scenes) for answer in plan.answers)
    states = ", ".join(f"{number} {state}" for state, number in plan.counts().items() if number)
    return f"{scenes} scenes, {len(plan.entries)} partitions: {states}"


def _summary_line(summary: Summary) -> str:
    failed = f", {len(summary.failed)} with failed reads" if summary.failed else ""
    rubbish = f", {len(summary.unusable)} unusable items passed over" if summary.unusable else ""
    return f"{summary.computed} partitions computed, {summary.empty} empty{failed}{rubbish}, in {summary.seconds:.1f} s"
