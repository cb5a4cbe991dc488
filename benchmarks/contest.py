"""Our whole chain against odc-stac and stackstac over the same scenes: for wide, latency and overview."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import deep
import numpy as np
import race
import scenes
import zarr
from numpy.typing import NDArray

PEERS = ("odc", "stackstac")
Serve = Callable[[Path], AbstractContextManager[str]]
Numbers = NDArray[np.floating[Any]]
Truth = Callable[[Path], Numbers]
"""What the map should be, (y, x), by the scenes in a folder."""


@dataclass(frozen=True)
class Contest:
    """One benchmark: what the scenes are like, and what is asked of everybody."""

    name: str
    recipe: scenes.Recipe
    project: dict[str, Any] = field(default_factory=dict)
    """Choices of our project, as `scenes.write_project` takes them."""
    asked: tuple[str, ...] = ()
    """Options of the peers, as `peers.py` takes them."""
    workers: int = 2
    """Threads of everybody."""


def hold(contest: Contest, serve: Serve | None = None, truth: Truth | None = None) -> None:
    """Write the scenes to a folder that is removed afterwards, run the contenders in turns, print the line.

    Where there is a truth, the line says how far everybody is from it at most and in the mean of absolute differences.
    """
    told = _arguments(contest.name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = scenes.write(folder, contest.recipe, **contest.project)
        with serve(folder) if serve else nullcontext(str(folder)) as base:
            if serve:
                scenes.write_items(folder / "items.json", contest.recipe, base)
                host = base.removeprefix("http://")
                scenes.write_project(project, contest.recipe, hosts=(host,), **contest.project)
            results = race.race(_contenders(contest, told.peers, folder, project), told.repeats)
        ours = deep.numbers(project)
        found = {peer: zarr.open(folder / f"{peer}.zarr")["ndvi"][:] for peer in PEERS}
        more = {"off_the_truth": _distances(truth(folder), {"ours": ours, **found})} if truth else {}
    same = {peer: deep.difference(ours, numbers) for peer, numbers in found.items()}
    print(race.report(contest.name, results, same_numbers=same, **more))


def _distances(truth: Numbers, found: Mapping[str, Numbers]) -> dict[str, dict[str, float]]:
    off = {name: np.abs(numbers - truth) for name, numbers in found.items()}
    return {name: {"most": float(np.nanmax(one)), "mean": float(np.nanmean(one))} for name, one in off.items()}


def _contenders(contest: Contest, peers: Path, folder: Path, project: Path) -> dict[str, Sequence[str]]:
    workers = str(contest.workers)
    ours = [sys.executable, str(race.HERE / "ours.py"), str(project), workers]
    return {"ours": ours} | {
        peer: [
            *(str(peers), str(race.HERE / "peers.py"), peer, str(folder), str(folder / f"{peer}.zarr")),
            *("--workers", workers, *contest.asked),
        ]
        for peer in PEERS
    }


def _arguments(name: str) -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog=f"{name}.py")
    asked.add_argument("--peers", type=Path, default=race.PEERS, help="the Python of the peers' environment")
    asked.add_argument("--repeats", type=int, default=5)
    return asked.parse_args()


def line(**facts: Any) -> None:
    """Print one line of JSON."""
    print(json.dumps(facts))
