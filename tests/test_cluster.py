"""The same work on processes of a dask.distributed cluster on loopback."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cloudpickle
import dask
import numpy as np
import pytest
from dask.delayed import delayed
from distributed import LocalCluster

from benchmarks import warm
from sco import cluster
from sco.block import Block
from sco.cluster import computing
from sco.compute import compute_block, outcomes_of
from sco.errors import ConfigurationError, UpstreamError
from sco.failure import Failure
from sco.plan import Only, make_plan
from sco.project import Project
from sco.trial import MEMORY, Lost, on_worker

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the workers cannot import the tests


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a scheduler with two worker processes."""
    quiet = {
        "distributed.logging.distributed": "critical",
        "distributed.scheduler.allowed-failures": 1,
    } | warm.forked_workers()
    with (
        dask.config.set(quiet),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=50,
        ) as local,
    ):
        yield local.scheduler_address


@pytest.fixture
def blocks(make_project: Callable[..., Path]) -> tuple[Block, ...]:
    return make_plan(Project.load(make_project(indicators=["ndvi"]))).blocks(Only.DUE)[:4]


def test_processes_give_the_bytes_that_threads_give(scheduler: str, blocks: tuple[Block, ...]) -> None:
    here = dask.compute(*outcomes_of(blocks, "run"))
    with computing(scheduler) as found:
        there = found.compute(outcomes_of(blocks, "run"))
    assert len(here) == len(there) == len(blocks) > 2
    for ours, theirs in zip(here, there, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            assert (one.partition, one.record, one.manifest) == (other.partition, other.record, other.manifest)
            assert one.pixels is not None
            for name in ("values", "n_seen", "n_masked", "n_failed"):
                np.testing.assert_array_equal(getattr(one.pixels, name), getattr(other.pixels, name))


def test_what_a_task_raises_is_told_with_its_class_and_costs_nothing_else(
    scheduler: str, blocks: tuple[Block, ...]
) -> None:
    def fail(error: Exception) -> list:
        raise error

    errors = [UpstreamError("the archive is closed: HTTP response code: 503"), KeyError("nir"), MemoryError()]
    with computing(scheduler) as found:
        *lost, made = found.compute([*(delayed(fail)(error) for error in errors), *outcomes_of(blocks[:1], "beside")])
    assert [one.failure for one in lost] == [Failure.TRANSIENT, Failure.BUG, Failure.BUG]
    assert [one.reason for one in lost] == [str(errors[0]), "KeyError: 'nir'", MEMORY]
    assert len(made) == 1


def test_what_may_pass_is_tried_on_another_worker_and_then_told_and_no_traceback_travels(
    scheduler: str, tmp_path: Path
) -> None:
    def flaky(name: str, times: int) -> list:
        (tmp_path / name).open("a").write("x")
        if len((tmp_path / name).read_text()) <= times:
            raise TimeoutError("timed out")
        return []

    def deep() -> list:
        return deep()

    tasks = [partial(flaky, "healed", 2), partial(flaky, "down", 99), deep]
    with computing(scheduler) as found:
        healed, down, recursion = found.compute([delayed(on_worker)(task) for task in tasks])
    assert healed == []
    assert down == Lost(Failure.TRANSIENT, "TimeoutError: timed out")
    assert len((tmp_path / "down").read_text()) == 1 + cluster.RETRIES
    assert recursion.failure is Failure.BUG
    assert recursion.reason.startswith("RecursionError: maximum recursion depth")


def test_another_version_on_a_worker_is_refused(scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "code_version", lambda: "0.0.0")
    with (
        pytest.raises(ConfigurationError, match=r"this is 0\.0\.0 engine \d+: bring (\d) of \1 workers"),
        computing(scheduler),
    ):
        pass


def test_a_killed_worker_costs_its_partitions_only(scheduler: str, blocks: tuple[Block, ...], tmp_path: Path) -> None:
    def kill_once(block: Block) -> list:
        if not (tmp_path / "killed").exists():
            (tmp_path / "killed").write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return compute_block(block, "run")

    def kill_always(block: Block) -> list:
        os.kill(os.getpid(), signal.SIGKILL)
        return []

    lazy = [delayed(kill_once)(blocks[0]), delayed(kill_always)(blocks[1]), *outcomes_of(blocks[2:], "again")]
    with computing(scheduler) as found:
        results = found.compute(lazy)
    assert (tmp_path / "killed").exists()
    assert [place for place, one in enumerate(results) if isinstance(one, Lost)] == [1], results
    assert "killed mostly ran out of memory" in results[1].reason
    assert results[1].failure is Failure.BUG
    for block, outcomes in zip((blocks[0], *blocks[2:]), (results[0], *results[2:]), strict=True):
        (expected,) = compute_block(block, "run")
        np.testing.assert_array_equal(outcomes[0].pixels.values, expected.pixels.values)


def test_no_scheduler_and_no_workers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "TIMEOUT_S", 1)
    with pytest.raises(UpstreamError, match=r"no dask scheduler answers at tcp://127\.0\.0\.1:1"):
        computing("tcp://127.0.0.1:1").__enter__()
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None, silence_logs=50) as empty,
        pytest.raises(UpstreamError, match="has no workers"),
    ):
        computing(empty.scheduler_address).__enter__()
