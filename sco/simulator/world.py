"""A made-up territory on the border of two UTM zones: its parameters, its grids and its smooth random fields.

Everything in it is a function of place (metres in EPSG:32631) and time, so that it can be evaluated at the pixel
centres of any grid, and no resampling stands between a scene and the truth.
"""

from dataclasses import asdict, dataclass
from datetime import date
from functools import cache, cached_property
from math import ceil, floor
from typing import Any, Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from sco.errors import ConfigurationError

CRS = "EPSG:32631"
NEIGHBOUR_CRS = "EPSG:32632"
Floats = NDArray[np.float32]
Places = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """North-up square pixels in one UTM zone."""

    crs: str
    left: int
    top: int
    resolution_m: int
    shape: tuple[int, int]
    """Rows, columns."""

    @property
    def transform(self) -> tuple[float, ...]:
        """Six numbers in the order of STAC `proj:transform`."""
        return (self.resolution_m, 0, self.left, 0, -self.resolution_m, self.top)

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """Left, bottom, right, top in metres of the grid's own CRS."""
        rows, columns = self.shape
        return self.left, self.top - rows * self.resolution_m, self.left + columns * self.resolution_m, self.top

    @property
    def coarser(self) -> "Grid":
        """The same ground in pixels twice as wide."""
        rows, columns = self.shape
        return Grid(self.crs, self.left, self.top, 2 * self.resolution_m, (rows // 2, columns // 2))

    def axes(self) -> tuple[Places, Places]:
        """Eastings of the columns and northings of the rows, at pixel centres, in the grid's own CRS."""
        rows, columns = self.shape
        x = self.left + (np.arange(columns, dtype=np.float64) + 0.5) * self.resolution_m
        y = self.top - (np.arange(rows, dtype=np.float64) + 0.5) * self.resolution_m
        return x, y

    def centres(self) -> tuple[Places, Places]:
        """Eastings and northings of all pixel centres in EPSG:32631, whatever the grid's own CRS; (rows, columns)."""
        x, y = np.meshgrid(*self.axes())
        return (x, y) if self.crs == CRS else reproject(self.crs, CRS, x, y)


@dataclass(frozen=True)
class Tile:
    """One cell of the archive's tiling, with the grid of its finest bands."""

    code: str
    grid: Grid


@dataclass(frozen=True)
class World:
    """The parameters that the whole observatory follows from: the same world gives the same bytes."""

    seed: int = 7
    centre: tuple[float, float] = (6.0, 45.55)
    """Degrees east and north; near 6 E, the border of the two zones."""
    size_m: int = 60_000
    resolution_m: int = 200
    """Of the finest bands; the coarser bands have pixels twice as wide."""
    start: date = date(2021, 1, 1)
    end: date = date(2023, 12, 31)
    revisit_days: int = 10
    landsat_revisit_days: int = 16
    burn_day: date = date(2022, 7, 20)
    spelling: Literal["earth_search", "planetary_computer"] = "earth_search"
    """Whose asset keys and calibration words the Sentinel-2 items use."""

    def __post_init__(self) -> None:
        if self.resolution_m <= 0 or self.size_m <= 0 or self.size_m % (2 * self.resolution_m):
            raise ConfigurationError(
                f"a world of {self.size_m} m does not hold whole pixels of twice {self.resolution_m} m: "
                "choose a size that is a multiple of them"
            )
        if self.end < self.start or min(self.revisit_days, self.landsat_revisit_days) < 1:
            raise ConfigurationError("a world must end after it starts, and be revisited every 1 or more days")

    @property
    def parameters(self) -> dict[str, Any]:
        """The fields as JSON."""
        return {
            key: value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @cached_property
    def grid(self) -> Grid:
        """The territory's own grid, in EPSG:32631, its edges on multiples of the coarser pixel."""
        x, y = reproject("EPSG:4326", CRS, np.array([self.centre[0]]), np.array([self.centre[1]]))
        left, bottom = (_snap(float(middle[0]) - self.size_m / 2, 2 * self.resolution_m, floor) for middle in (x, y))
        pixels = self.size_m // self.resolution_m
        return Grid(CRS, left, bottom + self.size_m, self.resolution_m, (pixels, pixels))

    @cached_property
    def tiles(self) -> tuple[Tile, Tile]:
        """Two tiles, one in each zone, that overlap in the middle and reach over the territory's edges."""
        left, bottom, right, top = self.grid.bounds
        margin, half, middle = self.size_m / 20, self.size_m / 12, (left + right) / 2
        west = (left - margin, bottom - margin, middle + half, top + margin)
        east = (middle - half, bottom - margin, right + margin, top + margin)
        return Tile("31TGL", self._around(CRS, west)), Tile("32TLR", self._around(NEIGHBOUR_CRS, east))

    @cached_property
    def landsat_tile(self) -> Tile:
        """Path and row 196/028: the whole territory in pixels twice as wide, in EPSG:32631."""
        left, bottom, right, top = self.grid.bounds
        margin = self.size_m / 20
        box = (left - margin, bottom - margin, right + margin, top + margin)
        return Tile("196028", self._around(CRS, box).coarser)

    def relative(self, x: Places, y: Places) -> tuple[Places, Places]:
        """Places as shares of the territory's size, east and north of its middle."""
        left, bottom, right, top = self.grid.bounds
        return (x - (left + right) / 2) / self.size_m, (y - (bottom + top) / 2) / self.size_m

    def degrees(self, u: Places, v: Places) -> tuple[Places, Places]:
        """Longitudes and latitudes of relative places."""
        left, bottom, right, top = self.grid.bounds
        return reproject(CRS, "EPSG:4326", (left + right) / 2 + u * self.size_m, (bottom + top) / 2 + v * self.size_m)

    def random(self, *words: str | int) -> np.random.Generator:
        """The random numbers that belong to these words."""
        return np.random.default_rng([self.seed, *(crc32(str(word).encode()) for word in words)])

    def _around(self, crs: str, box: tuple[float, float, float, float]) -> Grid:
        left, bottom, right, top = box
        x, y = np.array([left, left, right, right]), np.array([bottom, top, bottom, top])
        x, y = (x, y) if crs == CRS else reproject(CRS, crs, x, y)
        step = 2 * self.resolution_m
        west, south = _snap(x.min(), step, floor), _snap(y.min(), step, floor)
        east, north = _snap(x.max(), step, ceil), _snap(y.max(), step, ceil)
        shape = ((north - south) // self.resolution_m, (east - west) // self.resolution_m)
        return Grid(crs, west, north, self.resolution_m, shape)


@dataclass(frozen=True, eq=False)
class Waves:
    """A smooth random field of mean 0 and variance 1: a sum of plane waves over relative places."""

    east: Floats
    north: Floats
    phase: Floats
    weight: Floats

    def at(self, u: Places, v: Places) -> Floats:
        """The field at these places; same shape."""
        total = np.zeros(u.shape, np.float32)
        for east, north, phase, weight in zip(self.east, self.north, self.phase, self.weight, strict=True):
            total += weight * np.cos((east * u + north * v + phase).astype(np.float32))
        return total


@cache
def waves(world: World, name: str, shortest: float, longest: float, count: int = 32, slope: float = 0.7) -> Waves:
    """The world's field of this name, with wavelengths as shares of its size; `slope` favours the long ones."""
    random = world.random("waves", name)
    length = np.exp(random.uniform(np.log(shortest), np.log(longest), count))
    heading = random.uniform(0, 2 * np.pi, count)
    weight = length**slope
    weight *= np.sqrt(2 / np.sum(weight**2))
    number = 2 * np.pi / length
    parts = (number * np.cos(heading), number * np.sin(heading), random.uniform(0, 2 * np.pi, count), weight)
    return Waves(*(part.astype(np.float32) for part in parts))


def reproject(source: str, target: str, x: Places, y: Places) -> tuple[Places, Places]:
    """Places in another CRS, always east before north."""
    moved_x, moved_y = Transformer.from_crs(source, target, always_xy=True).transform(x, y)
    return np.asarray(moved_x), np.asarray(moved_y)


def _snap(value: float, step: int, towards: Any) -> int:
    return int(towards(value / step)) * step
