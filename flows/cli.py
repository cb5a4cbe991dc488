"""The `sco` command. Heavy imports happen inside the commands, so that help is there at once."""

import errno
import sys
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sco.errors import ConfigurationError, PartitionError, ScoError

if TYPE_CHECKING:
    from sco.reconcile import Summary

app = typer.Typer(
    help="From public satellite catalogs to climate indicators that are right, explained and safe.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

keys = typer.Typer(help="The keys that products are signed with.", no_args_is_help=True)
app.add_typer(keys, name="keys")

INTERRUPTED = 130
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Engine(StrEnum):
    """Who runs the flow."""

    PREFECT = "prefect"
    LOCAL = "local"


class Take(StrEnum):
    """Which partitions a backfill takes up."""

    DUE = "due"
    MISSING = "missing"
    STALE = "stale"
    FAILED = "failed"
    ALL = "all"


class Shelf(StrEnum):
    """What there is to look at."""

    SENSORS = "sensors"
    INDICATORS = "indicators"
    CATALOGS = "catalogs"
    PROJECTS = "projects"


ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="A name in configs/, or a TOML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
EngineChoice = Annotated[Engine, typer.Option(help="Under Prefect, or in this process alone.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads that compute; one a core by default.")]
Memory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="Like 4G; half of what the machine has available by default.")
]
Cluster = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="A dask scheduler that computes, like tcp://127.0.0.1:8786.")
]
Start = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day.")]
End = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day.")]


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
def plan(
    project: ProjectName,
    start: Start = None,
    end: End = None,
    save: Annotated[Path | None, typer.Option(help="Keep the plan in this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """What would be done and why, and what it would cost. Does nothing."""
    from flows import look

    look.plan(project, _day(start), _day(end), save, as_json)


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

        look.plan(project, _day(start), _day(end), None, as_json)
        return
    _check(project)
    saved = str(plan_file) if plan_file else None
    with _telling():
        if engine is Engine.PREFECT:
            from flows.backfill import backfill as flow

            summary = flow(project, _day(start), _day(end), only.value, workers, saved, memory, cluster)
        else:
            from flows.run import reconcile
            from sco.reconcile import Machine

            machine = Machine(workers, memory, cluster)
            summary = reconcile(project, "backfill", _day(start), _day(end), only.value, machine, saved)
    _conclude(summary, as_json)


@app.command()
def retry(
    project: ProjectName, engine: EngineChoice = Engine.PREFECT, workers: Workers = None, as_json: AsJson = False
) -> None:
    """Run the partitions with failed reads again."""
    backfill(project, only=Take.FAILED, engine=engine, workers=workers, as_json=as_json)


@app.command()
def status(project: ProjectName, as_json: AsJson = False) -> None:
    """Every partition's state, as the store has it; asks no catalog."""
    from flows import look

    look.status(project, as_json)


@app.command()
def explain(
    project: ProjectName,
    period: Annotated[str, typer.Option(help="The period, as in 2023-07.")],
    at: Annotated[str | None, typer.Option(metavar="LON,LAT", help="A point in degrees.")] = None,
    as_json: AsJson = False,
) -> None:
    """Which scenes, masks, offsets and code made these numbers."""
    from flows import look

    look.explain(project, period, at, as_json)


@app.command()
def audit(project: ProjectName, start: Start = None, end: End = None, as_json: AsJson = False) -> None:
    """How many of the known acquisitions each catalog has, month by month, and which ones it lacks."""
    from flows import look

    look.audit(project, _day(start), _day(end), as_json)


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
        _give_json("publish", {"product": str(product), "page": str(product / "index.html")})
    else:
        _point_at(product)


@app.command()
def verify(
    path: Annotated[Path, typer.Argument(help="A product's folder, or a store.")],
    key: Annotated[Path | None, typer.Option(help="The public key that the product must be signed by.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read everything that is stored or published at PATH and name what is wrong."""
    from flows import product

    product.verify(path, key, as_json)


@app.command()
def preview(
    project: Annotated[str, typer.Argument(metavar="PROJECT|PATH", help="A project, or a product's folder.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 0,
) -> None:
    """Serve a product to this machine's browser, until Ctrl-C."""
    from flows import product

    product.preview(project, port)


@keys.command("new")
def new_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The secret key's; FILE.pub is for the public one.")],
    as_json: AsJson = False,
) -> None:
    """Make an Ed25519 key to sign products with."""
    from flows import product

    product.new_key(file, as_json)


@keys.command("show")
def show_key(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="SCO_SIGNING_KEY where left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """The public half of a key, and its id."""
    from flows import product

    product.show_key(file, as_json)


@app.command()
def history(
    project: ProjectName,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest versions.")] = 20,
    as_json: AsJson = False,
) -> None:
    """The versions of the store: when, by which run, what, and under which names."""
    from flows import tend

    tend.history(project, limit, as_json)


@app.command()
def rollback(
    project: ProjectName,
    version: Annotated[str, typer.Argument(metavar="VERSION|TAG", help="As `sco history` shows them.")],
    as_json: AsJson = False,
) -> None:
    """A new version that holds exactly what an earlier one held. No version is lost."""
    from flows import tend

    tend.roll_back(project, version, as_json)


@app.command()
def gc(
    project: ProjectName,
    keep_days: Annotated[int, typer.Option(min=0, help="Versions younger than this stay.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Forget old versions and delete what only they had. Never the newest, never one with a tag."""
    from flows import tend

    tend.gc(project, keep_days, as_json)


@app.command("list")
def list_(shelf: Shelf, as_json: AsJson = False) -> None:
    """What sensors, indicators, catalogs or projects there are."""
    from flows import look

    look.shelf(shelf.value, as_json)


@app.command()
def new(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="Its name, which becomes configs/PROJECT.toml.")],
    other: Annotated[str, typer.Option("--from", metavar="OTHER", help="The project whose recipe it takes.")],
    bbox: Annotated[str, typer.Option(metavar="W,S,E,N", help="Its box in degrees.")],
    title_en: Annotated[str | None, typer.Option(help="Its title in English; its name if left out.")] = None,
    title_fr: Annotated[str | None, typer.Option(help="Its title in French; its name if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """The same recipe on a new territory: writes its file in configs/."""
    from flows import territory

    territory.new(project, other, _box(bbox), (title_en, title_fr), as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check the installation: versions, settings, declarations, projects."""
    from flows import examine

    examine.doctor(as_json)


def main() -> None:
    """Run the command; every error on purpose is one message and its exit code."""
    try:
        app()
    except ScoError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        print(f"error: {error}: make room, then run the same command again; what was committed stays", file=sys.stderr)
        sys.exit(ScoError.exit_code)
    except (KeyboardInterrupt, SystemExit) as stop:
        if isinstance(stop, SystemExit) and stop.code != INTERRUPTED:
            raise
        print("interrupted: what was committed stays; run the same command again to go on", file=sys.stderr)
        sys.exit(INTERRUPTED)


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
        _give_json("run", asdict(summary))
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


def _give_json(kind: str, content: dict[str, Any]) -> None:
    from flows.terminal import give_json

    give_json(kind, content)


def _point_at(product: Path) -> None:
    print(product)
    print(f"open {product / 'index.html'}", file=sys.stderr)


def _box(told: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(number) for number in told.split(","))
    except ValueError as error:
        raise ConfigurationError(f"{told!r} is no box: write west,south,east,north in degrees") from error
    return west, south, east, north


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


if __name__ == "__main__":
    main()
