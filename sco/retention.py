"""How long versions are kept: old ones are forgotten, and what only they had is deleted.

Kept are the newest versions, all that are younger than asked, and all that have a name. Deleted is what no kept
version leads to: forgotten versions, their chunks, and what killed writers left behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from icechunk import SnapshotInfo

from sco import checksums, crash
from sco.errors import ConfigurationError, IntegrityError
from sco.repository import Repository

KEEP_DAYS = 30
KEEP_NEWEST = 10
"""Versions that are kept however old they are, so that a reader of a moment ago can finish."""
GRACE = timedelta(days=1)
"""Younger objects of an object store are never deleted: they may be of a commit under way on another machine."""


@dataclass(frozen=True)
class Cleaning:
    """What a cleaning took away, and what is left."""

    forgotten: int
    """Versions that can no longer be read."""
    kept: int
    chunks_deleted: int
    bytes_freed: int
    """By the sizes of the files before and after; in an object store by the sizes of the deleted objects."""


def clean(repository: Repository, keep_days: int = KEEP_DAYS) -> Cleaning:
    """Forget old versions and delete what only they had, while no one commits. Killed, it is done again from anywhere.

    Raises ConfigurationError for a negative number of days, IntegrityError, before anything is deleted, for a store
    that is damaged.
    """
    if keep_days < 0:
        raise ConfigurationError(f"versions cannot be kept for {keep_days} days: give 0 or more")
    with repository.changing("gc"):
        before, known, branch = _size(repository.folder), repository.reachable(), list(repository.ancestry())
        oldest = _oldest_kept(branch, keep_days)
        _require_whole(repository)
        if repository.folder:
            young = {name for name, version in known.items() if version.written_at >= oldest}
            tagged = set(repository.tags.values())
            checksums.fold(repository.versions, repository.folder, young, tagged, first=branch[-1].id)
        repository.versions.expire_snapshots(oldest)
        crash.point("mid-gc")
        deleted = repository.versions.garbage_collect(_deletable(repository, keep_days))
        kept = repository.reachable()
        if repository.folder:
            checksums.prune(repository.folder, set(kept))
    freed = before - _size(repository.folder) if repository.folder else int(deleted.bytes_deleted)
    left_over = [version for version in kept.values() if version.parent_id]
    return Cleaning(len(known.keys() - kept.keys()), len(left_over), int(deleted.chunks_deleted), freed)


def _oldest_kept(newest_first: Sequence[SnapshotInfo], keep_days: int) -> datetime:
    """When the oldest version was written that is kept for its age or its place."""
    limit = datetime.now(UTC) - timedelta(days=keep_days)
    last = newest_first[:KEEP_NEWEST][-1]
    return min(limit, last.written_at)


def _deletable(repository: Repository, keep_days: int) -> datetime:
    now = datetime.now(UTC)
    return now if repository.folder else now - max(GRACE, timedelta(days=keep_days))


def _require_whole(repository: Repository) -> None:
    if repository.folder is None:
        return
    names = set(checksums.noted(repository.folder)) & repository.reachable().keys()
    wrong = [fault for name in sorted(names) for fault in checksums.faults(repository.folder, name)]
    if wrong:
        shown = "\n  ".join(wrong[:20])
        raise IntegrityError(f"nothing of {repository.url} is deleted while it is damaged:\n  {shown}")


def _size(folder: Path | None) -> int:
    return 0 if folder is None else sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
