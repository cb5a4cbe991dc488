"""Lazy work computed on a dask.distributed scheduler: the same tasks as on threads, and the same bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dask.delayed import Delayed
from dask.graph_manipulation import clone

from sco.compute import VERSION, code_version
from sco.errors import ConfigurationError, UpstreamError
from sco.partition import Outcome

TIMEOUT_S = 10
RETRIES = 2
"""Of a task that raises what may pass, on another worker if there is one."""


@dataclass(frozen=True)
class Lost:
    """A task whose workers were killed again and again; what it would have made is not there."""

    key: str
    reason: str


@dataclass(frozen=True)
class Cluster:
    """A scheduler that was found, with workers that run the same code as this process."""

    client: Any
    """A `distributed.Client`."""

    def compute(self, lazy: Sequence[Delayed]) -> list[list[Outcome] | Lost]:
        """The outcomes of each task, in their order.

        What a killed worker held is computed again by the others; what was lost with workers that kept being killed
        is computed once more, one after another, so that only a task that kills its workers by itself stays lost,
        and costs nothing but itself. Raises what a task raises.
        """
        found = self._together(lazy)
        for place, one in enumerate(found):
            if isinstance(one, Lost):
                (found[place],) = self._together([clone(lazy[place])])  # under its old name it stays lost
        return found

    def _together(self, lazy: Sequence[Delayed]) -> list[list[Outcome] | Lost]:
        futures = self.client.compute(list(lazy), retries=RETRIES)
        try:
            return [_taken(future) for future in futures]
        except BaseException:  # an interrupt, or what a task raised: the others need not go on
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
    return f"{code_version()} engine {VERSION}"


def _taken(future: Any) -> list[Outcome] | Lost:
    from distributed import KilledWorker

    try:
        outcomes: list[Outcome] = future.result()
    except KilledWorker as error:
        return Lost(str(future.key), _why(error))
    return outcomes


def _why(error: BaseException) -> str:
    return f"{' '.join(str(error).split())[:300]}; a worker that is killed mostly ran out of memory"
