"""A project's run lock: of everything that changes a project, one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from sco.errors import LockedError
from sco.project import Project


@contextmanager
def alone(project: Project) -> Iterator[None]:
    """Hold the project for as long as the block lasts. Raises LockedError at once where another run holds it."""
    project.workspace.mkdir(parents=True, exist_ok=True)
    lock = FileLock(project.workspace / "run.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"another run is working on {project.id} ({lock.lock_file}): wait for it, or stop it first"
        ) from error
    try:
        yield
    finally:
        lock.release()
