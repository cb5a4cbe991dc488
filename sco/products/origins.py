"""What each layer was made from, in the facts that a page shows to whoever asks how a number was made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sco.model import Indicator
from sco.partition import Partition
from sco.products import web
from sco.products.contents import Layer, Publication

SHOWN_REJECTED = 40
"""Rejected scenes that are named, at most; the rest are counted."""
Manifest = Mapping[str, Any]


def write_layer(publication: Publication, layer: Layer, folder: Path) -> None:
    """Write what a layer was made from as page/origins/NAME.js."""
    web.write_data(folder, f"origins/{layer.name}", origin(publication, layer), packed=True)


def head(publication: Publication, layer: Layer) -> dict[str, Any]:
    """What a layer was made from, in brief: how many scenes, or which layers; code; how many scenes were left out."""
    manifests = list(manifests_of(publication, layer).values())
    return {
        "scenes": len(_scenes(manifests)),
        "made_from": made_from(manifests),
        "codes": codes_of(manifests),
        "rejected": len(rejected_of(manifests)),
    }


def origin(publication: Publication, layer: Layer) -> dict[str, Any]:
    """The scenes of a layer, each once, with failed reads; which tile was made from which; and the rejected ones."""
    manifests = manifests_of(publication, layer)
    scenes = _scenes(manifests.values())
    places = {name: place for place, name in enumerate(sorted(scenes))}
    rejected = rejected_of(manifests.values())
    return {
        "scenes": [_scene(scenes[name]) for name in places],
        "tiles": {
            str(partition.tile): sorted(places[scene["catalog"], scene["id"]] for scene in one.get("scenes", ()))
            for partition, one in manifests.items()
        },
        "rejected": [f"{name}: {reason}" for name, reason in rejected[:SHOWN_REJECTED]],
        "more_rejected": max(0, len(rejected) - SHOWN_REJECTED),
    }


def _scenes(manifests: Iterable[Manifest]) -> dict[tuple[str, str], Manifest]:
    return {(scene["catalog"], scene["id"]): scene for one in manifests for scene in one.get("scenes", ())}


def manifests_of(publication: Publication, layer: Layer) -> dict[Partition, Manifest]:
    """The manifests of a layer's partitions, by partition, in order."""
    return {partition: publication.manifests[partition] for partition in publication.partitions_of(layer)}


def codes_of(manifests: Iterable[Manifest]) -> list[str]:
    """The versions of the code that made these, each once."""
    return sorted({str(one["code"]) for one in manifests})


def rejected_of(manifests: Iterable[Manifest]) -> list[tuple[str, str]]:
    """The scenes that were left out, and why, each once."""
    return sorted({(str(entry["id"]), str(entry["reason"])) for one in manifests for entry in one.get("rejected", ())})


def recipe(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    """How an indicator is made, in words that name only what is declared."""
    sources = () if indicator.is_derived else publication.project.sources_of(indicator)
    sensors = {source.sensor: source.resolved_sensor for source in sources}
    return {
        "version": indicator.version,
        "composite": indicator.composite or "",
        "bands": list(indicator.bands),
        "inputs": [(one.indicator, one.statistic) for one in indicator.inputs],
        "masked": sorted(set().union(*(sensor.masked_for(indicator) for sensor in sensors.values()))),
        "sensors": [f"{sensor.title} (v{sensor.version})" for sensor in sensors.values()],
    }


def made_from(manifests: Iterable[Manifest]) -> list[str]:
    """The stored layers that a derived one was made from, each once."""
    sources = [source for one in manifests for source in one.get("made_from", ())]
    spans = (" – ".join(dict.fromkeys(one["periods"])) for one in sources)
    return list(dict.fromkeys(f"{one['indicator']} {span}".strip() for one, span in zip(sources, spans, strict=True)))


def _scene(scene: Manifest) -> dict[str, Any]:
    facts = {name: scene.get(name) for name in ("id", "catalog", "time", "baseline", "updated", "cloud_percent")}
    bands = [_band(name, one) for name, one in sorted(scene.get("calibration", {}).items())]
    failed = [f"{band}: {reason}" for band, reason in sorted(scene.get("failed", {}).items())]
    told = facts | {"bands": _alike(bands), "failed": failed}
    return {name: value for name, value in told.items() if value not in (None, [], "")}


def _band(name: str, calibration: Manifest) -> tuple[str, str]:
    evidence = "; ".join(str(one) for one in calibration.get("evidence", ()))
    return name, f"× {calibration['scale']:g} {calibration['offset']:+g}" + (f" ({evidence})" if evidence else "")


def _alike(bands: Sequence[tuple[str, str]]) -> list[str]:
    """Bands that were treated alike are told in one line."""
    return list(_grouped(bands))


def _grouped(bands: Sequence[tuple[str, str]]) -> Iterator[str]:
    for treatment in dict.fromkeys(how for _, how in bands):
        yield f"{', '.join(name for name, how in bands if how == treatment)} {treatment}"
