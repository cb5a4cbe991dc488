"""Publish a project's product from a tagged snapshot of its store."""

from pathlib import Path

from prefect import flow

from flows import run
from flows.deployed import locked, reporting
from flows.naming import run_name
from sco.errors import LockedError


@flow(name="publish", flow_run_name=run_name, validate_parameters=False)
def publish(project: str) -> Path:
    """The folder of the product's version; nothing of it is visible before it is whole."""
    try:
        with reporting(project):
            folder = run.publish(project)
    except LockedError as error:
        folder = locked(error)
    return folder
