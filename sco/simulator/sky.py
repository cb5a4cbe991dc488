"""What stands between the ground and the sensor: sun, clouds that drift, the shadows they throw, cirrus, swaths."""

from dataclasses import dataclass
from datetime import datetime
from math import cos, pi, radians, sin, sqrt, tan
from statistics import NormalDist

import numpy as np

from sco.simulator.world import Flags, Floats, Places, Waves, World, waves

CLOUD_BASE = 1 / 30
"""Height of the clouds, as a share of the territory's size."""
SOFTNESS = 0.35
"""Rise of the field over which a cloud goes from clear to opaque."""
MARGIN = 0.2
"""Rise of the field by which the classifications see a cloud or a shadow wider than it is."""


@dataclass(frozen=True)
class Sun:
    """Where the sun stands, in degrees; azimuth is clockwise from north."""

    azimuth: float
    elevation: float

    @property
    def towards(self) -> tuple[float, float]:
        """Unit vector on the ground towards the sun: east, north."""
        return sin(radians(self.azimuth)), cos(radians(self.azimuth))

    @property
    def reach(self) -> float:
        """Length of a shadow, per height of what throws it."""
        return 1 / tan(radians(self.elevation))


@dataclass(frozen=True)
class Weather:
    """The sky of one day."""

    cloud_share: float
    cirrus_share: float
    wind: tuple[float, float]
    """East and north, in sizes of the territory per hour."""
    brightness: float
    """Reflectance of the thickest clouds."""


@dataclass(frozen=True)
class Swath:
    """What the instrument covered on one pass: everything, or one side of a line."""

    heading: tuple[float, float] = (0.0, 0.0)
    """Unit vector across the line, out of the covered side; relative places."""
    limit: float = 1.0

    def covers(self, u: Places, v: Places) -> Flags:
        """True where the pass acquired."""
        return np.asarray(self.heading[0] * u + self.heading[1] * v < self.limit)


@dataclass(frozen=True, eq=False)
class View:
    """What the sky hides of some places at one time. Shares are 0 to 1; flags are wider than what they flag."""

    opacity: Floats
    cloudy: Flags
    shade: Floats
    shaded: Flags
    cirrus: Floats
    veiled: Flags
    brightness: Floats
    """Reflectance of the clouds."""
    acquired: Flags

    @property
    def clear(self) -> Flags:
        """True where nothing stands in the way."""
        return self.acquired & ~self.cloudy & ~self.shaded & ~self.veiled


class Drift:
    """A field of waves over fixed places that is cheap to evaluate again when it has moved."""

    def __init__(self, field: Waves, u: Places, v: Places) -> None:
        self.field = field
        angle = np.multiply.outer(field.east, u) + np.multiply.outer(field.north, v)
        self.cosine, self.sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

    def moved(self, east: float, north: float, phase: Floats) -> Floats:
        """The field, shifted by these relative distances and with these phases added to its waves."""
        turn = self.field.phase + phase - self.field.east * east - self.field.north * north
        even, odd = self.field.weight * np.cos(turn), -self.field.weight * np.sin(turn)
        # not BLAS, whose sums depend on how many threads are free
        field: Floats = np.einsum("k,k...->...", even, self.cosine)
        field += np.einsum("k,k...->...", odd, self.sine)
        return field


class Sky:
    """The sky over fixed places, seen at any time."""

    def __init__(self, world: World, x: Places, y: Places) -> None:
        self.world = world
        self.u, self.v = world.relative(x, y)
        self.clouds = Drift(waves(world, "clouds", 0.03, 0.6, count=48, slope=0.85), self.u, self.v)
        self.veils = Drift(waves(world, "cirrus", 0.15, 1.2, count=12), self.u, self.v)

    def at(self, time: datetime, swath: Swath) -> View:
        """What the sky hides of the places at `time`, on a pass with this swath."""
        today, light = weather(self.world, time), sun(time)
        reach = CLOUD_BASE * light.reach
        field = self._clouds(time, today, 0.0, 0.0)
        above = self._clouds(time, today, -light.towards[0] * reach, -light.towards[1] * reach)
        threshold = _threshold(today.cloud_share)
        cirrus = self._cirrus(time, today)
        return View(
            opacity=_ramp((field - threshold) / SOFTNESS),
            cloudy=field > threshold - MARGIN,
            shade=_ramp((above - threshold) / SOFTNESS),
            shaded=above > threshold - MARGIN,
            cirrus=0.35 * _ramp(cirrus),
            veiled=cirrus > -0.05,
            brightness=(today.brightness * _ramp(0.75 + 0.1 * field)).astype(np.float32),
            acquired=swath.covers(self.u, self.v),
        )

    def _clouds(self, time: datetime, today: Weather, east: float, north: float) -> Floats:
        if today.cloud_share == 0:
            return np.full(self.u.shape, -100, np.float32)
        hours = time.hour + time.minute / 60
        phase = _phases(self.world, "clouds", time, len(self.clouds.field.phase))
        return self.clouds.moved(today.wind[0] * hours + east, today.wind[1] * hours + north, phase)

    def _cirrus(self, time: datetime, today: Weather) -> Floats:
        if today.cirrus_share == 0:
            return np.full(self.u.shape, -1, np.float32)
        phase = _phases(self.world, "cirrus", time, len(self.veils.field.phase))
        return self.veils.moved(0.0, 0.0, phase) - np.float32(_threshold(today.cirrus_share))


def sun(time: datetime) -> Sun:
    """The sun of that day at mid-morning, when the satellites pass; the equation of time is left out."""
    season = sin(2 * pi * (time.timetuple().tm_yday - 80) / 365.25)
    return Sun(azimuth=155 - 8 * season, elevation=41 + 20 * season)


def weather(world: World, time: datetime) -> Weather:
    """The sky of that day: a third clear and one in ten overcast, a little worse in winter, the rest in between."""
    random = world.random("weather", time.date().toordinal())
    winter = 0.5 + 0.5 * cos(2 * pi * (time.timetuple().tm_yday - 15) / 365.25)
    kind, part, veil, speed, heading, brightness = random.uniform(size=6)
    share = 0.0 if kind < 0.34 - 0.1 * winter else 1.0 if kind > 0.93 - 0.12 * winter else 0.03 + 0.7 * part**1.5
    pace = 0.1 + 0.5 * speed
    return Weather(
        cloud_share=share,
        cirrus_share=0.6 * veil / 0.2 if veil < 0.2 else 0.0,
        wind=(pace * cos(2 * pi * heading), pace * sin(2 * pi * heading)),
        brightness=0.6 + 0.25 * brightness,
    )


def swath(world: World, sensor: str, index: int, every: int) -> Swath:
    """The swath of the sensor's pass of this number: one in `every` covers only a part, the others everything."""
    if index % every != every - 1:
        return Swath()
    random = world.random("swath", sensor, index)
    side = random.choice([-1.0, 1.0])
    across = (0.97 * side, -0.22 * side)  # a descending orbit runs from north-north-east to south-south-west
    length = sqrt(across[0] ** 2 + across[1] ** 2)
    return Swath((across[0] / length, across[1] / length), float(random.uniform(-0.15, 0.3)))


def _phases(world: World, name: str, time: datetime, count: int) -> Floats:
    random = world.random("phases", name, time.date().toordinal())
    return random.uniform(0, 2 * pi, count).astype(np.float32)


def _threshold(share: float) -> float:
    """The level that a field of variance 1 exceeds over this share of its places; all of them, or none, at the ends."""
    if share <= 0:
        return 99.0
    return -99.0 if share >= 1 else NormalDist().inv_cdf(1 - share)


def _ramp(values: Floats) -> Floats:
    return np.clip(values, 0, 1).astype(np.float32)
