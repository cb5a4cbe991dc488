"""A whole observatory in one folder: scenes, STAC items and collections, the truth, zones, and a project for them.

    scenes/<collection>/<item>/<asset>.tif   items.json   collections/<collection>.json
    truth.zarr   zones.geojson   project.toml   simulation.json

`rustac serve collections/*.json items.json` answers searches over it.
"""

import glob
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from shapely.geometry import Point, Polygon, box, mapping

from sco.errors import ConfigurationError
from sco.simulator.ground import FIRE, FIRE_RADIUS, LAKE, LAKE_RADIUS, MASSIF, TOWN, TOWN_RADIUS
from sco.simulator.items import (
    LANDSAT,
    SENTINEL2,
    asset_key,
    collection,
    footprint,
    landsat_item,
    moved,
    scene_id,
    sentinel2_item,
)
from sco.simulator.scenes import (
    Asset,
    Pass,
    Scenery,
    class_shares,
    landsat_assets,
    landsat_passes,
    sentinel2_assets,
    sentinel2_passes,
    write_cog,
)
from sco.simulator.truth import write_truth
from sco.simulator.world import World

VERSION = 2
"""Of the simulated bytes; another one makes the folder be refused, because it holds something else."""


SHEET = """[sheet.status]
en = "Demonstration."
fr = "Démonstration."
[sheet.territory]
en = "A made-up valley with a lake, a town, fields, a forest and a massif."
fr = "Une vallée inventée, avec un lac, une ville, des champs, une forêt et un massif."
[sheet.context]
en = "Its lake falls in dry years, a part of its forest burns, and snow comes and goes, as the simulator was told."
fr = "Son lac baisse les années sèches, une partie de sa forêt brûle, la neige va et vient, selon le simulateur."
[sheet.purpose]
en = "Vegetation and water, month by month, to show what such a page can tell of a real place."
fr = "La végétation et l'eau, mois par mois, pour montrer ce qu'une telle page peut dire d'un lieu réel."
[sheet.audience]
en = "Whoever wants to see the method before using it."
fr = "Toute personne qui veut voir la méthode avant de s'en servir."
"""
"""What the page of the demonstration says of its territory."""


@dataclass(frozen=True)
class Simulation:
    """Where everything of a simulated observatory is."""

    folder: Path
    world: World
    scenes: int

    @property
    def items(self) -> Path:
        """All items, as one GeoJSON feature collection."""
        return self.folder / "items.json"

    @property
    def collections(self) -> tuple[Path, ...]:
        """One STAC collection a file."""
        return tuple(self.folder / "collections" / f"{name}.json" for name in (LANDSAT, SENTINEL2))

    @property
    def truth(self) -> Path:
        """The truth, as plain Zarr."""
        return self.folder / "truth.zarr"

    @property
    def project(self) -> Path:
        """A project over the territory, for `Project.load`."""
        return self.folder / "project.toml"


@dataclass(frozen=True)
class Shot:
    """One pass over one tile."""

    scenery: Scenery
    acquisition: Pass

    @property
    def id(self) -> str:
        """The item's id."""
        return scene_id(self.scenery.world, self.scenery.tile, self.acquisition)

    @property
    def collection(self) -> str:
        """The collection's id."""
        return SENTINEL2 if self.acquisition.sensor == "sentinel2" else LANDSAT

    @property
    def seen(self) -> bool:
        """Whether the pass acquired any of the tile."""
        return not footprint(self.scenery.world, self.scenery.tile.grid, self.acquisition).is_empty


def simulate(
    folder: Path,
    world: World = World(),  # noqa: B008 - frozen
    *,
    url: str = "http://127.0.0.1:7822",
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """The observatory of `world` in `folder`: made whole or not at all, and only if it is not there yet.

    `url` is where the project will look for the catalog; `progress` hears (scenes done, scenes in all). A folder
    that was moved has its addresses corrected. Raises ConfigurationError if the folder holds anything else.
    """
    folder = folder.resolve()
    if not _present(folder, world):
        _make(folder, world, url, progress or (lambda done, total: None))
    known = json.loads((folder / "simulation.json").read_text("utf-8"))
    if known["location"] != str(folder):
        _relocate(folder, known)
    _point_to(folder / "project.toml", url)
    return Simulation(folder, world, int(known["scenes"]))


def _present(folder: Path, world: World) -> bool:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    sheet = folder / "simulation.json"
    known = json.loads(sheet.read_text("utf-8")) if sheet.is_file() else {}
    if known.get("version") == VERSION and known.get("world") == world.parameters:
        return True
    holds = "another simulated world" if known else "something that is not a simulated world"
    raise ConfigurationError(f"{folder} holds {holds}: choose another folder, or remove that one first")


def _make(folder: Path, world: World, url: str, progress: Callable[[int, int], None]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    _sweep(folder)
    try:
        staging.mkdir()
        items = _write_scenes(staging, world, progress)
        _write_catalog(staging, world, [moved(item, str(staging), str(folder)) for item in items])
        write_truth(world, staging / "truth.zarr")
        _write_json(staging / "zones.geojson", _zones(world))
        (staging / "project.toml").write_text(_project(world, url), "utf-8")
        _write_json(staging / "simulation.json", _sheet(folder, world, len(items)))
        if not _present(folder, world):
            staging.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sweep(folder: Path) -> None:
    for leftover in folder.parent.glob(f".{glob.escape(folder.name)}.*.partial"):
        process = leftover.name.split(".")[-2]
        if process == str(os.getpid()) or not (process.isdigit() and _runs(int(process))):
            shutil.rmtree(leftover, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _write_scenes(folder: Path, world: World, progress: Callable[[int, int], None]) -> list[dict[str, Any]]:
    shots = [shot for shot in _shots(world) if shot.seen]
    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(_write_scene, folder, shot) for shot in shots]
        try:
            for done, task in enumerate(as_completed(tasks), start=1):
                task.result()
                progress(done, len(shots))
        finally:
            pool.shutdown(cancel_futures=True)
    return sorted((task.result() for task in tasks), key=lambda item: (item["properties"]["datetime"], item["id"]))


def _shots(world: World) -> Iterator[Shot]:
    for tile in world.tiles:
        scenery = Scenery(world, tile).laid_out()
        yield from (Shot(scenery, acquisition) for acquisition in sentinel2_passes(world))
    scenery = Scenery(world, world.landsat_tile).laid_out(coarse=False)
    yield from (Shot(scenery, acquisition) for acquisition in landsat_passes(world))


def _write_scene(folder: Path, shot: Shot) -> dict[str, Any]:
    world, tile, acquisition = shot.scenery.world, shot.scenery.tile, shot.acquisition
    place = folder / "scenes" / shot.collection / shot.id
    place.mkdir(parents=True)
    sentinel2 = acquisition.sensor == "sentinel2"
    assets = list((sentinel2_assets if sentinel2 else landsat_assets)(shot.scenery, acquisition))
    keys = [asset_key(world, acquisition.sensor, asset.band) for asset in assets]
    files = [write_cog(place / f"{key}.tif", asset) for key, asset in zip(keys, assets, strict=True)]
    if sentinel2:
        item = sentinel2_item(world, tile, acquisition, files, class_shares(_values(assets, "scl")))
    else:
        item = landsat_item(world, tile, acquisition, files, _cloud_percent(_values(assets, "qa_pixel")))
    return item | {"links": [_collection_link(folder, shot)]}


def _collection_link(folder: Path, shot: Shot) -> dict[str, str]:
    file = folder / "collections" / f"{shot.collection}.json"
    return {"rel": "collection", "href": str(file), "type": "application/json"}


def _values(assets: list[Asset], band: str) -> Any:
    return next(asset.values for asset in assets if asset.band == band)


def _cloud_percent(bits: Any) -> float:
    acquired = bits != 1
    return 100 * float(np.mean((bits[acquired] & 0b1000) != 0)) if acquired.any() else 0.0


def _write_catalog(folder: Path, world: World, items: list[dict[str, Any]]) -> None:
    _write_json(folder / "items.json", {"type": "FeatureCollection", "features": items})
    (folder / "collections").mkdir()
    for name in (LANDSAT, SENTINEL2):
        boxes = np.array([item["bbox"] for item in items if item["collection"] == name] or [_territory(world)])
        bbox = [*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]
        _write_json(folder / "collections" / f"{name}.json", collection(world, name, bbox))


def _territory(world: World) -> tuple[float, ...]:
    x, y = world.degrees(np.array([-0.5, 0.5, -0.5, 0.5]), np.array([-0.5, -0.5, 0.5, 0.5]))
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _zones(world: World) -> dict[str, Any]:
    lake = Point(0, 0).buffer(1.0)
    outlines = {
        "Lac": ("Lake", _around(LAKE, 1.9 * LAKE_RADIUS, lake)),
        "Ville": ("Town", _around(TOWN, 1.2 * TOWN_RADIUS, lake)),
        "Forêt brûlée": ("Burned forest", _around(FIRE, 1.1 * FIRE_RADIUS, lake)),
        "Plaine agricole": ("Farmed plain", box(-0.46, -0.42, -0.12, -0.06)),
        "Massif": ("Massif", _around(MASSIF, 0.19, lake)),
        "Territoire": ("Whole territory", box(-0.5, -0.5, 0.5, 0.5).segmentize(0.1)),
    }
    features = [_zone(world, name, english, outline) for name, (english, outline) in outlines.items()]
    return {"type": "FeatureCollection", "name": "Zones of a simulated territory", "features": features}


def _around(middle: tuple[float, float], radius: float, circle: Polygon) -> Polygon:
    return Polygon(np.asarray(circle.exterior.coords) * radius + middle)


def _zone(world: World, name: str, english: str, outline: Polygon) -> dict[str, Any]:
    u, v = np.asarray(outline.exterior.coords).T
    degrees = Polygon(np.round(np.column_stack(world.degrees(u, v)), 6))
    properties = {"name": name, "name_en": english, "simulated": True}
    return {"type": "Feature", "properties": properties, "geometry": mapping(degrees)}


def _project(world: World, url: str) -> str:
    pixels, last = world.grid.shape[0], _end_of_reference(world)
    return f'''# A simulated territory: no satellite saw it, and nothing here is about any real place.
id = "demo"
title = {{ en = "Demonstration territory (simulated)", fr = "Territoire de démonstration (simulé)" }}
indicators = ["ndvi", "water_extent"]
store = "store"

[period]
start = {world.start}
end = {world.end}
every = "month"
reference = [{world.start}, {last}]

[area]
bounds = {list(world.grid.bounds)}
crs = "{world.grid.crs}"
resolution = {world.resolution_m}
tile = {min(max(pixels // 2, 16), 1024)}

[[sources]]
sensor = "sentinel2"
catalogs = [{{ id = "simulated", url = "{url}" }}]
max_cloud = 90

[access]
files = ["scenes"]

[zones]
file = "zones.geojson"
name = "name"

{SHEET}
[publish]
to = "product"
'''


def _end_of_reference(world: World) -> date:
    return min(world.end, date(world.start.year + 1, 12, 31))


def _sheet(folder: Path, world: World, scenes: int) -> dict[str, Any]:
    return {
        "simulated": True,
        "version": VERSION,
        "world": world.parameters,
        "location": str(folder),
        "scenes": scenes,
    }


def _relocate(folder: Path, known: dict[str, Any]) -> None:
    catalog = json.loads((folder / "items.json").read_text("utf-8"))
    catalog["features"] = [moved(item, known["location"], str(folder)) for item in catalog["features"]]
    _replace(folder / "items.json", _json(catalog))
    _replace(folder / "simulation.json", _json(known | {"location": str(folder)}))


def _point_to(project: Path, url: str) -> None:
    text = project.read_text("utf-8")
    pointed = re.sub(r'(id = "simulated", url = )"[^"]*"', lambda found: f'{found[1]}"{url}"', text)
    if pointed != text:
        _replace(project, pointed)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(_json(content), "utf-8")


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1)


def _replace(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, "utf-8")
    beside.replace(path)
