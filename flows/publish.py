"""Publish a project's product from a tagged snapshot of its store."""

from pathlib import Path

from prefect import flow

from flows import run


@flow(name="publish", flow_run_name="publish-{project}", validate_parameters=False)
def publish(project: str) -> Path:
    """The folder of the product's version; nothing of it is visible before it is whole."""
    return run.publish(project)
