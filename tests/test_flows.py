"""The same job under Prefect, with its temporary server on loopback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from territory import project_over

import sco
from flows import run
from sco.store import Store

SCO = Path(sys.executable).parent / "sco"


@pytest.fixture(scope="module")
def by_prefect(observatory, tmp_path_factory) -> Path:
    file = project_over(observatory, tmp_path_factory.mktemp("prefect_project"), indicators=["ndvi"])
    told = subprocess.run(
        [str(SCO), "update", str(file), "--json"], capture_output=True, text=True, env=dict(os.environ), timeout=300
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["computed"] + json.loads(told.stdout)["empty"] == 20
    assert "Traceback" not in told.stderr
    return file


def test_prefect_and_the_local_engine_give_the_same_store(by_prefect, make_project):
    file = make_project(indicators=["ndvi"])
    run.reconcile(str(file), "update")
    xr.testing.assert_identical(sco.open(file).load(), sco.open(by_prefect).load())


def test_each_commit_names_its_run_and_its_partitions(by_prefect):
    history = Store.open(str(by_prefect.parent / "store")).history()
    commits = [one for one in history if one.run]
    assert sum(len(one.partitions) for one in commits) == 20
    assert len({one.run for one in commits}) == 1


def test_telemetry_is_off_before_prefect_is_imported():
    switches = "os.environ['DO_NOT_TRACK'], os.environ['PREFECT_SERVER_ANALYTICS_ENABLED']"
    code = f"import flows, os, prefect; print({switches})"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["1", "false"]


def test_only_what_may_pass_is_tried_again():
    import asyncio
    import errno

    from prefect.states import Completed, Failed

    from flows.backfill import is_transient
    from sco.errors import ConfigurationError, IntegrityError, LockedError, SceneError, UpstreamError

    def judged(error: Exception) -> bool:
        return asyncio.run(is_transient(None, None, Failed(data=error)))

    assert judged(UpstreamError("the archive is down"))
    assert judged(UpstreamError("HTTP error 403: the token is expired"))
    assert judged(TimeoutError())
    assert judged(OSError(errno.EIO, "Input/output error"))
    for error in (
        OSError(errno.ENOSPC, "No space left on device"),
        FileNotFoundError("scene.tif"),
        ConfigurationError("no such band"),
        IntegrityError("a chunk is not what it was"),
        LockedError("another run holds it"),
        SceneError("not a TIFF"),
        ValueError("a bug"),
    ):
        assert not judged(error), error
    assert not asyncio.run(is_transient(None, None, Completed(data=1)))


def test_every_task_is_tried_again_on_that_condition_alone():
    from flows.backfill import carry_out_batch, is_transient, look_patiently

    for one in (carry_out_batch, look_patiently):
        assert one.retry_condition_fn is is_transient
        assert one.retries == len(one.retry_delay_seconds) == 2


def test_whoever_calls_a_flow_by_hand_gets_the_lock_s_error_itself():
    from flows.deployed import is_deployed, locked
    from sco.errors import LockedError

    assert not is_deployed()
    with pytest.raises(LockedError, match="held"):
        locked(LockedError("held"))


def test_every_deployment_names_a_flow_and_a_project():
    import yaml
    from prefect import Flow
    from prefect.flows import load_flow_from_entrypoint

    from sco.project import Project

    deployments = yaml.safe_load((Path(__file__).parents[1] / "prefect.yaml").read_text())["deployments"]
    assert deployments
    for deployment in deployments:
        assert isinstance(load_flow_from_entrypoint(deployment["entrypoint"]), Flow)
        assert Project.load(deployment["parameters"]["project"]).id == "camargue"
        assert deployment["concurrency_limit"]["limit"] == 1
