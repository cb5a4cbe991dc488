"""What is committed is read back to the bit, and nothing acknowledged is lost, whatever is killed, raced or damaged."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rioxarray  # noqa: F401 - the rio accessor
import xarray as xr
from affine import Affine
from icechunk import IcechunkError
from odc.geo.geobox import GeoBox

from sco.errors import ConfigurationError, CubeError, IntegrityError, ScoError
from sco.grid import Tile, Tiling
from sco.model import Indicator, Packing, Words
from sco.partition import Empty, Outcome, Partition, Pixels, Record
from sco.period import Every, divide
from sco.store import Store, open_store

REPOSITORY = Path(__file__).parents[1]
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["sco.store"])


def indicator(name: str, packing: Packing = Packing(scale=1e-4)) -> Indicator:  # noqa: B008 - frozen
    return Indicator(
        id=name,
        version=1,
        title=Words(f"The {name}", f"Le {name}"),
        description=Words("What it is.", "Ce que c'est."),
        bands=("red",),
        formula=lambda red: red,
        composite="median",
        unit="1",
        valid_range=(-1.0, 1.0),
        packing=packing,
        colormap="viridis",
        references=("https://doi.org/10.1000/1",),
        cell_methods="time: median",
        standard_name="normalized_difference_vegetation_index",
    )


NDVI = indicator("ndvi")
WATER = indicator("water_extent")
TILING = Tiling(GeoBox((36, 50), Affine(20.0, 0.0, 500000.0, 0.0, -20.0, 4804000.0), "EPSG:32633"), 20)
"""2 x 3 tiles; the last row has 16 pixels, the last column 10."""
YEAR = divide(date(2023, 1, 1), date(2023, 12, 31), "month")


def attrs(every: Every = "month") -> dict[str, str]:
    return {"title": "A place", "project": "place", "every": every, "simulated": "false"}


def part(month: int, row: int = 0, column: int = 0, name: str = "ndvi") -> Partition:
    return Partition(YEAR[month - 1], Tile(row, column), name)


def outcome(partition: Partition, seed: int | None = None, run: str = "20230101T000000-0001") -> Outcome:
    """An outcome whose pixels follow from the partition, or from the seed."""
    numbers = np.random.default_rng(seed if seed is not None else _seed(partition))
    shape = TILING.geobox_of(partition.tile).shape
    values = numbers.integers(-10000, 10001, shape).astype("int16")
    values[0, 0] = NDVI.packing.fill
    counts = [numbers.integers(0, 30, shape).astype("uint16") for _ in range(3)]
    manifest = {"partition": {"indicator": partition.indicator}, "scenes": [{"id": f"é{n}"} for n in range(20)]}
    return Outcome(partition, Record(f"{_seed(partition):064x}", run), manifest, Pixels(values, *counts))


def empty(partition: Partition) -> Outcome:
    record = Record("e" * 64, "20230101T000000-0002", Empty.NO_ACQUISITION)
    return Outcome(partition, record, {"scenes": []}, None)


def _seed(partition: Partition) -> int:
    return partition.period.start.toordinal() * 100 + partition.tile.row * 10 + partition.tile.column


@pytest.fixture
def url(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture
def store(url: str) -> Store:
    return Store.lay_out(url, TILING, YEAR, [NDVI], attrs())


def pixels_in(store: Store, partition: Partition) -> list[np.ndarray]:
    """The decoded values of a partition, then its counts."""
    window = dict(zip(("y", "x"), TILING.window_of(partition.tile), strict=True))
    data = store.dataset().isel(window).sel(time=str(partition.period.start))
    names = [partition.indicator, *(f"{partition.indicator}_{n}" for n in ("n_seen", "n_masked", "n_failed"))]
    return [data[name].values for name in names]


def assert_stored(store: Store, expected: Outcome) -> None:
    assert expected.pixels is not None
    values, *counts = pixels_in(store, expected.partition)
    packed = expected.pixels.values
    np.testing.assert_allclose(values, np.where(packed == -32768, np.nan, packed * 1e-4), rtol=0, atol=1e-12)
    planes = expected.pixels.n_seen, expected.pixels.n_masked, expected.pixels.n_failed
    for count, plane in zip(counts, planes, strict=True):
        assert count.dtype == np.uint16
        np.testing.assert_array_equal(count, plane)
    assert store.records()[expected.partition] == expected.record
    assert store.manifest(expected.partition) == expected.manifest


def test_pixels_counts_record_and_manifest_come_back_on_whole_and_edge_tiles(store: Store) -> None:
    outcomes = [outcome(part(3, tile.row, tile.column)) for tile in TILING]
    assert store.commit(outcomes, "20230101T000000-0001", "march") == store.tip()
    for one in outcomes:
        assert_stored(store, one)
    assert np.isnan(pixels_in(store, part(3))[0][0, 0])
    assert store.manifests() == {one.partition: one.manifest for one in outcomes}
    assert store.verify() == []


def test_the_unwritten_is_nan_with_counts_of_zero_and_no_record(store: Store) -> None:
    store.commit([outcome(part(1))], "r", "january")
    for unwritten in (part(1, 0, 1), part(1, 1, 2), part(2)):
        values, *counts = pixels_in(store, unwritten)
        assert np.isnan(values).all()
        assert [int(count.sum()) for count in counts] == [0, 0, 0]
        with pytest.raises(ConfigurationError, match="never committed"):
            store.manifest(unwritten)
    assert set(store.records()) == {part(1)}


def test_the_dataset_is_what_cf_and_the_contract_say(store: Store) -> None:
    data = store.dataset()
    assert data["ndvi"].dims == ("time", "y", "x")
    assert data.sizes["time"] == 12
    assert data["ndvi"].chunks is not None
    assert data["ndvi"].data.chunksize == (1, 20, 20)
    assert {key: data.attrs[key] for key in ("Conventions", "every", "simulated")} == {
        "Conventions": "CF-1.11",
        "every": "month",
        "simulated": "false",
    }
    assert data["time"].values[1] == np.datetime64("2023-02-01T00:00:00")
    assert data["time_bnds"].values[1].tolist() == [
        np.datetime64("2023-02-01", "ns").item(),
        np.datetime64("2023-03-01", "ns").item(),
    ]
    assert data["time"].encoding["units"] == "seconds since 1970-01-01 00:00:00"
    assert data["time"].encoding["dtype"] == np.dtype("int64")
    assert (float(data["x"][0]), float(data["y"][0])) == (500010.0, 4803990.0)
    assert "_FillValue" not in data["x"].attrs
    assert "_FillValue" not in data["x"].encoding
    assert data.rio.crs.to_epsg() == 32633
    assert data["ndvi"].rio.transform().c == 500000.0
    assert data["ndvi"].attrs["ancillary_variables"] == "ndvi_n_seen ndvi_n_masked ndvi_n_failed"
    assert data["ndvi"].attrs["grid_mapping"] == "spatial_ref"
    assert "spatial_ref" in data.coords
    packed = {key: data["ndvi"].encoding[key] for key in ("scale_factor", "add_offset", "_FillValue", "fill_value")}
    assert packed == {"scale_factor": 1e-4, "add_offset": 0.0, "_FillValue": -32768, "fill_value": -32768}


READER = """
import json, sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", message="Use `@` matmul")
import xarray as xr
import sco.store
data = xr.open_zarr(sco.store.open_store(sys.argv[1]))
found = data["ndvi"].sel(time="2023-03-01")
seen = int(data["ndvi_n_seen"].sum())
print(json.dumps([float(found.sum()), int(found.notnull().sum()), seen, str(data.time[0].values)]))
"""


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati"])
def test_another_process_in_another_time_zone_reads_the_same(store: Store, url: str, zone: str) -> None:
    one = outcome(part(3, 1, 1))
    store.commit([one], "r", "march")
    assert one.pixels is not None
    words = {**os.environ, "TZ": zone, "PYTHONPATH": str(REPOSITORY)}
    told = subprocess.run([sys.executable, "-c", READER, url], env=words, capture_output=True, text=True, check=True)
    total, number, seen, first = json.loads(told.stdout)
    packed = one.pixels.values[one.pixels.values != -32768]
    assert total == pytest.approx(float(packed.sum()) * 1e-4, abs=1e-9)
    assert number == packed.size
    assert seen == int(one.pixels.n_seen.sum())
    assert first == "2023-01-01T00:00:00.000000000"


def test_laying_out_again_commits_nothing(store: Store, url: str) -> None:
    tip, number = store.tip(), len(store.history())
    for slices in (YEAR, YEAR[3:7]):
        again = Store.lay_out(url, TILING, slices, [NDVI], attrs())
        assert (again.tip(), len(again.history()), again.slices) == (tip, number, YEAR)


def test_later_and_earlier_periods_and_new_indicators_keep_what_is_there(store: Store, url: str) -> None:
    outcomes = [outcome(part(month, 1, 2)) for month in (1, 6, 12)]
    store.commit(outcomes, "r", "some")
    wider = divide(date(2022, 10, 1), date(2024, 2, 1), "month")
    store = Store.lay_out(url, TILING, wider[-2:], [NDVI], attrs())
    store = Store.lay_out(url, TILING, wider, [WATER], attrs())
    assert store.slices == wider
    for one in outcomes:
        assert_stored(store, one)
    assert set(store.records()) == {one.partition for one in outcomes}
    assert np.isnan(store.dataset()["water_extent"].values).all()
    early = Partition(wider[0], Tile(0, 0), "water_extent")
    store.commit([outcome(early)], "r", "early")
    assert_stored(store, outcome(early))
    assert np.unique(np.diff(store.dataset()["time"].values) > np.timedelta64(0)).tolist() == [True]
    assert store.verify() == []


def test_a_gap_between_old_and_new_periods_is_filled(store: Store, url: str) -> None:
    later = divide(date(2025, 3, 1), date(2025, 3, 2), "month")
    assert len(Store.lay_out(url, TILING, later, [NDVI], attrs()).slices) == 27


@pytest.mark.parametrize(
    ("tiling", "every", "packing", "told"),
    [
        (Tiling(TILING.geobox, 25), "month", Packing(1e-4), "tiles of 20 pixels"),
        (Tiling(TILING.geobox.pad(1), 20), "month", Packing(1e-4), "50 x 36 pixels of 20 from"),
        (Tiling(GeoBox((36, 50), TILING.geobox.affine, "EPSG:32632"), 20), "month", Packing(1e-4), "EPSG:32632"),
        (TILING, "year", Packing(1e-4), "every month, the project asks for every year"),
        (TILING, "month", Packing(1e-3), "0.001"),
    ],
)
def test_another_grid_tile_division_or_packing_is_refused(
    store: Store, url: str, tiling: Tiling, every: Every, packing: Packing, told: str
) -> None:
    tip = store.tip()
    slices = divide(date(2023, 1, 1), date(2023, 12, 31), every)
    with pytest.raises(ConfigurationError, match=told):
        Store.lay_out(url, tiling, slices, [indicator("ndvi", packing)], attrs(every))
    assert store.tip() == tip


def test_what_there_is_no_room_for_is_refused_whole(store: Store) -> None:
    tip = store.tip()
    outside = Partition(divide(date(2030, 1, 1), date(2030, 1, 2), "month")[0], Tile(0, 0), "ndvi")
    for partition in (outside, part(1, 7, 0), part(1, name="snow")):
        with pytest.raises(ConfigurationError, match="no room for"):
            store.commit([outcome(part(1)), empty(partition)], "r", "m")
    wrong = Pixels(*(np.zeros((1, 1), kind) for kind in ("int16", "uint16", "uint16", "uint16")))
    with pytest.raises(CubeError, match=r"ndvi has int16 \(1, 1\)"):
        store.commit([Outcome(part(1), Record("a", "r"), {}, wrong)], "r", "m")
    assert (store.tip(), store.records()) == (tip, {})


def test_becoming_empty_clears_the_pixels_and_older_versions_keep_them(store: Store) -> None:
    one, edge = outcome(part(5)), outcome(part(5, 1, 2))
    before = store.commit([one, edge], "r", "full")
    store.commit([empty(part(5)), empty(part(5, 1, 2))], "r", "cleared")
    for partition in (part(5), part(5, 1, 2)):
        values, *counts = pixels_in(store, partition)
        assert np.isnan(values).all()
        assert [int(count.sum()) for count in counts] == [0, 0, 0]
        assert store.records()[partition].empty is Empty.NO_ACQUISITION
    assert store.verify() == []
    assert store.manifest(part(5), before) == one.manifest
    assert store.records(before)[part(5)] == one.record
    assert one.pixels is not None
    assert int(store.dataset(before)["ndvi_n_seen"].sum()) == int(one.pixels.n_seen.sum()) + int(
        edge.pixels.n_seen.sum() if edge.pixels else 0
    )


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


def test_no_store_is_said_clearly_and_looking_leaves_no_trace(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="sco update"):
        Store.open(str(tmp_path / "none"))
    assert not Store.exists(str(tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="a path of its own"):
        Store.lay_out(str(tmp_path), TILING, YEAR, [NDVI], attrs())
    with pytest.raises(ConfigurationError, match="s3://"):
        Store.exists("ftp://somewhere/store")


def test_records_of_two_thousand_partitions_are_quick(tmp_path: Path) -> None:
    tiling = Tiling(GeoBox((20, 40), TILING.geobox.affine, "EPSG:32633"), 4)
    slices = divide(date(2020, 1, 1), date(2023, 4, 30), "month")
    store = Store.lay_out(str(tmp_path / "many"), tiling, slices, [NDVI], attrs())
    partitions = [Partition(period, tile, "ndvi") for period in slices for tile in tiling]
    began = time.perf_counter()
    store.commit([empty(partition) for partition in partitions], "r", "many")
    committed = time.perf_counter()
    records = Store.open(store.url).records()
    read = time.perf_counter()
    print(f"\n2,000 partitions: committed in {committed - began:.2f} s, records() in {read - committed:.2f} s")
    assert set(records) == set(partitions)
    assert len(records) == 2000
    assert read - committed < 2


def _commit_ten(url: str, number: int, start: Barrier) -> None:
    store = Store.open(url)
    for month in range(1, 11):
        start.wait()
        store.commit([outcome(part(month, number % 2, number // 2))], f"run{number}", f"{number} {month}")


def test_four_processes_racing_lose_nothing(store: Store, url: str) -> None:
    start = SERVER.Barrier(4)
    writers = [SERVER.Process(target=_commit_ten, args=(url, number, start)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0, 0]
    expected = [outcome(part(month, row, column)) for month in range(1, 11) for row in (0, 1) for column in (0, 1)]
    assert set(store.records()) == {one.partition for one in expected}
    for one in expected[::7]:
        assert_stored(store, one)
    assert len(store.history()) == 41
    assert store.verify() == []


def _commit_for_ever(url: str, acknowledged: Path, skip: int) -> None:
    store = Store.open(url)
    with acknowledged.open("a") as told:
        for number in range(skip, 72):
            month, tile = 1 + number // 6, list(TILING)[number % 6]
            store.commit([outcome(part(month, tile.row, tile.column))], f"run{number}", str(number))
            told.write(f"{number}\n")
            told.flush()


def _numbers(acknowledged: Path) -> list[int]:
    return [int(line) for line in acknowledged.read_text().split()] if acknowledged.exists() else []


def _kill_soon(url: str, acknowledged: Path, delay: float) -> None:
    """Let a writer acknowledge a commit, and kill it a moment later."""
    before = _numbers(acknowledged)
    writer = SERVER.Process(target=_commit_for_ever, args=(url, acknowledged, max(before, default=-1) + 1))
    writer.start()
    while len(_numbers(acknowledged)) == len(before):
        time.sleep(0.002)
    time.sleep(delay)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert writer.exitcode == -signal.SIGKILL


def test_a_killed_writer_leaves_everything_acknowledged_and_nothing_half(
    store: Store, url: str, tmp_path: Path
) -> None:
    acknowledged = tmp_path / "acknowledged"
    for kill in range(10):
        _kill_soon(url, acknowledged, delay=0.005 + 0.007 * kill)
        assert store.verify() == []
        assert len(store.records()) >= len(_numbers(acknowledged))
    ordered = [part(month, tile.row, tile.column) for month in range(1, 13) for tile in TILING]
    records = store.records()
    assert {ordered[number] for number in _numbers(acknowledged)} <= set(records)
    for partition in records:
        assert_stored(store, outcome(partition, run=records[partition].run))


def _files(url: str, folder: str) -> list[Path]:
    return sorted(Path(url, folder).iterdir())


def _flip(path: Path, byte: int) -> None:
    content = bytearray(path.read_bytes())
    content[byte % len(content)] ^= 1 << byte % 8
    path.write_bytes(content)


@pytest.mark.parametrize("folder", ["chunks", "manifests", "transactions"])
def test_verify_names_the_file_that_is_flipped_cut_or_gone(store: Store, url: str, folder: str) -> None:
    store.commit([outcome(part(1)), outcome(part(2, 1, 1))], "r", "two")
    store.tag("v1")
    store.commit([outcome(part(1), seed=1)], "r", "again")
    harms: Sequence[object] = [
        lambda path: _flip(path, 40),
        lambda path: _flip(path, 77),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        Path.unlink,
    ]
    for path, harm in zip(_files(url, folder)[::2], harms, strict=False):
        whole = path.read_bytes()
        harm(path)  # type: ignore[operator]
        faults = Store.open(url).verify()
        assert any(path.name in fault for fault in faults), (path, faults)
        if folder == "chunks":
            assert any("chunk " in fault and "(ndvi 2023-" in fault for fault in faults), faults
        path.write_bytes(whole)
    assert Store.open(url).verify() == []


def test_what_a_killed_writer_left_behind_is_no_fault(store: Store, url: str) -> None:
    store.commit([outcome(part(1))], "r", "one")
    Path(url, "checksums", "0123456789ABCDEFGHJK.json").write_text("{")
    Path(url, "checksums", "0123456789ABCDEFGHJM.part").write_text("{")
    Path(url, "snapshots", "0123456789ABCDEFGHJK").write_bytes(b"half")
    assert Store.open(url).verify() == []
    store.commit([outcome(part(2))], "r", "two")
    assert len(store.records()) == 2


def test_a_commit_that_landed_though_it_was_refused_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to a commit is lost after the branch has moved: it is not made a second time."""
    repository = store._repository
    land = repository._commit_local

    def lost(*asked: Any) -> str:
        land(*asked)
        raise IcechunkError("connection reset")

    monkeypatch.setattr(repository, "_commit_local", lost)
    snapshot = store.commit([outcome(part(1))], "r", "once")
    assert snapshot == store.tip()
    assert [one.message for one in store.history()] == ["once", "lay out"]


def test_a_commit_that_did_not_land_is_an_error_and_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> str:
        raise IcechunkError("  x no space left on device\n  |\n  | context:")

    tip = store.tip()
    monkeypatch.setattr(store._repository, "_commit_local", full)
    with pytest.raises(ScoError, match=r"did not take 'one': no space left on device\. Nothing of it is visible"):
        store.commit([outcome(part(1))], "r", "one")
    assert (store.tip(), store.records()) == (tip, {})


def test_a_store_whose_newest_version_is_lost_says_so_and_is_never_begun_anew(store: Store, url: str) -> None:
    store.commit([outcome(part(1))], "r", "one")
    newest = Path(url, "snapshots", store.tip())
    content = newest.read_bytes()
    newest.write_bytes(content[:50])
    with pytest.raises(IntegrityError, match=newest.name):
        Store.open(url)
    newest.write_bytes(content)
    Path(url, "refs", "branch.main", "ref.json").unlink()
    with pytest.raises(IntegrityError, match="restore the folder"):
        Store.lay_out(url, TILING, YEAR, [NDVI], attrs())
