"""What one sensor saw on one solar day: scenes mosaicked on a grid, each pixel with its state."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry
from shapely import from_wkt

from sco import library, mirrors, quality, radiometry, witness
from sco.errors import SceneError, UpstreamError
from sco.mirrors import Agreement
from sco.model import Band, Scene, Sensor
from sco.preflight import Rules
from sco.quality import State, States
from sco.radiometry import Calibration
from sco.read import Reading, read_scene

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Observation:
    """The scenes of one sensor that belong to one solar day, in the order in which they fill the mosaic."""

    day: date
    sensor: str
    scenes: tuple[Scene, ...]


@dataclass(frozen=True)
class Mosaic:
    """Calibrated bands of one observation; NaN wherever the state is not seen."""

    bands: Mapping[str, Values]
    """(y, x) by band name, float32."""
    states: States


def solar_day(scene: Scene, longitude: float) -> date:
    """The local solar day of a scene at this longitude in degrees, 15 degrees an hour; its own day if it is of days."""
    if library.sensors[scene.sensor].whole_days:
        return scene.time.date()
    return (scene.time + timedelta(hours=longitude / 15)).date()


def observations(scenes: Iterable[Scene], longitude: float) -> tuple[Observation, ...]:
    """Scenes grouped by solar day and sensor, oldest first."""

    def key(scene: Scene) -> tuple[date, str]:
        return solar_day(scene, longitude), scene.sensor

    ordered = sorted(scenes, key=lambda scene: (*key(scene), scene.id))
    return tuple(Observation(day, sensor, tuple(group)) for (day, sensor), group in groupby(ordered, key))


class Observer:
    """Looks at one observation through one tile; reads each asset at most once and remembers what went wrong."""

    def __init__(
        self, observation: Observation, geobox: GeoBox, rules: Rules, peers: Sequence[Scene] | None = None
    ) -> None:
        self.observation = observation
        self.geobox = geobox
        self.rules = rules
        self.peers = observation.scenes if peers is None else peers
        """Scenes around this day, by which catalogs can be compared where one of the scenes is unreadable."""
        self.sensor: Sensor = library.sensors[observation.sensor]
        self.failed: dict[tuple[str, str], str] = {}
        """(scene id, band) -> why it could not be read."""
        self.calibrations: dict[tuple[str, str], Calibration] = {}
        self.trusted: dict[tuple[str, str], tuple[str, ...]] = {}
        """(scene id, band) -> where the file was believed against its item."""
        self.stand_ins: dict[tuple[str, str], str] = {}
        """(scene id, band) -> the mirror that it was read from, and why that may be."""
        self._shape: tuple[int, int] = geobox.shape.yx
        self._pixel_m = abs(float(geobox.resolution.x)) if geobox.crs is not None and geobox.crs.projected else 0.0
        self._margin = quality.margin(self.sensor, self._pixel_m)
        self._readings: dict[tuple[str, str], Reading] = {}

    def mosaic(self, bands: Sequence[str], masked: frozenset[str]) -> Mosaic:
        """The first scene that saw a pixel gives its value; a pixel that none saw keeps its lowest state."""
        states = quality.everywhere(State.NOT_ACQUIRED, self._shape)
        values = {band: np.full(self._shape, np.nan, np.float32) for band in bands}
        for scene in self.observation.scenes:
            found = self._states(scene, bands, masked)
            wanted = (found == State.SEEN) & (states != State.SEEN)
            if wanted.any():
                found = self._fill(values, scene, wanted, found)
            np.minimum(states, found, out=states)
            if not states.any():
                break
        return Mosaic(values, states)

    def forget_pixels(self) -> None:
        """Let go of what was read; what was learned of the scenes stays."""
        self._readings.clear()

    def _states(self, scene: Scene, bands: Sequence[str], masked: frozenset[str]) -> States:
        states = quality.everywhere(State.SEEN, self._shape)
        for one in (one for one in self.sensor.qualities if one.speaks_for(bands)):
            reading = self._read(scene, one.band, self._margin)
            if reading is None:
                return self._unreadable(scene)
            decoded = quality.decode(reading.numbers, one, masked, self._pixel_m)
            np.maximum(states, _inner(decoded, self._margin), out=states)
        return states

    def _fill(self, values: dict[str, Values], scene: Scene, wanted: NDArray[np.bool_], found: States) -> States:
        """Put the scene's bands where they are wanted; returns its states, without what its bands do not hold."""
        found = found.copy()
        for name in values:
            reading = self._read(scene, name)
            if reading is None:
                found[found == State.SEEN] = State.FAILED
                return found
            _let_go(found, reading, self.sensor.band(name))
        here = wanted & (found == State.SEEN)
        for name, value in values.items():
            numbers, calibration = self._readings[scene.id, name].numbers, self.calibrations[scene.id, name]
            np.copyto(value, radiometry.apply(numbers, self.sensor.band(name), calibration), where=here)
        return found

    def _read(self, scene: Scene, band: str, margin: int = 0) -> Reading | None:
        key = (scene.id, band)
        if key in self.failed:
            return None
        if key not in self._readings:
            try:
                self._readings[key] = self._read_now(scene, band, margin)
            except (SceneError, UpstreamError) as error:
                stand_in = self._read_mirrors(scene, band, margin)
                if stand_in is None:
                    self.failed[key] = str(error)
                    return None
                self._readings[key] = stand_in
            if self._readings[key].trusted:
                self.trusted[key] = self._readings[key].trusted
        return self._readings[key]

    def _read_mirrors(self, scene: Scene, band: str, margin: int) -> Reading | None:
        """The band from the first mirror that was found to have the same pixels, or None."""
        for mirror in scene.mirrors:
            found = self._agreement(scene, mirror)
            if not found.equal:
                continue
            try:
                reading = self._read_now(mirror, band, margin)
            except (SceneError, UpstreamError):
                continue
            if (mirror.id, band) in self.calibrations:
                self.calibrations[scene.id, band] = self.calibrations.pop((mirror.id, band))
            self.stand_ins[scene.id, band] = f"{mirror.id} of {mirror.catalog}: {found.evidence}"
            return reading
        return None

    def _agreement(self, scene: Scene, mirror: Scene) -> Agreement:
        """Whether the mirror may stand in: by the two themselves, or else by what their catalogs have in common."""

        def compare(one: Scene, other: Scene) -> Agreement:
            return mirrors.agreement(one, other, self.sensor, self.rules)

        found = compare(scene, mirror)
        if found.compared:
            return found
        others = [peer for peer in self.peers if peer.sensor == scene.sensor and peer.id != scene.id]
        return mirrors.on_shared((scene.catalog, mirror.catalog), scene.time, others, compare)

    def _read_now(self, scene: Scene, name: str, margin: int) -> Reading:
        if name not in scene.assets:
            raise SceneError(f"scene {scene.id} offers no asset for {name}; it has: {', '.join(sorted(scene.assets))}")
        band = self.sensor.band(name)
        geobox = self.geobox.pad(margin) if margin else self.geobox
        reading = read_scene(scene, band, self.sensor, geobox, self.rules)
        if name not in self.sensor.quality_bands or band.valid is not None:  # codes may share a band with measurements
            vote = witness.ask(scene, self.sensor, self.rules)
            self.calibrations[scene.id, name] = radiometry.calibration_of(
                scene, band, self.sensor, vote, self.rules.contradiction, reading.tags
            )
        return reading

    def _unreadable(self, scene: Scene) -> States:
        """FAILED inside the scene's footprint: that is all that is known of a scene whose quality is not readable."""
        from rasterio.features import rasterize

        outline = Geometry(from_wkt(scene.footprint), crs="EPSG:4326").to_crs(str(self.geobox.crs), resolution=0.05)
        states = quality.everywhere(State.NOT_ACQUIRED, self._shape)
        burned: States = rasterize(
            [(outline.geom, int(State.FAILED))],
            out=states,
            transform=self.geobox.transform,
            all_touched=True,
        )
        return burned


def _inner(states: States, margin: int) -> States:
    return states[margin:-margin, margin:-margin] if margin else states


def _let_go(found: States, reading: Reading, band: Band) -> None:
    """Pixels without a number were not acquired; numbers that are no measurements are masked."""
    numbers = reading.numbers
    seen = found == State.SEEN
    found[seen & (np.isnan(numbers) if np.isnan(reading.nodata) else numbers == reading.nodata)] = State.NOT_ACQUIRED
    if band.valid is not None:
        low, high = band.valid
        found[(found == State.SEEN) & ~((numbers >= low) & (numbers <= high))] = State.MASKED
