"""Processes that start at once: forked from one that has imported what the commands need, and has done nothing."""

import multiprocessing
from multiprocessing import forkserver
from typing import Any

WARM = multiprocessing.get_context("forkserver")
WARM.set_forkserver_preload(
    [
        "flows.run",
        "flows.look",
        "flows.planned",
        "flows.commands",
        "dask.array",
        "distributed",
        "matplotlib.pyplot",
        "numba.typed",
        "scipy.sparse.linalg",
        "scipy.fftpack",
        "catalogs.local",
        "indicators.ndvi",
        "sensors.sentinel2",
        "sco.composite",
        "sco.reconcile",
        "sco.store",
        "sco.products.publication",
    ]
)


def forked_workers() -> dict[str, Any]:
    """Configuration of dask by which a local cluster has its workers from here, also those in place of killed ones."""
    forkserver.ensure_running()  # before dask says what it would have imported instead
    return {"distributed.worker.multiprocessing-method": "forkserver"}
