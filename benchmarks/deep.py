"""Deep: 24 scenes of one tile to their monthly median NDVI in Zarr, against odc-stac and stackstac: one JSON line.

`.venv/bin/python benchmarks/deep.py [--peers PYTHON] [--repeats N] [--folder FOLDER]`. Contenders run in turns, each a
process of its own with two threads of work. The work goes from the items to the last chunk written; imports are not in
it. The floor is what nobody can do without: decoding every file once, and encoding the result once.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import race
import scenes
import zarr
from numpy.typing import NDArray

from sco.project import Project
from sco.store import Store

CHUNK = 1024
HALF_A_STEP = 0.5e-4
ROUNDING = 2e-6
"""Of float32 beside it, in which the peers compute."""


def main() -> None:
    """Write the scenes, run the contenders, compare their numbers, print the line."""
    told = _arguments()
    project = scenes.write(told.folder, scenes.Recipe(), tile=CHUNK)
    peers = {name: told.folder / f"{name}.zarr" for name in ("odc", "stackstac", "stackstac_float32")}
    contenders = {
        "ours": [sys.executable, str(race.HERE / "ours.py"), str(project)],
        "floor": [sys.executable, str(race.HERE / "floor.py"), str(told.folder)],
        **{name: _peer(told.peers, name, told.folder, out) for name, out in peers.items()},
    }
    results = race.race(contenders, told.repeats)
    ours = numbers(project)
    print(
        race.report(
            "deep",
            results,
            floor={"work_s": round(results["floor"].work_s, 2), "cpu_s": round(results["floor"].cpu_s, 2)},
            times_the_floor=round(results["ours"].work_s / results["floor"].work_s, 2),
            same_numbers={name: difference(ours, zarr.open(out)["ndvi"][:]) for name, out in peers.items()},
        )
    )


def numbers(project: Path) -> NDArray[np.float64]:
    """Our first period of NDVI, (y, x), NaN where nothing was seen."""
    store = Store.open(Project.load(project).store_url)
    packed = store.version().array("ndvi")[0]
    return np.where(packed == -32768, np.nan, packed * 1e-4)


def difference(ours: NDArray[np.floating], theirs: NDArray[np.floating]) -> dict[str, float | bool]:
    """How far apart the numbers are, and whether that is within packing and they are missing in the same places."""
    most = float(np.nanmax(np.abs(ours - theirs)))
    same_holes = bool((np.isnan(ours) == np.isnan(theirs)).all())
    return {"most": round(most, 8), "within_packing": most <= HALF_A_STEP + ROUNDING and same_holes}


def _peer(python: Path, name: str, folder: Path, out: Path) -> list[str]:
    return [str(python), str(race.HERE / "peers.py"), name, str(folder), str(out), "--chunk", str(CHUNK)]


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--peers", type=Path, default=race.PEERS)
    asked.add_argument("--repeats", type=int, default=5)
    asked.add_argument("--folder", type=Path, default=race.HERE.parent / ".bench" / "deep")
    return asked.parse_args()


if __name__ == "__main__":
    main()
