"""Every version is told, named, gone back to, and in the end forgotten."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from samples import NDVI, TILING, WATER, assert_stored, attrs, empty, outcome, part

from sco import checksums, crash, retention
from sco.errors import ConfigurationError, IntegrityError
from sco.partition import Partition
from sco.period import divide
from sco.retention import Cleaning
from sco.store import Store, _write, open_store
from sco.tile import Tile
from sco.version import Version


def test_history_says_who_committed_what_and_when(store: Store) -> None:
    snapshot = store.commit([outcome(part(1)), outcome(part(2))], "20230101T000000-0001", "backfill 2023-01 to 2023-02")
    newest, oldest = store.history()
    assert (newest.snapshot, newest.run, newest.message) == (
        snapshot,
        "20230101T000000-0001",
        "backfill 2023-01 to 2023-02",
    )
    assert newest.partitions == ("ndvi 2023-01 r000c000", "ndvi 2023-02 r000c000")
    assert abs((datetime.now(UTC) - newest.time).total_seconds()) < 60
    assert (oldest.run, oldest.message, oldest.partitions) == ("", "lay out", ())


def test_a_tag_names_one_version_for_good(store: Store, url: str) -> None:
    first = store.commit([outcome(part(1))], "r", "one")
    store.tag("v1")
    store.tag("v1", first)
    store.commit([outcome(part(2))], "r", "two")
    with pytest.raises(ConfigurationError, match="tags never move"):
        store.tag("v1")
    assert store.tags() == {"v1": first}
    assert xr.open_zarr(open_store(url, tag="v1"))["ndvi"].count() == 399
    assert xr.open_zarr(open_store(url))["ndvi"].count() == 2 * 399
    with pytest.raises(ConfigurationError, match="no version 'v2'"):
        store.dataset(tag="v2")


def test_a_rollback_holds_exactly_what_was_there_then_and_loses_nothing(store: Store) -> None:
    first = [outcome(part(1)), outcome(part(2, 1, 2)), empty(part(3))]
    before = store.commit(first, "run1", "first")
    whole = store.dataset().load()
    record = replace(outcome(part(1)).record, fingerprint="f" * 64)
    after = store.commit(
        [replace(outcome(part(1), seed=5), record=record), outcome(part(3)), outcome(part(4))], "r", "x"
    )
    changed = store.roll_back(before, "run3")
    assert changed.restored == (part(1), part(3))
    assert changed.cleared == (part(4),)
    assert changed.stale == (part(1), part(3), part(4))
    xr.testing.assert_identical(store.dataset().load(), whole)
    assert (store.records(), store.manifests()) == (store.records(before), store.manifests(before))
    assert [one.message for one in store.history()] == [f"rollback to {before}", "x", "first", "lay out"]
    assert store.history()[0].partitions == tuple(map(str, (part(1), part(3), part(4))))
    assert set(store.records(after)) == {part(1), part(2, 1, 2), part(3), part(4)}
    assert store.verify() == []


def test_a_rollback_over_later_and_earlier_periods_keeps_their_room(store: Store, url: str) -> None:
    before = store.commit([outcome(part(1)), outcome(part(6, 1, 1))], "r", "two")
    wider = divide(date(2022, 10, 1), date(2024, 2, 1), "month")
    store = Store.lay_out(url, TILING, wider, [NDVI, WATER], attrs())
    early = Partition(wider[0], Tile(0, 0), "water_extent")
    store.commit([outcome(early), outcome(part(6, 1, 1), seed=3)], "r", "early")
    changed = store.roll_back(before, "run3")
    assert (changed.restored, changed.cleared) == ((part(6, 1, 1),), (early,))
    assert set(store.records()) == {part(1), part(6, 1, 1)}
    assert store.slices == wider
    assert_stored(store, outcome(part(1)))
    assert_stored(store, outcome(part(6, 1, 1)))
    assert np.isnan(store.dataset()["water_extent"].values).all()
    assert store.verify() == []


def test_a_rollback_to_what_is_there_commits_nothing(store: Store) -> None:
    tip = store.commit([outcome(part(1))], "r", "one")
    assert store.roll_back(tip, "run2").partitions == ()
    assert store.tip() == tip


def test_a_version_is_found_by_tag_by_id_and_by_its_beginning(store: Store) -> None:
    snapshot = store.commit([outcome(part(1))], "r", "one")
    store.tag("v1")
    assert {store.find(name) for name in ("v1", snapshot, snapshot[:8], snapshot[:8].lower())} == {snapshot}
    with pytest.raises(ConfigurationError, match="has no version 'none'"):
        store.find("none")
    with pytest.raises(ConfigurationError, match="2 versions"):
        store.find("")
    assert store.history()[0].tags == ("v1",)


@pytest.fixture
def long(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Eight versions of three partitions, the third tagged; the two newest are kept in any case."""
    monkeypatch.setattr(retention, "KEEP_NEWEST", 2)
    for number in range(8):
        store.commit([outcome(part(1 + number % 3), seed=number)], f"run{number}", str(number))
        if number == 2:
            store.tag("v1")
    return store


def test_cleaning_keeps_the_newest_and_the_tagged_and_frees_what_it_says(long: Store, url: str) -> None:
    newest, tagged, size = long.dataset().load(), long.dataset(tag="v1").load(), _size(url)
    gone = long.history()[2].snapshot
    done = long.clean(keep_days=0)
    assert [one.message for one in long.history()] == ["7", "6", "2"]
    assert (done.forgotten, done.kept) == (6, 3)
    assert done.bytes_freed == size - _size(url) > 20_000
    fresh = Store.open(url)
    xr.testing.assert_identical(fresh.dataset().load(), newest)
    xr.testing.assert_identical(fresh.dataset(tag="v1").load(), tagged)
    with pytest.raises(ConfigurationError, match="no version"):
        fresh.records(gone)
    assert fresh.verify() == []
    assert long.clean(keep_days=0) == Cleaning(0, 3, 0, 0)
    fresh.commit([outcome(part(9))], "r", "on")
    assert fresh.verify() == []


def test_a_young_version_that_follows_a_tagged_old_one_stays_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEEP_NEWEST", 1)
    for number in range(3):
        store.commit([outcome(part(1 + number))], f"run{number}", str(number))
        store.tag(f"v{number}")
    store.clean(keep_days=0)
    assert [one.tags for one in store.history()] == [("v2",), ("v1",), ("v0",)]
    assert store.verify() == []
    store.commit([outcome(part(9))], "r", "on")
    store.clean(keep_days=0)
    assert store.verify() == []


def test_cleaning_keeps_what_is_young(long: Store) -> None:
    before = [one.snapshot for one in long.history()]
    assert long.clean(keep_days=1).forgotten == 0
    assert [one.snapshot for one in long.history()] == before
    with pytest.raises(ConfigurationError, match="-1 days"):
        long.clean(keep_days=-1)


def test_cleaning_takes_away_what_a_killed_writer_left(long: Store, url: str) -> None:
    long.clean(keep_days=0)
    session = long._repository.versions.writable_session("main")
    _write(Version(session), [outcome(part(12), seed=99)])
    session.flush("never reached by a branch", metadata={"run": "killed", "partitions": []})
    del session
    size = _size(url)
    done = long.clean(keep_days=0)
    assert (done.forgotten, done.chunks_deleted) == (0, 1)  # the values; what is small lies in manifests
    assert done.bytes_freed == size - _size(url) > 0
    assert long.verify() == []


@pytest.mark.parametrize("step", ["expire", "collect", "prune"])
def test_a_cleaning_that_stops_half_way_leaves_a_whole_store_and_is_done_again(
    long: Store, url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest, tagged = long.dataset().load(), long.dataset(tag="v1").load()
    module, name = {"expire": (checksums, "fold"), "collect": (crash, "point"), "prune": (checksums, "prune")}[step]
    fold = checksums.fold

    def stop(*asked: Any, **words: Any) -> None:
        if step == "expire":
            fold(*asked, **words)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, name, stop)
        with pytest.raises(KeyboardInterrupt):
            long.clean(keep_days=0)
    assert Store.open(url).verify() == []
    xr.testing.assert_identical(Store.open(url).dataset().load(), newest)
    Store.open(url).commit([outcome(part(9))], "r", "between")
    Store.open(url).clean(keep_days=0)
    assert Store.open(url).verify() == []
    xr.testing.assert_identical(Store.open(url).dataset(tag="v1").load(), tagged)
    files = [
        file for file in Path(url, "checksums").glob("*.json") if None in json.loads(file.read_text())["noted"].values()
    ]
    assert files == []


def test_nothing_is_deleted_from_a_damaged_store(long: Store, url: str) -> None:
    manifest = sorted(Path(url, "manifests").iterdir())[0]
    manifest.write_bytes(manifest.read_bytes()[:-1])
    before = sorted(file.name for file in Path(url).rglob("*"))
    with pytest.raises(IntegrityError, match=manifest.name):
        Store.open(url).clean(keep_days=0)
    assert sorted(file.name for file in Path(url).rglob("*")) == before


def _size(url: str) -> int:
    return sum(file.stat().st_size for file in Path(url).rglob("*") if file.is_file())
