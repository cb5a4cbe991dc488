"""Our whole chain against odc-stac and stackstac over the same scenes: for wide, latency and overview."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import deep
import race
import scenes
import zarr

PEERS = ("odc", "stackstac")
Serve = Callable[[Path], AbstractContextManager[str]]


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


def hold(contest: Contest, serve: Serve | None = None) -> None:
    """Write the scenes to a folder that is removed afterwards, run the contenders in turns, print the line."""
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
        same = {peer: deep.difference(ours, zarr.open(folder / f"{peer}.zarr")["ndvi"][:]) for peer in PEERS}
    print(race.report(contest.name, results, same_numbers=same))


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
