"""What one sensor saw on one solar day: scenes mosaicked on a grid, each pixel with its state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from odc.geo.geobox import GeoBox
from odc.geo.geom import Geometry
from shapely import from_wkt

from sco import crash, kernels, library, mirrors, quality, radiometry, witness
from sco.errors import SceneError, UpstreamError
from sco.failure import Failure, classify, worst
from sco.mirrors import Agreement
from sco.model import Scene, Sensor
from sco.preflight import Rules
from sco.quality import State, States
from sco.radiometry import Calibration
from sco.read import Reading, read_scene
from sco.sighting import Layer, Sighting, Values
from sco.solar import Observation


@dataclass(frozen=True)
class Mosaic:
    """Calibrated bands of one observation; NaN wherever the state is not seen."""

    bands: Mapping[str, Values]
    """(y, x) by band name, float32."""
    states: States


class Observer:
    """Looks at one observation through one tile; reads each asset at most once and remembers what went wrong."""

    def __init__(
        self,
        observation: Observation,
        geobox: GeoBox,
        rules: Rules,
        peers: Sequence[Scene] | None = None,
    ) -> None:
        self.observation = observation
        self.geobox = geobox
        self.rules = rules
        self.peers = observation.scenes if peers is None else peers
        """Scenes around this day, by which catalogs can be compared where one of the scenes is unreadable."""
        self.sensor: Sensor = quality.widening(library.sensors[observation.sensor], rules.widened)
        self.failed: dict[tuple[str, str], str] = {}
        """(scene id, band) -> why it could not be read."""
        self.failures: dict[tuple[str, str], Failure] = {}
        """(scene id, band) -> what kind of failure that was, of the scene or of a mirror that could stand in."""
        self.calibrations: dict[tuple[str, str], Calibration] = {}
        self.trusted: dict[tuple[str, str], tuple[str, ...]] = {}
        """(scene id, band) -> where the file was believed against its item."""
        self.stand_ins: dict[tuple[str, str], str] = {}
        """(scene id, band) -> the mirror that it was read from, and why that may be."""
        self._shape: tuple[int, int] = geobox.shape.yx
        self._pixel_m = abs(float(geobox.resolution.x)) if geobox.crs is not None and geobox.crs.projected else 0.0
        self._margin = quality.margin(self.sensor, self._pixel_m)
        self._readings: dict[tuple[str, str, int], Reading] = {}
        """By scene id, band and margin: a band may be read with one for its flags and without for its numbers."""

    def mosaic(self, bands: Sequence[str], masked: frozenset[str]) -> Mosaic:
        """What is seen, calibrated."""
        sighting = self.sight(bands, masked)
        return Mosaic(dict(zip(bands, sighting.calibrated(bands), strict=True)), sighting.states)

    def sight(self, bands: Sequence[str], masked: frozenset[str]) -> Sighting:
        """The first scene that saw a pixel gives its value; a pixel that none saw keeps its lowest state."""
        layers: list[Layer] = []
        states: States | None = None
        for scene in self.observation.scenes:
            if states is not None and not states.any():
                break
            found = self._states(scene, bands, masked)
            if kernels.any_seen(found) if states is None else kernels.sees_more(found, states):
                layer = self._layer(scene, bands, states, found)
                layers += [] if layer is None else [layer]
            states = found if states is None else np.minimum(states, found)
        if states is None:
            states = quality.everywhere(State.NOT_ACQUIRED, self._shape)
        return Sighting(tuple(layers), states)

    def forget_pixels(self) -> None:
        """Let go of what was read; what was learned of the scenes stays."""
        self._readings.clear()

    def _states(self, scene: Scene, bands: Sequence[str], masked: frozenset[str]) -> States:
        states: States | None = None
        for one in (one for one in self.sensor.qualities if one.speaks_for(bands)):
            reading = self._read(scene, one.band, self._margin)
            if reading is None:
                return self._unreadable(scene)
            decoded = _inner(quality.decode(reading.numbers, one, masked, self._pixel_m), self._margin)
            states = decoded if states is None else np.maximum(states, decoded)
        return quality.everywhere(State.SEEN, self._shape) if states is None else states

    def _layer(self, scene: Scene, bands: Sequence[str], states: States | None, found: States) -> Layer | None:
        """What the scene gives where `states` are not seen yet; `found` keeps of its states what its bands do hold."""
        numbers = {}
        for name in bands:
            reading = self._read(scene, name)
            if reading is None:
                found[found == State.SEEN] = State.FAILED
                return None
            quality.let_go(found, reading.numbers, reading.nodata, self.sensor.band(name).valid)
            numbers[name] = reading.numbers
        steps = {name: radiometry.steps(self.sensor.band(name), self.calibrations[scene.id, name]) for name in bands}
        seen = found if states is None else np.where(states == State.SEEN, np.uint8(State.NOT_ACQUIRED), found)
        return Layer(numbers, steps, seen)

    def _read(self, scene: Scene, band: str, margin: int = 0) -> Reading | None:
        name, key = (scene.id, band), (scene.id, band, margin)
        if name in self.failed:
            return None
        if key not in self._readings:
            try:
                self._readings[key] = self._read_now(scene, band, margin)
            except (SceneError, UpstreamError) as error:
                self.failures[name] = classify(error)
                stand_in = self._read_mirrors(scene, band, margin)
                if stand_in is None:
                    self.failed[name] = str(error)
                    return None
                self._readings[key] = stand_in
            if self._readings[key].trusted:
                self.trusted[name] = self._readings[key].trusted
        return self._readings[key]

    def _read_mirrors(self, scene: Scene, band: str, margin: int) -> Reading | None:
        """The band from the first mirror that was found to have the same pixels, or None."""
        for mirror in scene.mirrors:
            found = self._agreement(scene, mirror)
            if not found.equal:
                continue
            try:
                reading = self._read_now(mirror, band, margin)
            except (SceneError, UpstreamError) as error:
                self.failures[scene.id, band] = worst((self.failures[scene.id, band], classify(error)))
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
        crash.point("mid-read")
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
    return np.ascontiguousarray(states[margin:-margin, margin:-margin]) if margin else states
