"""Why a partition has no scene: the project does not want any, none was acquired, or no catalog has it."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from sco.grid import degrees_boxes, middle_longitude
from sco.model import Revisit
from sco.partition import Empty
from sco.period import Slice
from sco.project import Project
from sco.roster import Roster
from sco.search import Answer, leaves_clouded_out
from sco.solar import DAY, EPOCH, MICROSECOND, lead_of
from sco.tile import Tile

CHANCES = 3
"""Revisits that a period must hold before it is strange that nothing came of it."""
SETTLED = timedelta(days=60)
"""By when catalogs have what was acquired."""
LOWEST_SUN = 15.0
"""Degrees above the horizon at noon, from which a sensor that needs the sun is sure to look."""


@dataclass(frozen=True)
class Absences:
    """What is known of a plan's partitions without a scene."""

    project: Project
    missing: Mapping[tuple[str, Tile], Mapping[str, int]]
    """By period and tile, how many acquisitions of each sensor are known and cannot be used."""
    barren: frozenset[tuple[str, str]]
    """Period and sensor where no catalog knows of anything, though something must have been acquired."""

    def reason(self, period: Slice, tile: Tile, sensors: Iterable[str]) -> Empty:
        """Why there is no scene of these sensors over this period and tile."""
        if not self.project.period.is_in_season(period):
            return Empty.OUTSIDE_SEASON
        known = self.missing.get((period.label, tile), {})
        hole = any(known.get(name) or (period.label, name) in self.barren for name in sensors)
        return Empty.CATALOG_HOLE if hole else Empty.NO_ACQUISITION


def barren(
    project: Project, answers: Sequence[Answer], slices: Sequence[Slice], today: date
) -> Iterator[tuple[str, str]]:
    """The periods, by label, in which a sensor must have acquired something over the area, and no catalog has any.

    Nothing is said of a sensor that no catalog knows over this area at all, since it may not look here.
    """
    for source, answer in zip(project.sources, answers, strict=True):
        revisit = source.resolved_sensor.revisit
        days = sorted(_known_days(answer, lead_of(source.sensor, middle_longitude(project.geobox))))
        if revisit is None or not days or leaves_clouded_out(source):
            continue
        for period in slices:
            if not _any_in(days, period) and _must_have(period, revisit, project, today):
                yield period.label, source.sensor


def _known_days(answer: Answer, lead: timedelta) -> set[date]:
    """The solar days, so far ahead of UTC, of all that any catalog has, used or not."""
    local = Roster.of(answer.scenes).columns.times + lead // MICROSECOND
    days = {date.fromordinal(day + EPOCH) for day in np.unique(local // DAY).tolist()}
    return days | {(one.time + lead).date() for one in answer.rejected if one.time is not None}


def _any_in(days: Sequence[date], period: Slice) -> bool:
    """Whether one of these days, which are in order, lies in the period."""
    place = bisect_left(days, period.start)
    return place < len(days) and days[place] < period.end


def _must_have(period: Slice, revisit: Revisit, project: Project, today: date) -> bool:
    length = (period.end - period.start).days
    settled = period.end + SETTLED <= today
    held = period.start >= revisit.since and length >= CHANCES * revisit.days
    return held and settled and (not revisit.by_daylight or _is_sunny(period, project))


def _is_sunny(period: Slice, project: Project) -> bool:
    """Whether the sun stands high enough at noon over the whole area, on the first and the last day of the period."""
    boxes = degrees_boxes(project.geobox)
    latitudes = (min(south for _, south, _, _ in boxes), max(north for _, _, _, north in boxes))
    days = (period.start, period.end)
    return all(_noon_sun(latitude, day) >= LOWEST_SUN for latitude in latitudes for day in days)


def _noon_sun(latitude: float, day: date) -> float:
    """Degrees of the sun above the horizon at local noon, to about one degree."""
    since_solstice = (day - date(day.year - 1, 12, 22)).days
    return 90 - abs(latitude + 23.44 * math.cos(math.tau * since_solstice / 365.25))
