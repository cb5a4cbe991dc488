import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
from pystac_client import Client
from rasterio.features import geometry_mask
from rasterio.warp import transform_geom

from sco.errors import ConfigurationError
from sco.project import Project
from sco.simulator import Simulation, World, observatory, simulate
from sco.simulator.server import serve
from sensors.sentinel2 import identify

TINY = World(size_m=9_600, start=date(2022, 1, 1), end=date(2022, 3, 15))


@pytest.fixture(scope="module")
def simulation(tmp_path_factory: pytest.TempPathFactory) -> Simulation:
    return simulate(tmp_path_factory.mktemp("simulated") / "demo", TINY)


@pytest.fixture(scope="module")
def items(simulation: Simulation) -> list[dict[str, Any]]:
    return list(json.loads(simulation.items.read_text("utf-8"))["features"])


def sentinel2(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["collection"] == "sentinel-2-l2a"]


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes().replace(str(folder).encode(), b"")).hexdigest()
        for path in files
    }


def test_the_same_world_gives_the_same_bytes_whatever_the_threads_do(
    simulation: Simulation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observatory, "ThreadPoolExecutor", lambda threads: ThreadPoolExecutor(5))
    again = simulate(tmp_path / "again", TINY)
    assert contents(again.folder) == contents(simulation.folder)
    assert len(list(again.folder.rglob("*.tif"))) == sum(1 for _ in simulation.folder.rglob("*.tif")) > 100


def test_another_seed_gives_another_world(simulation: Simulation, tmp_path: Path) -> None:
    other = simulate(tmp_path / "other", World(seed=8, size_m=9_600, start=date(2022, 1, 1), end=date(2022, 1, 12)))
    name = "scenes/sentinel-2-l2a/S2A_31TGL_20220101_0_L2A/red.tif"
    assert contents(other.folder)[name] != contents(simulation.folder)[name]


def test_asked_again_it_writes_nothing_but_a_new_address(simulation: Simulation) -> None:
    before = {path: path.stat().st_mtime_ns for path in simulation.folder.rglob("*")}
    again = simulate(simulation.folder, TINY, url="http://127.0.0.1:9999", progress=lambda *_: pytest.fail("works"))
    changed = {path.name for path, time in before.items() if path.is_file() and path.stat().st_mtime_ns != time}
    assert again == simulation
    assert changed == {"project.toml"}
    assert Project.load(again.project).sources[0].resolved_catalogs[0].url == "http://127.0.0.1:9999"


def test_a_folder_that_holds_anything_else_is_left_alone(simulation: Simulation, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ConfigurationError, match="something that is not a simulated world"):
        simulate(tmp_path, TINY)
    with pytest.raises(ConfigurationError, match="another simulated world"):
        simulate(simulation.folder, World(size_m=9_600))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_interrupted_simulation_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / ".demo.999999999.partial").mkdir()  # of a process that was killed
    with pytest.raises(KeyboardInterrupt):
        simulate(tmp_path / "demo", TINY, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_moved_folder_has_its_addresses_corrected(tmp_path: Path) -> None:
    world = World(size_m=4_800, start=date(2022, 1, 1), end=date(2022, 1, 2))
    simulate(tmp_path / "here", world).folder.rename(tmp_path / "there")
    moved = simulate(tmp_path / "there", world)
    for item in json.loads(moved.items.read_text("utf-8"))["features"]:
        assert all(Path(asset["href"]).is_file() for asset in item["assets"].values())
        assert all(Path(link["href"]).is_file() for link in item["links"])


def test_progress_counts_every_scene(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    world = World(size_m=4_800, start=date(2022, 1, 1), end=date(2022, 1, 12))
    made = simulate(tmp_path / "demo", world, progress=lambda *step: heard.append(step))
    assert heard == [(step, made.scenes) for step in range(1, made.scenes + 1)]


def test_items_are_valid_stac_and_true_to_their_files(items: list[dict[str, Any]], simulation: Simulation) -> None:
    assert len({item["id"] for item in items}) == len(items) == simulation.scenes
    for item in items:
        assert item["properties"]["sco:simulated"] is True
        for asset in item["assets"].values():
            content = Path(asset["href"]).read_bytes()
            assert asset["file:size"] == len(content)
            assert asset["file:checksum"] == "1220" + sha256(content).hexdigest()
            with rasterio.open(asset["href"]) as file:
                assert asset["proj:shape"] == list(file.shape)
                assert asset["proj:transform"] == list(file.transform)[:6]
                assert item["properties"]["proj:code"] == file.crs.to_string()
                assert (asset["data_type"], asset.get("nodata")) == (file.dtypes[0], file.nodata)


def test_items_and_collections_pass_the_schemas(items: list[dict[str, Any]], simulation: Simulation) -> None:
    for item in (items[0], items[-1]):
        assert pystac.Item.from_dict(item | {"stac_extensions": []}).validate()  # the extensions' schemas are remote
    for path in simulation.collections:
        collection = pystac.Collection.from_file(str(path))
        assert collection.validate()
        assert str(collection.title).startswith("Simulated")


def test_percentages_are_those_of_the_classification(items: list[dict[str, Any]]) -> None:
    for item in sentinel2(items):
        with rasterio.open(item["assets"]["scl"]["href"]) as file:
            classes = file.read(1)
        seen = classes[classes > 0]
        properties = item["properties"]
        assert properties["s2:nodata_pixel_percentage"] == pytest.approx(100 * np.mean(classes == 0), abs=1e-5)
        assert properties["eo:cloud_cover"] == pytest.approx(100 * np.mean(np.isin(seen, [8, 9, 10])), abs=1e-5)
        assert properties["s2:snow_ice_percentage"] == pytest.approx(100 * np.mean(seen == 11), abs=1e-5)


def test_footprints_are_what_was_acquired(items: list[dict[str, Any]]) -> None:
    partial = [item for item in sentinel2(items) if 5 < item["properties"]["s2:nodata_pixel_percentage"] < 95]
    assert partial
    for item in partial:
        with rasterio.open(item["assets"]["red"]["href"]) as file:
            outline = transform_geom("EPSG:4326", file.crs, item["geometry"])
            inside = geometry_mask([outline], file.shape, file.transform, invert=True)
            assert np.mean(inside == (file.read(1) > 0)) > 0.98


def test_offsets_are_spelled_as_earth_search_spells_them(items: list[dict[str, Any]]) -> None:
    def spelled(item: dict[str, Any]) -> tuple[str, bool, float]:
        properties = item["properties"]
        flag = properties["earthsearch:boa_offset_applied"]
        return properties["s2:processing_baseline"], flag, item["assets"]["red"]["raster:offset"]

    assert set(Counter(map(spelled, sentinel2(items)))) == {
        ("03.01", False, 0.0),
        ("05.09", False, -0.1),
        ("05.09", True, -0.1),
    }


def test_tiles_of_a_pass_differ_only_in_the_tile(items: list[dict[str, Any]]) -> None:
    day = [item for item in sentinel2(items) if item["properties"]["datetime"].startswith("2022-01-01")]
    west, east = (identify(item["id"], item["properties"]) for item in sorted(day, key=lambda item: item["id"]))
    assert (west.platform, west.datatake, west.tile) == ("s2a", "20220101T103021", "31TGL")
    assert (east.platform, east.datatake, east.datastrip, east.tile) == ("s2a", west.datatake, west.datastrip, "32TLR")


def test_the_other_spelling_says_nothing_of_offsets(tmp_path: Path) -> None:
    world = World(size_m=4_800, start=date(2021, 1, 1), end=date(2021, 1, 2), spelling="planetary_computer")
    made = simulate(tmp_path / "demo", world)
    item = json.loads(made.items.read_text("utf-8"))["features"][0]
    assert set(item["assets"]) == {"B02", "B03", "B04", "B08", "B11", "B12", "SCL"}
    assert not {"raster:scale", "raster:offset"} & set(item["assets"]["B04"])
    assert "earthsearch:boa_offset_applied" not in item["properties"]
    assert item["properties"]["s2:processing_baseline"] == "05.09"
    assert identify(item["id"], item["properties"]).platform == "s2a"
    with rasterio.open(item["assets"]["B04"]["href"]) as file:
        assert file.read(1).min() > 1000


def test_the_project_loads_and_covers_the_territory(simulation: Simulation) -> None:
    project = Project.load(simulation.project)
    assert project.simulated
    assert project.geobox.shape == (48, 48)
    assert tuple(project.geobox.boundingbox.bbox) == TINY.grid.bounds
    assert project.file_roots == (simulation.folder / "scenes",)
    assert project.zones_file is not None
    zones = json.loads(project.zones_file.read_text("utf-8"))["features"]
    assert {"Lac", "Ville", "Forêt brûlée", "Plaine agricole", "Massif"} <= {
        zone["properties"]["name"] for zone in zones
    }


def test_the_truth_opens_without_a_warning(simulation: Simulation, recwarn: pytest.WarningsRecorder) -> None:
    with xr.open_zarr(simulation.truth) as truth:
        assert dict(truth.sizes) == {"time": 3, "y": 48, "x": 48}
        assert truth.attrs["simulated"] == "true"
    # files that earlier tests left open are warned of whenever they are collected
    assert not [one for one in recwarn if not issubclass(one.category, ResourceWarning)]


def test_a_served_observatory_answers_all_pages(simulation: Simulation, items: list[dict[str, Any]]) -> None:
    with serve(simulation.items, simulation.collections) as url:
        client = Client.open(url)
        found = list(client.search(collections=["sentinel-2-l2a"], datetime="2022-01-01/2022-12-31", limit=5).items())
        titles = {collection.title for collection in client.get_collections()}
    assert {item.id for item in found} == {item["id"] for item in sentinel2(items)}
    assert all(Path(item.assets["red"].href).is_file() for item in found)
    assert titles == {"Simulated Sentinel-2 level 2A", "Simulated Landsat Collection 2 level 2"}
