"""A scene as one line of JSON, and the same scene back from it."""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sco.model import Asset, Identity, Scene

COMPACT = json.JSONEncoder(separators=(",", ":"))


def transcribe(scene: Scene) -> str:
    """The scene, its mirrors among it, as compact JSON."""
    return COMPACT.encode(_facts(scene))


def scene_in(text: str) -> Scene:
    """The scene that `transcribe` wrote."""
    return _scene(json.loads(text))


def _facts(scene: Scene) -> dict[str, Any]:
    return {
        **vars(scene),
        "identity": vars(scene.identity),
        "time": scene.time.isoformat(),
        "assets": {band: _told(asset) for band, asset in scene.assets.items()},
        "mirrors": [_facts(mirror) for mirror in scene.mirrors],
    }


def _told(asset: Asset) -> dict[str, Any]:
    return {name: value for name, value in vars(asset).items() if value is not None}


def _scene(facts: Mapping[str, Any]) -> Scene:
    own = {
        "identity": Identity(**facts["identity"]),
        "time": datetime.fromisoformat(facts["time"]),
        "bbox": tuple(facts["bbox"]),
        "assets": {band: _asset(told) for band, told in facts["assets"].items()},
        "mirrors": tuple(_scene(mirror) for mirror in facts["mirrors"]),
    }
    return Scene(**{**facts, **own})


def _asset(told: dict[str, Any]) -> Asset:
    for name in ("shape", "transform"):
        if name in told:
            told[name] = tuple(told[name])
    if "nodata" in told and math.isnan(told["nodata"]):
        told["nodata"] = math.nan  # the one NaN, so that scenes compare equal
    return Asset(**told)
