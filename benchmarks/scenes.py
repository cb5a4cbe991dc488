"""A made-up set of scenes to measure on: COGs of Sentinel-2's spelling, their STAC items and a project file.

`.venv/bin/python benchmarks/scenes.py FOLDER [--days N] [--size PIXELS] [--tiles ROWS COLUMNS] [--cloudiness SHARE]`
writes `FOLDER/items.json`, `FOLDER/project.toml` and one folder of files a scene. Writing again what is there already
writes nothing. The numbers depend on the recipe alone.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

CRS = 32631
LEFT, TOP = 600_000, 4_900_000
FIRST = datetime(2023, 1, 1, 10, 30, tzinfo=UTC)
LETTERS = "ABCDEFGHJKLMNPQR"
BRIGHTNESS = {"blue": 0.6, "green": 0.8, "red": 1.0, "nir": 1.8, "swir16": 1.4, "swir22": 1.2}
CLEAR, CLOUD = 4, 9
EXTENSIONS = [
    "https://stac-extensions.github.io/projection/v1.1.0/schema.json",
    "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
]


@dataclass(frozen=True)
class Recipe:
    """What the scenes are like."""

    days: int = 24
    """Solar days, each seen once by every tile."""
    size: int = 2560
    """Pixels a side of one scene at 10 m; a multiple of 40."""
    tiles: tuple[int, int] = (1, 1)
    """Rows and columns of scenes that lie beside one another."""
    cloudiness: float = 0.3
    """Share of the pixels under cloud."""
    patch: int = 40
    """Pixels a side of one cloud; clouds as wide as the file's blocks let a reader leave whole blocks out."""
    bands: tuple[str, ...] = ("red", "nir")
    days_apart: int = 1
    distinct: int = 0
    """So many days have files of their own, which the later days' items name again; all of them where it is 0."""
    block: int = 512
    """Pixels a side of the files' own blocks."""
    overviews: str = "AVERAGE"
    """How the files' overviews were resampled."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Of all scenes together, in metres of EPSG:32631."""
        rows, columns = self.tiles
        return LEFT, TOP - rows * self.size * 10, LEFT + columns * self.size * 10, TOP

    @property
    def last(self) -> datetime:
        """When the last scene is dated."""
        return FIRST + timedelta(days=self.days_apart * (self.days - 1))


def write(folder: Path, recipe: Recipe, **project: Any) -> Path:
    """Files, items and `project.toml` in `folder`; the project's file, of which `project` are further choices."""
    folder.mkdir(parents=True, exist_ok=True)
    told, kept = json.dumps(asdict(recipe)), folder / "recipe.json"
    if not kept.exists() or kept.read_text() != told:
        for day, row, column in _places(recipe):
            if day < (recipe.distinct or recipe.days):
                _write_scene(folder / _name(recipe, day, row, column), recipe, day, row, column)
        kept.write_text(told)
    write_items(folder / "items.json", recipe, str(folder.resolve()))
    return write_project(folder / "project.toml", recipe, **project)


def write_items(file: Path, recipe: Recipe, base: str) -> Path:
    """The items of a recipe, whose files lie under `base`: a folder, or the address of a server over that folder."""
    features = [_item(recipe, base, *place) for place in _places(recipe)]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return file


def write_project(
    file: Path,
    recipe: Recipe,
    *,
    indicators: tuple[str, ...] = ("ndvi",),
    every: str = "month",
    resolution: float = 10,
    tile: int = 1024,
    items: str = "items.json",
    hosts: tuple[str, ...] = (),
    uncertainty: bool = False,
    overviews: str = "means",
) -> Path:
    """A project over all the scenes, in the folder of `file`; `items` is relative to it.

    Without `uncertainty`, as the peers have none.
    """
    file.write_text(
        f"""id = "bench"
title = {{ en = "Benchmark", fr = "Mesure" }}
indicators = {json.dumps(list(indicators))}
store = "store"
uncertainty = {str(uncertainty).lower()}

[period]
start = {FIRST:%Y-%m-%d}
end = {recipe.last:%Y-%m-%d}
every = "{every}"

[area]
bounds = {json.dumps(list(recipe.bounds))}
crs = "EPSG:{CRS}"
resolution = {resolution}
tile = {tile}

[[sources]]
sensor = "sentinel2"
catalogs = [{{ id = "simulated", file = "{items}" }}]

[access]
files = ["."]
hosts = {json.dumps(list(hosts))}
overviews = "{overviews}"
"""
    )
    return file


def _places(recipe: Recipe) -> Iterator[tuple[int, int, int]]:
    rows, columns = recipe.tiles
    return ((day, row, column) for day in range(recipe.days) for row in range(rows) for column in range(columns))


def _name(recipe: Recipe, day: int, row: int, column: int) -> str:
    return f"d{day % (recipe.distinct or recipe.days):04d}r{row:02d}c{column:02d}"


def _corner(recipe: Recipe, row: int, column: int) -> tuple[int, int]:
    return LEFT + column * recipe.size * 10, TOP - row * recipe.size * 10


def _write_scene(folder: Path, recipe: Recipe, day: int, row: int, column: int) -> None:
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng((day, row, column))
    left, top = _corner(recipe, row, column)
    ground = _ground(recipe.size, row, column)
    for band in recipe.bands:
        noise = random.standard_normal(ground.shape, np.float32)
        numbers = np.maximum(ground * BRIGHTNESS[band] + 80 * noise, 1).astype(np.uint16)
        _write_cog(folder / f"{band}.tif", numbers, Affine(10, 0, left, 0, -10, top), recipe, recipe.overviews)
    patches = random.random((recipe.size // recipe.patch, recipe.size // recipe.patch)) < recipe.cloudiness
    codes = np.where(patches, CLOUD, CLEAR).astype(np.uint8)
    codes = codes.repeat(recipe.patch // 2, axis=0).repeat(recipe.patch // 2, axis=1)
    _write_cog(folder / "scl.tif", codes, Affine(20, 0, left, 0, -20, top), recipe, "NEAREST")


def _ground(size: int, row: int, column: int) -> NDArray[np.float32]:
    y = np.linspace(0, 20, size, dtype=np.float32)[:, None] + row
    x = np.linspace(0, 20, size, dtype=np.float32)[None, :] + column
    ground: NDArray[np.float32] = 2000 + 600 * np.sin(y) * np.cos(1.3 * x)
    return ground


def _write_cog(path: Path, numbers: NDArray[Any], transform: Affine, recipe: Recipe, overviews: str) -> None:
    with rasterio.open(
        path,
        "w",
        driver="COG",
        height=numbers.shape[0],
        width=numbers.shape[1],
        count=1,
        dtype=numbers.dtype,
        crs=f"EPSG:{CRS}",
        transform=transform,
        nodata=0,
        compress="DEFLATE",
        blocksize=recipe.block,
        overview_resampling=overviews,
    ) as file:
        file.write(numbers, 1)


def _item(recipe: Recipe, base: str, day: int, row: int, column: int) -> Mapping[str, Any]:
    time = FIRST + timedelta(days=day * recipe.days_apart)
    tile = f"31T{LETTERS[column]}{LETTERS[row]}"
    name = _name(recipe, day, row, column)
    west, south, east, north = _degrees(recipe, row, column)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": EXTENSIONS,
        "id": f"S2A_{tile}_{time:%Y%m%d}_{day}_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, east, north],
        "properties": {
            "datetime": f"{time:%Y-%m-%dT%H:%M:%SZ}",
            "platform": "sentinel-2a",
            "proj:epsg": CRS,
            "grid:code": f"MGRS-{tile}",
            "eo:cloud_cover": 100 * recipe.cloudiness,
            "s2:processing_baseline": "03.01",
            "s2:datatake_id": f"GS2A_{time:%Y%m%dT%H%M%S}_{day:06d}_N03.01",
        },
        "assets": {band: _asset(recipe, f"{base}/{name}", band, row, column) for band in (*recipe.bands, "scl")},
        "links": [],
    }


def _asset(recipe: Recipe, base: str, band: str, row: int, column: int) -> Mapping[str, Any]:
    left, top = _corner(recipe, row, column)
    step = 20 if band == "scl" else 10
    side = recipe.size * 10 // step
    kind = {"data_type": "uint8"} if band == "scl" else {"data_type": "uint16", "scale": 0.0001, "offset": 0}
    return {
        "href": f"{base}/{band}.tif",
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "proj:shape": [side, side],
        "proj:transform": [step, 0, left, 0, -step, top],
        "raster:bands": [{"nodata": 0, **kind}],
        "roles": ["data"],
    }


def _degrees(recipe: Recipe, row: int, column: int) -> tuple[float, float, float, float]:
    """West, south, east and north of a scene: its corners, with a margin for their curved sides."""
    left, top = _corner(recipe, row, column)
    side = recipe.size * 10
    to_degrees = Transformer.from_crs(CRS, 4326, always_xy=True)
    x, y = to_degrees.transform([left, left + side, left, left + side], [top, top, top - side, top - side])
    return min(x) - 0.002, min(y) - 0.002, max(x) + 0.002, max(y) + 0.002


def main() -> None:
    """Write the scenes that the command line asks for, and print where their project is."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path)
    asked.add_argument("--days", type=int, default=24)
    asked.add_argument("--size", type=int, default=2560)
    asked.add_argument("--tiles", type=int, nargs=2, default=(1, 1))
    asked.add_argument("--cloudiness", type=float, default=0.3)
    asked.add_argument("--patch", type=int, default=40)
    told = asked.parse_args()
    recipe = Recipe(told.days, told.size, tuple(told.tiles), told.cloudiness, told.patch)
    print(write(told.folder, recipe))


if __name__ == "__main__":
    main()
