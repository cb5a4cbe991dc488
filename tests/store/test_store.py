"""What is committed is read back to the bit."""

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401 - the rio accessor
from odc.geo.geobox import GeoBox
from samples import NDVI, TILING, YEAR, assert_stored, attrs, empty, outcome, part, pixels_in

from sco.errors import ConfigurationError, CubeError
from sco.grid import Tiling
from sco.partition import Empty, Outcome, Partition, Pixels, Record
from sco.period import divide
from sco.store import Store, sealed
from sco.tile import Tile


def test_pixels_counts_record_and_manifest_come_back_on_whole_and_edge_tiles(store: Store) -> None:
    outcomes = [outcome(part(3, tile.row, tile.column)) for tile in TILING]
    assert store.commit(outcomes, "20230101T000000-0001", "march") == store.tip()
    for one in outcomes:
        assert_stored(store, one)
    assert np.isnan(pixels_in(store, part(3))[0][0, 0])
    assert store.manifests() == {one.partition: one.manifest for one in outcomes}
    assert store.verify() == []


def test_an_outcome_that_was_encoded_early_is_stored_the_same(store: Store) -> None:
    whole, edge, none = outcome(part(3)), outcome(part(3, 1, 2)), empty(part(4))
    early = [sealed(store.version(), one) for one in (whole, edge, none)]
    assert all(one.pixels is None for one in early)
    assert early[2].sealed is not None
    assert not any(early[2].sealed.chunks)
    store.commit([sealed(store.version(), outcome(part(4)))], "r", "april")
    store.commit(early, "20230101T000000-0001", "march")
    for one in (whole, edge):
        assert_stored(store, one)
    assert np.isnan(pixels_in(store, part(4))[0]).all()
    records = store.records()
    assert store.verify() == []
    store.commit([whole, edge, none], "20230101T000000-0001", "the same, encoded late")
    assert store.records() == records


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
    assert data["ndvi"].attrs["ancillary_variables"] == "ndvi_n_seen ndvi_n_masked ndvi_n_failed ndvi_error"
    assert data["ndvi"].attrs["grid_mapping"] == "spatial_ref"
    assert "spatial_ref" in data.coords
    packed = {key: data["ndvi"].encoding[key] for key in ("scale_factor", "add_offset", "_FillValue", "fill_value")}
    assert packed == {"scale_factor": 1e-4, "add_offset": 0.0, "_FillValue": -32768, "fill_value": -32768}


REPOSITORY = Path(__file__).parents[2]
READER = """
import json, sys, warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", message="Use `@` matmul")
import rioxarray  # noqa: F401 - the rio accessor
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


def test_what_there_is_no_room_for_is_refused_whole(store: Store) -> None:
    tip = store.tip()
    outside = Partition(divide(date(2030, 1, 1), date(2030, 1, 2), "month")[0], Tile(0, 0), "ndvi")
    for partition in (outside, part(1, 7, 0), part(1, name="snow")):
        with pytest.raises(ConfigurationError, match="no room for"):
            store.commit([outcome(part(1)), empty(partition)], "r", "m")
    wrong = Pixels(*(np.zeros((1, 1), kind) for kind in ("int16", "uint16", "uint16", "uint16")))
    with pytest.raises(CubeError, match=r"ndvi has int16 \(1, 1\)"):
        store.commit([Outcome(part(1), Record("a", "r"), {}, wrong)], "r", "m")
    with pytest.raises(CubeError, match=r"ndvi has int16 \(1, 1\)"):
        sealed(store.version(), Outcome(part(1), Record("a", "r"), {}, wrong))
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
    assert set(records) == set(partitions)
    assert len(records) == 2000
    assert read - committed < committed - began
