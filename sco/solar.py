"""Scenes by the solar day that they were taken on, which is what an observation is made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sco import library
from sco.model import Scene
from sco.roster import Places, Roster

Days = NDArray[np.int64]
"""Solar days as proleptic ordinals."""
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1) // MICROSECOND
EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Observation:
    """The scenes of one sensor that belong to one solar day, in the order in which they fill the mosaic."""

    day: date
    sensor: str
    scenes: Sequence[Scene]


def solar_day(scene: Scene, longitude: float) -> date:
    """The local solar day of a scene at this longitude in degrees, 15 degrees an hour; its own day if it is of days."""
    return (scene.time + lead_of(scene.sensor, longitude)).date()


def lead_of(sensor: str, longitude: float) -> timedelta:
    """How far the solar day at a longitude in degrees is ahead of the UTC day, for the scenes of a sensor."""
    return timedelta(0) if library.sensors[sensor].whole_days else timedelta(hours=longitude / 15)


def observations(scenes: Iterable[Scene], longitude: float) -> tuple[Observation, ...]:
    """Scenes grouped by solar day and sensor, oldest first."""
    return grouped(*dated(Roster.of(scenes), longitude))


def dated(scenes: Roster, longitude: float) -> tuple[Roster, Days]:
    """The scenes in the order of solar days, sensors and ids, and the day of each."""
    sensors = scenes.sensors
    leads = {sensor: lead_of(sensor, longitude) // MICROSECOND for sensor in set(sensors)}
    local = scenes.times + np.array([leads[sensor] for sensor in sensors], np.int64)
    days = local // DAY + EPOCH
    keys = list(zip(days.tolist(), sensors, scenes.ids, strict=True))
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.intp)
    return scenes.at(order), days[order]


def firsts_of(scenes: Roster, days: Days) -> Places:
    """Which of the scenes, in the order of their days and sensors, are the first of an observation."""
    if not len(scenes):
        return np.empty(0, np.intp)
    sensors = np.unique(scenes.sensors, return_inverse=True)[1]
    return np.flatnonzero(np.concatenate([[True], (np.diff(days) != 0) | (np.diff(sensors) != 0)]))


def grouped(scenes: Roster, days: Days, firsts: Places | None = None) -> tuple[Observation, ...]:
    """Scenes in the order of their days and sensors, as observations; `firsts` where it is known, as by `firsts_of`."""
    starts = firsts_of(scenes, days) if firsts is None else firsts
    edges = [*starts.tolist(), len(scenes)]
    return tuple(
        Observation(date.fromordinal(day), sensor, scenes[first:after])
        for day, sensor, (first, after) in zip(
            days[starts].tolist(), scenes.at(starts).sensors, pairwise(edges), strict=True
        )
    )
