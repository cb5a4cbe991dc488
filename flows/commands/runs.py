"""Commands that compute and publish. Heavy imports happen inside them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.options import AsJson, Cluster, End, Engine, EngineChoice, Memory, ProjectName, Start, Take, Workers, day
from flows.terminal import give_json, tell
from sco.errors import PartitionError

if TYPE_CHECKING:
    from sco.reconcile import Summary

app = typer.Typer()


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where it all goes.")] = Path("demo"),
    engine: EngineChoice = Engine.PREFECT,
) -> None:
    """The whole chain on a simulated territory: scenes, STAC API, flow, store, published product."""
    from flows import run

    with _telling():
        if engine is Engine.PREFECT:
            from flows.demo import demo as flow

            product = flow(str(folder))
        else:
            product = run.demonstrate(folder, lambda project: run.reconcile(project, "update"), run.publish)
    _point_at(product)


@app.command()
def update(
    project: ProjectName,
    engine: EngineChoice = Engine.PREFECT,
    workers: Workers = None,
    memory: Memory = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """New and stale partitions up to now: what the schedule runs."""
    _check(project)
    with _telling():
        if engine is Engine.PREFECT:
            from flows.update import update as flow

            summary = flow(project, workers, memory, cluster)
        else:
            from flows.run import reconcile
            from sco.reconcile import Machine

            summary = reconcile(project, "update", machine=Machine(workers, memory, cluster))
    _conclude(summary, as_json)


@app.command()
def backfill(
    project: ProjectName,
    start: Start = None,
    end: End = None,
    only: Annotated[Take, typer.Option(help="Which partitions to take up.")] = Take.DUE,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="A saved plan to apply exactly.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    engine: EngineChoice = Engine.PREFECT,
    workers: Workers = None,
    memory: Memory = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """The same over a range of days. Started again, it goes on where it was."""
    if dry_run:
        from flows import look

        look.plan(project, day(start), day(end), None, as_json)
        return
    _check(project)
    saved = str(plan_file) if plan_file else None
    with _telling():
        if engine is Engine.PREFECT:
            from flows.backfill import backfill as flow

            summary = flow(project, day(start), day(end), only.value, workers, saved, memory, cluster)
        else:
            from flows.run import reconcile
            from sco.reconcile import Machine

            machine = Machine(workers, memory, cluster)
            summary = reconcile(project, "backfill", day(start), day(end), only.value, machine, saved)
    _conclude(summary, as_json)


@app.command()
def retry(
    project: ProjectName, engine: EngineChoice = Engine.PREFECT, workers: Workers = None, as_json: AsJson = False
) -> None:
    """Run the partitions with failed reads again."""
    backfill(project, only=Take.FAILED, engine=engine, workers=workers, as_json=as_json)


@app.command()
def publish(project: ProjectName, engine: EngineChoice = Engine.PREFECT, as_json: AsJson = False) -> None:
    """Build and seal the product from what is stored."""
    _check(project)
    with _telling():
        if engine is Engine.PREFECT:
            from flows.publish import publish as flow

            product = flow(project)
        else:
            from flows.run import publish as run_publish

            product = run_publish(project)
    if as_json:
        give_json("publish", {"product": str(product), "page": str(product / "index.html")})
    else:
        _point_at(product)


def _check(project: str) -> None:
    # a bad project is told before any flow starts
    from sco.project import Project

    Project.load(project)


def _telling() -> Any:
    from contextlib import ExitStack

    from flows.terminal import Teller
    from sco.progress import listening

    stack = ExitStack()
    stack.enter_context(listening(stack.enter_context(Teller())))
    return stack


def _conclude(summary: "Summary", as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        give_json("run", asdict(summary))
    complaints = []
    if summary.failed:
        shown = "\n  ".join(summary.failed[:5])
        complaints.append(
            f"{len(summary.failed)} partitions have assets that could not be read:\n  {shown}\n"
            f"their counts say so; try them again with: sco retry {summary.project}"
        )
    if summary.unusable:
        shown = "\n  ".join(summary.unusable[:5])
        complaints.append(
            f"{len(summary.unusable)} items of the catalogs are no scenes and were passed over:\n  {shown}\n"
            "tell the catalog; one that stays so can be listed in catalogs/known_bad.toml"
        )
    if complaints:
        raise PartitionError("\n".join(complaints))


def _point_at(product: Path) -> None:
    print(product)
    tell(f"open {product / 'index.html'}")
