"""What was committed of a project, asked of the file beside its store first."""

from collections.abc import Mapping
from pathlib import Path

from sco import roll
from sco.partition import Partition, Record
from sco.project import Project
from sco.roll import Roll


def records_of(project: Project) -> Mapping[Partition, Record] | None:
    """Every partition that was committed; None where nothing was laid out yet."""
    found = roll_of(project)
    return None if found is None else found.records


def roll_of(project: Project) -> Roll | None:
    """Every partition that was committed, and how the store is cut; None where nothing was laid out yet.

    A local store of many partitions is opened only where it changed since this was last asked.
    """
    memory = project.workspace / "records"
    known = roll.newest(Path(project.store_url), memory)
    if known is not None:
        return known
    from sco.store import Store  # with icechunk and zarr

    if not Store.exists(project.store_url):
        return None
    store = Store.open(project.store_url)
    return Roll(store.records(memory=memory), store.version().tiling.shape)
