"""Our contender: a project from its file to its committed store. `ours.py PROJECT.toml [WORKERS]`."""

import json
import shutil
import sys
import time
from pathlib import Path

import dask.array  # noqa: F401 - xarray does at its first array, and imports are not work

from sco.bulk import ending_soon
from sco.machine import Machine
from sco.plan import make_plan
from sco.project import Project
from sco.reconcile import Reconciliation


def main(file: Path, workers: int) -> None:
    """Run the project from nothing, and print the seconds from reading its file to its last commit."""
    forget(file)
    began = time.monotonic()
    project = Project.load(file)
    with Reconciliation(make_plan(project), "benchmark", machine=Machine(workers)) as run:
        for batch in run.batches:
            run.carry_out(batch)
    print(json.dumps({"work_s": time.monotonic() - began, "failed": len(run.summary.failed)}))


def forget(file: Path) -> None:
    """Take away what an earlier run of the project left."""
    for left in file.parent.glob("store*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink()


if __name__ == "__main__":
    with ending_soon():  # as every `sco` command
        main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 2)
