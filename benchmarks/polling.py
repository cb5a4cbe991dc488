"""A reader that looks ten times a second while another process writes: errors, and states that mix two versions.

`.venv/bin/python benchmarks/polling.py [SECONDS]` (20 unless told) prints one JSON line. The writer rewrites all six
tiles of a month round after round, a batch a commit; values, counts, record and manifest all say the round.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import small
from benchmarks.warm import WARM
from sco.partition import Partition
from sco.store import Store

PERIOD_SECONDS = 0.1
PAUSE_SECONDS = 0.2
"""Between two commits of the backfill, which in life computes in between."""
BATCH = small.PARTITIONS[:6]
PLANES = ("ndvi", "ndvi_n_seen", "ndvi_n_masked")


def write(url: str, stop: Event, committed: Any) -> None:
    """Commit round after round of the same partitions, until told to stop; cleans up every tenth round."""
    store = Store.open(url)
    for number in range(1, 30_000):
        if stop.is_set():
            return
        store.commit([small.outcome(one, number) for one in BATCH], f"run{number}", str(number))
        committed.value = number
        time.sleep(PAUSE_SECONDS)
        if number % 10 == 0:
            store.clean(keep_days=0)


def look(url: str) -> tuple[int, list[str]]:
    """The round that the newest version shows, and what in it says another; opened anew, as any reader does."""
    store = Store.open(url)
    snapshot = store.tip()
    arrays = zarr.open_group(store.session_store(snapshot), mode="r", zarr_format=3)
    records, manifests = store.records(snapshot), store.manifests(snapshot)
    rounds = {manifests[one]["round"] for one in BATCH}
    step = store.version(snapshot).slices.index(BATCH[0].period)
    month = {name: np.asarray(arrays[name][step]) for name in PLANES}
    found = [f"{one}: {text}" for one in BATCH for text in _mixed(month, one, manifests[one]["round"], records)]
    return min(rounds), found + ([f"rounds {sorted(rounds)} in one version"] if len(rounds) > 1 else [])


def _mixed(month: Mapping[str, NDArray[Any]], one: Partition, number: int, records: Any) -> Sequence[str]:
    window, expected = small.TILING.window_of(one.tile), small.outcome(one, number)
    assert expected.pixels is not None
    told = (expected.pixels.values, expected.pixels.n_seen, expected.pixels.n_masked)
    wrong = [name for name, plane in zip(PLANES, told, strict=True) if not np.array_equal(month[name][window], plane)]
    return wrong + ([] if records[one].fingerprint == expected.record.fingerprint else ["record"])


def poll(url: str, seconds: float) -> dict[str, Any]:
    """Look ten times a second for so long; what was seen."""
    stop, committed = WARM.Event(), WARM.Value("i", 0)
    writer = WARM.Process(target=write, args=(url, stop, committed))
    writer.start()
    looks, errors, mixed, seen, late = 0, [], [], set(), 0
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        start = time.monotonic()
        try:
            number, wrong = look(url)
            mixed += wrong
            seen.add(number)
        except Exception as error:  # noqa: BLE001 - whatever a reader meets is what this counts
            errors.append(f"{type(error).__name__}: {error}")
        looks += 1
        late += time.monotonic() - start > PERIOD_SECONDS
        time.sleep(max(0.0, began + looks * PERIOD_SECONDS - time.monotonic()))
    stop.set()
    writer.join(60)
    return {
        "looks": looks,
        "per_second": round(looks / (time.monotonic() - began), 1),
        "looks_over_100_ms": late,
        "commits": committed.value,
        "versions_seen": len(seen),
        "errors": len(errors),
        "mixed": len(mixed),
        "first": [*errors, *mixed][:1],
        "writer": writer.exitcode,
    }


def main(seconds: float) -> int:
    """Poll; 1 if there was an error or a mixed state."""
    with tempfile.TemporaryDirectory() as name:
        store = small.lay_out(f"{name}/store")
        store.commit([small.outcome(one, 0) for one in BATCH], "run0", "0")
        told = poll(store.url, seconds)
    print(json.dumps({"benchmark": "polling", **told}))
    return int(bool(told["errors"] or told["mixed"] or told["writer"]))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("seconds", type=float, nargs="?", default=20)
    sys.exit(main(asked.parse_args().seconds))
