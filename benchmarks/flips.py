"""Bit flips, truncations and deletions over every file of a store: how many verification finds, and names.

`.venv/bin/python benchmarks/flips.py [HARMS] [SEED]` (100 unless told) prints one JSON line. Each harm is undone again
before the next. The store has tagged and cleaned-up versions, and a rollback.
"""

import argparse
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import small
from sco.errors import ScoError
from sco.store import Store


def make(url: str, commits: int = 18, together: int = 3) -> Store:
    """A store with a history: versions, tags, a rollback, and versions that were forgotten.

    After so many commits of one partition, two of so many partitions together.
    """
    store = small.lay_out(url)
    for number, one in enumerate(small.PARTITIONS[:commits]):
        store.commit([small.outcome(one)], "run", str(number))
    store.tag("first")
    store.commit([small.outcome(one, 1) for one in small.PARTITIONS[:together]], "run", "again")
    store.tag("second")
    store.roll_back(store.find("first"), "run")
    store.clean(keep_days=0)
    store.commit([small.outcome(one, 2) for one in small.PARTITIONS[3 : 3 + together]], "run", "after")
    return store


def flip(path: Path, chance: random.Random) -> None:
    """Turn one bit over."""
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def truncate(path: Path, chance: random.Random) -> None:
    """Cut the end off."""
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])


def delete(path: Path, chance: random.Random) -> None:
    """Take the file away."""
    path.unlink()


HARMS: tuple[Callable[[Path, random.Random], None], ...] = (flip, truncate, delete)


def found(url: str) -> list[str]:
    """What verification says, also where the store does not open at all."""
    try:
        return Store.open(url).verify()
    except ScoError as error:
        return [str(error)]


def harm(url: str, harms: int, seed: int) -> dict[str, Any]:
    """Harm so many files, each at random, one at a time; how many are found, and which are missed."""
    chance = random.Random(seed)
    files = sorted(file for file in Path(url).rglob("*") if file.is_file())
    tried: Counter[str] = Counter()
    missed, unnamed = [], []
    for number in range(harms):
        path, act = chance.choice(files), HARMS[number % len(HARMS)]
        whole = path.read_bytes()
        act(path, chance)
        faults = found(url)
        name = f"{act.__name__} {path.relative_to(url)}"
        tried[f"{act.__name__} {path.relative_to(url).parts[0]}"] += 1
        if not faults:
            missed.append(name)
        elif not any(str(path.relative_to(url)) in fault for fault in faults):
            unnamed.append(f"{name}: {faults[0]}")
        path.write_bytes(whole)
    return {
        "harms": harms,
        "found": harms - len(missed),
        "named": harms - len(missed) - len(unnamed),
        "missed": missed,
        "unnamed": unnamed,
        "tried": dict(sorted(tried.items())),
        "faults_after": len(found(url)),
    }


def main(harms: int, seed: int) -> int:
    """Harm a store; 1 if anything was missed."""
    with tempfile.TemporaryDirectory() as name:
        url = f"{name}/store"
        make(url)
        told = harm(url, harms, seed)
    print(json.dumps({"benchmark": "flips", "seed": seed, **told}))
    return int(told["named"] != harms or told["faults_after"])


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("harms", type=int, nargs="?", default=100)
    asked.add_argument("seed", type=int, nargs="?", default=7)
    told = asked.parse_args()
    sys.exit(main(told.harms, told.seed))
