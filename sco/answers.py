"""What the catalogs answer for a project: asked now, or as it was kept."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from sco import crash
from sco.choices import Source
from sco.errors import ConfigurationError, UpstreamError
from sco.grid import degrees_boxes, middle_longitude
from sco.model import BBox
from sco.observation import Observation, observations, solar_day
from sco.period import Slice
from sco.project import Project
from sco.search import Answer, recall, search
from sco.vouching import vouched

Question = tuple[BBox, datetime, datetime]


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
    scenes = [scene for answer in answers for scene in answer.scenes if solar_day(scene, longitude) in span]
    return observations(scenes, longitude)


def _answer_for(project: Project, source: Source, span: Slice, fresh: bool) -> Answer:
    slices = project.period.slices()
    if not fresh and slices[0].start <= span.start and span.end <= slices[-1].end:
        try:
            questions = _questions(project, slices)
            kept = _joined(recall(source, *question, project.workspace / "answers") for question in questions)
        except UpstreamError:
            pass  # never asked yet
        else:
            return _vouched(project, source, kept)
    return _ask(project, source, (span,))


def _ask(project: Project, source: Source, slices: Sequence[Slice]) -> Answer:
    questions = _questions(project, slices)
    answer = _joined(search(source, *question, project.workspace / "answers") for question in questions)
    return _vouched(project, source, answer)


def _vouched(project: Project, source: Source, answer: Answer) -> Answer:
    """The answer without the scenes of later catalogs whose pixels nothing vouches for."""
    from sco.plan import rules_of  # a plan starts from these answers

    if len(source.catalogs) == 1:
        return answer
    return vouched(answer, source, rules_of(project), project.workspace / "agreements.json")


def _questions(project: Project, slices: Sequence[Slice]) -> Iterator[Question]:
    # a solar day can begin or end up to 12 hours away from the UTC day
    half_a_day = timedelta(hours=12)
    start, end = slices[0].bounds[0] - half_a_day, slices[-1].bounds[1] + half_a_day
    return ((box, start, end) for box in degrees_boxes(project.geobox))


def _joined(answers: Iterable[Answer]) -> Answer:
    """One answer from those for the two sides of the antimeridian; a scene that lies on both counts once."""
    first, *others = answers
    if not others:
        return first
    parts = (first, *others)
    scenes = {(scene.catalog, scene.id): scene for part in parts for scene in part.scenes}
    return Answer(
        scenes=tuple(sorted(scenes.values(), key=lambda scene: (scene.time, scene.id))),
        rejected=tuple(dict.fromkeys(one for part in parts for one in part.rejected)),
        asked=tuple(one for part in parts for one in part.asked),
    )
