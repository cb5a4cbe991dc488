"""The same bytes wherever a run is computed: on threads, processes of a cluster, in time zones, by killed workers."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import dask
import pytest
from command import start
from distributed import LocalCluster

from benchmarks import warm
from benchmarks.kills import Whole
from flows import run
from sco.plan import make_plan
from sco.project import Project
from sco.reconcile import Machine

INDICATORS = ("ndvi", "ndvi_anomaly", "water_extent")
MakeProject = Callable[..., Path]


DEADLY = """
import os, signal
from pathlib import Path
from sco import compute

whole, folder = getattr(compute, "whole", compute.compute_block), Path({folder!r})
compute.whole = whole  # this may be run twice

def deadly(block, run, idle=1):
    where = block.period.label, str(block.tile)
    if (folder / "armed").exists():
        if where == ("2022-01", "r000c000") and not (folder / "once").exists():
            (folder / "once").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if where == ("2022-02", "r000c001"):
            os.kill(os.getpid(), signal.SIGKILL)
    return whole(block, run, idle)

compute.compute_block = deadly
"""


@dataclass(frozen=True)
class Workers:
    """Two worker processes, which can be armed to be killed: once by one block, and again and again by another."""

    address: str
    folder: Path


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    folder = tmp_path_factory.mktemp("workers")
    script = folder / "deadly.py"
    script.write_text(DEADLY.format(folder=str(folder)))
    quiet = {
        "distributed.logging.distributed": "critical",
        "distributed.scheduler.allowed-failures": 1,
    } | warm.forked_workers()
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "host": "127.0.0.1"}
    with (
        dask.config.set(quiet),
        LocalCluster(**options, dashboard_address=None, silence_logs=50, preload=[str(script)]) as local,
    ):
        yield Workers(local.scheduler_address, folder)


def tell_time_zone() -> None:
    """How many seconds this process is west of UTC, as the C library has it."""
    print(time.timezone, flush=True)


@pytest.fixture
def on_one_thread(project: MakeProject) -> Whole:
    file = project("one", indicators=INDICATORS)
    run.reconcile(str(file), "update", machine=Machine(workers=1))
    return Whole.of(file)


def test_threads_processes_and_time_zones_make_no_difference(
    project: MakeProject, on_one_thread: Whole, workers: Workers
) -> None:
    two = project("two", indicators=INDICATORS)
    run.reconcile(str(two), "update", machine=Machine(workers=2))
    assert on_one_thread.differences(Whole.of(two)) == []

    far = project("far", indicators=INDICATORS)
    summary = run.reconcile(str(far), "update", machine=Machine(cluster=workers.address))
    assert summary.partitions == len(make_plan(Project.load(far)).entries) == 36
    assert on_one_thread.differences(Whole.of(far)) == []

    for zone in ("Pacific/Kiritimati", "UTC"):
        file = project(zone.replace("/", "-"), indicators=INDICATORS)
        told = start("update", file, "--engine", "local", before=tell_time_zone, TZ=zone).end()
        assert told.returncode == 0, told.stderr
        assert told.stdout.split()[0] == {"UTC": "0", "Pacific/Kiritimati": "-50400"}[zone]
        assert on_one_thread.differences(Whole.of(file)) == []


def test_a_worker_that_is_killed_costs_nothing_and_a_block_that_kills_its_workers_itself_alone(
    project: MakeProject, workers: Workers
) -> None:
    undisturbed, file = project("undisturbed"), project("killed")
    run.reconcile(str(undisturbed), "update", machine=Machine(workers=1))
    (workers.folder / "armed").touch()
    summary = run.reconcile(str(file), "update", machine=Machine(cluster=workers.address))
    assert (workers.folder / "once").exists()
    assert (summary.partitions, summary.uncomputed) == (11, 1)
    (told,) = summary.failed
    assert told.startswith("ndvi 2022-02 r000c001: bug: ")
    assert "killed mostly ran out of memory" in told
    failed = [one for one in make_plan(Project.load(file)).entries if one.state == "failed"]
    assert [(str(one.partition), one.due) for one in failed] == [("ndvi 2022-02 r000c001", False)]
    assert run.reconcile(str(file), "backfill", only="failed", reason="bug").partitions == 1
    assert Whole.of(undisturbed).differences(Whole.of(file)) == []
