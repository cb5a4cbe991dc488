"""Prefect's share of a run of 200 partitions: the same run with and without it, in turns. One JSON line.

`.venv/bin/python benchmarks/prefect_share.py [--repeats N] [--pixels N]` measures whole processes, as a schedule
starts them, and inside them the flow alone. Every run has a store of its own; under Prefect it is served by one server
that all runs share, and then once by a temporary server of its own, whose start is what `sco update` pays by hand.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import scenes

TILES, MONTHS = 4, 50
DAYS, DAYS_APART, FILES = 500, 3, 2
"""Scenes over the months; they name the same files again and again, which are read all the same."""
LEAST_SHARE = 0.05
RUN = """
import os, sys, time
import sco.reconcile, sco.plan  # what both need is not Prefect's share
from flows import run
if sys.argv[2] == "prefect":
    from flows.update import update
began, before = time.monotonic(), os.times()
if sys.argv[2] == "prefect":
    summary = update(sys.argv[1])
else:
    summary = run.reconcile(sys.argv[1], "update")
after = os.times()
print(time.monotonic() - began, after.user + after.system - before.user - before.system, summary.partitions)
"""


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    flow_s: float
    flow_cpu_s: float
    process_s: float
    process_cpu_s: float


def cost(project: Path, engine: str) -> Cost:
    """Run the project's update in a process of its own, over an empty store."""
    shutil.rmtree(project.parent / "store", ignore_errors=True)
    shutil.rmtree(project.parent / "store.work", ignore_errors=True)
    began, before = time.monotonic(), os.times()
    told = subprocess.run(
        [sys.executable, "-c", RUN, str(project), engine], check=True, stdout=subprocess.PIPE, text=True
    )
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    seconds, flow_cpu, partitions = told.stdout.split()
    if int(partitions) != TILES * MONTHS:
        raise RuntimeError(f"{partitions} partitions were computed instead of {TILES * MONTHS}")
    return Cost(float(seconds), float(flow_cpu), time.monotonic() - began, busy)


def shares(prefect: list[Cost], local: list[Cost]) -> dict[str, float]:
    """(prefect - local) / prefect of each median."""
    found = {}
    for name in ("flow_s", "flow_cpu_s", "process_s", "process_cpu_s"):
        with_it, without = (statistics.median(getattr(one, name) for one in costs) for costs in (prefect, local))
        found[name] = round((with_it - without) / with_it, 4)
    return found


def medians(costs: list[Cost]) -> dict[str, float]:
    """Of each figure."""
    names = ("flow_s", "flow_cpu_s", "process_s", "process_cpu_s")
    return {name: round(statistics.median(getattr(one, name) for one in costs), 2) for name in names}


def main(repeats: int, pixels: int) -> int:
    """Measure in turns and print the line; 1 if Prefect's share of the flow is over 5 %."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        os.environ["PREFECT_HOME"] = f"{name}/prefect"
        recipe = scenes.Recipe(days=DAYS, size=pixels, days_apart=DAYS_APART, distinct=FILES)
        project = scenes.write(Path(name) / "scenes", recipe, tile=pixels // 2, uncertainty=True)
        temporary = [cost(project, "prefect") for _ in range(2)][1:]  # the first one makes its database, too
        from flows.server import serving

        stack.enter_context(serving())
        local, prefect = [], []
        for _ in range(repeats):
            local.append(cost(project, "local"))
            prefect.append(cost(project, "prefect"))
    share = shares(prefect, local)
    line = {
        "benchmark": "prefect_share",
        "partitions": TILES * MONTHS,
        "pixels_a_tile": (pixels // 2) ** 2,
        "repeats": repeats,
        "local": medians(local),
        "prefect": medians(prefect),
        "prefect_with_its_own_server": medians(temporary),
        "share": share,
        "share_with_its_own_server": shares(temporary, local),
    }
    print(json.dumps(line))
    return int(max(share["flow_s"], share["flow_cpu_s"]) > LEAST_SHARE)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--repeats", type=int, default=5)
    asked.add_argument("--pixels", type=int, default=2000, help="a side of the territory, which has 2 x 2 tiles")
    given = asked.parse_args()
    sys.exit(main(given.repeats, given.pixels))
