"""Zones: means of 1,000 polygons over 100 frames, against rasterstats and xvec: one JSON line.

xvec counts a pixel by the share of it that a polygon covers, as we do. rasterstats counts it wholly or not at all, so
its numbers are only the same over polygons whose sides lie on pixel edges; with these all three are compared again.
rasterstats sees every tenth frame, and the seconds of its work are scaled; those of its process are not.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import race
import zonal
from numpy.typing import NDArray

WHO = ("ours", "rasterstats", "xvec")


def main(python: Path, repeats: int) -> None:
    """Run the contenders in turns, compare their means, print the line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        results = race.race({who: _command(who, python, folder / f"{who}.npy") for who in WHO}, repeats)
        far = _apart(folder)
        for who in WHO:
            subprocess.run([*_command(who, python, folder / f"{who}.npy"), "blocky"], check=True, capture_output=True)
        blocky = _apart(folder)
    print(race.report("zones", results, most_apart=far, most_apart_on_pixel_edges=blocky))


def _command(who: str, python: Path, out: Path) -> list[str]:
    return [str(sys.executable if who == "ours" else python), str(race.HERE / "zonal.py"), who, str(out)]


def _apart(folder: Path) -> dict[str, float]:
    means = {who: np.load(folder / f"{who}.npy") for who in WHO}
    return {who: _most(means["ours"][:: zonal.SLOW.get(who, 1)], means[who]) for who in WHO[1:]}


def _most(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """How far the means are apart, infinitely where one has a number and the other has none."""
    same_holes = (np.isnan(ours) == np.isnan(theirs)).all()
    return float(f"{np.nanmax(np.abs(ours - theirs)):.2g}") if same_holes else float("inf")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--peers", type=Path, default=race.PEERS)
    asked.add_argument("--repeats", type=int, default=5)
    told = asked.parse_args()
    main(told.peers, told.repeats)
