"""The fused block against the plain arithmetic, and the lazy way against the fused block."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from sighted import sighted

import sco.cube
from sco import compute, formula
from sco.block import Block
from sco.compute import compute_block
from sco.errors import CubeError
from sco.grid import Tiling
from sco.library import indicators, sensors
from sco.model import Asset, Identity, Packing, Scene
from sco.packing import pack
from sco.partition import Empty
from sco.period import slice_of
from sco.preflight import Rules
from sco.quality import State
from sco.radiometry import Steps
from sco.read import environment
from sco.sighting import Layer, Sighting
from sco.solar import observations
from sco.tile import Tile

SHAPE = (48, 40)
TRANSFORM = Affine(20, 0, 600_000, 0, -20, 4_850_000)
GRID = GeoBox(SHAPE, TRANSFORM, "EPSG:32631")
JULY = slice_of(date(2023, 7, 1), "month")
CLASSES = np.array([0, 3, 4, 4, 4, 5, 6, 6, 9, 11], np.uint8)


@pytest.fixture
def scenes(write_raster) -> list[Scene]:
    """Six days, the last three with the offset still in their numbers."""
    random = np.random.default_rng(7)
    return [write_day(write_raster, random, day, "05.09" if day > 15 else "03.01") for day in (2, 7, 12, 17, 22, 27)]


def write_day(write_raster, random, day: int, baseline: str) -> Scene:
    bands = {name: random.integers(1100, 6000, SHAPE).astype(np.uint16) for name in ("green", "red", "nir", "swir16")}
    bands["scl"] = random.choice(CLASSES, SHAPE)
    paths = {
        name: write_raster(f"{day}_{name}.tif", numbers, TRANSFORM, "EPSG:32631") for name, numbers in bands.items()
    }
    outline = GRID.geographic_extent.buffer(0.01)
    return Scene(
        id=f"day{day:02d}",
        sensor="sentinel2",
        catalog="simulated",
        collection="sentinel-2-l2a",
        identity=Identity("s2a", f"day{day}", "31TFJ", ""),
        time=datetime(2023, 7, day, 10, 30, tzinfo=UTC),
        footprint=outline.geom.wkt,
        bbox=outline.boundingbox.bbox,
        assets={name: Asset(str(path)) for name, path in paths.items()},
        baseline=baseline,
    )


def block(scenes, tmp_path: Path, wanted=("ndvi", "water_extent"), grid: GeoBox = GRID) -> Block:
    return Block(
        period=JULY,
        tile=Tile(0, 0),
        geobox=grid,
        fingerprints=dict.fromkeys(wanted, "f" * 64),
        observations=observations(scenes, 4.5),
        rejected=({"id": "cloudy", "catalog": "simulated", "reason": "cloud 99 %"},),
        rules=Rules((tmp_path,)),
    )


def by_hand(scenes, first: str, second: str):
    """The plain way: every observation's (second - first) / (second + first) in float64, and its states."""
    import rasterio

    ratios, seen, masked = [], [], []
    for scene in scenes:
        numbers = {
            band: rasterio.open(scene.assets[band].href).read(1).astype(float) for band in (first, second, "scl")
        }
        if scene.baseline == "05.09":
            numbers |= {band: np.maximum(numbers[band] - 1000, 1) for band in (first, second)}
        clear = np.isin(numbers["scl"], (4, 5, 6))
        ratios.append(np.where(clear, (numbers[second] - numbers[first]) / (numbers[second] + numbers[first]), np.nan))
        seen.append(clear)
        masked.append(np.isin(numbers["scl"], (3, 9, 11)))
    return np.array(ratios), np.sum(seen, axis=0), np.sum(masked, axis=0)


def test_a_fused_block_equals_the_plain_arithmetic(scenes, tmp_path):
    ndvi, water = compute_block(block(scenes, tmp_path), "run")
    ratios, seen, masked = by_hand(scenes, "red", "nir")
    with np.errstate(all="ignore"):
        expected = np.nanmedian(ratios, axis=0)
    stored = np.where(ndvi.pixels.values == -32768, np.nan, ndvi.pixels.values * 1e-4)
    np.testing.assert_allclose(stored, expected, atol=0.5e-4 + 1e-6)
    np.testing.assert_array_equal(ndvi.pixels.n_seen, seen)
    np.testing.assert_array_equal(ndvi.pixels.n_masked, masked)
    assert not ndvi.pixels.n_failed.any()
    indexes, _, _ = by_hand(scenes, "swir16", "green")
    share = np.where(seen > 0, np.sum(indexes > 0, axis=0) / np.maximum(seen, 1), np.nan)
    stored = np.where(water.pixels.values == -32768, np.nan, water.pixels.values * 1e-4)
    np.testing.assert_allclose(stored, share, atol=0.5e-4 + 1e-6)


def test_no_observation_is_fill_and_count_zero(scenes, tmp_path):
    (ndvi,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    unseen = ndvi.pixels.n_seen == 0
    assert unseen.any()
    assert (ndvi.pixels.values[unseen] == -32768).all()
    assert (ndvi.pixels.values[~unseen] != -32768).all()


def test_the_manifest_tells_what_was_chosen_rejected_and_why(scenes, tmp_path):
    (ndvi,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    entries = {entry["id"]: entry for entry in ndvi.manifest["scenes"]}
    assert sorted(entries) == [scene.id for scene in scenes]
    assert entries["day02"]["calibration"]["red"]["offset"] == 0
    late = entries["day27"]["calibration"]["red"]
    assert (late["scale"], late["offset"]) == (1e-4, -0.1)
    assert late["evidence"][0] == "baseline 05.09 is at or after 04.00"
    assert late["evidence"][1].startswith("pixels: undecided (median 36")
    assert set(entries["day02"]["assets"]) == {"nir", "red", "scl"}
    assert ndvi.manifest["rejected"][0]["reason"] == "cloud 99 %"
    counts = ndvi.manifest["counts"]
    assert counts["seen"] + counts["masked"] < 6 * counts["pixels"] == 6 * 48 * 40


def test_nothing_acquired_is_empty_with_its_reason(tmp_path, scenes):
    (none,) = compute_block(block([], tmp_path, ["ndvi"]), "run")
    assert (none.record.empty, none.pixels) == (Empty.NO_ACQUISITION, None)
    far = GeoBox(SHAPE, Affine(20, 0, 700_000, 0, -20, 4_850_000), "EPSG:32631")
    (beside,) = compute_block(block(scenes, tmp_path, ["ndvi"], far), "run")
    assert beside.record.empty is Empty.NO_ACQUISITION


def test_a_failed_read_is_counted_and_kept(scenes, tmp_path):
    Path(scenes[0].assets["nir"].href).write_bytes(b"gone")
    (ndvi,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    assert ndvi.record.failed_reads == 1
    assert ndvi.pixels.n_failed.max() == 1
    assert "cannot be read" in ndvi.manifest["scenes"][0]["failed"]["nir"]


def test_many_blocks_through_dask_equal_one(scenes, tmp_path):
    whole = block(scenes, tmp_path)
    (alone, again) = dask.compute(*compute.outcomes_of([whole, block(scenes, tmp_path, ["ndvi"])], "run"))
    np.testing.assert_array_equal(alone[0].pixels.values, again[0].pixels.values)


def test_packing_is_exact_to_half_a_step_and_never_makes_a_number_the_fill():
    packing = Packing(scale=1e-4)
    values = np.array([np.nan, -1, 0.12343, 1, 99, -99], np.float32)
    assert pack(values, packing).tolist() == [-32768, -10000, 1234, 10000, 32767, -32767]
    assert abs(pack(values, packing)[2] * 1e-4 - 0.12343) <= 0.5e-4 + 1e-8


def test_the_lazy_cube_keeps_the_contract_and_gives_the_same_numbers(scenes, tmp_path):
    sensor = sensors["sentinel2"]
    mask = sensor.masked | {"snow"}
    cube = sco.cube.load(observations(scenes, 4.5), sensor, Tiling(GRID, 16), Rules((tmp_path,)), (), mask)
    assert dict(cube.sizes) == {"time": 6, "y": 48, "x": 40}
    assert set(cube.data_vars) == {"green", "red", "nir", "swir16", "quality"}
    assert cube["red"].chunks[1:] == ((16, 16, 16), (16, 16, 8))
    lazy = compute.indicate(cube, indicators["ndvi"])
    assert lazy["ndvi"].chunks is not None
    (fused,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    np.testing.assert_array_equal(
        pack(lazy["ndvi"].isel(time=0).values, indicators["ndvi"].packing), fused.pixels.values
    )
    np.testing.assert_array_equal(lazy["ndvi_n_seen"].isel(time=0).values, fused.pixels.n_seen)
    assert str(lazy["time"].values[0])[:10] == "2023-07-01"


def test_seasons_come_in_the_order_of_time():
    days = np.array(["2022-12-05", "2023-01-10", "2023-04-10", "2023-07-10", "2023-10-10"], "datetime64[ns]")
    red = xr.DataArray(np.full((5, 2, 2), 0.1, np.float32), {"time": days}, ("time", "y", "x")).chunk()
    quality = xr.zeros_like(red, dtype=np.uint8)
    found = compute.indicate(xr.Dataset({"red": red, "nir": red * 3, "quality": quality}), indicators["ndvi"], "season")
    assert [str(time)[:10] for time in found["time"].values] == ["2022-12-01", "2023-03-01", "2023-06-01", "2023-09-01"]
    assert found["ndvi_n_seen"].isel(y=0, x=0).values.tolist() == [2, 1, 1, 1]
    np.testing.assert_allclose(found["ndvi"], 0.5, rtol=1e-6)


def test_a_cube_in_memory_is_refused(scenes, tmp_path):
    sensor = sensors["sentinel2"]
    with environment():
        cube = sco.cube.load(observations(scenes[:1], 4.5), sensor, Tiling(GRID, 64), Rules((tmp_path,)), ("red",))
    with pytest.raises(CubeError, match="in memory"):
        sco.cube.check(cube.load())
    with pytest.raises(CubeError, match="needs nir"):
        compute.indicate(cube, indicators["ndvi"])
    with pytest.raises(CubeError, match="'vci' is made from ndvi, not from bands"):
        compute.indicate(cube, indicators["vci"])
    with pytest.raises(CubeError, match="dimensions time, y, x"):
        sco.cube.check(xr.Dataset({"red": ("x", np.zeros(3, np.float32))}))


def test_a_cube_of_an_unknown_band_or_flag_is_refused(scenes, tmp_path):
    sensor = sensors["sentinel2"]
    found = observations(scenes, 4.5)
    with pytest.raises(CubeError, match="has no lwir11"):
        sco.cube.load(found, sensor, Tiling(GRID, 16), Rules((tmp_path,)), ("lwir11",))
    with pytest.raises(CubeError, match="flags no fog"):
        sco.cube.load(found, sensor, Tiling(GRID, 16), Rules((tmp_path,)), (), frozenset({"fog"}))


def another(composite: str, quantile: float | None = None):
    return replace(indicators["ndvi"], composite=composite, quantile=quantile)


@pytest.fixture
def ndvi_as(monkeypatch):
    """Puts the NDVI with another composite in the place of the NDVI."""
    known = indicators["ndvi"]

    def put(indicator):
        monkeypatch.setattr("sco.library.indicators", {"ndvi": indicator})
        return indicator

    assert known.id == "ndvi"
    return put


@pytest.mark.parametrize("how", ["first", "percentile", "medoid", "sum", "count", "max"])
def test_the_lazy_way_and_the_fused_block_know_the_same_composites(scenes, tmp_path, ndvi_as, how):
    indicator = ndvi_as(another(how, 0.9 if how == "percentile" else None))
    sensor = sensors["sentinel2"]
    seen = observations(scenes, 4.5)
    cube = sco.cube.load(seen, sensor, Tiling(GRID, 16), Rules((tmp_path,)), ("red", "nir"), sensor.masked | {"snow"})
    lazy = compute.indicate(cube, indicator)
    assert lazy["ndvi"].chunks is not None
    (fused,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    np.testing.assert_array_equal(pack(lazy["ndvi"].isel(time=0).values, indicator.packing), fused.pixels.values)


def test_reading_stops_when_every_pixel_of_a_first_composite_was_seen(scenes, tmp_path, write_raster, ndvi_as):
    ndvi_as(another("first"))
    clear = write_raster("clear.tif", np.full(SHAPE, 4, np.uint8), TRANSFORM, "EPSG:32631")
    scenes[1] = replace(scenes[1], assets=scenes[1].assets | {"scl": Asset(str(clear))})
    for scene in scenes[2:]:
        Path(scene.assets["red"].href).write_bytes(b"gone")
    (ndvi,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    assert [entry["id"] for entry in ndvi.manifest["scenes"]] == ["day02", "day07"]
    assert ndvi.record.failed_reads == 0
    ratios, seen, _ = by_hand(scenes[:2], "red", "nir")
    expected = np.where(np.isnan(ratios[0]), ratios[1], ratios[0])
    np.testing.assert_allclose(ndvi.pixels.values * 1e-4, expected, atol=0.5e-4 + 1e-6)
    np.testing.assert_array_equal(ndvi.pixels.n_seen, seen)


@pytest.mark.parametrize("idle", [2, 5])
def test_reading_ahead_changes_nothing(scenes, tmp_path, idle):
    Path(scenes[3].assets["nir"].href).write_bytes(b"gone")
    alone = compute_block(block(scenes, tmp_path), "run")
    ahead = compute_block(block(scenes, tmp_path), "run", idle)
    for one, other in zip(alone, ahead, strict=True):
        assert (one.record, one.manifest) == (other.record, other.manifest)
        for plane in ("values", "n_seen", "n_masked", "n_failed"):
            np.testing.assert_array_equal(getattr(one.pixels, plane), getattr(other.pixels, plane))


@pytest.mark.parametrize("name", sorted(name for name, one in indicators.items() if one.bands))
def test_strips_of_plain_arrays_give_what_xarray_gives(name, monkeypatch):
    monkeypatch.setattr(formula, "STRIP_PIXELS", 300)
    indicator, random = indicators[name], np.random.default_rng(8)
    bands = [random.uniform(0, 0.6, (50, 40)).astype(np.float32) for _ in indicator.bands]
    for band in bands:
        band[random.random(band.shape) < 0.2] = np.nan
    bands[0][0, 0] = -bands[1][0, 0] if len(bands) > 1 else 0
    masked = random.choice([State.SEEN, State.MASKED], (50, 40), p=[0.9, 0.1]).astype(np.uint8)
    sighting, run = sighted(indicator, bands, masked), formula.Formula(indicator)
    found, whole = np.empty((2, 50, 40), np.float32)
    run(sighting, found)
    formula.Formula(indicator)._by_xarray(sighting, whole)
    np.testing.assert_array_equal(found, whole)
    assert run._way != run._by_xarray
    assert np.isnan(found[masked == State.MASKED]).all()
    assert formula.strips((50, 40))[0] == slice(0, 7)


def test_a_formula_that_needs_xarray_is_run_in_xarray():
    def by_rank(red, nir):
        return (nir - red).clip(0, 1).fillna(0.5).rename("x").where(nir > red)

    indicator = replace(indicators["ndvi"], formula=by_rank)
    run, random = formula.Formula(indicator), np.random.default_rng(9)
    red, nir = (random.random((4, 6)).astype(np.float32) for _ in range(2))
    for _ in range(2):
        found = np.zeros((4, 6), np.float32)
        run(sighted(indicator, [red, nir], np.zeros((4, 6), np.uint8)), found)
        np.testing.assert_array_equal(found, np.where(nir > red, nir - red, np.nan))
    assert run._way == run._by_xarray


def test_scenes_that_overlap_give_their_formula_what_they_saw_first():
    random, states = np.random.default_rng(3), np.array([[0, 0, 2, 2]], np.uint8)
    first, second = (
        {name: random.integers(1100, 6000, (1, 4)).astype(np.uint16) for name in ("red", "nir")} for _ in range(2)
    )
    by = {name: Steps(np.float32(-1000), np.float32(1), np.float32(1e-4)) for name in first}
    other = np.array([[State.NOT_ACQUIRED, State.NOT_ACQUIRED, State.SEEN, State.MASKED]], np.uint8)
    both = Sighting((Layer(first, by, states), Layer(second, by, other)), np.minimum(states, other))
    found = np.empty((1, 4), np.float32)
    formula.Formula(indicators["ndvi"])(both, found)
    chosen = {name: np.where(states == 0, first[name], second[name]).astype(np.float32) - 1000 for name in first}
    expected = (chosen["nir"] - chosen["red"]) / (chosen["nir"] + chosen["red"])
    np.testing.assert_allclose(found, np.where([[True, True, True, False]], expected, np.nan), rtol=1e-6)


def test_packing_keeps_the_fill_free_at_either_end():
    values = np.array([np.nan, -5, 0.5, 300], np.float32)
    assert pack(values, Packing(scale=1, dtype="uint8", fill=255)).tolist() == [255, 0, 0, 254]
    assert pack(values, Packing(scale=1, dtype="uint8", fill=0)).tolist() == [0, 1, 1, 255]


@pytest.mark.parametrize("how", ["median", "medoid"])
def test_observations_that_are_too_many_for_memory_lie_in_a_file_and_come_to_the_same(
    scenes, tmp_path, ndvi_as, monkeypatch, how
):
    ndvi_as(another(how))
    (inside,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    monkeypatch.setattr("sco.scratch.MOST_BYTES", 1000)
    monkeypatch.setattr("sco.scratch.STRIP_BYTES", 10_000)
    monkeypatch.setattr("sco.scratch._taken", None)
    (outside,) = compute_block(block(scenes, tmp_path, ["ndvi"]), "run")
    np.testing.assert_array_equal(outside.pixels.values, inside.pixels.values)
    np.testing.assert_array_equal(outside.pixels.n_seen, inside.pixels.n_seen)
