"""What a partition's numbers depend on, and in what two such bases differ."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sco import compute, library
from sco.grid import Tiling
from sco.model import Indicator, Scene
from sco.observation import Observation
from sco.partition import Partition
from sco.project import Project


def basis_of(
    partition: Partition, indicator: Indicator, project: Project, tiling: Tiling, found: Sequence[Observation]
) -> dict[str, Any]:
    """Everything that the partition's numbers depend on."""
    geobox = tiling.geobox_of(partition.tile)
    sensors = {name: library.sensors[name] for name in sorted({one.sensor for one in found})}
    bands = {name: (*indicator.bands, *sensor.quality_bands) for name, sensor in sensors.items()}
    return {
        "engine": compute.VERSION,
        "grid": [str(geobox.crs), list(geobox.transform)[:6], list(geobox.shape)],
        "period": [str(partition.period.start), str(partition.period.end)],
        "indicator": [indicator.id, indicator.version],
        "sensors": [(name, sensor.version) for name, sensor in sensors.items()],
        "access": [project.access.mismatch, project.access.contradiction, *_widened(project, found)],
        "scenes": [[str(one.day), *(_evidence(scene, bands[one.sensor]) for scene in one.scenes)] for one in found],
    }


def digest(basis: Mapping[str, Any]) -> str:
    """SHA-256 of a basis, hexadecimal."""
    return hashlib.sha256(json.dumps(basis, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def difference(manifest: Mapping[str, Any], found: Sequence[Observation], indicator: Indicator) -> str:
    """Why a partition is no longer what it would be now, in a few words."""
    before = {entry["id"]: entry for entry in manifest["scenes"]}
    now = {scene.id: scene for one in found for scene in one.scenes}
    told = [
        *(f"scene {name} is new" for name in sorted(now.keys() - before.keys())),
        *(f"scene {name} was withdrawn" for name in sorted(before.keys() - now.keys())),
        *(_reprocessed(before[name], now[name]) for name in sorted(now.keys() & before.keys())),
    ]
    if manifest["indicator_version"] != indicator.version:
        told.insert(0, f"indicator {indicator.id} v{manifest['indicator_version']} -> v{indicator.version}")
    told = [one for one in told if one]
    if not told:
        return "configuration or code changed"
    return told[0] + (f" and {len(told) - 1} more changes" if len(told) > 1 else "")


def _widened(project: Project, found: Sequence[Observation]) -> list[tuple[str, str, float]]:
    sensors = {one.sensor for one in found}
    return [rule for rule in project.widened if rule[0] in sensors]


def _evidence(scene: Scene, bands: Sequence[str]) -> list[Any]:
    checksums = [scene.assets[band].checksum if band in scene.assets else "absent" for band in bands]
    return [scene.catalog, scene.id, scene.updated, scene.baseline, scene.offset_applied, checksums]


def _reprocessed(before: Mapping[str, Any], scene: Scene) -> str:
    if before["baseline"] != scene.baseline:
        return f"scene {scene.id} was reprocessed {before['baseline']} -> {scene.baseline}"
    if before["updated"] != scene.updated:
        return f"scene {scene.id} was updated {before['updated']} -> {scene.updated}"
    return ""
