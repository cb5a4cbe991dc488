"""What runs are called: project, verb, and the day or the days that they are about."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any


def run_name() -> str:
    """Of the flow run that is about to begin, as in "camargue update 2024-05-01"."""
    from prefect.runtime import flow_run

    return name_of(flow_run.flow_name or "run", flow_run.parameters, datetime.now(UTC).date())


def name_of(verb: str, parameters: Mapping[str, Any], today: date) -> str:
    """A run's name: the range of days where it has one, else the day that it begins on, in UTC."""
    start, end = parameters.get("start"), parameters.get("end")
    days = f"{start or 'the start'} to {end or today}" if start or end else str(today)
    return f"{project_word(str(parameters['project']))} {verb} {days}"


def project_word(project: str) -> str:
    """A project's name in configs/, or what its file says without saying where it is."""
    path = Path(project)
    if path.suffix != ".toml":
        return project
    return path.parent.name if path.stem == "project" else path.stem
