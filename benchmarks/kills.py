"""SIGKILL a run at named points and at random moments, start it again, and see what is torn, lost or repeated.

`.venv/bin/python benchmarks/kills.py [KILLS]` (200 unless told; about a second each) prints one JSON line. A life is a
project that is updated, published and cleaned, killed on the way again and again until it gets to the end; then it
must hold, bit for bit, what an undisturbed one holds.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import tiny
from benchmarks.warm import WARM
from sco import crash
from sco.project import Project
from sco.store import Store

RANDOM = "at random"
REPEATED = ("mid-read", "mid-write", "before commit", "mid-commit", "after commit", "before journal", "after journal")
"""The points that a run comes by more than once."""


@dataclass
class Tally:
    """What was seen over all kills."""

    kills: Counter[str] = field(default_factory=Counter)
    unfired: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unequal: list[str] = field(default_factory=list)
    most_repeated: int = 0
    """Of all kills, the most batches of one partition that were begun again."""
    twice: list[str] = field(default_factory=list)
    """Partitions that were committed or journalled more than once in a life."""
    lives: int = 0


def live(file: str, told: str, with_product: bool, crash_at: str) -> None:
    """What one process does until it is killed: update, batch by batch, say so, publish and clean."""
    warnings.simplefilter("ignore")
    if crash_at:
        os.environ[crash.SWITCH] = crash_at
    from flows import run
    from sco import reconcile
    from sco.machine import Machine

    reconcile.BATCH_BLOCKS = 1  # one period of one tile, and one indicator: one partition a commit

    def each(work: Any, number: int, title: str) -> None:
        _tell(told, f"begun {number}")
        committed = work.carry_out(work.batches[number])
        _tell(told, *(f"done {one.partition}" for one in committed))

    run.reconcile(file, "update", machine=Machine(1), each=each)
    if with_product:
        _tell(told, f"published {run.publish(file)}")
        Store.open(Project.load(file).store_url).clean(keep_days=0)


def kill_at_points(world: tiny.Tiny, folder: Path, tally: Tally, whole: "Whole", times: int) -> None:
    """A life that is killed at every named point, a second one that is killed the second time it gets there, ..."""
    for number in range(1, times + 1):
        life = Life(world.project(folder / f"points{number}"), tally, with_product=True)
        for name in crash.POINTS if number == 1 else REPEATED:
            if not life.run(crash_at=f"{name}:{number}") and number == 1:
                tally.unfired.append(name)
        life.finish(whole)


def kill_at_random(world: tiny.Tiny, folder: Path, tally: Tally, whole: "Whole", kills: int, seed: int = 7) -> None:
    """Lives that are killed at moments drawn over the whole of a run, until there were so many kills."""
    moments = random.Random(seed)
    while tally.kills[RANDOM] < kills:
        with_product = tally.lives % 3 == 0
        life = Life(world.project(folder / f"life{tally.lives}"), tally, with_product)
        for _ in range(12):
            if not life.run(after=moments.uniform(0, 3.5 if with_product else 2.0)) or tally.kills[RANDOM] >= kills:
                break
        life.finish(whole)


class Life:
    """One project from its first run to its last; every kill is looked into."""

    def __init__(self, file: Path, tally: Tally, with_product: bool) -> None:
        self.file = file
        self.tally = tally
        self.with_product = with_product
        self.told = file.with_name("told.txt")
        self.told.touch()
        self.records: dict[str, str] = {}
        tally.lives += 1

    def run(self, crash_at: str = "", after: float | None = None) -> bool:
        """Start, kill and look; whether it was killed before it got to its end."""
        begun = self._begun()
        child = WARM.Process(target=live, args=(str(self.file), str(self.told), self.with_product, crash_at))
        child.start()
        child.join(after if after is not None else 300)
        if child.is_alive() and child.pid is not None:
            os.kill(child.pid, signal.SIGKILL)
            child.join()
        if child.exitcode == -signal.SIGKILL:
            self.tally.kills[crash_at.partition(":")[0] or RANDOM] += 1
        elif child.exitcode:
            self.tally.torn.append(f"{self.file.parent.name}: the run did not go on, it ended with {child.exitcode}")
        self._look(begun)
        return child.exitcode == -signal.SIGKILL

    def finish(self, whole: "Whole") -> None:
        """Run to the end, and compare with the undisturbed."""
        self.run()
        now = Whole.of(self.file)
        self.tally.unequal += [f"{self.file.parent.name}: {one}" for one in whole.differences(now)]
        self.tally.twice += _twice(self.file)
        shutil.rmtree(self.file.parent)

    def _look(self, begun: int) -> None:
        name = self.file.parent.name
        url = Project.load(self.file).store_url
        if not Store.exists(url):
            self.tally.lost += [f"{name}: {line}" for line in self._lines("done")]
            return
        store = Store.open(url)
        self.tally.torn += [f"{name}: {fault}" for fault in store.verify()]
        records = {str(one): record.fingerprint for one, record in store.records().items()}
        acknowledged = {line.removeprefix("done ") for line in self._lines("done")}
        self.tally.lost += [f"{name}: {one}" for one in (acknowledged | self.records.keys()) - records.keys()]
        self.tally.lost += [f"{name}: {one} changed" for one, was in self.records.items() if records.get(one) != was]
        new = len(records.keys() - self.records.keys())
        self.tally.most_repeated = max(self.tally.most_repeated, self._begun() - begun - new)
        self.records = records
        self._look_at_product(name)

    def _look_at_product(self, name: str) -> None:
        from sco.products.publication import LATEST, verify

        latest = Project.load(self.file).product_root / LATEST
        if latest.is_symlink():
            self.tally.torn += [f"{name}: product: {fault}" for fault in verify(latest.resolve())]
        elif self._lines("published"):
            self.tally.lost.append(f"{name}: the product that was published")

    def _begun(self) -> int:
        return len(self._lines("begun"))

    def _lines(self, word: str) -> list[str]:
        return [line for line in self.told.read_text("utf-8").splitlines() if line.startswith(f"{word} ")]


@dataclass(frozen=True)
class Whole:
    """Everything that a store holds, as it is encoded."""

    arrays: dict[str, Any]
    fingerprints: dict[str, str]
    manifests: dict[str, Any]

    @classmethod
    def of(cls, file: Path) -> "Whole":
        """What the store of a project holds."""
        store = Store.open(Project.load(file).store_url)
        version = store.version()
        paths = list(store.dataset().variables)
        return cls(
            {str(path): np.asarray(version.array(str(path))[...]) for path in paths},
            {str(one): record.fingerprint for one, record in store.records().items()},
            {str(one): manifest for one, manifest in store.manifests().items()},
        )

    def differences(self, other: "Whole") -> list[str]:
        """What of the other is not, to the bit, what this one has."""
        names = self.arrays.keys() | other.arrays.keys()
        wrong = [name for name in sorted(names) if not _same(self.arrays.get(name), other.arrays.get(name))]
        wrong += [] if self.fingerprints == other.fingerprints else ["fingerprints"]
        return wrong + ([] if _lasting(self.manifests) == _lasting(other.manifests) else ["manifests"])


def undisturbed(world: tiny.Tiny, folder: Path) -> Whole:
    """What a project over the territory holds after one run that nobody kills."""
    file = world.project(folder / "undisturbed")
    child = WARM.Process(target=live, args=(str(file), str(folder / "told.txt"), False, ""))
    child.start()
    child.join()
    return Whole.of(file)


def _same(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one.dtype == other.dtype and one.tobytes() == other.tobytes()


def _lasting(manifests: dict[str, Any]) -> dict[str, Any]:
    """Manifests without what differs from run to run."""
    return {name: {key: value for key, value in one.items() if key != "run"} for name, one in manifests.items()}


def _twice(file: Path) -> list[str]:
    """Partitions in more than one version or in more than one attempt; versions that were cleaned away count not."""
    import sqlite3

    project = Project.load(file)
    committed = Counter(one for commit in Store.open(project.store_url).history() for one in commit.partitions)
    with sqlite3.connect(project.workspace / "journal.sqlite") as journal:
        noted = Counter(name for (name,) in journal.execute("SELECT partition FROM attempts"))
    return sorted({name for counted in (committed, noted) for name, number in counted.items() if number > 1})


def _tell(path: str, *lines: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))


def main(kills: int) -> int:
    """Kill so many times, the named points among them; 1 if anything was torn, lost or unequal."""
    began, tally = time.monotonic(), Tally()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = tiny.make(folder / "world")
        whole = undisturbed(world, folder)
        kill_at_points(world, folder, tally, whole, times=2)
        kill_at_random(world, folder, tally, whole, kills - sum(tally.kills.values()))
    told = {
        "benchmark": "kills",
        "kills": sum(tally.kills.values()),
        "by_point": dict(tally.kills),
        "lives": tally.lives,
        "torn": len(tally.torn),
        "lost": len(tally.lost),
        "unequal": len(tally.unequal),
        "points_never_reached": tally.unfired,
        "most_partitions_repeated_by_a_kill": tally.most_repeated,
        "committed_or_journalled_twice": len(tally.twice),
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(told))
    print("\n".join([*tally.torn, *tally.lost, *tally.unequal, *tally.twice][:20]), file=sys.stderr)
    return int(bool(tally.torn or tally.lost or tally.unequal or tally.unfired or tally.twice))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("kills", type=int, nargs="?", default=200)
    sys.exit(main(asked.parse_args().kills))
