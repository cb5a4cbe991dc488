"""Standard errors lie beside the values, in the same commit; stores without room for them go on, and can get it."""

from dataclasses import replace

import numpy as np
import pytest
from samples import NDVI, TILING, WATER, YEAR, assert_stored, attrs, empty, outcome, part

from sco.errors import CubeError
from sco.partition import Outcome, Partition
from sco.store import Store


def with_error(one: Outcome, seed: int = 5) -> Outcome:
    assert one.pixels is not None
    numbers = np.random.default_rng(seed).integers(0, 3000, one.pixels.values.shape).astype("int16")
    numbers[one.pixels.n_seen < 2] = NDVI.packing.fill
    return replace(one, pixels=replace(one.pixels, error=numbers))


def error_in(store: Store, partition: Partition, snapshot: str | None = None) -> np.ndarray:
    window = dict(zip(("y", "x"), TILING.window_of(partition.tile), strict=True))
    found: np.ndarray = store.dataset(snapshot)["ndvi_error"].isel(window).sel(time=str(partition.period.start)).values
    return found


def assert_error(store: Store, expected: Outcome) -> None:
    assert expected.pixels is not None
    assert expected.pixels.error is not None
    packed = expected.pixels.error
    assert (packed == -32768).any()
    found = error_in(store, expected.partition)
    np.testing.assert_allclose(found, np.where(packed == -32768, np.nan, packed * 1e-4), rtol=0, atol=1e-12)


@pytest.fixture
def bare(url: str) -> Store:
    """A store of before there were standard errors."""
    return Store.lay_out(url, TILING, YEAR, [NDVI], attrs(), with_errors=False)


def test_an_error_is_committed_with_its_value_and_cleared_with_it(store: Store) -> None:
    one, edge = with_error(outcome(part(5))), with_error(outcome(part(5, 1, 2)))
    store.commit([one, edge, outcome(part(6))], "r", "some")
    for each in (one, edge):
        assert_stored(store, each)
        assert_error(store, each)
    assert np.isnan(error_in(store, part(6))).all()
    store.commit([empty(part(5)), outcome(part(5, 1, 2))], "r", "none")
    assert np.isnan(store.dataset()["ndvi_error"].values).all()
    assert_stored(store, outcome(part(5, 1, 2)))
    assert store.verify() == []


def test_cf_says_what_an_error_is(store: Store) -> None:
    error = store.dataset()["ndvi_error"]
    assert error.attrs["standard_name"] == "normalized_difference_vegetation_index standard_error"
    assert (error.attrs["units"], error.attrs["cell_methods"]) == ("1", "time: median")
    assert error.attrs["references"] == "https://doi.org/10.2307/2332422"
    assert error.attrs["long_name"] == "The ndvi: standard error"
    packed = {key: error.encoding[key] for key in ("scale_factor", "add_offset", "_FillValue", "dtype")}
    assert packed == {"scale_factor": 1e-4, "add_offset": 0.0, "_FillValue": -32768, "dtype": np.dtype("int16")}


def test_a_store_without_room_reads_and_takes_commits(bare: Store, url: str) -> None:
    one = with_error(outcome(part(2)))
    bare.commit([one], "r", "without")
    assert "ndvi_error" not in bare.dataset()
    assert bare.dataset()["ndvi"].attrs["ancillary_variables"] == "ndvi_n_seen ndvi_n_masked ndvi_n_failed"
    assert_stored(Store.open(url), one)
    assert bare.verify() == []


def test_room_is_made_later_and_what_was_there_stays_sealed(bare: Store, url: str) -> None:
    old, young = outcome(part(2)), with_error(outcome(part(3)))
    before = bare.commit([old], "r", "without")
    store = Store.lay_out(url, TILING, YEAR, [NDVI, WATER], attrs())
    assert np.isnan(error_in(store, part(2))).all()
    assert store.dataset()["ndvi"].attrs["ancillary_variables"].endswith("ndvi_n_failed ndvi_error")
    store.commit([young], "r", "with")
    assert_stored(store, old)
    assert_error(store, young)
    assert store.verify() == []
    again = with_error(outcome(part(2), seed=9))
    store.commit([again], "r", "again")
    assert_error(store, again)
    store.roll_back(before, "r")
    assert_stored(store, old)
    assert np.isnan(store.dataset()["ndvi_error"].values).all()
    assert store.verify() == []


def test_room_stays_where_a_project_wants_no_errors_any_more(store: Store, url: str) -> None:
    one = with_error(outcome(part(4)))
    store.commit([one], "r", "with")
    tip = store.tip()
    assert Store.lay_out(url, TILING, YEAR, [NDVI], attrs(), with_errors=False).tip() == tip
    assert_error(store, one)


def test_an_error_that_is_gone_or_another_is_found(store: Store) -> None:
    partition = part(4)
    store.commit([with_error(outcome(partition))], "r", "with")
    _harm(store, slice(None), -32768)
    assert [fault.split(":")[0] for fault in store.verify()] == [f"ndvi chunk 3/0/0 ({partition})"]
    store.commit([with_error(outcome(partition))], "r", "with")
    assert store.verify() == []
    _harm(store, slice(0, 1), 7)
    assert len(store.verify()) == 1


def _harm(store: Store, rows: slice, number: int) -> None:
    """Put a number into the errors of April's first tile, behind the record's back."""
    import zarr

    def change(session: object) -> None:
        array = zarr.open_group(session.store, mode="r+")["ndvi_error"]  # type: ignore[attr-defined]
        array[3, slice(*rows.indices(20)), 0:20] = number  # type: ignore[index]

    store._repository.transact(change, "harm", {"run": "", "partitions": []})


def test_an_error_of_another_shape_is_refused(store: Store) -> None:
    one = with_error(outcome(part(1)))
    assert one.pixels is not None
    wrong = replace(one, pixels=replace(one.pixels, error=np.zeros((1, 1), "int16")))
    with pytest.raises(CubeError, match=r"ndvi_error has int16 \(1, 1\)"):
        store.commit([wrong], "r", "m")
