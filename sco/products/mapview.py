"""The map of the page: its frame in pixels and degrees, its outlines, and two small files for each layer.

A layer is shown as a picture, which is light, and read from a file of numbers, which is loaded when somebody points at
the map. Both depend on nothing but the layer and, for the picture, its colours. A page on a disk can neither fetch a
file nor look into a picture's pixels, so the numbers travel in a script: base64 of the zlib stream of four planes
(values, n_seen, n_masked, n_failed) or five (their standard error), each of 16 bits a cell, all low bytes of a plane
before its high ones.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from shapely.geometry import LineString, box
from shapely.geometry.base import BaseGeometry

from sco.model import Packing, Words
from sco.products import coarse, origins, web, words
from sco.products.contents import Layer, Publication
from sco.products.figures import Colours, colours_of, overlay_step, paint, polygons
from sco.products.pieces import Piece
from sco.products.summary import COUNTS, ERROR

LATTICE = 9
"""Points a side of the lattice from which the page interpolates degrees; off by less than a pixel where it is small."""
ROUND_DEGREES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30)
GRATICULE_LINES = 4
Floats = NDArray[np.float64]


class Frame:
    """A grid as the page sees it: x to the right and y down, in pixels from the upper left corner."""

    def __init__(self, geobox: GeoBox) -> None:
        self.geobox = geobox
        self.height, self.width = geobox.shape
        self.step = overlay_step((self.height, self.width))
        self.rows, self.columns = (-(-side // self.step) for side in (self.height, self.width))
        self.unit = 0.1 if self.step == 1 else 1
        """What outlines are rounded to, in pixels."""

    @cached_property
    def _to_degrees(self) -> Transformer:
        return Transformer.from_crs(str(self.geobox.crs), "OGC:CRS84", always_xy=True)

    def degrees(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Longitude and latitude of pixel positions."""
        across = self.geobox.affine
        east, north = across.a * x + across.b * y + across.c, across.d * x + across.e * y + across.f
        lon, lat = self._to_degrees.transform(east, north)
        return np.asarray(lon), np.asarray(lat)

    def pixels(self, lon: Floats, lat: Floats) -> Floats:
        """Pixel positions, (n, 2), of longitudes and latitudes."""
        east, north = self._to_degrees.transform(lon, lat, direction="INVERSE")
        return np.array([(~self.geobox.affine) * point for point in zip(east.tolist(), north.tolist(), strict=True)])

    def facts(self, tile: int) -> dict[str, Any]:
        """What the page needs to draw the frame and to read a place; `tile` is the side of a partition in pixels."""
        x, y = np.meshgrid(np.linspace(0, self.width, LATTICE), np.linspace(0, self.height, LATTICE))
        lon, lat = self.degrees(x.ravel(), y.ravel())
        return {
            "width": self.width,
            "height": self.height,
            "step": self.step,
            "unit": self.unit,
            "tile": tile,
            "cell": abs(float(self.geobox.resolution.x)) * self.step,
            "degrees": bool(self.geobox.crs and self.geobox.crs.geographic),
            "lon": [round(value, 6) for value in lon.tolist()],
            "lat": [round(value, 6) for value in lat.tolist()],
            "graticule": [*self._meridians(lon, lat), *self._parallels(lon, lat)],
        }

    def _meridians(self, lon: Floats, lat: Floats) -> Iterator[dict[str, Any]]:
        along = np.linspace(lat.min(), lat.max(), 2 * LATTICE)
        for value in _round_values(float(lon.min()), float(lon.max())):
            yield from self._line(_meridian(value), np.full_like(along, value), along)

    def _parallels(self, lon: Floats, lat: Floats) -> Iterator[dict[str, Any]]:
        along = np.linspace(lon.min(), lon.max(), 2 * LATTICE)
        for value in _round_values(float(lat.min()), float(lat.max())):
            yield from self._line(_parallel(value), along, np.full_like(along, value))

    def _line(self, label: Words, lon: Floats, lat: Floats) -> Iterator[dict[str, Any]]:
        path = LineString(self.pixels(lon, lat)).intersection(box(0, 0, self.width, self.height))
        for part in getattr(path, "geoms", [path]):
            if isinstance(part, LineString) and not part.is_empty:
                yield {"label": words.both(label), "line": _points(part.coords, 1 if self.width > 100 else 2)}

    def rings(self, geometry: BaseGeometry) -> list[list[list[float]]]:
        """The rings of a geometry in the grid's CRS, simplified to half a cell of the overlay."""
        outline = geometry.simplify(abs(float(self.geobox.resolution.x)) * self.step / 2)
        inverse, digits = ~self.geobox.affine, 1 if self.unit < 1 else 0
        return [
            _points((inverse * point for point in ring.coords), digits)
            for polygon in polygons(outline)
            for ring in (polygon.exterior, *polygon.interiors)
        ]


def zones(publication: Publication) -> list[dict[str, Any]]:
    """The zones as the page draws and names them; the whole area, which has no outline, before them."""
    frame, zoning = Frame(publication.geobox), publication.zoning
    whole = {"name": words.both(words.WHOLE_AREA), "km2": _significant(area_km2(publication)), "rings": []}
    if publication.project.zones is None:
        return [whole]
    drawn = [
        {
            "name": words.both(Words(zone.name, zone.name)),
            "km2": _significant(weights.zone_km2),
            "rings": [_steps(ring, frame.unit) for ring in frame.rings(zone.geometry)],
        }
        for zone, weights in zip(zoning.zones, zoning.weights, strict=True)
    ]
    return [whole, *drawn]


def outlines(publication: Publication) -> list[list[list[float]]]:
    """The rings of all zones; none for a project without zones."""
    frame, drawn = Frame(publication.geobox), publication.zoning.zones if publication.project.zones else ()
    return [ring for zone in drawn for ring in frame.rings(zone.geometry)]


def _steps(ring: list[list[float]], unit: float) -> list[int]:
    """A ring as its first point and the way from each point to the next, x and y in turn: a third as long."""
    points = np.rint(np.array(ring) / unit).astype(int)
    steps: list[int] = np.diff(points, axis=0, prepend=0).ravel().tolist()
    return steps


def area_km2(publication: Publication) -> float:
    """Area of the whole grid."""
    from sco.zones import pixel_areas_km2

    return float(pixel_areas_km2(publication.geobox).sum() * publication.geobox.shape[1])


def pieces(publication: Publication) -> Iterator[Piece]:
    """What the page shows of each layer: picture, numbers, and what they were made from."""
    for indicator in publication.project.resolved_indicators:
        colours = colours_of(publication, indicator)
        for layer in (one for one in publication.layers if one.indicator.id == indicator.id):
            yield _piece(publication, layer, colours)


def _piece(publication: Publication, layer: Layer, colours: Colours) -> Piece:
    def write(folder: Path) -> None:
        write_layer(publication.frame(layer), layer, colours, folder)
        origins.write_layer(publication, layer, folder)

    made_from = hashlib.sha256(f"{publication.made_from(layer)} {colours}".encode()).hexdigest()
    files = (layer.overlay, f"{web.PAGE}/values/{layer.name}.js", f"{web.PAGE}/origins/{layer.name}.js")
    return Piece(f"view {layer.name}", made_from, files, write, layer.name)


def write_layer(frame: xr.Dataset, layer: Layer, colours: Colours, folder: Path) -> None:
    """Write a layer's picture, and its numbers as page/values/NAME.js; `frame` is as publications give it, (y, x)."""
    step = step_of(frame)
    cells = {str(name): coarse.coarsen(frame[name].values, step) for name in frame.data_vars if name != "values"}
    cells["values"] = coarse.of(layer.indicator, frame["values"].values, step)
    blank = np.isnan(cells["values"]) & (cells["n_seen"] > 0)
    paint(cells["values"], colours, folder / layer.overlay, blank)
    web.write_data(folder, f"values/{layer.name}", encoded(cells, layer.indicator.packing, step))


def step_of(frame: xr.Dataset) -> int:
    """How many pixels of the grid, on a side, one cell of the map stands for."""
    return overlay_step((frame.sizes["y"], frame.sizes["x"]))


def encoded(cells: Mapping[str, Floats], packing: Packing, step: int = 1) -> dict[str, Any]:
    """The numbers of a layer, which are means where a cell stands for more than a pixel, and how to read them.

    A value is offset + scale x code, a standard error is `error` x code, and code NO_VALUE stands for none; of a count,
    in units of `count`, the mean is over all pixels.
    """
    first, factor, codes = _codes(cells["values"], packing.offset, packing.scale)
    unit = 1.0 if step == 1 else 0.1
    counts = (np.clip(np.rint(cells[name] / unit), 0, NO_VALUE) for name in COUNTS)
    planes, told = [codes, *counts], {}
    if ERROR in cells:
        _, wide, errors = _codes(cells[ERROR], 0.0, packing.scale, first=0)
        planes, told = [*planes, errors], {"error": packing.scale * wide}
    return {
        "offset": packing.offset + packing.scale * first,
        "scale": packing.scale * factor,
        "count": unit,
        **told,
        "data": web.pack(b"".join(_halves(plane) for plane in planes)),
    }


def _codes(values: Floats, offset: float, scale: float, first: int | None = None) -> tuple[int, int, Floats]:
    """The first step, how many steps a code stands for, and the codes, NO_VALUE for NaN."""
    steps = np.rint((values - offset) / scale)
    seen = np.isfinite(steps)
    if not seen.any():
        return 0, 1, np.full(values.shape, float(NO_VALUE))
    low = int(steps[seen].min()) if first is None else first
    factor = max(1, math.ceil((int(steps[seen].max()) - low) / (NO_VALUE - 1)))
    return low, factor, np.where(seen, (np.where(seen, steps, low) - low) // factor, NO_VALUE)


NO_VALUE = 65535


def _halves(plane: Floats) -> bytes:
    """The plane as 16-bit numbers, all low bytes before all high ones, which compresses better."""
    return np.ascontiguousarray(plane, "<u2").view("uint8").reshape(-1, 2).T.tobytes()


def _round_values(low: float, high: float) -> list[float]:
    step = next((one for one in ROUND_DEGREES if (high - low) / one <= GRATICULE_LINES), 45.0)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [round(place * step, 6) for place in range(first, last + 1)]


def _meridian(value: float) -> Words:
    return Words(_degrees(value, "W", "E", "en"), _degrees(value, "O", "E", "fr"))


def _parallel(value: float) -> Words:
    return Words(_degrees(value, "S", "N", "en"), _degrees(value, "S", "N", "fr"))


def _degrees(value: float, below: str, above: str, language: words.Language) -> str:
    side = "" if value == 0 else below if value < 0 else above
    return f"{words.number(f'{abs(value):g}', language)}° {side}".strip()


def _points(points: Any, digits: int = 1) -> list[list[float]]:
    return [[round(float(x), digits), round(float(y), digits)] for x, y in points]


def _significant(value: float) -> float:
    return float(f"{value:.6g}")
