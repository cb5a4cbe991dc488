"""Processes that start at once: forked from one that has imported what the commands need, and has done nothing."""

import multiprocessing

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
