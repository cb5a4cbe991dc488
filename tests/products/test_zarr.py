"""The public Zarr: CF by an independent checker, and its coarser copies."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import rioxarray  # noqa: F401 - gives datasets their .rio
import xarray as xr
from delta import HEIGHT, WIDTH, ndvi_at, publication_in

from sco.products import cf, zarr
from sco.products.coarse import coarsen
from sco.products.publication import publish


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(zarr, "OVERVIEW_SIDE", 64)
        return publish(publication_in(tmp_path_factory.mktemp("coarse")))


def test_cf_is_what_the_compliance_checker_says(product: Path, tmp_path: Path) -> None:
    pytest.importorskip("compliance_checker")
    from compliance_checker.runner import CheckSuite

    file = as_netcdf(product / "zarr", tmp_path)
    suite = CheckSuite()
    suite.load_all_available_checkers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = suite.run_all(suite.load_dataset(str(file)), ["cf:1.11"], [])
    results, raised = found["cf:1.11"]
    assert not raised
    assert len(results) > 20
    told = [message for one in results for message in one.msgs if one.value[0] < one.value[1]]
    # names with a colon are how the conventions of Zarr spell theirs, and these attributes are not CF's
    assert [
        message for message in told if not message.startswith(("global attribute proj:", "global attribute spatial:"))
    ] == []


def as_netcdf(store: Path, folder: Path) -> Path:
    """The same arrays, packed as they are, and attributes as NetCDF types them."""
    with xr.open_zarr(store, consolidated=True, decode_cf=False) as data:
        for name in data.variables:
            variable = data[name]
            variable.encoding = {"_FillValue": variable.attrs.pop("_FillValue", None)}
            if "valid_range" in variable.attrs:
                variable.attrs["valid_range"] = np.array(variable.attrs["valid_range"], variable.dtype)
        plain = {key: value for key, value in data.attrs.items() if not _is_nested(value)}
        data.assign_attrs(plain).drop_attrs(deep=False).assign_attrs(plain).to_netcdf(folder / "copy.nc")
    return folder / "copy.nc"


def _is_nested(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, dict) for one in value))


def test_our_own_check_misses_nothing_that_it_names(product: Path) -> None:
    with xr.open_zarr(product / "zarr", consolidated=True) as data:
        assert list(cf.faults(data, ["ndvi", "water_extent"])) == []
        bare = data.copy()
        del bare["ndvi"].attrs["units"]
        del bare["ndvi"].attrs["long_name"]
        bare["time"].attrs["axis"] = "Z"
        found = list(cf.faults(bare.drop_vars("water_extent_n_seen"), ["ndvi", "water_extent", "evi"]))
    assert found == [
        "time is no T axis with a standard_name",
        "ndvi has no long_name",
        "ndvi has no units",
        "water_extent lacks its counts water_extent_n_seen",
        "evi is missing",
    ]


def test_overviews_are_means_of_blocks_in_their_place(product: Path) -> None:
    attributes = json.loads((product / "zarr/zarr.json").read_text())["attributes"]
    layout = {one["asset"]: one for one in attributes["multiscales"]["layout"]}
    assert layout["overviews/2/ndvi"]["derived_from"] == "ndvi"
    assert layout["overviews/4/ndvi"]["transform"] == {"scale": [1, 4, 4], "translation": [0, 1.5, 1.5]}
    assert {one["name"] for one in attributes["zarr_conventions"]} == {"multiscales", "spatial:", "proj:"}
    for factor in (2, 4):
        with xr.open_zarr(product / "zarr", group=f"overviews/{factor}", consolidated=True) as coarse:
            assert coarse["ndvi"].shape[1:] == (-(-HEIGHT // factor), -(-WIDTH // factor))
            assert coarse.rio.crs.to_epsg() == 32631
            assert list(coarse.rio.transform())[:6] == layout[f"overviews/{factor}/ndvi"]["spatial:transform"]
            expected = coarsen(ndvi_at(0), factor)
            assert np.allclose(coarse["ndvi"].values[0], expected, atol=6e-5, equal_nan=True)
    assert all(asset in _paths(product) for asset in layout)


def _paths(product: Path) -> set[str]:
    return {path.parent.relative_to(product / "zarr").as_posix() for path in (product / "zarr").rglob("zarr.json")}


def test_a_block_is_the_mean_of_what_was_seen() -> None:
    values = np.array([[1, 2, np.nan], [3, np.nan, np.nan], [5, 7, 9]], "float32")
    assert np.array_equal(coarsen(values, 2), [[2, np.nan], [6, 9]], equal_nan=True)


def test_chunks_of_a_layer_are_its_own(product: Path) -> None:
    told = json.loads((product / "PIECES.json").read_text())
    own = told["ndvi_2022-01"]["files"]
    assert "zarr/ndvi/c/0/0/0" in own
    assert "zarr/overviews/2/ndvi/c/0/0/0" in own
    assert not any("/c/1/" in name for name in own)
