"""What a partition's numbers depend on, and in what two such bases differ."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import engine, library, uncertainty
from sco.model import Indicator, Scene
from sco.partition import Empty, Partition
from sco.placement import Placement
from sco.project import Project
from sco.roster import Places
from sco.tile import Tile

Told = NDArray[np.object_]
"""A text for each scene."""
SCENES = "the scenes"
"""Where the text of the scenes goes."""
PLACE = json.dumps(SCENES).encode()


class Fingerprints:
    """The fingerprints of a plan's partitions; what many of them share is written down once."""

    def __init__(self, project: Project, placement: Placement) -> None:
        self.project = project
        self.tiling = project.tiling
        self.placement = placement
        self._grids: dict[Tile, list[Any]] = {}
        self._told: dict[tuple[str, ...], tuple[Told, Told, NDArray[np.bool_]]] = {}
        self._common: dict[tuple[str, tuple[str, ...]], Mapping[str, Any]] = {}

    def of(self, partition: Partition, indicator: Indicator, places: Places, nothing: Empty | None) -> str:
        """SHA-256, hexadecimal, of everything that the partition's numbers depend on.

        `places` are its scenes among those of the placement; `nothing` is why there are none.
        """
        basis = self._basis(partition, indicator, self.placement.sensors_at(places))
        if nothing not in (None, Empty.NO_ACQUISITION):
            basis["nothing"] = str(nothing)
        return digest(basis | {"scenes": SCENES}, self._scenes(indicator, places))

    def shared(self, indicator: Indicator) -> Mapping[str, Any]:
        """What the fingerprints of an indicator have in common, whichever of the sensors saw it."""
        return self._shared(indicator, tuple(sorted(set(self.placement.scenes.sensors))))

    def _basis(self, partition: Partition, indicator: Indicator, sensors: Sequence[str]) -> dict[str, Any]:
        """All but the scenes."""
        period = partition.period
        return {
            **self._shared(indicator, tuple(sensors)),
            "grid": self._grid(partition.tile),
            "period": [str(period.start), str(period.end)],
        }

    def _shared(self, indicator: Indicator, sensors: tuple[str, ...]) -> Mapping[str, Any]:
        """What is the same for every period and tile."""
        if (indicator.id, sensors) not in self._common:
            access = self.project.access
            widened = [rule for rule in self.project.widened if rule[0] in sensors]
            overviews = [f"{access.overviews} overviews"] if access.overviews != "means" else []
            self._common[indicator.id, sensors] = {
                "engine": engine.COMPUTE,
                "indicator": [indicator.id, indicator.version],
                "sensors": [(name, library.sensors[name].version) for name in sensors],
                "access": [access.mismatch, access.contradiction, *overviews, *widened],
                **errors_of(indicator, self.project),
            }
        return self._common[indicator.id, sensors]

    def _grid(self, tile: Tile) -> list[Any]:
        if tile not in self._grids:
            geobox = self.tiling.geobox_of(tile)
            self._grids[tile] = [str(geobox.crs), list(geobox.transform)[:6], list(geobox.shape)]
        return self._grids[tile]

    def _scenes(self, indicator: Indicator, places: Places) -> bytes:
        """As JSON: for each day and sensor a list of the day and the evidence of its scenes."""
        if not places.size:
            return b"[]"
        later, first = self._told_for(indicator, places)
        told, firsts = later[places], self.placement.firsts(places)
        told[firsts] = first[places[firsts]]
        return b"[" + b"".join(told.tolist())[2:] + b"]]"

    def _told_for(self, indicator: Indicator, places: Places) -> tuple[Told, Told]:
        """The evidence of scenes, of these at least: where it goes on a list, and where it begins one."""
        if indicator.bands not in self._told:
            count = len(self.placement.scenes)
            self._told[indicator.bands] = np.empty(count, object), np.empty(count, object), np.zeros(count, bool)
        later, first, known = self._told[indicator.bands]
        new = places[~known[places]]
        if new.size:
            later[new] = told = self._evidence(indicator, new)
            days = (date.fromordinal(day) for day in self.placement.days[new].tolist())
            first[new] = [f'],["{day}"'.encode() + one for day, one in zip(days, told.tolist(), strict=True)]
            known[new] = True
        return later, first

    def _evidence(self, indicator: Indicator, places: Places) -> Told:
        """Of each of these scenes as JSON, with a comma before it."""
        scenes = self.placement.scenes.at(places)
        bands = {one: (*indicator.bands, *library.sensors[one].quality_bands) for one in sorted(set(scenes.sensors))}
        rows = zip(scenes.evidence, scenes.checksums, scenes.sensors, strict=True)
        told = [f",{known[:-1]},{_checksums(checksums, bands[sensor])}]".encode() for known, checksums, sensor in rows]
        return np.array(told, object)


def errors_of(indicator: Indicator, project: Project) -> dict[str, int]:
    """What the standard errors depend on beside all that the values do; nothing where none is stored."""
    stored = project.uncertainty and uncertainty.method_of(indicator) is not None
    return {"uncertainty": uncertainty.VERSION} if stored else {}


def digest(basis: Mapping[str, Any], scenes: bytes = b"") -> str:
    """SHA-256 of a basis as JSON, hexadecimal; the JSON `scenes` stands where the basis has SCENES."""
    text = json.dumps(basis, sort_keys=True, separators=(",", ":")).encode()
    before, _, after = text.partition(PLACE)
    told = hashlib.sha256(before)
    told.update(scenes)
    told.update(after)
    return told.hexdigest()


def difference(manifest: Mapping[str, Any], scenes: Iterable[Scene], indicator: Indicator, project: Project) -> str:
    """Why a partition is no longer what it would be now, in a few words."""
    before = {entry["id"]: entry for entry in manifest["scenes"]}
    now = {scene.id: scene for scene in scenes}
    told = [
        *(f"scene {name} is new" for name in sorted(now.keys() - before.keys())),
        *(f"scene {name} was withdrawn" for name in sorted(before.keys() - now.keys())),
        *(_reprocessed(before[name], now[name]) for name in sorted(now.keys() & before.keys())),
    ]
    if manifest["indicator_version"] != indicator.version:
        told.insert(0, f"indicator {indicator.id} v{manifest['indicator_version']} -> v{indicator.version}")
    told += _errors_moved(manifest, indicator, project)
    told = [one for one in told if one]
    if not told:
        return "configuration or code changed"
    return told[0] + (f" and {len(told) - 1} more changes" if len(told) > 1 else "")


def _errors_moved(manifest: Mapping[str, Any], indicator: Indicator, project: Project) -> list[str]:
    before, now = manifest.get("uncertainty"), errors_of(indicator, project).get("uncertainty")
    if before == now:
        return []
    words = {(True, False): "is no longer asked for", (False, True): "is asked for and was not stored"}
    return [f"its uncertainty {words.get((before is not None, now is not None), f'v{before} -> v{now}')}"]


@lru_cache(maxsize=4096)
def _checksums(told: str, bands: tuple[str, ...]) -> str:
    """The checksums of these bands, as JSON, from what a scene tells of all that it offers."""
    offered = json.loads(told)
    return json.dumps([offered.get(band, "absent") for band in bands], separators=(",", ":"))


def _reprocessed(before: Mapping[str, Any], scene: Scene) -> str:
    if before["baseline"] != scene.baseline:
        return f"scene {scene.id} was reprocessed {before['baseline']} -> {scene.baseline}"
    if before["updated"] != scene.updated:
        return f"scene {scene.id} was updated {before['updated']} -> {scene.updated}"
    return ""
