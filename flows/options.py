"""The words of the command line that several commands share."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import typer


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


class Why(StrEnum):
    """What kind of failure to take up again."""

    TRANSIENT = "transient"
    CREDENTIALS = "credentials"
    DATA = "data"
    BUG = "bug"


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


def day(moment: datetime | None) -> date | None:
    """The day that an option named."""
    return moment.date() if moment else None
