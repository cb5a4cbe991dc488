"""The whole job on ten real Sentinel-2 scenes: two tiles, five dates, compared pixel by pixel with plain arithmetic.

The oracle shares no code with the pipeline: it reads whole files with rasterio and does the rest in numpy.
"""

import json
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tomlkit
import xarray as xr

import sco
from flows import run
from sco.project import CONFIGS, Project
from sco.simulator.server import serve
from sco.store import Store

FOLDER = "s2_l2a_earthsearch_33TW_2023"
DAYS = ("20230810", "20230813", "20230815", "20230818", "20230820")
CLEAR = (2, 4, 5, 6, 7)
ROWS, COLUMNS = 1748, 915
LOWER_TILE_FIRST_ROW = 833
"""Row of the grid where tile 33TWL begins: (5199960 - 5100000) / 120."""


@pytest.fixture(scope="module")
def scenes(data: Path) -> Path:
    return data / FOLDER


@pytest.fixture(scope="module")
def project(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The example project, computed once; its scenes served on loopback with absolute addresses."""
    folder = tmp_path_factory.mktemp("sava")
    items = folder / "items.json"
    items.write_text(
        json.dumps({"type": "FeatureCollection", "features": [absolute(one) for one in item_files(scenes)]})
    )
    with serve(items) as url:
        content = tomllib.loads((CONFIGS / "sava.toml").read_text())
        content["sources"][0]["catalogs"][0]["url"] = url
        content["access"]["files"] = [str(scenes)]
        file = folder / "sava.toml"
        file.write_text(tomlkit.dumps(content))
        run.reconcile(str(file), "update")
        yield Project.load(file)


def item_files(scenes: Path) -> list[Path]:
    return sorted(scenes.glob("S2*/S2*.json"))


def absolute(file: Path) -> dict:
    item = json.loads(file.read_text())
    for asset in item["assets"].values():
        if "://" not in asset["href"]:
            asset["href"] = str(file.parent / asset["href"])
    return item


def whole(scenes: Path, tile: str, day: str, band: str) -> np.ndarray:
    (file,) = scenes.glob(f"S2*_{tile}_{day}_0_L2A/{band}.tif")
    with rasterio.open(file) as opened:
        return opened.read(1).astype(np.int64)


def upper_tile(numbers: np.ndarray, classes: bool) -> np.ndarray:
    """33TWM lies half a pixel off the grid: the class of the lower neighbour, the mean of both for reflectance.

    The centre of a grid pixel falls into the lower neighbour; where that one has no number there is none.
    """
    above, below = numbers[:-1], numbers[1:]
    if classes:
        return below
    mean = (above + below + 1) // 2
    return np.where(below == 0, 0, np.where(above == 0, below, mean))


def placed(part: np.ndarray, first_row: int) -> np.ndarray:
    grid = np.zeros((ROWS, COLUMNS), np.int64)
    rows = min(part.shape[0], ROWS - first_row)
    grid[first_row : first_row + rows] = part[:rows]
    return grid


def on_grid(scenes: Path, day: str, band: str) -> tuple[np.ndarray, np.ndarray]:
    lower = placed(whole(scenes, "33TWL", day, band), LOWER_TILE_FIRST_ROW)
    upper = placed(upper_tile(whole(scenes, "33TWM", day, band), band == "SCL"), 0)
    return lower, upper


def observed(scenes: Path, day: str) -> tuple[np.ndarray, np.ndarray]:
    """NDVI of one day, NaN where it was not seen, and where something was acquired but not clear."""
    bands = {band: on_grid(scenes, day, band) for band in ("B04", "B08", "SCL")}
    ndvi = np.full((ROWS, COLUMNS), np.nan)
    acquired = np.zeros((ROWS, COLUMNS), bool)
    for tile in (1, 0):  # the lower tile, whose id comes first, is laid over the upper one
        red, nir, scl = (bands[band][tile].astype(float) for band in ("B04", "B08", "SCL"))
        clear = np.isin(scl, CLEAR) & (red > 0) & (nir > 0)
        ndvi[clear] = (nir - red)[clear] / (nir + red)[clear]
        acquired |= (scl > 0) & ~(np.isin(scl, CLEAR) & ((red == 0) | (nir == 0)))
    return ndvi, acquired & np.isnan(ndvi)


@pytest.fixture(scope="module")
def expected(scenes: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    days = [observed(scenes, day) for day in DAYS]
    stack = np.array([ndvi for ndvi, _ in days])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        median = np.nanmedian(stack, axis=0)
    return median, np.isfinite(stack).sum(axis=0), np.sum([masked for _, masked in days], axis=0)


def test_every_pixel_equals_the_plain_computation(project, expected):
    median, seen, masked = expected
    stored = sco.open(project.file).isel(time=0)
    np.testing.assert_array_equal(stored["ndvi_n_seen"].values, seen)
    np.testing.assert_array_equal(stored["ndvi_n_masked"].values, masked)
    assert not stored["ndvi_n_failed"].values.any()
    np.testing.assert_array_equal(np.isnan(stored["ndvi"].values), np.isnan(median))
    half_a_step = 0.5e-4 + 2e-7  # packing, and float32 instead of float64
    np.testing.assert_allclose(stored["ndvi"].values, median, rtol=0, atol=half_a_step)


def test_the_offset_is_not_taken_twice(scenes, project):
    cube = sco.open_cube(project, "sentinel2", "2023-08-20", "2023-08-20", ("red", "nir"))
    day = cube.isel(time=0).compute()
    median = float(np.nanmedian((day["nir"] - day["red"]) / (day["nir"] + day["red"])))
    assert 0.75 < median < 0.85
    red, nir = (whole(scenes, "33TWL", "20230820", band) - 1000.0 for band in ("B04", "B08"))
    clear = np.isin(whole(scenes, "33TWL", "20230820", "SCL"), CLEAR)
    assert np.median(((nir - red) / (nir + red))[clear]) > 1


def test_the_manifest_names_all_ten_scenes_and_why_there_is_no_offset(project):
    store = Store.open(project.store_url)
    manifests = store.manifests()
    assert len(manifests) == 4 * 2
    names = {entry["id"] for manifest in manifests.values() for entry in manifest["scenes"]}
    assert len(names) == 10
    entry = next(iter(manifests.values()))["scenes"][0]
    assert entry["calibration"]["red"]["offset"] == 0
    assert "flag says that the offset was already taken" in entry["calibration"]["red"]["evidence"]
    assert any("item says shape (10980, 10980), file has (915, 915)" in told for told in entry["trusted"]["red"])


def test_the_store_says_what_it_holds(project):
    stored = sco.open(project.file)
    assert stored["ndvi"].attrs["units"] == "1"
    assert stored["ndvi"].attrs["standard_name"] == "normalized_difference_vegetation_index"
    assert stored.rio.crs.to_epsg() == 32633
    assert stored["time"].values.astype("datetime64[D]").tolist() == [np.datetime64("2023-08-01").item()]
    with xr.open_zarr(sco.open_store(project.store_url), consolidated=False) as plain:
        xr.testing.assert_equal(plain["ndvi"], stored["ndvi"])


def test_items_and_files_that_disagree_are_rejected_unless_the_project_trusts_the_files(project, tmp_path):
    text = project.file.read_text().replace("trust-file", "reject")
    file = tmp_path / "strict.toml"
    file.write_text(text)
    summary = run.reconcile(str(file), "update")
    assert len(summary.failed) == 8
    assert "trust-file" in summary.failed[0]
    stored = sco.open(file)
    assert np.isnan(stored["ndvi"].values).all()
    assert stored["ndvi_n_failed"].values.max() == 5


def test_running_again_does_nothing(project):
    before = Store.open(project.store_url).tip()
    summary = run.reconcile(str(project.file), "update")
    assert (summary.partitions, Store.open(project.store_url).tip()) == (0, before)
