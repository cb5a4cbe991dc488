"""From (scene, band) to scale and offset, with the evidence for them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sco.errors import SceneError
from sco.model import Band, Offset, Scene, Sensor
from sco.witness import Verdict, Vote


@dataclass(frozen=True)
class Calibration:
    """Physical value = stored number x scale + offset."""

    scale: float
    offset: float
    evidence: tuple[str, ...]
    """Why, in words that a reader of the manifest understands."""


def calibration_of(
    scene: Scene,
    band: Band,
    sensor: Sensor,
    vote: Vote | None = None,
    contradiction: str = "quarantine",
    tags: tuple[float, float] | None = None,
) -> Calibration:
    """Decide scale and offset of one band of one scene from what the scene says of itself, and what its pixels say.

    An offset is decided by the flag that it was already taken, else by the processing baseline, never by date or
    address (https://sentiwiki.copernicus.eu/web/s2-processing). Where the pixels contradict, they are followed if
    `contradiction` is "pixels". Raises SceneError where they contradict otherwise, and where nothing tells. `tags` are
    scale and offset by the file's own tags: they count where the item is silent, and are evidence elsewhere.
    """
    asset = scene.assets[band.name]
    tagged = () if tags is None else (f"file tags say scale {tags[0]:g}, offset {tags[1]:g}",)
    scale = _first_told(asset.scale, None if tags is None else tags[0], band.scale)
    if sensor.offset is None or not band.positive:
        offset = _first_told(asset.offset, None if tags is None else tags[1], band.offset)
        giver = "item" if asset.offset is not None else "file" if tags is not None else "sensor"
        return Calibration(scale, offset, (f"{giver} gives the offset", *tagged))
    offset, evidence = _offset_by_word(scene, band, sensor.offset, tags)
    evidence = (*evidence, *tagged)
    if vote is not None:
        offset, evidence = _offset_by_vote(scene, sensor.offset, offset, evidence, vote, contradiction)
    return Calibration(scale, offset, evidence)


@dataclass(frozen=True)
class Steps:
    """A calibration as three float32 numbers: value = max(number + shift, floor) x scale, rounded at every step."""

    shift: np.float32
    floor: np.float32
    scale: np.float32

    @property
    def numbers(self) -> NDArray[np.float32]:
        """The three, in the order in which they are applied."""
        return np.array([self.shift, self.floor, self.scale], np.float32)


AS_IT_IS = Steps(np.float32(-0.0), np.float32(-np.inf), np.float32(1))
"""Changes no number, nor the sign of a zero."""


def steps(band: Band, calibration: Calibration) -> Steps:
    """How stored numbers of a band become physical values.

    Positive bands stay at or above one step of the scale, so that a pixel which is darker than the offset remains a
    dark pixel and does not become no data.
    """
    shift = np.float32(calibration.offset / calibration.scale)  # whole numbers stay exact in float32
    return Steps(shift, np.float32(1 if band.positive else -np.inf), np.float32(calibration.scale))


def apply(numbers: NDArray[np.generic], band: Band, calibration: Calibration) -> NDArray[np.float32]:
    """Stored numbers to physical values as float32; same shape."""
    by = steps(band, calibration)
    values: NDArray[np.float32] = np.maximum(numbers.astype(np.float32) + by.shift, by.floor) * by.scale
    return values


def _first_told(*told: float | None) -> float:
    return next(one for one in told if one is not None)


def _offset_by_word(
    scene: Scene, band: Band, offset: Offset, tags: tuple[float, float] | None
) -> tuple[float, tuple[str, ...]]:
    announced = scene.assets[band.name].offset
    said = () if announced is None else (f"item announces offset {announced:g}",)
    if scene.offset_applied:
        return 0.0, ("flag says that the offset was already taken", *said)
    if scene.baseline is not None:
        carries = _number(scene.baseline) >= _number(offset.from_baseline)
        relation = "at or after" if carries else "before"
        flag = ("flag says that the offset was not taken",) if scene.offset_applied is False else ()
        told = (f"baseline {scene.baseline} is {relation} {offset.from_baseline}", *flag, *said)
        return (offset.value if carries else 0.0), told
    if announced is not None:
        return announced, said
    if tags is not None:
        return tags[1], ()
    raise SceneError(
        f"scene {scene.id} of {scene.catalog} has no baseline, offset flag, announced offset or file tags for "
        f"{band.name}: nothing tells whether {offset.value:g} is to be added; add the property to the catalog's file"
    )


def _offset_by_vote(
    scene: Scene, offset: Offset, decided: float, evidence: tuple[str, ...], vote: Vote, contradiction: str
) -> tuple[float, tuple[str, ...]]:
    told = (*evidence, f"pixels: {vote.verdict} ({vote.evidence})")
    seen = {Verdict.STILL_IN: offset.value, Verdict.TAKEN: 0.0}.get(vote.verdict, decided)
    if seen == decided:
        return decided, told
    if contradiction == "pixels":
        return seen, (*told, "the pixels are followed")
    raise SceneError(
        f"scene {scene.id} of {scene.catalog} is quarantined: {'; '.join(told)}. Its word and its pixels contradict "
        'each other; set access.contradiction = "pixels" to follow the pixels'
    )


def _number(baseline: str) -> float:
    try:
        return float(baseline)
    except ValueError as error:
        raise SceneError(f"processing baseline {baseline!r} is not a number such as 05.09") from error
