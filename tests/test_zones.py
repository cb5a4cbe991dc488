import json
import tracemalloc
from pathlib import Path

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox
from pyproj import Geod
from shapely.geometry import Polygon, box

import sco.zones
from sco import coverage
from sco.coverage import Coverage
from sco.errors import ConfigurationError
from sco.project import Project
from sco.zones import Zone, Zoning, pixel_areas_km2, whole_area, zones_of

GEOBOX = GeoBox.from_bbox(BoundingBox(0, 0, 4000, 4000, crs="EPSG:32631"), resolution=1000, tight=True)
VALUES = np.arange(16, dtype="float32").reshape(4, 4)


def frames(*stack: np.ndarray) -> xr.DataArray:
    time = pd.date_range("2022-01-01", periods=len(stack), freq="MS")
    return xr.DataArray(np.stack(stack), {"time": time}, ("time", "y", "x")).chunk({"time": 1})


def test_partial_pixels_count_for_their_part() -> None:
    # A quarter of pixel (0, 0), half of (0, 1), half of (1, 0), all of (1, 1): (0/4 + 1/2 + 4/2 + 5) / 2.25
    zone = Zone("square", box(500, 2000, 2000, 3500))
    holed = VALUES.copy()
    holed[1, 1] = np.nan
    found = Zoning((zone,), GEOBOX).summarise(frames(VALUES, holed))
    assert found["mean"].values.ravel() == pytest.approx([7.5 / 2.25, 2.5 / 1.25])
    assert found["area_km2"].values.ravel() == pytest.approx([7.5, 2.5])
    assert found["coverage"].values.ravel() == pytest.approx([1, 1.25 / 2.25])
    assert found["n"].values.ravel().tolist() == [4, 3]


def test_the_error_of_a_zone_is_that_of_pixels_that_are_wrong_together() -> None:
    # The areas of above: (0.1/4 + 0.2/2 + 0.3/2 + 0.4) / 2.25; then without 0.4, where half of 1.25 km2 is just left
    zone = Zone("square", box(500, 2000, 2000, 3500))
    errors = np.zeros((4, 4), "float32")
    errors[:2, :2] = [[0.1, 0.2], [0.3, 0.4]]
    holed, few = errors.copy(), errors.copy()
    holed[1, 1] = np.nan
    few[[0, 1], [1, 1]] = np.nan
    found = Zoning((zone,), GEOBOX).summarise(frames(VALUES, VALUES, VALUES), frames(errors, holed, few))
    assert found["error"].values.ravel() == pytest.approx([0.675 / 2.25, 0.275 / 1.25, np.nan], nan_ok=True)
    assert found["mean"].values.ravel() == pytest.approx([7.5 / 2.25] * 3)
    assert "error" not in Zoning((zone,), GEOBOX).summarise(frames(VALUES))


def test_a_zone_without_a_value_has_no_error() -> None:
    found = Zoning((Zone("all", box(0, 0, 4000, 4000)),), GEOBOX).summarise(frames(VALUES * np.nan), frames(VALUES))
    assert np.isnan(found["error"].item())


def test_a_triangle_by_hand() -> None:
    # Half of the pixels (0, 0) and (1, 1), all of (1, 0): (0/2 + 5/2 + 4) / 2
    zone = Zone("triangle", Polygon([(0, 4000), (0, 2000), (2000, 2000)]))
    assert float(Zoning((zone,), GEOBOX).summarise(frames(VALUES))["mean"][0, 0]) == pytest.approx(3.25)


def test_what_leaves_the_grid_was_not_seen() -> None:
    half_out, far = Zone("half out", box(3000, 0, 5000, 1000)), Zone("far", box(90_000, 0, 91_000, 1000))
    found = Zoning((half_out, far), GEOBOX).summarise(frames(VALUES))
    assert found["mean"].values[0, 0] == 15
    assert np.isnan(found["mean"].values[0, 1])
    assert found["coverage"].values[0].tolist() == pytest.approx([0.5, 0])
    assert found["n"].values[0].tolist() == [1, 0]


def test_nothing_seen_is_not_zero() -> None:
    found = Zoning((Zone("all", box(0, 0, 4000, 4000)),), GEOBOX).summarise(frames(VALUES * np.nan))
    assert np.isnan(found["mean"].item())
    assert np.isnan(found["area_km2"].item())
    assert found["coverage"].item() == 0


def test_pixels_have_their_true_area_in_degrees() -> None:
    degrees = GeoBox.from_bbox(BoundingBox(4, 43, 5, 44, crs="EPSG:4326"), resolution=0.1, tight=True)
    areas = pixel_areas_km2(degrees)
    true_km2 = abs(Geod(ellps="WGS84").geometry_area_perimeter(box(4, 43, 5, 44))[0]) / 1e6
    assert areas.sum() * 10 == pytest.approx(true_km2, rel=0.004)
    assert areas[0] < areas[-1]
    assert pixel_areas_km2(GEOBOX).tolist() == [1.0] * 4


def test_blocks_give_what_the_whole_grid_gives() -> None:
    zones = tuple(
        Zone(f"{place}", Polygon([(x, y), (x + 900, y + 350), (x + 500, y + 1300)]))
        for place, (x, y) in enumerate([(-300, 100), (500, 1500), (1700, 900), (2600, 2900), (3500, 3300)])
    )
    around = Zone("around", box(-1000, -1000, 5000, 5000))
    fine = GeoBox.from_bbox(BoundingBox(0, 0, 4000, 4000, crs="EPSG:32631"), resolution=100, tight=True)
    random = np.random.default_rng(7)
    values = random.random((3, 40, 40)).astype("float32")
    values[random.random(values.shape) < 0.2] = np.nan
    zoning = Zoning((*zones, around), fine)
    whole, blocks = (zoning.summarise(frames(*values).chunk(y=side, x=side)) for side in (40, 7))
    xr.testing.assert_allclose(whole, blocks, rtol=1e-12)
    # every frame by hand, from exactextract's own mean and count over the whole grid
    for step, frame in enumerate(values):
        for place, zone in enumerate(zones):
            mean, cells = by_hand(frame, fine, zone)
            assert whole["mean"].values[step, place] == pytest.approx(mean, abs=1e-6)
            assert whole["n"].values[step, place] == cells
    assert whole["n"].values[:, 5].tolist() == np.isfinite(values).sum(axis=(1, 2)).tolist()
    assert whole["coverage"].values[0, 5] == pytest.approx(np.isfinite(values[0]).sum() * 0.01 / 36)


def by_hand(frame: np.ndarray, grid: GeoBox, zone: Zone) -> tuple[float, int]:
    """Mean and number of cells of one frame under a zone, by clipping every pixel with the polygon."""
    total = area = cells = 0.0
    for row, column in np.ndindex(frame.shape):
        part = box(*grid[row : row + 1, column : column + 1].boundingbox.bbox).intersection(zone.geometry).area
        if part > 0 and np.isfinite(frame[row, column]):
            total, area, cells = total + part * float(frame[row, column]), area + part, cells + 1
    return total / area, int(cells)


def test_how_zones_lie_is_found_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[GeoBox] = []

    def cover(shapes: list[Polygon], block: GeoBox, pixel_km2: np.ndarray) -> Coverage:
        asked.append(block)
        return coverage.cover(shapes, block, pixel_km2)

    monkeypatch.setattr(sco.zones, "cover", cover)
    zoning = Zoning((Zone("square", box(500, 2000, 2000, 3500)),), GEOBOX)
    first, second = (zoning.summarise(frames(VALUES, VALUES + shift)) for shift in (0, 1))
    assert (second["mean"] - first["mean"]).values.ravel().tolist() == pytest.approx([0, 1])
    assert len(asked) == 1


def test_a_large_grid_is_never_in_memory_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sco.zones, "KEPT_BYTES", 2**24)
    side, chunk = 8192, 512
    country = GeoBox.from_bbox(BoundingBox(0, 0, side * 10, side * 10, crs="EPSG:32631"), resolution=10, tight=True)
    lazy = da.ones((1, side, side), chunks=(1, chunk, chunk), dtype="float32")  # 256 MiB a period
    series = xr.DataArray(lazy, {"time": pd.date_range("2022-01-01", periods=1)}, ("time", "y", "x"))
    zones = (
        Zone("all", box(0, 0, side * 10, side * 10)),
        Zone("half", Polygon([(0, 0), (side * 10, 0), (0, side * 10)])),
    )
    tracemalloc.start()
    found = Zoning(zones, country).summarise(series)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["n"].values[0, 0] == side**2
    assert found["area_km2"].values[0].tolist() == pytest.approx([side**2 * 1e-4, side**2 * 0.5e-4])
    assert peak < 2**27


def project_with(folder: Path, zones: str) -> Project:
    text = f"""
id = "here"
title = {{ en = "Here", fr = "Ici" }}
indicators = ["ndvi"]
store = "store"
[period]
start = 2022-01-01
end = 2022-12-31
[area]
bounds = [600000.0, 4800000.0, 604000.0, 4804000.0]
crs = "EPSG:32631"
resolution = 1000
[[sources]]
sensor = "sentinel2"
catalogs = ["simulated"]
{zones}
"""
    (folder / "here.toml").write_text(text)
    return Project.load(folder / "here.toml")


def write_zones(folder: Path, *features: tuple[str, list[list[float]]]) -> None:
    shapes = [
        {"type": "Feature", "properties": {"nom": name}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for name, ring in features
    ]
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": shapes}))


SQUARE = [[4.23, 43.34], [4.25, 43.34], [4.25, 43.36], [4.23, 43.36], [4.23, 43.34]]
TABLE = '[zones]\nfile = "zones.geojson"\nname = "{}"\n'


def test_zones_come_from_the_project_s_file_in_its_crs(tmp_path: Path) -> None:
    write_zones(tmp_path, ("b", SQUARE), ("a", [[x + 0.01, y] for x, y in SQUARE]), ("b", SQUARE))
    zoning = zones_of(project_with(tmp_path, TABLE.format("nom")))
    assert zoning.names == ("b", "a")
    assert zoning.weights[0].zone_km2 == pytest.approx(1.62 * 2.22, rel=0.01)


def test_without_zones_the_whole_area_is_one(tmp_path: Path) -> None:
    project = project_with(tmp_path, "")
    assert zones_of(project).names == ("here",) == whole_area(project).names
    assert zones_of(project).weights[0].zone_km2 == pytest.approx(16)


def test_unusable_zones_are_refused_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"zones\.geojson cannot be read"):
        zones_of(project_with(tmp_path, TABLE.format("nom")))
    write_zones(tmp_path, ("far", [[x + 90, y] for x, y in SQUARE]))
    with pytest.raises(ConfigurationError, match="have no 'name'; they have: nom"):
        zones_of(project_with(tmp_path, TABLE.format("name")))
    with pytest.raises(ConfigurationError, match="none of the 1 zones touches the area"):
        _ = zones_of(project_with(tmp_path, TABLE.format("nom"))).weights
