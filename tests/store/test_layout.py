"""Room is made for periods and indicators, none is ever taken away, and another layout is refused."""

from datetime import date

import numpy as np
import pytest
import zarr
from icechunk import Session
from odc.geo.geobox import GeoBox
from samples import NDVI, TILING, WATER, YEAR, assert_stored, attrs, indicator, outcome, part

from sco import layout
from sco.errors import ConfigurationError
from sco.grid import Tiling
from sco.model import Packing
from sco.partition import Partition
from sco.period import Every, divide
from sco.repository import Repository
from sco.store import Store
from sco.tile import Tile


def test_laying_out_again_commits_nothing(store: Store, url: str) -> None:
    tip, number = store.tip(), len(store.history())
    for slices in (YEAR, YEAR[3:7]):
        again = Store.lay_out(url, TILING, slices, [NDVI], attrs())
        assert (again.tip(), len(again.history()), again.slices) == (tip, number, YEAR)


def test_laying_out_again_opens_no_array(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_write", lambda *_: pytest.fail("it is laid out again"))
    monkeypatch.setattr(layout, "array_in", lambda _, path: pytest.fail(f"{path} is opened"))
    assert Store.lay_out(url, TILING, YEAR, [NDVI], attrs()).tip() == store.tip()


@pytest.mark.parametrize("path", ["", "x", "time", "ndvi_n_seen"])
def test_what_somebody_else_has_described_otherwise_is_put_right(store: Store, url: str, path: str) -> None:
    def describe(session: Session) -> None:
        node = zarr.open(session.store, path=path, mode="r+")
        node.attrs["long_name"] = "something else"

    Repository.open(url).transact(describe, "by hand", {"run": "", "partitions": []})
    assert store.verify() == ["the metadata of the arrays is not what was laid out"]
    again = Store.lay_out(url, TILING, YEAR, [NDVI], attrs())
    assert again.verify() == []
    laid = zarr.open(again.session_store(), path=path, mode="r").attrs.asdict()
    assert laid.get("long_name") != "something else"


@pytest.mark.parametrize("path", ["y", "time_bnds", "spatial_ref"])
def test_an_axis_that_says_something_else_is_put_right(store: Store, url: str, path: str) -> None:
    before = np.array(zarr.open(store.session_store(), path=path, mode="r")[...])

    def shift(session: Session) -> None:
        zarr.open(session.store, path=path, mode="r+")[...] = before + 1

    Repository.open(url).transact(shift, "by hand", {"run": "", "partitions": []})
    again = Store.lay_out(url, TILING, YEAR, [NDVI], attrs())
    np.testing.assert_array_equal(zarr.open(again.session_store(), path=path, mode="r")[...], before)


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
