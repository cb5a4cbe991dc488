"""Mann-Kendall and Theil-Sen over 500 x 500 pixels and 240 months, beside pymannkendall a pixel at a time.

One JSON line for each test. Both run in this process, one after the other; pymannkendall on a sample of the same
pixels, and its time is scaled to all of them. Ours is measured on one thread, and on dask's threads; it gives the
interval of the slope as well. On a machine that has other work only processor time compares.
`.venv/bin/python benchmarks/trend.py [SIDE] [SAMPLE]`.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import pymannkendall
import xarray as xr

from sco.trend import Variant, trend

MONTHS = 240
PEERS = {"original": pymannkendall.original_test, "hamed_rao": pymannkendall.hamed_rao_modification_test}


def field(side: int) -> xr.DataArray:
    """A season, noise with a memory, a trend in half of the pixels and gaps in all; float32, (time, y, x)."""
    random = np.random.default_rng(7)
    values = random.normal(size=(MONTHS, side, side)).astype("float32")
    for month in range(1, MONTHS):
        values[month] += np.float32(0.4) * values[month - 1]
    values += np.sin(2 * np.pi * np.arange(MONTHS, dtype="float32") / 12)[:, None, None]
    values[:, :, : side // 2] += np.linspace(0, 1, MONTHS, dtype="float32")[:, None, None]
    values[random.random(values.shape) < 0.05] = np.nan
    return xr.DataArray(values, dims=("time", "y", "x"))


def timed(task: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and of processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - clock, time.process_time() - processor


def measure(series: xr.DataArray, variant: Variant, sample: int) -> dict[str, object]:
    """Seconds of both, and the largest difference between them."""
    pixels = series.sizes["y"] * series.sizes["x"]
    warnings.simplefilter("ignore", RuntimeWarning)  # the peer takes roots of corrected variances below 0
    trend(series[:, :2, :2], variant)  # compile, or load what is compiled
    one_thread, one_thread_cpu = timed(lambda: trend(series, variant))
    found = trend(series.chunk(y=50), variant)
    threads, _ = timed(found.compute)
    places = np.random.default_rng(1).choice(pixels, sample, replace=False)
    columns = series.values.reshape(MONTHS, -1)[:, places]
    theirs: list[tuple[float, float]] = []

    def apply() -> None:
        for column in columns.T:
            test = PEERS[variant](column)
            theirs.append((test.slope, test.p))

    peer, peer_cpu = (seconds * pixels / sample for seconds in timed(apply))
    ours = trend(xr.DataArray(columns.astype("float64"), dims=("time", "pixel")), variant)
    difference = np.abs(np.array(theirs).T - np.stack([ours["slope"], ours["p"]]))
    difference = np.nanmax(difference)
    return {
        "benchmark": "trend",
        "test": variant,
        "shape": list(series.shape),
        "one_thread_seconds": round(one_thread, 2),
        "one_thread_cpu_seconds": round(one_thread_cpu, 2),
        "threads_seconds": round(threads, 2),
        "cpus": os.cpu_count(),
        "peer": f"pymannkendall {version('pymannkendall')}",
        "peer_seconds": round(peer, 1),
        "peer_cpu_seconds": round(peer_cpu, 1),
        "peer_measured_on": f"{sample} of {pixels} pixels, scaled",
        "times_faster": round(peer / threads, 1),
        "times_faster_one_thread": round(peer / one_thread, 1),
        "times_faster_by_cpu_seconds": round(peer_cpu / one_thread_cpu, 1),
        "largest_difference_of_slope_and_p": float(difference),
    }


def main(side: int, sample: int) -> None:
    """Print a line for each test."""
    series = field(side)
    for variant in PEERS:
        print(json.dumps(measure(series, variant, sample)))  # type: ignore[arg-type]


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    main(*asked, *(500, 400)[len(asked) :])
