"""Bring a project up to now: what the schedule runs. A missed night heals itself in the next one."""

from prefect import flow

from flows.backfill import carry_out_batch
from flows.run import reconcile
from sco.reconcile import Machine, Summary


@flow(name="update", flow_run_name="update-{project}", validate_parameters=False)
def update(project: str, workers: int | None = None, memory: str | None = None, cluster: str | None = None) -> Summary:
    """Whatever is new or stale up to now."""
    return reconcile(project, "update", machine=Machine(workers, memory, cluster), each=carry_out_batch)
