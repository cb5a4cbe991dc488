from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate

from sco.simulator.ground import Ground
from sco.simulator.scenes import (
    KELVIN_NOISE,
    LABEL,
    REFLECTANCE_NOISE,
    Asset,
    Pass,
    Scenery,
    class_shares,
    landsat_assets,
    landsat_passes,
    quality_bits,
    scene_classes,
    sentinel2_assets,
    sentinel2_passes,
    write_cog,
)
from sco.simulator.sky import View, weather
from sco.simulator.truth import surface
from sco.simulator.world import Grid, World

WORLD = World()
HIDDEN = [0, 3, 8, 9, 10]


def passes() -> list[Pass]:
    return list(sentinel2_passes(WORLD))


@pytest.fixture(scope="module", params=[0, 1], ids=["31TGL", "32TLR"])
def scenery(request: pytest.FixtureRequest) -> Scenery:
    return Scenery(WORLD, WORLD.tiles[request.param]).laid_out()


def clear_errors(scenery: Scenery, acquisition: Pass) -> dict[str, np.ndarray]:
    """Decoded integers minus truth, by band, at the clear ones of some pixels."""
    assets = {asset.band: asset for asset in sentinel2_assets(scenery, acquisition)}
    classes = assets.pop("scl").values
    random = np.random.default_rng(acquisition.index)
    errors = {}
    for band, asset in assets.items():
        x, y = asset.grid.centres()
        rows, columns = (random.integers(0, size, 5000) for size in asset.grid.shape)
        coarser = asset.grid.resolution_m // WORLD.resolution_m == 1
        clear = ~np.isin(classes[rows // (1 + coarser), columns // (1 + coarser)], HIDDEN)
        place = rows[clear], columns[clear]
        seen = asset.values[place] * 1e-4 - acquisition.raw_offset * 1e-4
        errors[band] = seen - surface(WORLD, band, x[place], y[place], acquisition.time.date())
    return errors


@pytest.mark.parametrize("kind", [("03.01", False), ("05.09", False), ("05.09", True)])
def test_clear_integers_decode_to_the_truth_within_the_noise(scenery: Scenery, kind: tuple[str, bool]) -> None:
    fair = [
        one for one in passes() if (one.baseline, one.corrected) == kind and weather(WORLD, one.time).cloud_share < 0.4
    ]
    found = [clear_errors(scenery, acquisition) for acquisition in fair[:4]]
    for band in ("blue", "green", "red", "nir", "swir16", "swir22"):
        error = np.concatenate([errors[band] for errors in found])
        assert error.size > 4000
        assert abs(float(np.median(error))) < 1e-4
        assert float(np.std(error[np.abs(error) < 0.01])) == pytest.approx(REFLECTANCE_NOISE, rel=0.1)
        assert float(np.mean(np.abs(error) < 5 * REFLECTANCE_NOISE)) > 0.999


def test_landsat_decodes_to_the_truth_within_the_noise() -> None:
    scenery = Scenery(WORLD, WORLD.landsat_tile).laid_out(coarse=False)
    acquisition = next(one for one in landsat_passes(WORLD) if weather(WORLD, one.time).cloud_share == 0)
    assets = {asset.band: asset for asset in landsat_assets(scenery, acquisition)}
    clear = np.isin(assets["qa_pixel"].values, [21824, 21952])
    x, y = scenery.tile.grid.centres()
    assert clear.sum() > 10_000
    for band, scale, offset, noise in (
        ("red", 2.75e-5, -0.2, REFLECTANCE_NOISE),
        ("nir08", 2.75e-5, -0.2, REFLECTANCE_NOISE),
        ("lwir11", 0.00341802, 149, KELVIN_NOISE),
    ):
        error = (assets[band].values * scale + offset - surface(WORLD, band, x, y, acquisition.time.date()))[clear]
        assert abs(error.mean()) < 0.2 * noise
        assert np.abs(error).max() < 6 * noise


def test_offsets_follow_the_baseline_and_every_fifth_is_corrected() -> None:
    early = [one for one in passes() if one.time.date() < date(2022, 1, 25)]
    late = [one for one in passes() if one.time.date() >= date(2022, 1, 25)]
    assert {(one.baseline, one.raw_offset, one.corrected, one.announced_offset) for one in early} == {
        ("03.01", 0, False, 0.0)
    }
    assert [one.corrected for one in late[:10]] == [False, False, False, False, True] * 2
    assert {(one.baseline, one.raw_offset, one.corrected, one.announced_offset) for one in late} == {
        ("05.09", 1000, False, -0.1),
        ("05.09", 0, True, -0.1),
    }


def test_the_planetary_computer_has_all_raw_and_reprocessed() -> None:
    other = World(spelling="planetary_computer")
    assert {(one.baseline, one.raw_offset, one.corrected) for one in sentinel2_passes(other)} == {
        ("05.09", 1000, False)
    }


def test_what_was_not_acquired_is_0_in_every_band(scenery: Scenery) -> None:
    partial = next(
        one for one in passes()[2::3] if 0.1 < scenery.coarse[2].at(one.time, one.swath).acquired.mean() < 0.9
    )
    assets = {asset.band: asset.values for asset in sentinel2_assets(scenery, partial)}
    missing = ~scenery.coarse[2].at(partial.time, partial.swath).acquired
    np.testing.assert_array_equal(assets["scl"] == 0, missing)
    np.testing.assert_array_equal(assets["swir16"] == 0, missing)


def view(
    opacity: float = 0, cirrus: bool = False, shaded: bool = False, acquired: bool = True, near: bool = False
) -> View:
    one = np.ones((1, 1), np.float32)
    flag = np.ones((1, 1), np.bool_)
    return View(
        one * opacity,
        flag & (opacity > 0 or near),
        one * shaded,
        flag & shaded,
        one * cirrus,
        flag & cirrus,
        one,
        flag & acquired,
    )


def spot(u: float, v: float) -> Ground:
    left, bottom, right, top = WORLD.grid.bounds
    x, y = (left + right) / 2 + u * WORLD.size_m, (bottom + top) / 2 + v * WORLD.size_m
    return Ground(WORLD, np.array([[x]]), np.array([[y]]))


@pytest.mark.parametrize(
    ("seen", "u", "v", "bits", "scl"),
    [
        (view(), -0.3, -0.2, 21824, 4),
        (view(), -0.15, 0.18, 21952, 6),
        (view(opacity=1), -0.3, -0.2, 22280, 9),
        (view(near=True), -0.3, -0.2, 21762, 8),
        (view(shaded=True), -0.3, -0.2, 23888, 3),
        (view(cirrus=True), -0.3, -0.2, 54596, 10),
        (view(acquired=False), -0.3, -0.2, 1, 0),
    ],
    ids=["land", "water", "cloud", "dilated", "shadow", "cirrus", "fill"],
)
def test_quality_of_known_cases(seen: View, u: float, v: float, bits: int, scl: int) -> None:
    day = spot(u, v).on(date(2021, 6, 1))
    assert quality_bits(day, seen).item() == bits
    assert scene_classes(day, seen).item() == scl


def test_snow_is_30048_in_landsat_and_11_in_scl() -> None:
    day = spot(0.27, -0.10).on(date(2021, 2, 10))
    assert quality_bits(day, view()).item() == 30048
    assert scene_classes(day, view()).item() == 11


def test_shares_are_of_the_acquired_pixels() -> None:
    shares = class_shares(np.array([[0, 0, 4, 4], [4, 9, 9, 6]], np.uint8))
    assert (shares[0], shares[4], shares[9], shares[6]) == pytest.approx((25, 50, 100 / 3, 100 / 6))


def test_a_file_is_a_valid_cog_with_overviews_and_says_that_it_is_simulated(tmp_path: Path) -> None:
    grid = Grid("EPSG:32632", 300_000, 5_000_000, 200, (600, 600))
    values = np.arange(360_000, dtype=np.uint32).reshape(600, 600).astype(np.uint16)
    written = write_cog(tmp_path / "red.tif", Asset("red", grid, values, 0))
    assert cog_validate(written.path)[:2] == (True, [])
    with rasterio.open(written.path) as file:
        assert file.overviews(1) == [2, 4]
        assert file.tags()["TIFFTAG_IMAGEDESCRIPTION"] == LABEL
        assert (file.crs.to_string(), file.nodata, tuple(file.transform)[:6]) == (
            "EPSG:32632",
            0,
            (200, 0, 300_000, 0, -200, 5_000_000),
        )
        np.testing.assert_array_equal(file.read(1), values)
