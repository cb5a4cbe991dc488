"""A plan as a file: one partition a line in a stable order, to be read, compared and applied exactly."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from sco.errors import ConfigurationError
from sco.project import Project

FORMAT = "sco.plan/1"
NOT_THERE: Mapping[str, Any] = {"state": "not there", "reason": "", "fingerprint": "", "due": False}

Line = Mapping[str, Any]
"""What a plan says of one partition."""


@dataclass(frozen=True)
class Change:
    """A partition that two plans say different things of."""

    partition: str
    before: str
    now: str
    why: str


@dataclass(frozen=True)
class SavedPlan:
    """A plan as its file has it."""

    file: Path
    project: str
    made: str
    lines: tuple[Line, ...]

    @classmethod
    def load(cls, file: Path) -> "SavedPlan":
        """The plan in this file. Raises ConfigurationError for a file that is none."""
        try:
            saved = json.loads(file.read_text("utf-8"))
            if saved["schema"] != FORMAT:
                raise ConfigurationError(f"{file} is in {saved['schema']}, this sco reads {FORMAT}: save the plan anew")
            found = cls(file, saved["project"], saved["made"], tuple(saved["partitions"]))
            found.by_name  # noqa: B018 - what lacks a key is told here
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(f"{file} is not a saved plan: make one with `sco plan --save FILE`") from error
        return found

    @cached_property
    def by_name(self) -> Mapping[str, Line]:
        """What it says of each partition, by its name."""
        return by_name(self.lines)

    @property
    def due(self) -> frozenset[str]:
        """The partitions that it would compute."""
        return frozenset(name for name, line in self.by_name.items() if line["due"])

    def span(self, project: Project) -> tuple[date, date]:
        """The first and the last day that it plans. Raises ConfigurationError for a plan of something else."""
        if self.project != project.id:
            raise ConfigurationError(f"{self.file} is a plan of {self.project!r}, not of {project.id!r}")
        labels = {line["period"] for line in self.lines}
        known = [one for one in project.period.slices() if one.label in labels]
        if not known:
            raise ConfigurationError(f"{self.file} has no period of {project.id}: save a new plan with `sco plan`")
        return known[0].start, known[-1].end - timedelta(days=1)

    def moved(self, now: Mapping[str, Line]) -> tuple[str, ...]:
        """The partitions that would be made from something else now, or are in one of the two plans alone."""
        was = {name: line["fingerprint"] for name, line in self.by_name.items()}
        are = {name: line["fingerprint"] for name, line in now.items()}
        return tuple(sorted(name for name in was.keys() | are.keys() if was.get(name) != are.get(name)))


def by_name(lines: Iterable[Line]) -> dict[str, Line]:
    """The lines of a plan by the names of their partitions. Raises KeyError for a line that lacks what it must tell."""
    for_each = {f"{one['indicator']} {one['period']} {one['tile']}": one for one in lines}
    for line in for_each.values():
        line["fingerprint"], line["state"], line["reason"], line["due"]
    return for_each


def text_of(document: Mapping[str, Any]) -> str:
    """A plan as JSON that line tools can compare: its keys sorted, one partition a line."""
    header = {key: document[key] for key in sorted(document.keys() - {"partitions"})}
    told = [f" {json.dumps(key)}: {_compact(value)}" for key, value in header.items()]
    lines = ",\n".join(f"  {_compact(line)}" for line in document["partitions"])
    return "{\n" + ",\n".join([*told, f' "partitions": [\n{lines}\n ]']) + "\n}\n"


def changes(before: Mapping[str, Line], now: Mapping[str, Line]) -> tuple[Change, ...]:
    """What two plans say different things of, in the order of the newer one, then what only the older one has."""
    names = [*now, *(name for name in before if name not in now)]
    pairs = ((name, before.get(name, NOT_THERE), now.get(name, NOT_THERE)) for name in names)
    return tuple(
        Change(name, was["state"], is_now["state"], _why(was, is_now)) for name, was, is_now in pairs if was != is_now
    )


def _why(was: Line, is_now: Line) -> str:
    if was["due"] and not is_now["due"] and is_now["state"] == "current":
        return "computed since"
    return str(is_now["reason"] or was["reason"])


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
