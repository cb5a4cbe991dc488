"""Look after a store: its versions, the way back to one of them, and an end for the old ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flows.terminal import give_json, give_table, readable_bytes, tell
from sco.project import Project

if TYPE_CHECKING:
    from sco.partition import Partition
    from sco.store import Commit, Store

SHOWN = 5


def history(name: str, limit: int, as_json: bool) -> None:
    """Show the versions of a project's store, the newest first."""
    project = Project.load(name)
    commits = _store(project).history()
    if as_json:
        give_json("history", {"project": project.id, "versions": [_version_entry(one) for one in commits[:limit]]})
        return
    rows = ((one.snapshot, _when(one), one.run, one.message, len(one.partitions), _tags(one)) for one in commits)
    give_table(("version", "time", "run", "message", "partitions", "tags"), list(rows)[:limit])
    if len(commits) > limit:
        tell(f"{len(commits) - limit} older versions: see them with --limit {len(commits)}")


def roll_back(name: str, to: str, as_json: bool) -> None:
    """Make what the store held in one version its newest version, and say what becomes stale by it.

    Raises LockedError while a run works on the project, ConfigurationError for a version that is not there.
    """
    from sco.journal import Journal
    from sco.lock import alone

    project = Project.load(name)
    store = _store(project)
    with alone(project), Journal(project.workspace / "journal.sqlite") as journal:
        snapshot = store.find(to)
        run = journal.start_run(project.id, "rollback", len(store.difference(snapshot).partitions))
        found = store.roll_back(snapshot, run)
        journal.finish_run(run, "done")
    if as_json:
        give_json("rollback", {"project": project.id, "to": snapshot, "version": store.tip(), **_names(vars(found))})
        return
    if not found.partitions:
        tell(f"{project.id} holds exactly what it held in {snapshot}: there is nothing to do")
        return
    tell(
        f"{project.id} holds again what it held in {snapshot}: {len(found.restored)} partitions are as they were then, "
        f"{len(found.cleared)} hold nothing again. This is version {store.tip()}; no version was lost"
    )
    tell(f"stale by it: {_shown(found.stale)}; `sco plan {name}` says why, `sco update {name}` computes them again")
    tell(f"what was published stays as it is until `sco publish {name}`")


def gc(name: str, keep_days: int, as_json: bool) -> None:
    """Forget old versions of a project's store and delete what only they had.

    Raises LockedError while a run works on the project.
    """
    from sco.lock import alone

    project = Project.load(name)
    store = _store(project)
    with alone(project):
        done = store.clean(keep_days)
    if as_json:
        give_json("gc", {"project": project.id, "keep_days": keep_days, **vars(done)})
        return
    tell(
        f"{done.forgotten} versions older than {keep_days} days are forgotten, {done.kept} are kept; "
        f"{done.chunks_deleted} chunks deleted, {readable_bytes(done.bytes_freed)} freed"
    )


def _store(project: Project) -> "Store":
    from sco.store import Store

    return Store.open(project.store_url)


def _version_entry(one: "Commit") -> dict[str, Any]:
    return {
        "version": one.snapshot,
        "time": one.time.isoformat(timespec="seconds"),
        "run": one.run,
        "message": one.message,
        "partitions": list(one.partitions),
        "tags": list(one.tags),
    }


def _when(one: "Commit") -> str:
    return f"{one.time:%Y-%m-%d %H:%M:%S}"


def _tags(one: "Commit") -> str:
    return ", ".join(one.tags)


def _names(found: dict[str, Sequence["Partition"]]) -> dict[str, list[str]]:
    return {word: [str(one) for one in partitions] for word, partitions in found.items()}


def _shown(partitions: Sequence["Partition"]) -> str:
    if not partitions:
        return "nothing"
    more = f" and {len(partitions) - SHOWN} more" if len(partitions) > SHOWN else ""
    return ", ".join(map(str, partitions[:SHOWN])) + more
