"""Lazy work computed on a dask.distributed scheduler: the same tasks as on threads, and the same bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dask.delayed import Delayed
from dask.graph_manipulation import clone

from sco import engine
from sco.engine import code_version
from sco.errors import ConfigurationError, UpstreamError
from sco.failure import Failure
from sco.trial import Lost, Result, lost_by

TIMEOUT_S = 10
RETRIES = 2
"""Of a task that raises what may pass, on another worker if there is one."""


@dataclass(frozen=True)
class Killed(Lost):
    """A task whose workers were killed again and again."""


@dataclass(frozen=True)
class Cluster:
    """A scheduler that was found, with workers that run the same code as this process."""

    client: Any
    """A `distributed.Client`."""

    def compute(self, lazy: Sequence[Delayed]) -> list[Result]:
        """The outcomes of each task, in their order, or what became of it.

        What a killed worker held is computed again by the others; what was lost with workers that kept being killed
        is computed once more, one after another, so that only a task that kills its workers by itself stays lost,
        and costs nothing but itself. Raises UpstreamError where the scheduler is gone.
        """
        found = self._together(lazy)
        for place, one in enumerate(found):
            if isinstance(one, Killed) and len(found) > 1:
                (found[place],) = self._together([clone(lazy[place])])  # under its old name it stays lost
        return found

    def _together(self, lazy: Sequence[Delayed]) -> list[Result]:
        futures = self.client.compute(list(lazy), retries=RETRIES)
        try:
            return [_taken(future) for future in futures]
        except BaseException:  # an interrupt, or the scheduler is gone: the others need not go on
            self.client.cancel(futures)
            raise


@contextmanager
def computing(address: str) -> Iterator[Cluster]:
    """The cluster behind a scheduler's address, like tcp://10.0.0.1:8786, for as long as the block lasts.

    Raises UpstreamError where no scheduler answers or it has no worker, ConfigurationError where a worker cannot
    import this application or runs another version of it.
    """
    from distributed import Client

    try:
        client = Client(address, timeout=TIMEOUT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise UpstreamError(
            f"no dask scheduler answers at {address}: {error}. Start one with `dask scheduler`, and workers with "
            "`dask worker ADDRESS` from this environment"
        ) from error
    with client:
        _check_workers(client, address)
        yield Cluster(client)


def _check_workers(client: Any, address: str) -> None:
    try:
        told = client.run(_version)
    except ImportError as error:
        raise ConfigurationError(
            f"a worker of {address} cannot import this application ({error}): install the same checkout there"
        ) from error
    if not told:
        raise UpstreamError(f"the scheduler at {address} has no workers: start some with `dask worker {address}`")
    others = {worker: version for worker, version in told.items() if version != _version()}
    if others:
        worker, version = next(iter(others.items()))
        raise ConfigurationError(
            f"worker {worker} runs version {version}, this is {_version()}: bring {len(others)} of {len(told)} "
            "workers to the same commit"
        )


def _version() -> str:
    return f"{code_version()} engine {engine.COMPUTE}"


def _taken(future: Any) -> Result:
    from distributed import CancelledError, KilledWorker
    from distributed.comm.core import CommClosedError

    error = future.exception()
    match error:
        case None:
            result: Result = future.result()
            return result
        case KilledWorker():
            why = " ".join(str(error).split())[:200]
            return Killed(Failure.BUG, f"{why}; a worker that is killed mostly ran out of memory")
        case CancelledError() | CommClosedError():
            raise UpstreamError(f"the dask scheduler is gone ({error}): what was committed stays, run again")
        case _:
            return lost_by(error)
