"""Bring a range of days up to date: the flow behind every computation."""

from datetime import date
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from flows.run import carry_out, reconcile
from sco.errors import UpstreamError
from sco.reconcile import Machine, Reconciliation, Summary


async def is_transient(task: Any, task_run: Any, state: State[Any]) -> bool:
    """Whether a failed batch may succeed when it is tried again."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, UpstreamError | OSError)


@task(
    name="batch",
    task_run_name="{title}",
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=is_transient,
    cache_policy=NO_CACHE,
)
def carry_out_batch(work: Reconciliation, number: int, title: str) -> None:
    """One batch of partitions: computed by dask inside this task, committed in one transaction."""
    carry_out(work, number, title)


@flow(name="backfill", flow_run_name="backfill-{project}", validate_parameters=False)
def backfill(
    project: str,
    start: date | None = None,
    end: date | None = None,
    only: str = "due",
    workers: int | None = None,
    plan_file: str | None = None,
    memory: str | None = None,
    cluster: str | None = None,
) -> Summary:
    """Whatever is due between two days, or all that `only` names."""
    machine = Machine(workers, memory, cluster)
    return reconcile(project, "backfill", start, end, only, machine, plan_file, each=carry_out_batch)
