"""The standard error that is stored is honest: as often as theory says, the truth lies within twice of it.

Scenes are written of a known truth with known noise and random clouds, read, composited, packed and stored; what comes
out of the store is compared with the truth. Theory is Student's t for means, sums over the binomial distribution for
fractions, and for medians plain numpy over normal numbers that know nothing of our kernels.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.geom import point
from scipy import stats

import sco.cube
from sco import composite, library, uncertainty
from sco.block import Block
from sco.compute import compute_block, indicate
from sco.grid import Tiling
from sco.model import Asset, Identity, Indicator, Scene
from sco.period import divide, slice_of
from sco.preflight import Rules
from sco.project import Project
from sco.simulator import Simulation
from sco.solar import Observation
from sco.store import Store
from sco.tile import Tile

SIDE = 160
TRANSFORM = Affine(20, 0, 600_000, 0, -20, 4_850_000)
GRID = GeoBox((SIDE, SIDE), TRANSFORM, "EPSG:32631")
JULY = slice_of(date(2023, 7, 1), "month")
DAYS = (2, 5, 8, 11, 14, 17, 20, 23, 26)
NOISE = 0.05
TRUTH = np.broadcast_to(np.linspace(0.2, 0.6, SIDE), (SIDE, SIDE))
"""Of every day; the noise of a day's NDVI is normal and its own."""
SHARE = np.broadcast_to(np.linspace(0.03, 0.97, SIDE), (SIDE, SIDE))
"""How likely a day is above the threshold, where that is asked."""
CLASSES = np.array([4, 4, 4, 5, 5, 6, 9, 9, 3, 8], np.uint8)


def positive(red: xr.DataArray, nir: xr.DataArray) -> xr.DataArray:
    """1 where near infrared is above red."""
    return (nir > red).astype("float32").where(red.notnull())


def indicator_as(how: str) -> Indicator:
    known = library.indicators["ndvi"]
    return replace(known, composite=how, formula=positive if how == "fraction" else known.formula)


def truth_of(how: str) -> np.ndarray:
    return SHARE if how == "fraction" else TRUTH


@pytest.fixture
def scenes(write_raster: Callable[..., Path]) -> Callable[[str], list[Scene]]:
    def written(how: str) -> list[Scene]:
        centre = stats.norm.ppf(SHARE) * NOISE if how == "fraction" else TRUTH
        random = np.random.default_rng(11)
        return [write_day(write_raster, random, centre, day) for day in DAYS]

    return written


def write_day(write_raster: Callable[..., Path], random: np.random.Generator, centre: np.ndarray, day: int) -> Scene:
    ndvi = centre + random.normal(0, NOISE, centre.shape)
    layers = {"red": 10_000 * (1 - ndvi) + 1, "nir": 10_000 * (1 + ndvi) + 1}
    bands = {name: np.rint(numbers).astype(np.uint16) for name, numbers in layers.items()}
    bands["scl"] = random.choice(CLASSES, centre.shape)
    paths = {name: write_raster(f"{day}_{name}.tif", band, TRANSFORM, "EPSG:32631") for name, band in bands.items()}
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
        baseline="03.01",
    )


def observed(scenes: list[Scene]) -> tuple[Observation, ...]:
    return tuple(Observation(scene.time.date(), "sentinel2", (scene,)) for scene in scenes)


def block(scenes: list[Scene], folder: Path, with_errors: bool = True) -> Block:
    return Block(
        period=JULY,
        tile=Tile(0, 0),
        geobox=GRID,
        fingerprints={"ndvi": "f" * 64},
        observations=observed(scenes),
        rejected=(),
        rules=Rules((folder,)),
        uncertainty=with_errors,
    )


@pytest.fixture
def stored(
    scenes: Callable[[str], list[Scene]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], xr.Dataset]:
    def by(how: str) -> xr.Dataset:
        indicator = indicator_as(how)
        monkeypatch.setattr("sco.library.indicators", {"ndvi": indicator})
        attrs = {"title": "A place", "project": "place", "every": "month", "simulated": "true"}
        months = divide(JULY.start, JULY.start, "month")
        store = Store.lay_out(str(tmp_path / "store"), Tiling(GRID, SIDE), months, [indicator], attrs)
        store.commit(compute_block(block(scenes(how), tmp_path), "run"), "run", "july")
        assert store.verify() == []
        return store.dataset().isel(time=0).load()

    return by


def held(data: xr.Dataset, truth: np.ndarray, times: float = 2) -> np.ndarray:
    """Where the truth is within so many errors of the value; NaN where there is no error."""
    departure = np.abs(data["ndvi"].values - truth)
    return np.where(np.isnan(data["ndvi_error"].values), np.nan, departure <= times * data["ndvi_error"].values)


def by_theory(how: str, counts: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How likely each pixel's truth is within two errors, by the number of its observations."""
    numbers = np.unique(counts[counts >= 2])
    if how == "fraction":
        return sum((np.where(counts == n, of_fraction(int(n), truth), 0.0) for n in numbers), np.zeros(counts.shape))
    table: Mapping[int, float] = {int(n): of_mean(int(n)) if how == "mean" else of_median(int(n)) for n in numbers}
    return np.vectorize(lambda n: table.get(int(n), np.nan))(counts)


def of_mean(n: int) -> float:
    return float(1 - 2 * stats.t.sf(2, n - 1))


def of_median(n: int) -> float:
    samples = np.random.default_rng(n).normal(size=(400_000, n))
    low, middle, high = np.quantile(samples, (0.25, 0.5, 0.75), axis=1)
    return float(np.mean(np.abs(middle) <= 2 * composite.FROM_QUARTILES[n - 2] * (high - low)))


def of_fraction(n: int, truth: np.ndarray) -> np.ndarray:
    k = np.arange(n + 1)[:, None, None]
    p = (k + 2) / (n + 4)
    within = np.abs(k / n - truth) <= 2 * np.sqrt(p * (1 - p) / (n + 4))
    return np.asarray((stats.binom.pmf(k, n, truth) * within).sum(axis=0))


@pytest.mark.parametrize("how", ["median", "mean", "fraction"])
def test_the_truth_lies_within_two_errors_as_often_as_theory_says(
    stored: Callable[[str], xr.Dataset], how: str
) -> None:
    data = stored(how)
    counts = data["ndvi_n_seen"].values
    found, expected = held(data, truth_of(how)), by_theory(how, counts, truth_of(how))
    known = counts >= 2
    np.testing.assert_array_equal(np.isfinite(found), known)
    share, theory, number = float(found[known].mean()), float(expected[known].mean()), int(known.sum())
    # pixels are independent here, so that the share itself is known to this
    chance = np.sqrt(theory * (1 - theory) / number)
    print(f"\n{how}: {100 * share:.2f} % of {number} pixels within two errors, theory {100 * theory:.2f} %")
    assert abs(share - theory) < 4 * chance + 0.001  # a thousandth for packing and whole reflectances
    for n in (2, 3, 5, 7):
        here = counts == n
        chance = np.sqrt(expected[here].mean() * (1 - expected[here].mean()) / here.sum())
        assert here.sum() > 50
        assert abs(found[here].mean() - expected[here].mean()) < 4 * chance + 0.002


def test_an_error_grows_with_the_noise_and_falls_with_the_root_of_the_number(
    stored: Callable[[str], xr.Dataset],
) -> None:
    data = stored("mean")
    counts, errors = data["ndvi_n_seen"].values, data["ndvi_error"].values
    for n in (3, 5, 8):
        mean_square = float(np.mean(errors[counts == n] ** 2))
        assert np.sqrt(mean_square) == pytest.approx(NOISE / np.sqrt(n), rel=0.03)


def test_a_block_that_is_asked_for_no_errors_has_the_same_values_and_none(
    scenes: Callable[[str], list[Scene]], tmp_path: Path
) -> None:
    written = scenes("median")
    (told,), (bare,) = (compute_block(block(written, tmp_path, asked), "run") for asked in (True, False))
    assert told.pixels is not None
    assert bare.pixels is not None
    np.testing.assert_array_equal(told.pixels.values, bare.pixels.values)
    assert told.pixels.error is not None
    assert bare.pixels.error is None
    assert (told.manifest["uncertainty"], "uncertainty" in bare.manifest) == (uncertainty.VERSION, False)


def test_the_lazy_way_gives_the_errors_of_the_fused_block(scenes: Callable[[str], list[Scene]], tmp_path: Path) -> None:
    sensor, written = library.sensors["sentinel2"], scenes("median")
    cube = sco.cube.load(
        observed(written), sensor, Tiling(GRID, 64), Rules((tmp_path,)), ("red", "nir"), sensor.masked | {"snow"}
    )
    lazy = indicate(cube, library.indicators["ndvi"])
    assert lazy["ndvi_error"].chunks is not None
    assert lazy["ndvi_error"].attrs["long_name"].endswith("standard error")
    (fused,) = compute_block(block(written, tmp_path), "run")
    assert fused.pixels is not None
    assert fused.pixels.error is not None
    expected = np.where(fused.pixels.error == -32768, np.nan, fused.pixels.error * 1e-4)
    np.testing.assert_allclose(lazy["ndvi_error"].isel(time=0).values, expected, atol=0.5e-4 + 1e-7)
    assert "ndvi_error" not in indicate(cube, library.indicators["ndvi"], with_error=False)
    total = replace(library.indicators["ndvi"], composite="sum")
    assert set(indicate(cube, total).data_vars) == {"ndvi", "ndvi_n_seen"}


@pytest.mark.parametrize("indicator", library.indicators.values(), ids=lambda one: one.id)
def test_what_carries_errors_through_is_smooth_and_made_of_what_has_some(indicator: Indicator) -> None:
    if not indicator.propagates:
        assert indicator.is_derived or (indicator.composite in uncertainty.METHODS) == bool(
            uncertainty.method_of(indicator)
        )
        return
    assert {one.statistic for one in indicator.inputs} <= {"value", "year_before", "mean", "rural"}
    assert all(uncertainty.method_of(library.indicators[one.indicator]) for one in indicator.inputs)
    random = np.random.default_rng(2)
    months = pd.date_range("2023-01-01", periods=4, freq="MS")

    def drawn(low: float, high: float) -> xr.DataArray:
        return xr.DataArray(random.uniform(low, high, (4, 50)), {"time": months}, ("time", "pixel"))

    arguments = [drawn(0.2, 0.5) for _ in indicator.inputs]
    errors = [drawn(0.001, 0.004) for _ in indicator.inputs]
    carried = uncertainty.carried(indicator.formula, arguments, errors)
    throws = [xr.DataArray(random.normal(size=(5000, 4, 50)), dims=("throw", "time", "pixel")) for _ in errors]
    wrong = [error * throw for error, throw in zip(errors, throws, strict=True)]
    thrown = indicator.formula(*(one + other for one, other in zip(arguments, wrong, strict=True))).std("throw")
    # the standard deviation of 5000 throws is known to 1 %, and this is the furthest of 200
    np.testing.assert_allclose(thrown, carried, rtol=0.04)


def test_a_difference_adds_its_errors_in_quadrature() -> None:
    first, second = (xr.DataArray(np.array([value, np.nan, 1.0])) for value in (0.03, 0.04))
    values = [xr.DataArray(np.zeros(3))] * 2
    carried = uncertainty.carried(lambda one, other: one - other, values, [first, second])
    np.testing.assert_allclose(carried.values, [0.05, np.nan, np.sqrt(2)])


def test_a_point_is_told_with_its_error(computed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    from flows import look

    data = sco.open(computed.file)
    month = data[["ndvi", "ndvi_error"]].sel(time="2022-02-01").load()
    row, column = (int(places[0]) for places in np.nonzero(month["ndvi_error"].values > 0.001))
    here = month.isel(y=row, x=column)
    longitude, latitude = _degrees(data, row, column)
    look.explain(str(computed.file), "2022-02", f"{longitude},{latitude}", as_json=False)
    told = dict(line.split("\t") for line in capsys.readouterr().out.splitlines() if line.startswith("ndvi"))
    assert told["ndvi"] == f"{float(here['ndvi']):.6g} ± {float(here['ndvi_error']):.2g}"
    assert "ndvi_error" not in told


def _degrees(data: xr.Dataset, row: int, column: int) -> tuple[float, float]:
    """Longitude and latitude of the middle of a pixel."""
    place = point(float(data["x"][column]), float(data["y"][row]), str(data.rio.crs)).to_crs("EPSG:4326")
    return place.coords[0]


def test_a_project_that_wants_no_errors_has_none_and_the_choice_makes_stale(
    make_project: Callable[..., Path], observatory: Simulation
) -> None:
    from flows import run
    from sco.plan import make_plan

    period = {"start": date(2022, 1, 1), "end": date(2022, 2, 28), "every": "month"}
    file = make_project(indicators=["ndvi"], period=period, uncertainty=False)
    run.reconcile(str(file), "update")
    assert "ndvi_error" not in sco.open(file)
    assert {str(entry.state) for entry in make_plan(Project.load(file)).entries} == {"current"}
    file = make_project(indicators=["ndvi"], period=period)
    reasons = {(str(one.state), one.reason) for one in make_plan(Project.load(file)).entries}
    assert reasons == {("stale", "its uncertainty is asked for and was not stored")}
    run.reconcile(str(file), "update")
    data = sco.open(file).load()
    known = data["ndvi_error"].notnull()
    assert bool((known == (data["ndvi_n_seen"] >= 2)).all())
    assert float(known.mean()) > 0.1
    file = make_project(indicators=["ndvi"], period=period, uncertainty=False)
    reasons = {(str(one.state), one.reason) for one in make_plan(Project.load(file)).entries}
    assert reasons == {("stale", "its uncertainty is no longer asked for")}
    run.reconcile(str(file), "update")
    assert bool(sco.open(file)["ndvi_error"].isnull().all())
    assert Store.open(Project.load(file).store_url).verify() == []
