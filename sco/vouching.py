"""Scenes that only a later catalog has, used where the pixels of shared scenes vouch for that catalog."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sco import mirrors
from sco.choices import Source
from sco.draft import drafted
from sco.errors import UpstreamError
from sco.mirrors import Agreement
from sco.model import Scene, Sensor
from sco.preflight import Rules
from sco.search import Answer, Refused, Rejected

FORMAT = "sco.agreements/1"
THREADS = 8

Month = tuple[str, str]
"""Catalog and month, as in 2023-07."""


def vouched(answer: Answer, source: Source, rules: Rules, memory: Path) -> Answer:
    """The answer with only those scenes of later catalogs that are vouched for; the others are rejected.

    Catalog by catalog and month by month, pixels are compared on acquisitions that the first catalog has as well. The
    comparisons are kept in the file `memory`, so that asking again reads no pixel. Raises UpstreamError where the
    first catalog does not answer and no comparison is remembered.
    """
    first = source.resolved_catalogs[0].id
    fills = {_month(scene): scene.time for scene in reversed(answer.scenes) if scene.catalog != first}
    if not fills:
        return answer
    book = _Book(memory, source.resolved_sensor, rules)
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda month: book.verdict((first, month[0]), fills[month], answer), fills)
        verdicts = dict(zip(fills, found, strict=True))
    book.keep()
    return _settled(answer, first, verdicts)


def _settled(answer: Answer, first: str, verdicts: Mapping[Month, Agreement]) -> Answer:
    used: list[Scene] = []
    refused: list[Rejected] = []
    for scene in answer.scenes:
        verdict = Agreement(True, "") if scene.catalog == first else verdicts[_month(scene)]
        if verdict.equal:
            used.append(replace(scene, vouched=verdict.evidence or None))
        else:
            reason = f"not taken from {scene.catalog}: {verdict.evidence}"
            refused.append(Refused(scene.id, scene.catalog, reason, scene.time, scene=scene))
    return replace(answer, scenes=tuple(used), rejected=(*answer.rejected, *refused))


def _month(scene: Scene) -> Month:
    return scene.catalog, f"{scene.time:%Y-%m}"


class _Book:
    """Comparisons of scenes, read from a file and kept there."""

    def __init__(self, file: Path, sensor: Sensor, rules: Rules) -> None:
        self.file = file
        self.sensor = sensor
        self.rules = rules
        self.entries = _read(file)
        self._known = set(self.entries)

    def verdict(self, catalogs: tuple[str, str], moment: datetime, answer: Answer) -> Agreement:
        """Whether the second catalog may fill the holes of the first around this moment."""
        found = mirrors.on_shared(catalogs, moment, answer.scenes, self.compare)
        silent = [one for one in answer.asked if one.catalog == catalogs[0] and one.failure]
        if found.compared or not silent:
            return found
        return self._recalled(catalogs, moment, silent[0].failure)

    def compare(self, scene: Scene, mirror: Scene) -> Agreement:
        """Their agreement, from memory where it is there. What could not be compared is asked again next time."""
        name = self._name(scene, mirror)
        if name in self.entries:
            return Agreement(self.entries[name]["equal"], self.entries[name]["evidence"])
        found = mirrors.agreement(scene, mirror, self.sensor, self.rules)
        if found.compared:
            self.entries[name] = {
                "sensor": self.sensor.id,
                "catalogs": [scene.catalog, mirror.catalog],
                "scene": scene.id,
                "time": scene.time.isoformat(),
                "equal": found.equal,
                "evidence": found.evidence,
            }
        return found

    def keep(self) -> None:
        """Write the file anew if anything was learned."""
        if self.entries.keys() == self._known:
            return
        with drafted(self.file) as draft:
            draft.write_text(json.dumps({"format": FORMAT, "entries": self.entries}, indent=1, sort_keys=True), "utf-8")

    def _recalled(self, catalogs: tuple[str, str], moment: datetime, failure: str | None) -> Agreement:
        """What was learned of the two catalogs, the nearest in time first, while the first one does not answer."""
        told = [one for one in self.entries.values() if self._is_of(one, catalogs)]
        nearest = sorted(told, key=lambda one: (abs(datetime.fromisoformat(one["time"]) - moment), one["scene"]))
        if not nearest:
            raise UpstreamError(
                f"{catalogs[0]} does not answer ({failure}), and nothing shows yet that {catalogs[1]} holds the same "
                f"pixels: run again later, or put {catalogs[1]} first in [[sources]]"
            )
        trusted = nearest[: mirrors.PAIRS]
        evidence = "; ".join(f"as for {one['scene']}: {one['evidence']}" for one in trusted)
        return Agreement(all(one["equal"] for one in trusted), evidence)

    def _is_of(self, entry: Mapping[str, Any], catalogs: tuple[str, str]) -> bool:
        return entry["sensor"] == self.sensor.id and tuple(entry["catalogs"]) == catalogs

    def _name(self, scene: Scene, mirror: Scene) -> str:
        basis = [self.sensor.id, self.sensor.version, self.rules.contradiction]
        text = json.dumps([*basis, mirrors.key_of(scene), mirrors.key_of(mirror)], default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _read(file: Path) -> dict[str, dict[str, Any]]:
    """The entries of the file; none where there is no such file or it is damaged, for they can be learned again."""
    try:
        content = json.loads(file.read_text("utf-8"))
        return dict(content["entries"]) if content["format"] == FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
