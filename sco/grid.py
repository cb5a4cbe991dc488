"""The grid of a project, and its tiles."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox, Geometry, box
from pyproj import Transformer

from sco.errors import ConfigurationError
from sco.model import BBox
from sco.tile import Tile, tiles_of

if TYPE_CHECKING:
    from sco.choices import Area

MOST_PIXELS = 200_000 * 200_000


@dataclass(frozen=True)
class Tiling:
    """A grid cut into square blocks of at most `size` pixels a side."""

    geobox: GeoBox
    size: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of blocks."""
        height, width = self.geobox.shape
        return -(-height // self.size), -(-width // self.size)

    def __iter__(self) -> Iterator[Tile]:
        return tiles_of(*self.shape)

    def geobox_of(self, tile: Tile) -> GeoBox:
        """The grid of one block."""
        return self.geobox[self.window_of(tile)]

    def window_of(self, tile: Tile) -> tuple[slice, slice]:
        """The rows and columns of one block in the whole grid."""
        height, width = self.geobox.shape
        return _span(tile.row, self.size, height), _span(tile.column, self.size, width)


def lay_grid(area: "Area", folder: Path) -> GeoBox:
    """The grid of `area`: bounds as given, degrees and polygons widened to whole pixels on the CRS's own lattice.

    Raises ConfigurationError for an area that cannot be read, or is empty or too large in pixels.
    """
    if area.bounds:
        geobox = GeoBox.from_bbox(BoundingBox(*area.bounds, crs=area.crs), resolution=area.resolution, tight=True)
    else:
        outline = box(*area.bbox, crs="EPSG:4326") if area.bbox else _outline(folder / str(area.file))
        projected = outline.to_crs(area.crs, resolution=_step(outline))
        geobox = GeoBox.from_bbox(projected.boundingbox, resolution=area.resolution)
    height, width = geobox.shape
    if not 0 < height * width <= MOST_PIXELS:
        raise ConfigurationError(
            f"the area is {width} x {height} pixels at resolution {area.resolution:g}: "
            "choose a resolution in units of the CRS that gives between 1 and 200,000 a side"
        )
    return geobox


def degrees_boxes(geobox: GeoBox) -> tuple[BBox, ...]:
    """West, south, east, north in degrees around the grid: one box, or two that meet at the antimeridian."""
    to_degrees = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(*geobox.boundingbox.bbox, densify_pts=51)
    if west <= east:
        return ((west, south, east, north),)
    return (west, south, 180.0, north), (-180.0, south, east, north)


def middle_longitude(geobox: GeoBox) -> float:
    """Longitude of the grid's middle in degrees."""
    to_degrees = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    left, bottom, right, top = geobox.boundingbox.bbox
    longitude, _ = to_degrees.transform((left + right) / 2, (bottom + top) / 2)
    return float(longitude)


def _span(index: int, size: int, length: int) -> slice:
    return slice(index * size, min((index + 1) * size, length))


def _step(outline: Geometry) -> float:
    west, south, east, north = outline.boundingbox.bbox
    return max(east - west, north - south) / 50


def _outline(path: Path) -> Geometry:
    from shapely import union_all
    from shapely.geometry import shape

    try:
        features = json.loads(path.read_text("utf-8"))["features"]
        polygons = [shape(feature["geometry"]) for feature in features]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"the area's file {path} is not a GeoJSON FeatureCollection: {error}") from error
    if not polygons:
        raise ConfigurationError(f"the area's file {path} has no features: give at least one polygon")
    return Geometry(union_all(polygons), crs="EPSG:4326")
