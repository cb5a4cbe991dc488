"""Commands that look and change nothing. Heavy imports happen inside them."""

from pathlib import Path
from typing import Annotated

import typer

from flows.options import AsJson, End, ProjectName, Shelf, Start, day
from sco.errors import ConfigurationError

app = typer.Typer()


@app.command()
def plan(
    project: ProjectName,
    start: Start = None,
    end: End = None,
    save: Annotated[Path | None, typer.Option(help="Keep the plan in this file.")] = None,
    against: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Show in what this saved plan differs from now; given twice, the second one."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What would be done and why, and what it would cost. Does nothing."""
    from flows import planned

    if against:
        planned.compare(project, against, day(start), day(end), as_json)
    else:
        planned.plan(project, day(start), day(end), save, as_json)


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

    look.audit(project, day(start), day(end), as_json)


@app.command("list")
def list_(shelf: Shelf, as_json: AsJson = False) -> None:
    """What sensors, indicators, catalogs or projects there are."""
    from flows import look

    look.shelf(shelf.value, as_json)


@app.command()
def doctor(
    projects: Annotated[
        list[str] | None, typer.Argument(metavar="[PROJECT]...", help="With --fresh: all in configs/ if left out.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Whether projects are as fresh as their [freshness] asks; 9 if not.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the installation: versions, settings, declarations, projects. Or with --fresh how old projects are."""
    from flows import examine

    if fresh:
        examine.fresh(projects or [], as_json)
    elif projects:
        raise ConfigurationError("the installation is the same for all projects: leave them out, or ask --fresh")
    else:
        examine.doctor(as_json)
