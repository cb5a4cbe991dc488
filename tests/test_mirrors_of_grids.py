"""Two catalogs' copies of one NetCDF or Zarr grid: the same numbers in the same places on the same day, or another."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sco import mirrors
from sco.choices import Source
from sco.library import sensors
from sco.mirrors import Agreement, agreement
from sco.model import Asset, Catalog, Identity, Scene
from sco.preflight import Rules
from sco.search import search
from sco.vouching import vouched

SEA_LEVEL = sensors["sea_level"]
LAT, LON = np.arange(40.0, 20, -0.25), np.arange(0.0, 360, 0.25)
DAY = datetime(2023, 7, 2, tzinfo=UTC)
STEP = 1e-4


def heights(seed: int = 3) -> np.ndarray:
    """Heights of the sea in steps of the packing, with some land."""
    stored = np.random.default_rng(seed).integers(-9000, 9000, (LAT.size, LON.size)).astype(np.int16)
    stored[10:20, 100:200] = -32767
    return stored


def grid_of(stored: np.ndarray, lon=LON, lat=LAT, days=("2023-07-02",)) -> xr.Dataset:
    attrs = {"units": "m", "scale_factor": STEP, "_FillValue": np.int16(-32767)}
    if stored.dtype.kind == "f":
        attrs = {"units": "m"}
    variable = xr.Variable(("time", "lat", "lon"), np.stack([stored] * len(days)), attrs)
    return xr.Dataset({"sla": variable}, {"time": np.array(days, "datetime64[ns]"), "lat": lat, "lon": lon})


@pytest.fixture(autouse=True)
def _afresh():
    mirrors._compared.cache_clear()


@pytest.fixture
def scene(tmp_path):
    """Writes a grid, and gives a scene of it as a catalog would offer it: scene("earth", dataset)."""

    def write(catalog: str, dataset: xr.Dataset, suffix: str = ".nc", time: datetime = DAY) -> Scene:
        path = tmp_path / f"{catalog}{suffix}"
        if suffix == ".zarr":
            dataset.to_zarr(path, mode="w", consolidated=False)
        else:
            dataset.to_netcdf(path)
        return Scene(
            id="dt_global_allsat_phy_l4_20230702",
            sensor="sea_level",
            catalog="local",
            collection="sea-level",
            identity=Identity("allsat", "20230702", "global", "dt"),
            time=time,
            footprint="POLYGON ((-180 20, 180 20, 180 40, -180 40, -180 20))",
            bbox=(-180, 20, 180, 40),
            assets={"sla": Asset(str(path), variable="sla")},
        )

    return write


@pytest.fixture
def compare(scene, tmp_path):
    def compare(one: xr.Dataset, two: xr.Dataset, **how: object) -> Agreement:
        return agreement(scene("one", one), scene("two", two, **how), SEA_LEVEL, Rules((tmp_path,)))

    return compare


def test_a_copy_is_equal_and_says_what_that_rests_on(compare):
    found = compare(grid_of(heights()), grid_of(heights()))
    assert found == Agreement(True, found.evidence)
    # every sixth column of 1440 and every row, without the land
    land = (heights()[:, ::6] == -32767).sum()
    assert found.evidence == f"sla: 100 % of {80 * 240 - land} pixels within 0.0001, at most 0 apart"


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
def test_the_same_grid_laid_out_in_another_way_is_equal(compare, suffix):
    """From the antimeridian on rather than from Greenwich, south first, as single precision, as Zarr."""
    packed = heights()
    lon = (LON + 180) % 360 - 180
    order = np.argsort(lon)
    floats = np.where(packed == -32767, np.nan, packed * STEP).astype(np.float32)[::-1, order]
    found = compare(grid_of(packed), grid_of(floats, lon[order], LAT[::-1]), suffix=suffix)
    assert found.equal, found.evidence


@pytest.mark.parametrize(("steps", "equal"), [(1, True), (-1, True), (2, False), (100, False)])
def test_one_step_of_the_packing_is_rounding_and_two_are_another_number(compare, steps, equal):
    stored = heights()
    shifted = np.where(stored == -32767, stored, stored + steps).astype(np.int16)
    found = compare(grid_of(stored), grid_of(shifted))
    assert (found.equal, found.compared) == (equal, True)
    assert found.evidence.endswith(f"at most {abs(steps) * STEP:.4g} apart")


def test_single_precision_has_no_step_to_spare(compare):
    floats = (heights(5) * STEP).astype(np.float32)
    assert compare(grid_of(floats), grid_of(floats)).equal
    mirrors._compared.cache_clear()
    assert not compare(grid_of(floats), grid_of(floats + np.float32(5e-5))).equal


def test_a_grid_that_lies_half_a_pixel_away_is_another_one(compare):
    found = compare(grid_of(heights()), grid_of(heights(), LON + 0.125))
    assert (found.equal, found.compared) == (False, True)


def test_another_time_step_is_another_grid_whatever_its_numbers(compare, scene, tmp_path):
    found = compare(grid_of(heights()), grid_of(heights(), days=("2023-07-03",)))
    assert found == Agreement(False, "sla: time step 2023-07-02 against 2023-07-03")
    mirrors._compared.cache_clear()
    other = grid_of(heights(), days=("2023-07-02", "2023-07-03"))
    other["sla"][1] = heights(4)
    assert compare(grid_of(heights()), other).equal
    mirrors._compared.cache_clear()
    late = replace(scene("three", other), time=datetime(2023, 7, 3, tzinfo=UTC))
    rules = Rules((tmp_path,))
    assert agreement(scene("one", grid_of(heights())), late, SEA_LEVEL, rules).evidence.endswith("against 2023-07-03")


def test_a_mirror_without_the_day_or_with_too_little_in_common_cannot_be_compared(compare):
    found = compare(grid_of(heights()), grid_of(heights(), days=("2023-07-05", "2023-07-06")))
    assert (found.equal, found.compared) == (False, False)
    assert "has 0 time steps on 2023-07-02" in found.evidence
    mirrors._compared.cache_clear()
    corner = grid_of(heights()[:9, :40], LON[:40], LAT[:9])
    found = compare(grid_of(heights()), corner)
    assert (found.equal, found.compared) == (False, False)
    assert "only 63 pixels are in both" in found.evidence


def test_a_day_that_the_first_catalog_lacks_is_filled_where_another_day_vouches(tmp_path, monkeypatch):
    """Two shelves of one's own: the second has both days, the first only one of them."""
    days = ("20230702", "20230703")
    for day, seed in zip(days, (1, 2), strict=True):
        grid_of(heights(seed), days=(f"{day[:4]}-{day[4:6]}-{day[6:]}",)).to_netcdf(tmp_path / f"{day}.nc")
    from sco.library import catalogs

    mirror: Catalog = replace(catalogs["local"], id="simulated")
    monkeypatch.setattr("catalogs.simulated.CATALOG", mirror)
    (tmp_path / "first.json").write_text(json.dumps(collection(tmp_path, days[:1])), "utf-8")
    (tmp_path / "second.json").write_text(json.dumps(collection(tmp_path, days)), "utf-8")
    places = [{"id": "local", "file": "first.json"}, {"id": "simulated", "file": "second.json"}]
    source = Source.model_validate({"sensor": "sea_level", "catalogs": places}, context={"folder": tmp_path})
    span = (datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 7, 10, tzinfo=UTC))
    answer = search(source, (10, 25, 20, 35), *span)
    assert [(scene.catalog, len(scene.mirrors)) for scene in answer.scenes] == [("local", 1), ("simulated", 0)]
    kept = vouched(answer, source, Rules((tmp_path,)), tmp_path / "agreements.json")
    assert [scene.catalog for scene in kept.scenes] == ["local", "simulated"]
    assert kept.scenes[1].vouched.startswith("as for dt_global_allsat_phy_l4_20230702: sla: 100 % of ")


def collection(folder: Path, days: tuple[str, ...]) -> dict[str, object]:
    corners = [[-180, 20], [180, 20], [180, 40], [-180, 40], [-180, 20]]
    features = [
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": f"dt_global_allsat_phy_l4_{day}",
            "collection": "sea-level",
            "geometry": {"type": "Polygon", "coordinates": [corners]},
            "bbox": [-180, 20, 180, 40],
            "properties": {"datetime": f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00Z"},
            "assets": {"data": {"href": str(folder / f"{day}.nc")}},
            "links": [],
        }
        for day in days
    ]
    return {"type": "FeatureCollection", "features": features}
