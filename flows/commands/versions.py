"""Commands about the versions of a store. Heavy imports happen inside them."""

from typing import Annotated

import typer

from flows.options import AsJson, ProjectName

app = typer.Typer()


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
