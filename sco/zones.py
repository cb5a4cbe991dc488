"""Area-weighted statistics per polygon: a pixel that lies in a zone by a third counts for a third.

A grid is gone through block by block, so that no more of it is in memory than some periods of one block. How zones
lie over a block is found out once and kept for all periods and indicators.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS
from shapely import STRtree, make_valid, union_all
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from sco.coverage import Coverage, cover
from sco.errors import ConfigurationError
from sco.project import Project

EARTH_RADIUS_KM = 6371.0088
"""Mean radius, IUGG; doi:10.1007/s001900050278."""
BLOCK = 1024
"""Pixels a side of a block, where a series is not in chunks of its own."""
FRAMES_BYTES = 16 * 2**20
"""Of the periods of one block that one thread reads at once."""
LEAST_KNOWN = 0.5
"""Share of a zone's area with a value whose standard error must be known, that its mean may have one."""
PROCESSORS = os.cpu_count() or 1
KEPT_BYTES = 256 * 2**20
"""Of what is kept of how the zones lie over the blocks; what goes beyond is found out again every time."""

Block = tuple[slice, slice]
"""Rows and columns."""


@dataclass(frozen=True)
class Zone:
    """One named polygon, in the CRS of the project's grid."""

    name: str
    geometry: BaseGeometry


@dataclass(frozen=True)
class Weights:
    """How much ground a zone has."""

    grid_km2: float
    """Area of the zone that lies in the grid."""
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
        inside = np.zeros(len(self.zones))
        for block in _blocks(*_lengths(self.geobox)):
            places = self._over(block)
            inside[places] += self._coverage(block, places).km2
        if not inside.any():
            raise ConfigurationError(
                f"none of the {len(inside)} zones touches the area: check the zones' file and its CRS"
            )
        shares = _shares([zone.geometry for zone in self.zones], self.geobox)
        return tuple(
            Weights(float(km2), float(km2 / share) if share else 0.0) for km2, share in zip(inside, shares, strict=True)
        )

    def summarise(self, series: xr.DataArray, errors: xr.DataArray | None = None) -> xr.Dataset:
        """mean, area_km2, coverage and n of each zone and period, (time, zone), of a (time, y, x) series.

        mean: area-weighted over the pixels that have a value, NaN where none has. area_km2: the sum of value x area,
        which is an area where the values are fractions. coverage: share of the zone's area that has a value.
        n: number of pixels, whole or partial, that have one. Reads some periods of one block at a time.

        With the standard `errors` of the series also error, of the mean: their area-weighted mean, as of pixels that
        are wrong together, which is the most that it can be; NaN where less than half of the area with a value has one.
        """
        zones_km2 = np.array([weights.zone_km2 for weights in self.weights])
        area, total, count = np.moveaxis(self._add_up(series), -1, 0)
        nothing = area == 0
        with np.errstate(invalid="ignore", divide="ignore"):
            columns = {
                "mean": total / area,
                "area_km2": np.where(nothing, np.nan, total),
                "coverage": np.where(zones_km2 > 0, np.minimum(area / zones_km2, 1.0), 0.0),
                "n": count.astype("int64"),
            }
            if errors is not None:
                known, wrong, _ = np.moveaxis(self._add_up(errors), -1, 0)
                sure = ~nothing & (known >= LEAST_KNOWN * area)
                columns["error"] = np.where(sure, wrong / known, np.nan)
        coords = {"time": series["time"].values, "zone": list(self.names)}
        return xr.Dataset({name: (("time", "zone"), values) for name, values in columns.items()}, coords=coords)

    def _add_up(self, series: xr.DataArray) -> NDArray[np.float64]:
        """Area with a value, sum of value x area and pixels with a value, (time, zone, 3)."""
        sums = np.zeros((series.sizes["time"], len(self.zones), 3))
        for block in _blocks(*_lengths(self.geobox, series)):
            places = self._over(block)
            if len(places):
                coverage = self._coverage(block, places)
                _add_block(sums, places, coverage, series.isel(y=block[0], x=block[1]))
        return sums

    def _over(self, block: Block) -> NDArray[np.int64]:
        """The places of the zones that touch a block, in order."""
        found: NDArray[np.int64] = np.sort(self._tree.query(_outline(self.geobox[block]), predicate="intersects"))
        return found

    def _coverage(self, block: Block, places: NDArray[np.int64]) -> Coverage:
        key = (block[0].start, block[0].stop, block[1].start, block[1].stop)
        if key in self._kept:
            return self._kept[key]
        shapes = [self.zones[place].geometry for place in places]
        coverage = cover(shapes, self.geobox[block], self._pixel_km2[block[0]])
        if coverage.nbytes + sum(one.nbytes for one in self._kept.values()) <= KEPT_BYTES:
            self._kept[key] = coverage
        return coverage

    @cached_property
    def _tree(self) -> STRtree:
        return STRtree([zone.geometry for zone in self.zones])

    @cached_property
    def _pixel_km2(self) -> NDArray[np.float64]:
        return pixel_areas_km2(self.geobox)

    @cached_property
    def _kept(self) -> dict[tuple[int, int, int, int], Coverage]:
        return {}


def zones_of(project: Project) -> Zoning:
    """The project's zones, or one zone that is its whole area. Raises ConfigurationError for an unusable file."""
    if project.zones is None or project.zones_file is None:
        return whole_area(project)
    return Zoning(_read(project.zones_file, project.zones.name, project.geobox), project.geobox)


def whole_area(project: Project) -> Zoning:
    """One zone, named as the project, that covers the whole grid."""
    return Zoning((Zone(project.id, box(*project.geobox.boundingbox.bbox)),), project.geobox)


def zone_of_file(path: Path, name: str, geobox: GeoBox) -> Zoning:
    """All polygons of a file as one zone. Raises ConfigurationError for an unusable file."""
    return Zoning((Zone(name, union_all([zone.geometry for zone in _read(path, None, geobox)])),), geobox)


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


def _read(path: Path, column: str | None, geobox: GeoBox) -> tuple[Zone, ...]:
    import geopandas
    from pyogrio.errors import DataSourceError

    try:
        frame = geopandas.read_file(path)
    except (OSError, DataSourceError) as error:
        raise ConfigurationError(f"the zones' file {path} cannot be read: {error}") from error
    if column is None:
        frame, column = frame.assign(name="all"), "name"
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


def _shares(geometries: Sequence[BaseGeometry], geobox: GeoBox) -> NDArray[np.float64]:
    """How much of each geometry lies in the grid, from 0 to 1."""
    whole = shapely.area(np.array(geometries, object))
    inside = shapely.area(shapely.intersection(np.array(geometries, object), _outline(geobox)))
    return np.divide(inside, whole, out=np.zeros(len(whole)), where=whole > 0)


def _outline(geobox: GeoBox) -> BaseGeometry:
    return box(*geobox.boundingbox.bbox)


def _lengths(geobox: GeoBox, series: xr.DataArray | None = None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows and columns of the blocks: the chunks of a series that is lazy, which are then read once each."""
    if series is not None and series.chunks is not None:
        return series.chunksizes["y"], series.chunksizes["x"]
    height, width = geobox.shape
    return _even(height), _even(width)


def _even(length: int) -> tuple[int, ...]:
    return tuple(min(BLOCK, length - first) for first in range(0, length, BLOCK))


def _blocks(heights: tuple[int, ...], widths: tuple[int, ...]) -> Iterator[Block]:
    rows, columns = (np.cumsum((0, *lengths)).tolist() for lengths in (heights, widths))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield slice(top, bottom), slice(left, right)


def _add_block(sums: NDArray[np.float64], places: NDArray[np.int64], coverage: Coverage, part: xr.DataArray) -> None:
    """Add one block of all periods, (time, y, x); some periods at once, as many of these as there are processors."""

    def add(steps: slice) -> None:
        frames = part.isel(time=steps).values
        sums[steps, places] += coverage.add_up(frames.reshape(len(frames), -1))

    count = max(1, FRAMES_BYTES // max(1, part[0].nbytes))
    with ThreadPoolExecutor(PROCESSORS) as workers:
        list(workers.map(add, (slice(first, first + count) for first in range(0, part.sizes["time"], count))))
