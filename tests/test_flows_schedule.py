"""`sco schedule` on a real Prefect server: thirty missed nights are one run, a held project is no crash."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml
from command import Running, sco, start

from benchmarks import tiny
from flows import heartbeat, schedule
from sco.errors import ConfigurationError
from sco.lock import alone
from sco.project import CONFIGS, Project

SERVE = "import sys; from flows.server import serving\nwith serving(): print('up', flush=True); sys.stdin.read()"
WAIT_SECONDS = 120


def test_prefect_yaml_says_what_is_served():
    told = yaml.safe_load((CONFIGS.parent / "prefect.yaml").read_text("utf-8"))["deployments"]
    served = [one.document() for one in schedule.declare(["camargue"])]
    assert {one.pop("work_pool")["name"] for one in told} == {"sco"}
    assert told == served
    assert [one["name"] for one in served] == ["camargue-night", "camargue-audit"]


def test_what_prefect_serves_is_what_is_declared():
    for one in schedule.declare(["camargue"]):
        served = one.for_prefect()
        (when,) = served.schedules
        assert (served.name, served.entrypoint) == (one.name, one.entrypoint)
        assert served.parameters == {"project": "camargue"}
        assert (when.schedule.cron, when.schedule.timezone) == (one.cron, "UTC")
        assert (served.concurrency_limit, served.concurrency_options.collision_strategy.value) == (1, "CANCEL_NEW")


def test_projects_that_go_on_are_served_where_none_is_named():
    assert "camargue" in schedule.followed()
    assert "sava" not in schedule.followed()  # it has a last day
    with pytest.raises(ConfigurationError, match='set end = "now"'):
        schedule.declare([])


def test_two_projects_of_one_id_are_refused(make_project: Callable[..., Path], tmp_path: Path):
    file = make_project()
    other = tmp_path / "other.toml"
    other.write_text(file.read_text("utf-8"), "utf-8")
    with pytest.raises(ConfigurationError, match="two of these projects have the id 'demo'"):
        schedule.declare([str(file), str(other)])
    assert [one.told for one in schedule.declare([str(file)])] == [str(file)] * 2


@dataclass(frozen=True)
class Served:
    """A server, a project, and what `sco schedule` has to be told to meet them."""

    project: Path
    environment: dict[str, str]
    url: str

    def start(self) -> Running:
        """`sco schedule`, in the foreground of nobody."""
        return start("schedule", self.project, **self.environment)

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A client of the server."""
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_API_URL, temporary_settings

        with temporary_settings({PREFECT_API_URL: self.url}), get_client(sync_client=True) as client:
            yield client

    def runs(self, client: Any, flow: str) -> list[Any]:
        """Of the project's deployment of this flow, those that were due."""
        from prefect.client.schemas import filters

        deployment = client.read_deployment_by_name(f"{flow}/tiny-{flow}")
        due = filters.FlowRunFilter(
            deployment_id=filters.FlowRunFilterDeploymentId(any_=[deployment.id]),
            expected_start_time=filters.FlowRunFilterExpectedStartTime(before_=datetime.now(UTC)),
        )
        found: list[Any] = client.read_flow_runs(flow_run_filter=due)
        return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    project = tiny.make(folder / "world").project(folder / "project")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    }
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "up\n"
    yield Served(project, environment, f"http://127.0.0.1:{port}/api")
    server.communicate(timeout=60)
    assert server.returncode == 0
    with socket.socket() as gone:
        assert gone.connect_ex(("127.0.0.1", port)) != 0  # it ends the server that it started


def wait_for(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := what()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(1)
    return found


def end(running: Running) -> str:
    """Ctrl-C, and what it had told."""
    running.interrupt()
    told = running.end()
    assert told.returncode == 0, told.stderr
    assert "Traceback" not in told.stderr, told.stderr
    return told.stderr


def test_a_run_that_stays_silent_is_called_crashed(served: Served):
    from flows.update import update

    soon = heartbeat.automation(timedelta(seconds=10)).model_copy(update={"name": "the same, sooner"})
    with served.client() as client:
        made = client.create_automation(soon)
        ours = _begun(client, update, heartbeat.TAG)
        theirs = _begun(client, update, "theirs")
        wait_for(lambda: client.read_flow_run(ours).state.is_crashed())
        assert "its heartbeat stopped" in client.read_flow_run(ours).state.message
        assert client.read_flow_run(theirs).state.is_running()
        client.delete_automation(made)


def _begun(client: Any, flow: Any, tag: str) -> Any:
    """A run that gave one sign of life, and will give no other."""
    from prefect.client.schemas.objects import State, StateType

    run = client.create_flow_run(flow, parameters={"project": "none"}, tags=[tag], state=State(type=StateType.RUNNING))
    beat = {
        "id": str(uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "prefect.flow-run.heartbeat",
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run.id}"},
        "related": [{"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}],
    }
    client.request("POST", "/events", json=[beat])
    return run.id


def test_thirty_missed_nights_are_one_run(served: Served):
    from prefect.states import Scheduled

    first = served.start()
    with served.client() as client:
        wait_for(lambda: _registered(first, client) == ["tiny-audit", "tiny-night"])
        assert "another `sco schedule` serves tiny" in _refused(served)
        told = end(first)
        assert "tiny-night: 0 3 * * * UTC" in told
        night = client.read_deployment_by_name("night/tiny-night")
        assert not night.paused
        wait_for(lambda: [one for one in client.read_flow_runs() if one.auto_scheduled])  # the scheduler works
        now = datetime.now(UTC)
        for days in range(30, 0, -1):
            due = Scheduled(scheduled_time=now - timedelta(days=days))
            client.create_flow_run_from_deployment(night.id, state=due)
        assert len(served.runs(client, "night")) == 30

        second = served.start()
        wait_for(lambda: all(one.state.is_final() for one in served.runs(client, "night")))
        time.sleep(5)  # two more polls
        ended = Counter(one.state_type.value for one in served.runs(client, "night"))
        assert ended == {"COMPLETED": 1, "CANCELLED": 29}
        (run,) = (one for one in served.runs(client, "night") if one.state.is_completed())
        assert run.name == f"project night {run.start_time:%Y-%m-%d}"
        assert (served.project.parent / "product" / "latest" / "index.html").is_file()  # and the product after it
        assert [one.name for one in client.read_automations()].count(heartbeat.NAME) == 1
        artifacts = {one.key: one.type for one in client.read_artifacts() if one.key}
        assert artifacts == {"tiny-plan": "table", "tiny-progress": "progress", "tiny-report": "markdown"}
        _a_night_that_finds_its_project_held(served, client, night.id)
        cut = client.create_flow_run_from_deployment(night.id).id
        wait_for(lambda: not client.read_flow_run(cut).state.is_scheduled())
        assert end(second).endswith("when `sco schedule` is started again\n")
        state = client.read_flow_run(cut).state
        assert (state.type.value, state.message) == ("CRASHED", schedule.STOPPED)


def _registered(running: Running, client: Any) -> list[str]:
    assert running.process.is_alive(), running.end()
    return sorted(one.name for one in client.read_deployments())


def _refused(served: Served) -> str:
    told = served.start().end()
    assert told.returncode == 8
    return told.stderr


def _a_night_that_finds_its_project_held(served: Served, client: Any, night: Any) -> None:
    """It ends as Locked, which is no failure, and gives its slot back."""
    import shutil

    shutil.rmtree(served.project.parent / "store")
    with alone(Project.load(served.project)):
        run = client.create_flow_run_from_deployment(night)
        wait_for(lambda: client.read_flow_run(run.id).state.is_final())
    state = client.read_flow_run(run.id).state
    assert (state.type.value, state.name) == ("COMPLETED", "Locked")
    assert "another run is working on tiny" in state.message
    wait_for(lambda: all(one.active_slots == 0 for one in client.read_global_concurrency_limits()))


def test_a_server_that_others_could_command_is_refused(tmp_path: Path):
    environment = {"PREFECT_HOME": str(tmp_path), "PREFECT_SERVER_API_HOST": "0.0.0.0"}
    told = sco("schedule", "camargue", **environment)
    assert told.returncode == 3
    assert "PREFECT_SERVER_API_HOST=0.0.0.0 would let the whole network" in told.stderr
    assert "set PREFECT_SERVER_API_AUTH_STRING=user:password" in told.stderr
    told = sco("doctor", **environment)
    assert (told.returncode, "not well: Prefect server" in told.stderr) == (1, True)


@pytest.mark.parametrize(
    ("host", "password", "safe"),
    [
        ("127.0.0.1", False, True),
        ("127.8.8.8", False, True),
        ("::1", False, True),
        ("localhost", False, True),
        ("0.0.0.0", False, False),
        ("::", False, False),
        ("192.0.2.7", False, False),
        ("no-such-host.invalid", False, False),
        ("0.0.0.0", True, True),
    ],
)
def test_loopback_or_a_password(host: str, password: bool, safe: bool):
    from flows.server import Binding

    found = Binding(host, 4200, password)
    if safe:
        found.require_safe()
    else:
        with pytest.raises(ConfigurationError, match="unset it to stay on loopback"):
            found.require_safe()
