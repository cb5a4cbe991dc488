"""Coarser grids get the means of the file's own pixels, whatever its overviews hold."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import tomlkit
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling

from flows import run
from sco import shrink
from sco.model import Asset, Band
from sco.plan import make_plan, rules_of
from sco.preflight import Rules
from sco.project import Project
from sco.read import environment, read

SIDE = 320
ORIGIN = Affine(10, 0, 600_000, 0, -10, 4_850_000)
REFLECTANCE = Band("red", 10, nodata=0, resampling="bilinear")
CLASSES = Band("scl", 20, nodata=0, resampling="nearest")


@pytest.fixture
def numbers() -> np.ndarray:
    return np.random.default_rng(11).integers(1, 5000, (SIDE, SIDE)).astype(np.uint16)


def with_overviews(path: Path, made_by: Resampling, levels=(2, 4, 8)) -> Path:
    with rasterio.open(path, "r+") as file:
        file.build_overviews(levels, made_by)
    return path


def shrunk(path: Path, band: Band, factor: int, overviews: str = "means") -> np.ndarray:
    side = SIDE // factor
    grid = GeoBox((side, side), ORIGIN * Affine.scale(factor), "EPSG:32631")
    with environment():
        return read(Asset(str(path)), band, grid, Rules((path.parent,), overviews=overviews)).numbers


def means(numbers: np.ndarray, factor: int) -> np.ndarray:
    side = SIDE // factor
    return numbers.reshape(side, factor, side, factor).mean(axis=(1, 3))


@pytest.fixture
def levels_read(monkeypatch) -> set[int]:
    """The levels of the overviews of which more than a sample was read."""
    read_now, found = shrink._read, set()

    def noting(handle, window, level):
        if window.width > shrink.SAMPLE:
            found.add(level)
        return read_now(handle, window, level)

    monkeypatch.setattr(shrink, "_read", noting)
    return found


@pytest.mark.parametrize("factor", [2, 4, 5, 8, 10])
@pytest.mark.parametrize("made_by", [Resampling.nearest, Resampling.cubic, Resampling.mode])
def test_overviews_that_hold_no_means_are_not_taken_for_them(write_raster, numbers, levels_read, made_by, factor):
    path = with_overviews(write_raster("red.tif", numbers, ORIGIN, "EPSG:32631"), made_by)
    assert np.abs(shrunk(path, REFLECTANCE, factor) - means(numbers, factor)).max() <= 0.5
    assert levels_read == {1}


@pytest.mark.parametrize(("factor", "level"), [(2, 2), (4, 4), (8, 8), (10, 2), (16, 8), (5, 1)])
def test_overviews_that_hold_means_are_read_where_they_divide_the_factor(
    write_raster, numbers, levels_read, factor, level
):
    path = with_overviews(write_raster("red.tif", numbers, ORIGIN, "EPSG:32631"), Resampling.average)
    assert np.abs(shrunk(path, REFLECTANCE, factor) - means(numbers, factor)).max() <= 0.5 * np.log2(level) + 0.5
    assert levels_read == {level}


def test_an_overview_that_does_not_divide_the_file_is_left_alone(write_raster, levels_read):
    ragged = np.random.default_rng(12).integers(1, 5000, (SIDE + 1, SIDE + 2)).astype(np.uint16)
    path = with_overviews(write_raster("red.tif", ragged, ORIGIN, "EPSG:32631"), Resampling.average)
    assert np.abs(shrunk(path, REFLECTANCE, 4) - means(ragged[:SIDE, :SIDE], 4)).max() <= 0.5
    assert levels_read == {1}


def test_nodata_is_no_part_of_a_mean_even_where_only_the_band_tells_of_it(write_raster, numbers):
    numbers[:40, :40] = 0
    numbers[40, 40] = 0
    path = write_raster("red.tif", numbers, ORIGIN, "EPSG:32631", nodata=None)
    found = shrunk(path, REFLECTANCE, 4)
    assert not found[:10, :10].any()
    corner = numbers[40:44, 40:44].ravel()[1:]
    assert abs(int(found[10, 10]) - corner.mean()) <= 0.5


def test_classes_come_from_the_centre_and_never_from_a_mean(write_raster):
    codes = np.random.default_rng(13).choice(np.array([4, 9], np.uint8), (SIDE, SIDE))
    path = with_overviews(write_raster("scl.tif", codes, ORIGIN, "EPSG:32631"), Resampling.average)
    for factor in (2, 5, 8):
        np.testing.assert_array_equal(
            shrunk(path, CLASSES, factor), codes[factor // 2 :: factor, factor // 2 :: factor]
        )


def test_a_mean_of_decimals_is_not_rounded(write_raster, numbers):
    decimals = numbers.astype(np.float32) / 7
    decimals[:8, :8] = np.nan
    path = write_raster("lst.tif", decimals, ORIGIN, "EPSG:32631", nodata=np.nan)
    found = shrunk(path, Band("lst", 10, nodata=np.nan), 8)
    assert np.isnan(found[0, 0])
    np.testing.assert_allclose(found.ravel()[1:], means(decimals.astype(float), 8).ravel()[1:], rtol=1e-6)


def test_strips_make_no_difference(write_raster, numbers, monkeypatch):
    path = write_raster("red.tif", numbers, ORIGIN, "EPSG:32631")
    whole = shrunk(path, REFLECTANCE, 10)
    monkeypatch.setattr(shrink, "STRIP_PIXELS", 7000)
    np.testing.assert_array_equal(shrunk(path, REFLECTANCE, 10), whole)


@pytest.mark.parametrize(("factor", "level"), [(2, 2), (4, 4), (8, 8)])
def test_where_any_overview_will_do_it_is_taken_as_it_is(write_raster, numbers, factor, level):
    path = with_overviews(write_raster("red.tif", numbers, ORIGIN, "EPSG:32631"), Resampling.nearest)
    with rasterio.open(path, overview_level=(2, 4, 8).index(level)) as overview:
        np.testing.assert_array_equal(shrunk(path, REFLECTANCE, factor, "any"), overview.read(1))
    assert np.abs(shrunk(path, REFLECTANCE, factor, "any") - means(numbers, factor)).max() > 500


def test_any_overview_that_is_finer_than_the_grid_is_averaged_by_area(write_raster, numbers):
    path = with_overviews(write_raster("red.tif", numbers, ORIGIN, "EPSG:32631"), Resampling.average)
    eighths = means(numbers, 8).repeat(8, axis=0).repeat(8, axis=1)
    assert np.abs(shrunk(path, REFLECTANCE, 10, "any") - means(eighths, 10)).max() <= 2.5


def test_any_overview_gives_classes_that_are_there(write_raster):
    codes = np.random.default_rng(13).choice(np.array([4, 9], np.uint8), (SIDE, SIDE))
    path = with_overviews(write_raster("scl.tif", codes, ORIGIN, "EPSG:32631"), Resampling.nearest)
    assert set(np.unique(shrunk(path, CLASSES, 10, "any"))) == {4, 9}


def test_nodata_that_the_file_does_not_tell_is_no_part_of_a_mean_of_any_overview(write_raster, numbers):
    numbers[:40, :40] = 0
    path = write_raster("red.tif", numbers, ORIGIN, "EPSG:32631", nodata=None)
    path = with_overviews(path, Resampling.average)
    np.testing.assert_array_equal(shrunk(path, REFLECTANCE, 10, "any"), shrunk(path, REFLECTANCE, 10))


def test_a_project_that_takes_any_overview_is_computed_anew(make_project):
    plain = make_project(indicators=["ndvi"])
    run.reconcile(str(plain), "update")
    text = tomlkit.parse(plain.read_text("utf-8"))
    text.setdefault("access", tomlkit.table())["overviews"] = "any"
    plain.write_text(tomlkit.dumps(text), "utf-8")
    project = Project.load(plain)
    assert rules_of(project).overviews == "any"
    plan = make_plan(project)
    assert {entry.partition for entry in plan.entries if entry.due} == {
        one.partition for one in plan.entries if one.scenes
    }
