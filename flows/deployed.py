"""What a run does under Prefect besides its work: it stands for those that were missed, and says how it goes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from prefect.client.schemas.objects import State, StateType

from flows.artifacts import Pages, harmless
from sco.errors import LockedError
from sco.progress import heard_by, listening
from sco.project import Project

LOCKED = "Locked"
"""The state of a run that found its project held by another one: no failure, and nothing was done. A project that is
held night after night is told by its freshness."""
MISSED = "Missed"
"""The state of a run that never began, and that a later one stood for."""
STOOD_FOR = "a later run brings the project up to the same now"


def is_deployed() -> bool:
    """Whether a schedule or an operator started this run from a deployment, rather than somebody at a terminal."""
    from prefect.runtime import deployment

    return deployment.id is not None


def locked(error: LockedError) -> Any:
    """The end state of a deployed flow whose project another run holds. At a terminal the error is raised instead."""
    if not is_deployed():
        raise error
    return State(type=StateType.COMPLETED, name=LOCKED, message=str(error))


@contextmanager
def reporting(project: str) -> Iterator[None]:
    """Within this block Prefect's pages show how the run goes, and its log too where a deployment runs it."""
    if is_deployed():
        stand_for_missed()
    with listening(Pages(Project.load(project).id, heard_by(), _log())):
        yield


def stand_for_missed() -> int:
    """Cancel the runs of this run's deployment that were due before and never began; how many there were.

    Every one of them would do what this one does. Prefect itself would carry them out one after another.
    """
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.runtime import deployment

    now: Any = datetime.now(UTC)
    missed = filters.FlowRunFilter(
        deployment_id=filters.FlowRunFilterDeploymentId(any_=[UUID(str(deployment.id))]),
        state=filters.FlowRunFilterState(type=filters.FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        next_scheduled_start_time=filters.FlowRunFilterNextScheduledStartTime(before_=now),
    )
    stood_for = 0
    with harmless(), get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=missed):
            client.set_flow_run_state(run.id, State(type=StateType.CANCELLED, name=MISSED, message=STOOD_FOR))
            stood_for += 1
    return stood_for


def _log() -> Any:
    if not is_deployed():
        return None  # the terminal hears it already
    from prefect.logging import get_run_logger

    return get_run_logger()
