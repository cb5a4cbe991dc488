"""The ground as it truly is: relief, land cover, plants, a lake, snow, a burn scar, and its temperature.

The reflectances are typical of their kind and stand for no place in particular.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from math import cos, exp, pi, sin

import numpy as np

from sco.simulator.sky import sun
from sco.simulator.world import Flags, Floats, Places, World, waves

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""The order of the reflectances below."""
WATER = (0.045, 0.060, 0.030, 0.018, 0.014, 0.010)
SNOW = (0.88, 0.89, 0.87, 0.80, 0.12, 0.09)
CHAR = (0.035, 0.045, 0.055, 0.085, 0.150, 0.170)
LAKE, LAKE_RADIUS, LAKE_DEPTH_M = (-0.15, 0.18), 0.105, 12.0
TOWN, TOWN_RADIUS = (0.03, 0.27), 0.05
FIRE, FIRE_RADIUS = (0.12, -0.27), 0.07
MASSIF = (0.27, -0.10)
PLAIN_M = 330.0
RECOVERY_DAYS = 700.0
SNOWY = 0.03
"""Share of snow from which a place counts as snowy: a little more already looks like water to the MNDWI."""


@dataclass(frozen=True)
class Cover:
    """A kind of land: its bare and its green reflectance, and the days between which it is green."""

    code: int
    bare: tuple[float, ...]
    green: tuple[float, ...]
    least: float
    """Green share in winter."""
    most: float
    """Green share in the season."""
    starts: float
    ends: float
    """Days of the year at the height of the plain."""
    drought: float = 0.0
    """Green share that a dry August takes away."""


COVERS: Mapping[str, Cover] = {
    "forest": Cover(
        1, (0.05, 0.07, 0.08, 0.15, 0.18, 0.13), (0.018, 0.040, 0.022, 0.340, 0.140, 0.060), 0.45, 1, 112, 298
    ),
    "winter_crop": Cover(
        2, (0.07, 0.10, 0.14, 0.22, 0.29, 0.24), (0.025, 0.060, 0.030, 0.430, 0.190, 0.090), 0.18, 1, 85, 190
    ),
    "summer_crop": Cover(
        3, (0.07, 0.10, 0.13, 0.20, 0.27, 0.22), (0.028, 0.065, 0.032, 0.450, 0.180, 0.085), 0.05, 1, 158, 268
    ),
    "grassland": Cover(
        4, (0.07, 0.11, 0.13, 0.23, 0.29, 0.21), (0.030, 0.075, 0.040, 0.390, 0.210, 0.110), 0.3, 0.95, 92, 300, 0.3
    ),
    "rock": Cover(
        5, (0.12, 0.14, 0.16, 0.20, 0.25, 0.23), (0.050, 0.080, 0.070, 0.300, 0.240, 0.160), 0.02, 0.15, 150, 280
    ),
    "town": Cover(
        6, (0.11, 0.13, 0.15, 0.19, 0.22, 0.20), (0.030, 0.065, 0.040, 0.360, 0.190, 0.100), 0.12, 0.35, 100, 300, 0.1
    ),
    "lake_bed": Cover(
        7, (0.08, 0.105, 0.13, 0.16, 0.145, 0.13), (0.040, 0.080, 0.050, 0.300, 0.145, 0.090), 0.0, 0.06, 120, 290
    ),
}


class Ground:
    """Some places of the world, with everything about them that stays; ask for a `day` to see the rest."""

    def __init__(self, world: World, x: Places, y: Places) -> None:
        self.world = world
        self.u, self.v = world.relative(x, y)
        self.elevation = _elevation(world, self.u, self.v)
        """Metres."""
        self.covers = _covers(world, self.u, self.v, self.elevation)
        """Share of each cover, 0 to 1; they sum to 1."""
        self.depth = _lake_depth(world, self.u, self.v)
        """Of the lake bed under the full lake, in metres; negative on land."""
        ragged = waves(world, "fire", 0.03, 0.12).at(self.u, self.v)
        self.burns = _bump(self.u, self.v, FIRE, FIRE_RADIUS, 0.006, ragged)
        """Severity of the fire, 0 to 1."""

    @cached_property
    def slope(self) -> tuple[Floats, Floats]:
        """Rise of the ground to the east and to the north, in metres per metre."""
        step = 0.5 * self.world.resolution_m / self.world.size_m
        east = _elevation(self.world, self.u + step, self.v) - _elevation(self.world, self.u - step, self.v)
        north = _elevation(self.world, self.u, self.v + step) - _elevation(self.world, self.u, self.v - step)
        size = np.float32(self.world.resolution_m)
        return east / size, north / size

    @cached_property
    def texture(self) -> Floats:
        """A field of variance 1 that makes no two meadows alike."""
        return waves(self.world, "texture", 0.02, 0.15).at(self.u, self.v)

    @cached_property
    def bare(self) -> Mapping[str, Floats]:
        """Reflectance without any green leaf, by band."""
        return {band: self._mix([cover.bare[at] for cover in COVERS.values()]) for at, band in enumerate(BANDS)}

    def leaf(self, cover: str, band: str) -> float:
        """What full green adds to the reflectance of a cover."""
        at = BANDS.index(band)
        return COVERS[cover].green[at] - COVERS[cover].bare[at]

    def on(self, day: date) -> "Day":
        """The same places on one day."""
        return Day(self, day)

    def _mix(self, values: list[float]) -> Floats:
        total = np.zeros(self.u.shape, np.float32)
        for share, value in zip(self.covers.values(), values, strict=True):
            total += share * np.float32(value)
        return total


class Day:
    """Some places of the world on one day, each property worked out when it is first asked for."""

    def __init__(self, ground: Ground, day: date) -> None:
        self.ground = ground
        self.day = day
        self.of_year = day.timetuple().tm_yday

    @cached_property
    def vigour(self) -> Mapping[str, Floats]:
        """Share of each cover's ground under green leaves, times the share of the cover."""
        return {name: share * self._green(COVERS[name]) for name, share in self.ground.covers.items()}

    @cached_property
    def water(self) -> Floats:
        """Share of the place under the lake, 0 to 1. The lake falls every year, and every summer."""
        return _rise((self.ground.depth - lake_drop(self.ground.world, self.day)) / 0.08)

    @cached_property
    def snow(self) -> Floats:
        """Share of the place under snow, 0 to 1."""
        height = self.ground.elevation + 90 * self.ground.texture - snow_line(self.day)
        return _rise(height / 30) * (1 - self.water)

    @property
    def snowy(self) -> Flags:
        """True where there is snow to speak of."""
        return self.snow > SNOWY

    @cached_property
    def burnt(self) -> Floats:
        """Share of the place that a fire has left bare, 0 to 1; it heals from the day after the fire on."""
        since = (self.day - self.ground.world.burn_day).days
        return self.ground.burns * np.float32(exp(-since / RECOVERY_DAYS) if since >= 0 else 0)

    @cached_property
    def light(self) -> Floats:
        """Brightness of the slopes against flat ground, as far as the atmospheric correction leaves it."""
        light, (east, north) = sun(datetime.combine(self.day, time())), self.ground.slope
        facing = -(east * light.towards[0] + north * light.towards[1]) * light.reach
        return np.clip(1 + 0.5 * facing, 0.3, 1.4).astype(np.float32)

    def snow_free(self, band: str) -> Floats:
        """Reflectance of the ground without snow, as if it were flat."""
        total = self.ground.bare[band].copy()
        for name, vigour in self.vigour.items():
            total += vigour * np.float32(self.ground.leaf(name, band))
        at = BANDS.index(band)
        total += self.burnt * (np.float32(CHAR[at]) - total)
        total += self.water * (np.float32(WATER[at]) - total)
        return total

    def reflectance(self, band: str) -> Floats:
        """Reflectance of the ground as it is, snow and slopes with it."""
        total = self.snow_free(band)
        total += self.snow * (np.float32(SNOW[BANDS.index(band)]) - total)
        return np.asarray(np.clip(total * self.light, 0.001, 1.2), np.float32)

    @cached_property
    def ndvi(self) -> Floats:
        """Vegetation index without snow; the slopes cancel in it."""
        red, nir = self.snow_free("red"), self.snow_free("nir")
        return (nir - red) / (nir + red)

    @cached_property
    def temperature(self) -> Floats:
        """Of the surface in the morning, in kelvin: towns and bare ground are hot, water is slow, snow melts at 273."""
        summer, dry = 0.5 + 0.5 * sin(2 * pi * (self.of_year - 110) / 365.25), drought(self.day)
        land: Floats = np.float32(276 + 34 * summer + 3 * dry) - np.float32(6e-3) * (self.ground.elevation - PLAIN_M)
        land -= sum(self.vigour.values()) * (2 + 7 * summer) * (1 - self.burnt)
        land += self.ground.covers["town"] * (2 + 5 * summer + dry)
        lake = np.float32(284 + 8 * sin(2 * pi * (self.of_year - 140) / 365.25))
        land += self.water * (lake - land)
        return np.asarray(land + self.snow * (np.minimum(land, 271) - land), np.float32)

    def _green(self, cover: Cover) -> Floats:
        late = np.float32(0.02) * (self.ground.elevation - PLAIN_M)
        rise = _rise((self.of_year - cover.starts - late) / 9)
        fall = _rise((self.of_year - cover.ends + late / 2) / 11)
        season = np.clip(rise - fall, 0, 1)
        august = exp(-(((self.of_year - 222) / 38) ** 2))
        most = np.clip(cover.most * (0.88 + 0.06 * self.ground.texture), 0.05, 1)
        green = np.maximum(cover.least + (most - cover.least) * season, 0.0)
        return np.asarray(np.clip(green - cover.drought * drought(self.day) * august, 0, 1), np.float32)


def lake_drop(world: World, day: date) -> float:
    """How far the lake is below its full level, in metres: lowest in September, lower every year."""
    years = (day - world.start).days / 365.25
    return 0.95 * years + 0.8 * (1 - cos(2 * pi * (day.timetuple().tm_yday - 75) / 365.25))


def snow_line(day: date) -> float:
    """Height above which snow lies, in metres: lowest in February, and other from year to year."""
    season = cos(2 * pi * (day.timetuple().tm_yday - 45) / 365.25)
    return 1950 - 1050 * season + 140 * sin(day.toordinal() / 131) + 80 * sin(day.toordinal() / 23)


def drought(day: date) -> float:
    """How dry the year is, 0 to 1, smoothly from year to year; 2022 is near the worst."""
    return 0.5 + 0.5 * cos(2 * pi * (day - date(2022, 8, 1)).days / (3.3 * 365.25))


def _elevation(world: World, u: Places, v: Places) -> Floats:
    hills, ridges = waves(world, "hills", 0.15, 0.5).at(u, v), waves(world, "ridges", 0.06, 0.25).at(u, v)
    far = ((u - MASSIF[0]) / 0.20) ** 2 + ((v - MASSIF[1]) / 0.28) ** 2
    massif = np.exp(-far).astype(np.float32) * (2900 - 620 * np.abs(ridges))
    land = PLAIN_M + 55 * (hills + 1.2) + massif
    basin = _rise((0.17 - _distance(u, v, LAKE)) / 0.012)
    return np.asarray(land + basin * (np.float32(PLAIN_M) - land), np.float32)


def _covers(world: World, u: Places, v: Places, elevation: Floats) -> Mapping[str, Floats]:
    woods, fields = waves(world, "woods", 0.05, 0.3).at(u, v), waves(world, "fields", 0.025, 0.12).at(u, v)
    town = _bump(u, v, TOWN, TOWN_RADIUS, 0.004, waves(world, "streets", 0.02, 0.1).at(u, v))
    scar = _bump(u, v, FIRE, 1.5 * FIRE_RADIUS, 0.01)
    plain = _rise((620 - elevation) / 60)
    rock = _rise((elevation - 2050 + 150 * woods) / 70)
    wooded = _rise((1850 - elevation) / 60) * _rise((0.9 * woods - 0.9 * plain + 0.35 + 3 * scar) / 0.12)
    open_land = (1 - rock) * (1 - wooded)
    crops = open_land * plain
    winter = _rise((fields + 0.1) / 0.12)
    meadow = np.float32(0.25) + 0.5 * _rise((-fields - 1) / 0.2)
    bed = _rise((_lake_depth(world, u, v) + 0.25) / 0.08)
    shares = {
        "forest": (1 - rock) * wooded,
        "winter_crop": crops * winter * (1 - meadow),
        "summer_crop": crops * (1 - winter) * (1 - meadow),
        "grassland": open_land * (1 - plain) + crops * meadow,
        "rock": rock,
    }
    land = {name: share * (1 - town) * (1 - bed) for name, share in shares.items()}
    return {**land, "town": town * (1 - bed), "lake_bed": bed}


def _lake_depth(world: World, u: Places, v: Places) -> Floats:
    shore = 1 + 0.13 * waves(world, "shore", 0.04, 0.25).at(u, v)
    along, across = u - LAKE[0] + v - LAKE[1], v - LAKE[1] - u + LAKE[0]
    distance = np.hypot(0.58 * along, 0.86 * across)
    return (LAKE_DEPTH_M * (shore - distance / LAKE_RADIUS)).astype(np.float32)


def _bump(
    u: Places, v: Places, middle: tuple[float, float], radius: float, edge: float, ragged: Floats | float = 0.0
) -> Floats:
    reach = radius * (1 + 0.22 * ragged) - _distance(u, v, middle)
    return _rise(reach / edge)


def _distance(u: Places, v: Places, middle: tuple[float, float]) -> Places:
    return np.asarray(np.hypot(u - middle[0], v - middle[1]))


def _rise(values: Floats | Places) -> Floats:
    """From 0 to 1 through 0.5 at 0, logistic."""
    return (0.5 + 0.5 * np.tanh(0.5 * values)).astype(np.float32)
