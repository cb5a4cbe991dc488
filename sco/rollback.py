"""Back to what a store held before: a new version with the old content, chunk by chunk and byte by byte.

Content is what partitions hold: pixels, counts, record and manifest. Room for periods and indicators that was made
since stays, and is empty again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from icechunk import Session

from sco import chunks, layout, ledger
from sco.layout import LEDGER
from sco.partition import Partition
from sco.version import Version


@dataclass(frozen=True)
class Difference:
    """The partitions that hold other content in one version than in a later one."""

    restored: tuple[Partition, ...]
    """They held something else."""
    cleared: tuple[Partition, ...]
    """They held nothing yet."""
    stale: tuple[Partition, ...]
    """Those whose fingerprint differs: with the catalogs as they were, an update computes them again."""

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """All of them, in order."""
        return tuple(sorted((*self.restored, *self.cleared)))


def difference(then: Version, now: Version) -> Difference:
    """What going back from `now` to `then` changes. A record has the seal of its partition, so records tell."""
    before, after = dict(then.texts("record")), dict(now.texts("record"))
    restored = sorted(one for one, text in before.items() if after.get(one) != text)
    cleared = sorted(after.keys() - before.keys())
    stale = sorted([*(one for one in restored if _made_from(before[one]) != _made_from(after.get(one))), *cleared])
    return Difference(tuple(restored), tuple(cleared), tuple(stale))


def restore(session: Session, then: Version) -> None:
    """Write into the session what partitions held `then`, where that differs."""
    now = Version(session)
    found = difference(then, now)
    chunks.copy(then.session, session, dict(_copies(found.restored, then, now)))
    chunks.remove(session, [key for one in found.restored for key in _younger(one, then, now)])
    chunks.remove(session, [key for one in found.cleared for key in _keys(one, now, now.paths(one.indicator))])


def _copies(partitions: Iterable[Partition], then: Version, now: Version) -> Iterator[tuple[str, str]]:
    for one in partitions:
        paths = then.paths(one.indicator)
        yield from zip(_keys(one, then, paths), _keys(one, now, paths), strict=True)


def _younger(one: Partition, then: Version, now: Version) -> list[str]:
    """Where a partition is now in arrays that were not there then."""
    place, paths = now.place_of(one), set(now.paths(one.indicator)) - set(then.paths(one.indicator))
    return [chunks.key_of(path, place) for path in sorted(paths)]


def _keys(partition: Partition, version: Version, paths: Iterable[str]) -> list[str]:
    texts = (f"{LEDGER}/{partition.indicator}/{kind}" for kind in layout.TEXTS)
    place = version.place_of(partition)
    return [chunks.key_of(path, place) for path in (*paths, *texts)]


def _made_from(record: str | None) -> str | None:
    return None if record is None else ledger.parse_record(record).fingerprint
