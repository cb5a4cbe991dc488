"""The fingerprints of a plan, in a file beside the store: found again where all that they are made from is the same.

What they are made from is told by its bytes, every scene's evidence and place among it, and never by dates of files.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sco import library
from sco.draft import drafted
from sco.model import Indicator
from sco.period import Slice
from sco.placement import Placement
from sco.project import Project

MANY = 1000
"""Periods of tiles with scenes from which it is worth a file."""


def key_of(
    project: Project,
    slices: Sequence[Slice],
    placement: Placement,
    rules: Iterable[Mapping[str, Any]],
    seen_by: Iterable[tuple[Indicator, frozenset[str]]],
) -> str | None:
    """SHA-256, hexadecimal, of all that fingerprints come from but why there is no scene; None where they are few.

    `rules` are what the fingerprints of each indicator share; `seen_by` the sensors that each can be seen by.
    """
    if len(placement) < MANY:
        return None
    geobox, scenes = project.geobox, placement.scenes
    basis = {
        "rules": list(rules),
        "seen_by": [(one.id, one.bands, sorted(sensors)) for one, sensors in seen_by],
        "quality": {name: library.sensors[name].quality_bands for name in sorted(set(scenes.sensors))},
        "grid": [str(geobox.crs), list(geobox.transform)[:6], list(geobox.shape), project.area.tile],
        "slices": [(str(one.start), str(one.end), one.label) for one in slices],
        "cells": [f"{label} {tile}" for label, tile in placement.cells],
    }
    told = hashlib.sha256(json.dumps(basis, sort_keys=True).encode())
    for texts in (scenes.sensors, scenes.evidence, scenes.checksums):
        told.update(json.dumps(texts).encode())
    places = list(placement.cells.values())
    for numbers in (placement.days, [one.size for one in places], np.concatenate(places)):
        told.update(np.asarray(numbers, "<i8").tobytes())
    return told.hexdigest()


def recall(file: Path, key: str | None) -> dict[str, str]:
    """The fingerprints under this key, by partition and why it has no scene.

    None where the file has another key, is damaged or is not there, or where there is no key.
    """
    try:
        first, _, content = file.read_bytes().partition(b"\n")
        if first.decode("ascii") != f"{key} {hashlib.sha256(content).hexdigest()}":
            return {}
        return dict(json.loads(content))
    except (OSError, ValueError, TypeError):
        return {}


def remember(file: Path, key: str | None, fingerprints: Mapping[str, str]) -> None:
    """Keep them, whole or not at all; not without a key."""
    if key is None:
        return
    content = json.dumps(fingerprints).encode()
    with drafted(file) as draft:
        draft.write_bytes(f"{key} {hashlib.sha256(content).hexdigest()}\n".encode() + content)
