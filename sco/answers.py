"""What the catalogs answer for a project: asked now, or as it was kept."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from sco import crash
from sco.choices import Source
from sco.errors import ConfigurationError, UpstreamError
from sco.grid import degrees_boxes, middle_longitude
from sco.kept import Case
from sco.period import Slice
from sco.project import Project
from sco.roster import Roster
from sco.search import Answer
from sco.solar import Observation, dated, grouped


def ask(project: Project, slices: Sequence[Slice]) -> tuple[Answer, ...]:
    """One answer a source, kept. Raises UpstreamError when no catalog of a source answers."""
    crash.point("before search")
    answers = tuple(_ask(project, source, slices) for source in project.sources)
    crash.point("after search")
    return answers


def gather(project: Project, sensor: str, start: date, end: date, fresh: bool = False) -> tuple[Observation, ...]:
    """What one sensor of the project saw from `start` to `end`, both included.

    Works from the answers that the last plan kept; asks the catalogs where there are none, for days outside the
    project's period, and whenever it is to be `fresh`.
    """
    sources = [source for source in project.sources if source.sensor == sensor]
    if not sources:
        names = ", ".join(source.sensor for source in project.sources)
        raise ConfigurationError(f"project {project.id} has no source {sensor!r}; it has: {names}")
    span = Slice(start, end + timedelta(days=1), f"{start}/{end}")
    answers = [_answer_for(project, source, span, fresh) for source in sources]
    longitude = middle_longitude(project.geobox)
    scenes, days = dated(Roster.joined([answer.scenes for answer in answers]), longitude)
    inside = np.flatnonzero((days >= start.toordinal()) & (days <= end.toordinal()))
    return grouped(scenes.at(inside), days[inside])


def _answer_for(project: Project, source: Source, span: Slice, fresh: bool) -> Answer:
    slices = project.period.slices()
    if not fresh and slices[0].start <= span.start and span.end <= slices[-1].end:
        try:
            kept = _case(project, source, slices).recall()
        except UpstreamError:
            pass  # never asked yet
        else:
            return _vouched(project, source, kept)
    return _ask(project, source, (span,))


def _ask(project: Project, source: Source, slices: Sequence[Slice]) -> Answer:
    return _vouched(project, source, _case(project, source, slices).ask())


def _vouched(project: Project, source: Source, answer: Answer) -> Answer:
    """The answer without the scenes of later catalogs whose pixels nothing vouches for."""
    if len(source.catalogs) == 1 or set(Roster.of(answer.scenes).catalogs) <= {source.resolved_catalogs[0].id}:
        return answer
    from sco.plan import rules_of  # a plan starts from these answers
    from sco.vouching import vouched  # with all that reads pixels

    return vouched(answer, source, rules_of(project), project.workspace / "agreements.json")


def _case(project: Project, source: Source, slices: Sequence[Slice]) -> Case:
    # a solar day can begin or end up to 12 hours away from the UTC day
    half_a_day = timedelta(hours=12)
    start, end = slices[0].bounds[0] - half_a_day, slices[-1].bounds[1] + half_a_day
    places = tuple((box, start, end) for box in degrees_boxes(project.geobox))
    return Case(source, places, project.workspace / "answers")
