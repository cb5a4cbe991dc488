"""A disk that is full, under the store, the journal and the staged product: what was acknowledged, and going on after.

`.venv/bin/python benchmarks/diskfull.py` (as root, or where `unshare -rm` works; about a minute) prints one JSON line.
Each case has a small tmpfs of its own, filled up by a file that is taken away again.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import small, tiny
from sco.errors import ScoError
from sco.failure import NO_ROOM
from sco.project import Project
from sco.store import Store

MIB = 1 << 20
BALLAST = "ballast"


@dataclass(frozen=True)
class Case:
    """What one full disk did."""

    place: str
    acknowledged: int
    """Partitions that were acknowledged before the disk was full."""
    readable: int
    """Of these, those that are as they were acknowledged while the disk is full."""
    said: str
    """The error's first words."""
    is_ours: bool
    """Whether the command makes one message of it, and no traceback."""
    faults: int
    """What `sco verify` found while the disk was full."""
    went_on: bool
    """Whether the same command came to its end once there was space."""


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes at `folder`."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Leave so many bytes free on the disk of `folder`; the file to unlink afterwards."""
    ballast = folder / BALLAST
    with ballast.open("wb", buffering=0) as file:
        free = shutil.disk_usage(folder).free - leave
        for start in range(0, max(free, 0), MIB):
            file.write(b"\0" * min(MIB, free - start))
    return ballast


def full_under_the_store(folder: Path) -> Case:
    """Commit until there is no space, look, free some, and go on."""
    with small_disk(folder, 3 * MIB) as disk:
        store = small.lay_out(str(disk / "store"))
        ballast = fill(disk, leave=MIB)
        done, error = _commit_until_full(store)
        records = Store.open(store.url).records()
        readable = sum(records.get(one) == small.outcome(one).record for one in small.PARTITIONS[:done])
        faults = Store.open(store.url).verify()
        ballast.unlink()
        _, after = _commit_until_full(Store.open(store.url), done, done + 12)
        went_on = after is None and not Store.open(store.url).verify()
        return _case("store", done, readable, error, len(faults), went_on)


def full_under_a_run(folder: Path, world: tiny.Tiny, place: str, where: str) -> Case:
    """A project whose disk, or just its journal's, is full after the third batch; then the same command again."""
    file = world.project(folder)
    disk_at = file.parent / where
    with small_disk(disk_at, 24 * MIB) as disk:
        file.write_text(
            file.read_text("utf-8").replace('store = "store"', f'store = "{folder / "disk/store"}"'), "utf-8"
        )
        done: list[str] = []
        error = _error_of(lambda: _update(file, done, full_after=3, disk=disk))
        store = Store.open(Project.load(file).store_url)
        there, faults = {str(one) for one in store.records()}, store.verify()
        readable = sum(name in there for name in done)
        (disk / BALLAST).unlink()
        went_on = _error_of(lambda: _update(file, [])) is None and _is_whole(file)
        return _case(place, len(done), readable, error, len(faults), went_on)


def full_under_staging(folder: Path, world: tiny.Tiny) -> Case:
    """The store on a disk with space, the product on one without: no half product, and a whole one afterwards."""
    from flows import run
    from sco.products.publication import LATEST, verify

    file = world.project(folder)
    run.reconcile(str(file), "update")
    with small_disk(file.parent / "product", 64 * MIB) as disk:
        before = Store.open(Project.load(file).store_url).records()
        fill(disk, leave=100_000)
        error = _error_of(lambda: run.publish(str(file)))
        halves = [one.name for one in disk.iterdir() if one.name not in (".publish.lock", BALLAST)]
        (disk / BALLAST).unlink()
        went_on = _error_of(lambda: run.publish(str(file))) is None and not verify((disk / LATEST).resolve())
        same = Store.open(Project.load(file).store_url).records() == before
        return _case("staging", len(before), len(before) if same else 0, error, len(halves), went_on)


def _update(file: Path, done: list[str], full_after: int | None = None, disk: Path | None = None) -> None:
    from flows import run
    from sco import reconcile
    from sco.machine import Machine

    reconcile.BATCH_BLOCKS = 1

    def each(work: reconcile.Reconciliation, number: int, title: str) -> None:
        if number == full_after and disk is not None:
            fill(disk, leave=0)
        done.extend(str(one.partition) for one in work.carry_out(work.batches[number]))

    run.reconcile(str(file), "update", machine=Machine(1), each=each)


def _is_whole(file: Path) -> bool:
    """Whether nothing is left to do and every byte is right."""
    from flows import run

    current = run.reconcile(str(file), "update").batches == 0
    return current and not Store.open(Project.load(file).store_url).verify()


def _commit_until_full(store: Store, first: int = 0, last: int | None = None) -> tuple[int, BaseException | None]:
    """Commit one partition after the other: how many are acknowledged in all, and what ended it."""
    numbers = range(first, len(small.PARTITIONS) if last is None else last)
    for number in numbers:
        partition = small.PARTITIONS[number]
        error = _error_of(lambda one=partition: store.commit([small.outcome(one)], "run", str(one)))  # type: ignore[misc]
        if error:
            return number, error
    return numbers.stop, None


def _error_of(act: Callable[[], object]) -> BaseException | None:
    try:
        act()
    except (ScoError, OSError, RuntimeError, ValueError) as error:
        return error
    except Exception as error:  # noqa: BLE001 - whatever comes out is what this measures
        return error
    return None


def _case(place: str, done: int, readable: int, error: BaseException | None, faults: int, went_on: bool) -> Case:
    said = f"{type(error).__name__}: {error}".splitlines()[0][:200] if error else "no error"
    return Case(place, done, readable, said, _is_told(error), faults, went_on)


def _is_told(error: BaseException | None) -> bool:
    """Whether the command makes one message of it."""
    return isinstance(error, ScoError) or (isinstance(error, OSError) and error.errno in NO_ROOM)


def is_right(case: Case) -> bool:
    """Everything acknowledged readable, nothing torn, a message of ours, and on it went."""
    return case.readable == case.acknowledged and case.is_ours and not case.faults and case.went_on


def main() -> int:
    """Fill up the disks; 1 if any case is not right."""
    warnings.simplefilter("ignore")
    if os.geteuid() != 0:
        os.execvp("unshare", ["unshare", "-rm", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = tiny.make(folder / "world")
        cases = [
            full_under_the_store(folder / "under-store"),
            full_under_a_run(folder / "under-run", world, "store and journal, in a run", "disk"),
            full_under_a_run(folder / "under-journal", world, "journal", "disk/store.work"),
            full_under_staging(folder / "under-staging", world),
        ]
    print(json.dumps({"benchmark": "diskfull", "cases": [asdict(one) for one in cases]}))
    return int(not all(is_right(case) for case in cases))


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    sys.exit(main())
