"""Stages: where the processor time of the deep benchmark goes in our engine, with one thread: one JSON line.

`.venv/bin/python benchmarks/stages.py [--repeats N] [--folder FOLDER]`. Clocks are put around what each stage calls;
`rest` is what none of them holds: Python between the steps, threads that hand work on, memory that is touched for the
first time. No stage is inside another. The first lap warms up and does not count.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import ours
import race
import scenes

from sco import chunks, formula, kernels, quality, read, reconcile, repository, tally
from sco.handles import HANDLES, Handles

WORKERS = 1
STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "plan": ((ours, "make_plan"),),
    "lay out": ((reconcile, "lay_out"),),
    "open files": ((Handles, "_opened"),),
    "may it be read": ((read.preflight, "address"), (read, "_checked")),
    "decode": ((read, "_numbers"),),
    "classes to states": ((quality, "decode"), (quality, "let_go")),
    "calibrate, formula": ((formula.Formula, "__call__"),),
    "count": ((kernels, "count"),),
    "composite": ((tally, "compose"),),
    "pack": ((tally, "pack"),),
    "encode": ((chunks, "encoded"),),
    "commit": ((repository.Repository, "_land"),),
}


def main(folder: Path, repeats: int) -> None:
    """Write the scenes, run our contender with clocks in it, and print the median of every stage."""
    project = scenes.write(folder, scenes.Recipe(), tile=1024)
    spent: Counter[str] = Counter()
    for stage, places in STAGES.items():
        for owner, name in places:
            setattr(owner, name, _clocked(getattr(owner, name), stage, spent))
    laps = [_lap(project, spent) for _ in range(repeats + 1)][1:]
    found = {stage: round(statistics.median(lap[stage] for lap in laps), 3) for stage in (*STAGES, "rest", "all")}
    print(json.dumps({"benchmark": "stages", "cpu_s": found, "workers": WORKERS, "repeats": repeats}))


def _lap(project: Path, spent: Counter[str]) -> dict[str, float]:
    spent.clear()
    HANDLES.close()  # files are opened anew, as by a process that begins
    began = time.process_time()
    ours.main(project, WORKERS)
    everything = time.process_time() - began
    return {stage: spent[stage] for stage in STAGES} | {"rest": everything - sum(spent.values()), "all": everything}


def _clocked(work: Callable[..., Any], stage: str, spent: Counter[str]) -> Callable[..., Any]:
    """The same work, whose thread's processor time is added to its stage."""

    @wraps(work)
    def clocked(*given: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return work(*given, **named)
        finally:
            spent[stage] += time.thread_time() - began

    return clocked


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--repeats", type=int, default=5)
    asked.add_argument("--folder", type=Path, default=race.HERE.parent / ".bench" / "deep")
    told = asked.parse_args()
    main(told.folder, told.repeats)
