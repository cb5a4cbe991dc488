"""Bring a range of days up to date: the flow behind every computation."""

from datetime import date
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State

from flows.artifacts import show_plan, show_report
from flows.deployed import is_deployed, locked, reporting
from flows.naming import run_name
from flows.run import carry_out, reconcile
from sco.errors import LockedError
from sco.failure import NO_ROOM, Failure, classify
from sco.machine import Machine
from sco.plan import Plan, make_plan
from sco.project import Project
from sco.reconcile import Reconciliation
from sco.summary import Summary


def may_pass(error: object) -> bool:
    """Whether trying again may help: the archive is down, or a signature was over. A full disk stays full."""
    if not isinstance(error, Exception) or getattr(error, "errno", None) in NO_ROOM:
        return False
    return classify(error) in (Failure.TRANSIENT, Failure.CREDENTIALS)


async def is_transient(task: Any, task_run: Any, state: State[Any]) -> bool:
    """Whether a failed task may succeed when it is tried again."""
    return may_pass(await state.aresult(raise_on_failure=False))


@task(
    name="plan",
    task_run_name="plan",
    retries=2,
    retry_delay_seconds=[60, 600],
    retry_condition_fn=is_transient,
    cache_policy=NO_CACHE,
)
def look_patiently(project: Project, start: date | None, end: date | None) -> Plan:
    """The plan of a run that nobody waits for: catalogs that are down at night may be up ten minutes later."""
    return make_plan(project, start, end)


def look(project: Project, start: date | None, end: date | None) -> Plan:
    """The plan of a flow run, shown among its artifacts."""
    plan = look_patiently(project, start, end) if is_deployed() else make_plan(project, start, end)
    show_plan(plan)
    return plan


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


@flow(name="backfill", flow_run_name=run_name, validate_parameters=False)
def backfill(
    project: str,
    start: date | None = None,
    end: date | None = None,
    only: str = "due",
    workers: int | None = None,
    plan_file: str | None = None,
    memory: str | None = None,
    cluster: str | None = None,
    reason: str | None = None,
    anyway: bool = False,
    backwards: bool = False,
) -> Summary:
    """Whatever is due between two days, or all that `only` names."""
    machine = Machine(workers, memory, cluster)
    try:
        with reporting(project):
            summary = reconcile(
                project,
                "backfill",
                start,
                end,
                only,
                machine,
                plan_file,
                each=carry_out_batch,
                look=look,
                reason=reason,
                anyway=anyway,
                backwards=backwards,
            )
            show_report(summary)
    except LockedError as error:
        summary = locked(error)
    return summary
