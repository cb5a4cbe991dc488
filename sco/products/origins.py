"""What each layer was made from, in the facts that a page shows to whoever asks how a number was made."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from sco import library
from sco.model import Indicator, Words
from sco.partition import Partition
from sco.products import phrases, web, words
from sco.products.contents import Layer, Publication
from sco.products.words import both

SHOWN_REJECTED = 40
"""Rejected scenes of one reason that are named, at most; the rest are counted."""
Manifest = Mapping[str, Any]
Treatment = TypeVar("Treatment", bound=Hashable)


def write_layer(publication: Publication, layer: Layer, folder: Path) -> None:
    """Write what a layer was made from as page/origins/NAME.js."""
    web.write_data(folder, f"origins/{layer.name}", origin(publication, layer), packed=True)


def head(publication: Publication, layer: Layer) -> dict[str, Any]:
    """What a layer was made from, in brief: how many scenes, or which layers; code; the scenes that were left out."""
    manifests = list(manifests_of(publication, layer).values())
    return {
        "scenes": len(_scenes(manifests)),
        "made_from": [both(one) for one in made_from(publication, manifests)],
        "codes": codes_of(manifests),
        "rejected": [both(one.words) for one in phrases.left_out(rejected_of(manifests))],
    }


def origin(publication: Publication, layer: Layer) -> dict[str, Any]:
    """The scenes of a layer, each once, with failed reads; which tile was made from which; and the rejected ones."""
    manifests = manifests_of(publication, layer)
    scenes = _scenes(manifests.values())
    places = {name: place for place, name in enumerate(sorted(scenes))}
    return {
        "scenes": [_scene(scenes[name]) for name in places],
        "tiles": {
            str(partition.tile): sorted(places[scene["catalog"], scene["id"]] for scene in one.get("scenes", ()))
            for partition, one in manifests.items()
        },
        "rejected": [_left_out(group) for group in phrases.left_out(rejected_of(manifests.values()))],
    }


def _left_out(group: phrases.LeftOut) -> dict[str, Any]:
    named = [{"id": name, "why": [phrases.plain(one) for one in why]} for name, why in group.scenes[:SHOWN_REJECTED]]
    return {"named": named, "more": max(0, len(group.scenes) - SHOWN_REJECTED)}


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
        "bands": [both(words.band_named(name)) for name in indicator.bands],
        "inputs": [(both(title_of(publication, one.indicator)), one.statistic) for one in indicator.inputs],
        "masked": sorted(set().union(*(sensor.masked_for(indicator) for sensor in sensors.values()))),
        "sensors": [f"{sensor.title} (v{sensor.version})" for sensor in sensors.values()],
    }


def title_of(publication: Publication, name: str) -> Words:
    """What people call an indicator of the project."""
    titles = {one.id: one.title for one in publication.project.resolved_indicators}
    return titles.get(name, Words(name, name))


def made_from(publication: Publication, manifests: Iterable[Manifest]) -> list[Words]:
    """The stored layers that a derived one was made from, each once."""
    sources = [source for one in manifests for source in one.get("made_from", ())]
    told = (_layers_said(publication, one["indicator"], list(dict.fromkeys(one["periods"]))) for one in sources)
    return list(dict.fromkeys(told))


def _layers_said(publication: Publication, name: str, labels: Sequence[str]) -> Words:
    """Title of an indicator, and its first and last period as people say them."""
    title, known = title_of(publication, name), _names_of_periods(publication)
    spans = [known.get(label, Words(label, label)) for label in labels]
    english, french = " – ".join(one.en for one in spans), " – ".join(one.fr for one in spans)
    return Words(f"{title.en}, {english}".rstrip(", "), f"{title.fr}, {french}".rstrip(", "))


def _names_of_periods(publication: Publication) -> Mapping[str, Words]:
    """What people call the project's periods, by their labels."""
    period = publication.project.period
    found: Mapping[str, Words] = publication.once(
        "names of periods", lambda: {one.label: words.named(one, period.every) for one in period.slices()}
    )
    return found


def _scene(scene: Manifest) -> dict[str, Any]:
    """What is known of a scene, its day and its bands in words."""
    facts = {name: scene.get(name) for name in ("id", "baseline", "cloud_percent")}
    told = facts | {
        "catalog": catalog_of(scene),
        "time": _moment(scene.get("time")),
        "bands": _calibrations(scene.get("calibration", {})),
        "failed": _failures(scene.get("failed", {})),
    }
    return {name: value for name, value in told.items() if value not in (None, [], "")}


def catalog_of(scene: Manifest) -> str:
    """What the scene's catalog calls itself."""
    name = str(scene["catalog"])
    return library.catalogs[name].title if name in library.catalogs else name


def _moment(told: object) -> dict[str, str] | None:
    """Day and hour, UTC, as people say them."""
    if not told:
        return None
    moment = datetime.fromisoformat(str(told)).astimezone(UTC)
    day, french_hour = words.day(moment.date()), f"{moment:%H}\u00a0h\u00a0{moment:%M}"
    return both(Words(f"{day.en}, {moment:%H:%M} UTC", f"{day.fr}, {french_hour} UTC"))


def _calibrations(bands: Mapping[str, Manifest]) -> list[dict[str, Any]]:
    """How the numbers of bands were read, and what that rests on; those that were treated alike in one."""
    treated = {name: (_steps(one), tuple(one.get("evidence", ()))) for name, one in sorted(bands.items())}
    return [
        {"how": both(_about(names, how)), "why": [phrases.plain(phrases.fact(str(one))) for one in evidence]}
        for (how, evidence), names in _alike(treated).items()
    ]


def _steps(calibration: Manifest) -> Words:
    """What makes values of a file's numbers."""
    scale, offset = float(calibration["scale"]), float(calibration["offset"])
    told = f"{scale:g}" + (f" {'-' if offset < 0 else '+'} {abs(offset):g}" if offset else "")
    return Words(f"number in the file × {words.number(told, 'en')}", f"nombre du fichier × {words.number(told, 'fr')}")


def _failures(bands: Mapping[str, str]) -> list[dict[str, Any]]:
    """Which bands could not be read, and why; those that failed alike in one."""
    told = {name: phrases.failure(str(reason)) for name, reason in sorted(bands.items())}
    return [
        {"what": both(_together(names)), "why": [phrases.plain(one) for one in why]}
        for why, names in _alike(told).items()
    ]


def _about(names: Sequence[str], how: Words) -> Words:
    called = _together(names)
    return Words(words.labelled(called.en, how.en, "en"), words.labelled(called.fr, how.fr, "fr"))


def _together(names: Sequence[str]) -> Words:
    """What people call these bands."""
    called = [words.band_named(name) for name in names]
    return Words(", ".join(one.en for one in called), ", ".join(one.fr for one in called))


def _alike(bands: Mapping[str, Treatment]) -> dict[Treatment, list[str]]:
    """The bands that have the same, by what they have."""
    names: dict[Treatment, list[str]] = {}
    for name, what in bands.items():
        names.setdefault(what, []).append(name)
    return names
