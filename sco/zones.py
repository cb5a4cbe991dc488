"""Area-weighted statistics per polygon: a pixel that lies in a zone by a third counts for a third."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from exactextract import exact_extract
from exactextract.feature import JSONFeatureSource
from exactextract.raster import NumPyRasterSource
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely import make_valid, union_all
from shapely.geometry import box, mapping
from shapely.geometry.base import BaseGeometry

from sco.errors import ConfigurationError
from sco.project import Project

EARTH_RADIUS_KM = 6371.0088
"""Mean radius, IUGG; doi:10.1007/s001900050278."""


@dataclass(frozen=True)
class Zone:
    """One named polygon, in the CRS of the project's grid."""

    name: str
    geometry: BaseGeometry


@dataclass(frozen=True)
class Weights:
    """How much of which pixels belongs to a zone."""

    cells: NDArray[np.int64]
    """Positions in the flattened (y, x) grid, each once."""
    areas_km2: NDArray[np.float64]
    """Area of each cell that lies in the zone."""
    zone_km2: float
    """Area of the whole zone, also where it leaves the grid."""


@dataclass(frozen=True)
class Zoning:
    """A project's zones laid over its grid."""

    zones: tuple[Zone, ...]
    geobox: GeoBox

    @property
    def names(self) -> tuple[str, ...]:
        """The zones' names, in order."""
        return tuple(zone.name for zone in self.zones)

    @cached_property
    def weights(self) -> tuple[Weights, ...]:
        """One for each zone; ConfigurationError if not one of the zones touches the grid."""
        found = tuple(_weigh(self.zones, self.geobox))
        if not any(len(weights.cells) for weights in found):
            raise ConfigurationError(
                f"none of the {len(found)} zones touches the area: check the zones' file and its CRS"
            )
        return found

    def summarise(self, series: xr.DataArray) -> xr.Dataset:
        """mean, area_km2, coverage and n of each zone and period, (time, zone), of a (time, y, x) series.

        mean: area-weighted over the pixels that have a value, NaN where none has. area_km2: the sum of value x area,
        which is an area where the values are fractions. coverage: share of the zone's area that has a value.
        n: number of pixels, whole or partial, that have one. Reads one period at a time.
        """
        rows = [[_sum_up(frame, weights) for weights in self.weights] for frame in _frames(series)]
        table = np.array(rows, dtype="float64").reshape(len(rows), len(self.zones), 4)
        coords = {"time": series["time"].values, "zone": list(self.names)}
        statistics = ("mean", "area_km2", "coverage", "n")
        columns = {name: (("time", "zone"), table[:, :, place]) for place, name in enumerate(statistics)}
        summary = xr.Dataset(columns, coords=coords)
        return summary.assign(n=summary["n"].astype("int64"))


def zones_of(project: Project) -> Zoning:
    """The project's zones, or one zone that is its whole area. Raises ConfigurationError for an unusable file."""
    if project.zones is None or project.zones_file is None:
        return whole_area(project)
    return Zoning(_read(project.zones_file, project.zones.name, project.geobox), project.geobox)


def whole_area(project: Project) -> Zoning:
    """One zone, named as the project, that covers the whole grid."""
    return Zoning((Zone(project.id, box(*project.geobox.boundingbox.bbox)),), project.geobox)


def pixel_areas_km2(geobox: GeoBox) -> NDArray[np.float64]:
    """Area of a pixel of each row, (y,): planar in a projected CRS, on the sphere in degrees."""
    crs = CRS.from_user_input(str(geobox.crs))
    height, step = geobox.shape[0], abs(geobox.resolution.x)
    if not crs.is_geographic:
        metres = crs.axis_info[0].unit_conversion_factor
        return np.full(height, step * abs(geobox.resolution.y) * metres**2 / 1e6)
    edges = np.radians(geobox.boundingbox.top + np.arange(height + 1) * geobox.resolution.y)
    areas: NDArray[np.float64] = EARTH_RADIUS_KM**2 * np.radians(step) * np.abs(np.diff(np.sin(edges)))
    return areas


def _read(path: Path, column: str, geobox: GeoBox) -> tuple[Zone, ...]:
    import geopandas
    from pyogrio.errors import DataSourceError

    try:
        frame = geopandas.read_file(path)
    except (OSError, DataSourceError) as error:
        raise ConfigurationError(f"the zones' file {path} cannot be read: {error}") from error
    if column not in frame.columns:
        known = ", ".join(str(name) for name in frame.columns if name != "geometry")
        raise ConfigurationError(f"zones in {path} have no {column!r}; they have: {known or 'nothing'}")
    if frame.crs is None or frame.empty:
        raise ConfigurationError(f"the zones' file {path} has no {'features' if frame.empty else 'CRS'}: give it some")
    projected = frame.to_crs(str(geobox.crs))
    shapes: dict[str, list[BaseGeometry]] = {}
    for name, geometry in zip(projected[column].astype(str), projected.geometry, strict=True):
        if geometry is not None:
            shapes.setdefault(name, []).append(make_valid(geometry))
    return tuple(Zone(name, union_all(parts)) for name, parts in shapes.items())


def _weigh(zones: tuple[Zone, ...], geobox: GeoBox) -> Iterator[Weights]:
    rows, columns = geobox.shape
    left, bottom, right, top = geobox.boundingbox.bbox
    grid = NumPyRasterSource(np.zeros((rows, columns), "uint8"), left, bottom, right, top)
    features: list[dict[str, Any]] = [
        {"type": "Feature", "id": place, "geometry": mapping(zone.geometry), "properties": {}}
        for place, zone in enumerate(zones)
    ]
    found = exact_extract(grid, JSONFeatureSource(features), ["cell_id", "coverage"], include_cols=["id"])
    by_zone = {feature["id"]: feature["properties"] for feature in found}
    areas, frame = pixel_areas_km2(geobox), box(left, bottom, right, top)
    for place, zone in enumerate(zones):
        cells = np.asarray(by_zone[place]["cell_id"], dtype="int64")
        inside = np.asarray(by_zone[place]["coverage"], dtype="float64") * areas[cells // columns]
        share = zone.geometry.intersection(frame).area / zone.geometry.area if zone.geometry.area else 0.0
        yield Weights(cells, inside, float(inside.sum() / share) if share else 0.0)


def _frames(series: xr.DataArray) -> Iterator[NDArray[np.floating[Any]]]:
    for place in range(series.sizes["time"]):
        yield series.isel(time=place).values.ravel()


def _sum_up(frame: NDArray[np.floating[Any]], weights: Weights) -> tuple[float, float, float, float]:
    values = frame[weights.cells].astype("float64")
    seen = np.isfinite(values)
    area = float(weights.areas_km2[seen].sum())
    total = float((values[seen] * weights.areas_km2[seen]).sum())
    return (total / area if area else np.nan, total if area else np.nan, *_extent(area, weights, int(seen.sum())))


def _extent(area_km2: float, weights: Weights, pixels: int) -> tuple[float, float]:
    return (min(area_km2 / weights.zone_km2, 1.0) if weights.zone_km2 else 0.0, float(pixels))
