"""How fresh a project is, from its store and its journal: what a watch outside the scheduler asks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sco.journal import Journal
from sco.project import Project
from sco.store import Store


@dataclass(frozen=True)
class Freshness:
    """When a project was last brought up to date, and how far its values reach."""

    project: str
    last_update: datetime | None
    """The end of the last update that ended well, or the last commit where the journal knows of none."""
    newest: str | None
    """The newest period with a value."""
    newest_end: datetime | None
    """When that period is over."""
    overdue: tuple[str, ...]
    """What is older than the project allows; empty where all is fresh, or nothing is asked."""


def freshness(project: Project, now: datetime | None = None) -> Freshness:
    """Looked up without asking a catalog, and without a trace. `now` is aware; the present where it is left out.

    Raises ConfigurationError or IntegrityError for a store or a journal that cannot be read.
    """
    moment = now or datetime.now(UTC)
    updated, newest, end = _known(project)
    return Freshness(project.id, updated, newest, end, tuple(_overdue(project, updated, end, moment)))


def _known(project: Project) -> tuple[datetime | None, str | None, datetime | None]:
    if not Store.exists(project.store_url):
        return None, None, None
    store = Store.open(project.store_url)
    valued = [one.period for one, record in store.records().items() if record.empty is None]
    newest = max(valued, default=None)
    end = datetime(newest.end.year, newest.end.month, newest.end.day, tzinfo=UTC) if newest else None
    return _last_update(project, store), newest.label if newest else None, end


def _last_update(project: Project, store: Store) -> datetime | None:
    journal = project.workspace / "journal.sqlite"
    if journal.is_file():
        with Journal(journal) as kept:
            last = kept.last_success("update")
        if last is not None:
            return last.finished
    return max((one.time for one in store.history() if one.run), default=None)


def _overdue(project: Project, updated: datetime | None, end: datetime | None, now: datetime) -> list[str]:
    asked = project.freshness
    if asked is None:
        return []
    found = []
    if updated is None:
        found.append(f"it was never updated, and should be every {_days(asked.days)}")
    elif now - updated > timedelta(days=asked.days):
        found.append(f"no update has ended well for {_days((now - updated).days)}; {_days(asked.days)} are allowed")
    if asked.values_days is not None:
        if end is None:
            found.append("no period has a value")
        elif now - end > timedelta(days=asked.values_days):
            late = _days((now - end).days)
            found.append(
                f"the newest value is of a period that ended {late} ago; {_days(asked.values_days)} are allowed"
            )
    return found


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"
