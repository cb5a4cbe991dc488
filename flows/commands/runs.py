"""Commands that compute and publish. Heavy imports happen inside them."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.options import (
    AsJson,
    Cluster,
    End,
    Engine,
    EngineChoice,
    Memory,
    ProjectName,
    Start,
    Take,
    Why,
    Workers,
    day,
)
from flows.terminal import give_json, tell
from sco.errors import PartitionError

if TYPE_CHECKING:
    from sco.summary import Summary

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
            from sco.machine import Machine

            summary = reconcile(project, "update", machine=Machine(workers, memory, cluster))
    _conclude(summary, as_json)


@app.command()
def backfill(
    project: ProjectName,
    start: Start = None,
    end: End = None,
    only: Annotated[Take, typer.Option(help="Which partitions to take up.")] = Take.DUE,
    plan_file: Annotated[Path | None, typer.Option("--plan", help="A saved plan to apply exactly.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="With --plan: what has moved since is computed as it is now.")
    ] = False,
    backwards: Annotated[bool, typer.Option("--backwards", help="The newest periods first.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")] = False,
    engine: EngineChoice = Engine.PREFECT,
    workers: Workers = None,
    memory: Memory = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """The same over a range of days. Started again, it goes on where it was."""
    if plan_file and (start or end or only is not Take.DUE):
        raise typer.BadParameter(
            "it says itself which partitions: leave out --start, --end, --only", param_hint="--plan"
        )
    if anyway and not plan_file:
        raise typer.BadParameter("it goes with --plan", param_hint="--anyway")
    saved = str(plan_file) if plan_file else None
    if dry_run:
        from flows import run

        run.rehearse(project, day(start), day(end), only.value, saved, anyway, as_json)
        return
    choice: dict[str, Any] = {"anyway": anyway, "backwards": backwards}
    machine = (workers, memory, cluster)
    _backfill(project, (day(start), day(end)), only, saved, machine, engine, as_json, choice)


@app.command()
def retry(
    project: ProjectName,
    reason: Annotated[Why | None, typer.Option(help="Only what failed for this.")] = None,
    engine: EngineChoice = Engine.PREFECT,
    workers: Workers = None,
    memory: Memory = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Run what failed again: partitions with failed reads, and those that could not be computed."""
    choice = {"reason": reason.value} if reason else {}
    _backfill(project, (None, None), Take.FAILED, None, (workers, memory, cluster), engine, as_json, choice)


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


@app.command()
def schedule(
    projects: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PROJECT]...", help='All in configs/ that have end = "now" where none is named.'),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, help="How many runs at once, over all projects.")] = 1,
) -> None:
    """Update every night, publish after it, audit every week, on this machine and until Ctrl-C."""
    from flows import schedule

    schedule.serve(projects or [], at_once)


def _backfill(
    project: str,
    days: tuple[date | None, date | None],
    only: Take,
    saved: str | None,
    machine: tuple[int | None, str | None, str | None],
    engine: Engine,
    as_json: bool,
    choice: dict[str, Any],
) -> None:
    _check(project)
    with _telling():
        if engine is Engine.PREFECT:
            from flows.backfill import backfill as flow

            workers, memory, cluster = machine
            summary = flow(project, *days, only.value, workers, saved, memory, cluster, **choice)
        else:
            from flows.run import reconcile
            from sco.machine import Machine

            summary = reconcile(project, "backfill", *days, only.value, Machine(*machine), saved, **choice)
    _conclude(summary, as_json)


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
    unread = len(summary.failed) - summary.uncomputed
    if summary.failed:
        shown = "\n  ".join(summary.failed[:5])
        told = [f"{unread} partitions have assets that could not be read; their counts say so"] if unread else []
        told += [f"{summary.uncomputed} partitions could not be computed"] if summary.uncomputed else []
        complaints.append(
            f"{'; '.join(told)}:\n  {shown}\n"
            "what is transient or waits for credentials is tried again by the next update; "
            f"all, or those of one class, by: sco retry {summary.project} [--reason CLASS]"
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
