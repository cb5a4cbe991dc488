"""What is done when: the deployments of a project, and `sco schedule`, which serves them on one machine.

`prefect.yaml` says the same for operators with a Prefect server of their own; a test holds the two equal.
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from flows import PREFECT_SETTINGS, heartbeat
from flows.interrupt import Interrupt
from flows.terminal import tell
from sco.errors import ConfigurationError, LockedError
from sco.project import CONFIGS, Project

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner

NIGHTLY = "0 3 * * *"
WEEKLY = "0 12 * * 1"
TIMEZONE = "UTC"
LIMIT = {"limit": 1, "collision_strategy": "CANCEL_NEW"}
STOPPED = (
    "`sco schedule` was stopped while it ran; the store has what was committed, and the next run goes on from there"
)
STOPPING = b"\nstopping: the runs in hand are ended, what they committed stays; Ctrl-C once more waits for nothing\n"
LOOK_SECONDS = 0.2
SERVED_SETTINGS = {"PREFECT_LOGGING_TO_API_ENABLED": "true", "PREFECT_LOGGING_LEVEL": "INFO"}
"""Nobody is at the terminal of a served run: it is read afterwards."""


@dataclass(frozen=True)
class Deployment:
    """One flow of one project, and when it runs."""

    project: str
    """Its id."""
    flow: str
    description: str
    told: str
    """How the flow is told the project: a name in configs/, or a file."""
    cron: str
    """In UTC."""

    @property
    def name(self) -> str:
        """Its name on the server."""
        return f"{self.project}-{self.flow}"

    @property
    def entrypoint(self) -> str:
        """The module and the function that it runs."""
        return f"flows.{self.flow}.{self.flow}"

    def document(self) -> dict[str, Any]:
        """All of it, as an entry of prefect.yaml says it."""
        return {
            "name": self.name,
            "description": self.description,
            "entrypoint": self.entrypoint,
            "parameters": {"project": self.told},
            "tags": [heartbeat.TAG],
            "schedules": [{"cron": self.cron, "timezone": TIMEZONE}],
            "concurrency_limit": LIMIT,
        }

    def for_prefect(self) -> "RunnerDeployment":
        """The same, as Prefect serves it."""
        from prefect.client.schemas.objects import ConcurrencyLimitConfig
        from prefect.flows import load_flow_from_entrypoint
        from prefect.schedules import Cron
        from prefect.types.entrypoint import EntrypointType

        flow: Any = load_flow_from_entrypoint(self.entrypoint)
        deployment: RunnerDeployment = flow.to_deployment(
            self.name,
            description=self.description,
            parameters={"project": self.told},
            tags=[heartbeat.TAG],
            schedules=[Cron(self.cron, timezone=TIMEZONE)],
            concurrency_limit=ConcurrencyLimitConfig.model_validate(LIMIT),
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        return deployment


def deployments_of(project: Project, told: str) -> tuple[Deployment, ...]:
    """An update every night, with the product after it where the project publishes; an audit every week."""
    return (
        Deployment(project.id, "night", "What is new or stale up to now, then the product.", told, NIGHTLY),
        Deployment(project.id, "audit", "What each catalog has and lacks.", told, WEEKLY),
    )


def followed() -> list[str]:
    """The projects in configs/ that go on: those whose period has no last day."""
    names = sorted(file.stem for file in CONFIGS.glob("*.toml"))
    return [name for name in names if Project.load(name).period.end == "now"]


def declare(names: Sequence[str]) -> tuple[Deployment, ...]:
    """The deployments of these projects. Raises ConfigurationError for none, and for two of one id."""
    if not names:
        raise ConfigurationError('no project in configs/ goes on for ever: set end = "now" in one, or name projects')
    projects = {told: Project.load(told) for told in map(_told, names)}
    ids = [project.id for project in projects.values()]
    for twice in {one for one in ids if ids.count(one) > 1}:
        raise ConfigurationError(f"two of these projects have the id {twice!r}: give one of them another")
    return tuple(one for told, project in projects.items() for one in deployments_of(project, told))


def serve(names: Sequence[str], at_once: int) -> None:
    """Serve the deployments of these projects, of all that go on where none is named, until Ctrl-C.

    Raises LockedError for a project that another `sco schedule` serves, ConfigurationError, UpstreamError.
    """
    declared = declare(names or followed())
    _be_read_afterwards()
    from flows.server import serving

    with ExitStack() as held:
        for told in dict.fromkeys(one.told for one in declared):
            held.enter_context(_alone(Project.load(told)))
        url = held.enter_context(serving())
        heartbeat.ensure()
        held.callback(_settle, declared)
        with Interrupt(STOPPING) as interrupt:
            _announce(declared, url)
            _run_what_is_due(declared, at_once, interrupt)
    tell("stopped; what was due meanwhile is done in one run when `sco schedule` is started again")


def _run_what_is_due(declared: Iterable[Deployment], at_once: int, interrupt: Interrupt) -> None:
    """Register the deployments and run what is due, until interrupted."""
    from prefect.runner import Runner

    # what was due while nobody served stays due, and one run stands for all of it
    runner = Runner(pause_on_shutdown=False, limit=at_once)
    for one in declared:
        if interrupt.wanted:
            return
        runner.add_deployment(one.for_prefect())
    asyncio.run(_until_interrupted(runner, interrupt))


async def _until_interrupted(runner: "Runner", interrupt: Interrupt) -> None:
    running = asyncio.create_task(runner.start())
    # one that is cancelled while it starts leaves threads behind that never end
    while not (running.done() or (interrupt.wanted and runner.started)):
        await asyncio.sleep(LOOK_SECONDS)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def _settle(declared: Iterable[Deployment]) -> None:
    """Say of the runs that were stopped in the middle that they were: Prefect would show them as running."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters
    from prefect.client.schemas.objects import State, StateType

    from flows.artifacts import harmless

    begun = filters.FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
    with harmless(), get_client(sync_client=True) as client:
        deployments = [client.read_deployment_by_name(f"{one.flow}/{one.name}").id for one in declared]
        left = filters.FlowRunFilter(
            deployment_id=filters.FlowRunFilterDeploymentId(any_=deployments),
            state=filters.FlowRunFilterState(type=begun),
        )
        for run in client.read_flow_runs(flow_run_filter=left):
            client.set_flow_run_state(run.id, State(type=StateType.CRASHED, message=STOPPED), force=True)


@contextmanager
def _alone(project: Project) -> Iterator[None]:
    project.workspace.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.workspace / "schedule.lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout as error:
        raise LockedError(f"another `sco schedule` serves {project.id} ({lock.lock_file}): stop it first") from error


def _told(name: str) -> str:
    """A project as any process on this machine finds it."""
    file = Project.load(name).file
    return file.stem if file.parent == CONFIGS else str(file)


def _be_read_afterwards() -> None:
    for name, value in SERVED_SETTINGS.items():
        if os.environ.get(name) == PREFECT_SETTINGS[name]:
            os.environ[name] = value


def _announce(declared: Iterable[Deployment], url: str) -> None:
    tell(f"Prefect at {url.removesuffix('/api')}; stop with Ctrl-C")
    for one in declared:
        tell(f"  {one.name}: {one.cron} {TIMEZONE}")
