"""Ask the pixels themselves whether an offset is still in them, where what is said of it is known to be wrong at times.

With the offset still in its numbers, a witness band over dark ground lies just above the offset's own number, and
next to none of it below; with the offset taken most of it lies below. Bright or clouded scenes stay undecided.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import library
from sco.errors import SceneError, UpstreamError
from sco.model import Asset, Offset, Scene, Sensor
from sco.preflight import Rules
from sco.read import overview
from sco.signing import signed

SIDE = 256
FEWEST = 100
"""Dark pixels of the overview that a vote needs."""
MOST_NEGATIVE = 0.01
"""Share of dark ground that may be darker than nothing while the offset is still in."""


class Verdict(StrEnum):
    """What the pixels say of the offset."""

    STILL_IN = "still in the pixels"
    TAKEN = "already taken from the pixels"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Vote:
    """The verdict of the pixels, and what it rests on."""

    verdict: Verdict
    evidence: str


def ask(scene: Scene, sensor: Sensor, rules: Rules) -> Vote | None:
    """The vote of a scene's pixels on an overview, or None where its collection is believed without one."""
    collections = library.catalogs[scene.catalog].collections.get(scene.sensor, ())
    votes = any(collection.votes for collection in collections if collection.id == scene.collection)
    if sensor.offset is None or not votes or _never_had_it(scene, sensor.offset):
        return None
    needed = (sensor.offset.witness, sensor.qualities[0].band)
    if not scene.assets.keys() >= set(needed):
        return Vote(Verdict.UNDECIDED, f"no {' or no '.join(needed)} to ask")
    witness, codes = (signed(scene, band) for band in needed)
    return _asked(witness, codes, sensor.id, rules)


def judge(numbers: NDArray[Any], codes: NDArray[Any], sensor: Sensor) -> Vote:
    """The vote of stored numbers of the witness band and the quality codes of the same pixels; same shape.

    Raises SceneError for a sensor without an offset.
    """
    if sensor.offset is None:
        raise SceneError(f"{sensor.id} has no offset that its pixels could tell of")
    band, quality = sensor.band(sensor.offset.witness), sensor.qualities[0]
    dark = np.zeros(codes.shape, np.bool_)
    for meaning in sensor.offset.dark:
        dark |= quality.flags[meaning].raised(codes)
    found = numbers[dark & (numbers != band.nodata)]
    if found.size < FEWEST:
        return Vote(Verdict.UNDECIDED, f"only {found.size} dark pixels to ask")
    threshold = -sensor.offset.value / band.scale
    brightest = threshold + sensor.offset.dark_below / band.scale
    median, below = float(np.median(found)), float(np.mean(found < threshold))
    evidence = f"median {median:.0f} of {found.size} dark pixels in {band.name}, {below:.1%} under {threshold:.0f}"
    if median < threshold:
        return Vote(Verdict.TAKEN, evidence)
    still_in = median < brightest and below <= MOST_NEGATIVE
    return Vote(Verdict.STILL_IN if still_in else Verdict.UNDECIDED, evidence)


def _never_had_it(scene: Scene, offset: Offset) -> bool:
    """Whether the scene's processing is older than the offset, so that there is nothing to ask."""
    number = re.fullmatch(r"\d{1,2}\.\d{1,2}", scene.baseline or "")
    return number is not None and float(number[0]) < float(offset.from_baseline)


@lru_cache(maxsize=4096)
def _asked(witness: Asset, codes: Asset, sensor: str, rules: Rules) -> Vote:
    try:
        classes = overview(codes, (SIDE, SIDE), rules)
        numbers = overview(witness, classes.shape, rules)
    except (SceneError, UpstreamError) as error:
        return Vote(Verdict.UNDECIDED, f"the pixels cannot be asked: {error}")
    if numbers.shape != classes.shape:
        return Vote(Verdict.UNDECIDED, f"{witness.href} is coarser than its quality band")
    return judge(numbers, classes, library.sensors[sensor])
