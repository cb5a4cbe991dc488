"""Bring a project up to now: what the schedule runs. A missed night heals itself in the next one."""

from prefect import flow

from flows.artifacts import show_report
from flows.backfill import carry_out_batch, look
from flows.deployed import locked, reporting
from flows.naming import run_name
from flows.run import reconcile
from sco.errors import LockedError
from sco.machine import Machine
from sco.summary import Summary


@flow(name="update", flow_run_name=run_name, validate_parameters=False)
def update(project: str, workers: int | None = None, memory: str | None = None, cluster: str | None = None) -> Summary:
    """Whatever is new or stale up to now. A run that finds its project held by another one ends as "Locked"."""
    machine = Machine(workers, memory, cluster)
    try:
        with reporting(project):
            summary = reconcile(project, "update", machine=machine, each=carry_out_batch, look=look)
            show_report(summary)
    except LockedError as error:
        summary = locked(error)
    return summary
