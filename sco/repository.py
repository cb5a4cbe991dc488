"""An Icechunk repository at an address: found, created, and committed to so that nothing acknowledged is lost.

An address is a local path, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix. Credentials come from the
environment, as every client of that service reads them.
"""

import ctypes
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import icechunk
from filelock import FileLock, Timeout
from icechunk import ConflictDetector, ConflictError, IcechunkError, RebaseFailedError, Session, SnapshotInfo

from sco import checksums, chunks, crash
from sco.errors import ConfigurationError, IntegrityError, LockedError, ScoError, UpstreamError

BRANCH = "main"
LOCK_SECONDS = 600
CONFLICTS = 20
REFUSALS = (ConflictError, RebaseFailedError, IcechunkError)
FOLDERS = {"refs", "snapshots", "manifests", "transactions", "chunks", "config.yaml", checksums.FOLDER}


class Repository:
    """The versions of one store, and the one way to add another."""

    def __init__(self, url: str, versions: icechunk.Repository) -> None:
        self.url = url
        self.versions = versions

    @classmethod
    def open(cls, url: str) -> Self:
        """The repository at this address. Raises ConfigurationError where there is none."""
        if not exists(url):
            raise ConfigurationError(f"there is no store at {url}: make it with `sco update` or `sco backfill`")
        with _opening(url):
            return cls(url, icechunk.Repository.open(_storage(url), _reading(url)))

    @classmethod
    def create(cls, url: str) -> Self:
        """The repository at this address, made where there is none. Raises ConfigurationError for a folder in use."""
        with _lock(url):
            if not exists(url):
                _refuse_folder_in_use(url)
                with _opening(url):
                    icechunk.Repository.create(_storage(url), **_oldest_format())
        return cls.open(url)

    def read(self, snapshot: str | None = None, tag: str | None = None) -> Session:
        """A session that sees one version, the newest by default. Raises ConfigurationError for an unknown one."""
        if snapshot is None and tag is None:
            with _opening(self.url):
                return self.versions.readonly_session(BRANCH)
        try:
            return self.versions.readonly_session(snapshot_id=snapshot, tag=tag)
        except (IcechunkError, ValueError) as error:
            raise ConfigurationError(
                f"the store {self.url} has no version {tag or snapshot!r}; "
                f"its tags: {', '.join(sorted(self.versions.list_tags())) or 'none'} ({reason(error)})"
            ) from error

    def has(self, key: str) -> bool:
        """Whether the newest version has anything under this key."""
        with _opening(self.url):
            return chunks.has(self.read(), key)

    @property
    def tip(self) -> str:
        """The newest version."""
        with _opening(self.url):
            return self.versions.lookup_branch(BRANCH)

    @property
    def tags(self) -> dict[str, str]:
        """The versions that have a name, by name."""
        return {name: self.versions.lookup_tag(name) for name in sorted(self.versions.list_tags())}

    def tag(self, name: str, snapshot: str) -> None:
        """Give a version a name for good. Raises ConfigurationError for a name that another version has."""
        with self.changing(f"tag {name}"):
            there = self.tags.get(name)
            if there not in (None, snapshot):
                raise ConfigurationError(
                    f"tag {name!r} of {self.url} names version {there}, and tags never move: choose another name"
                )
            if there is None:
                self.versions.create_tag(name, snapshot)
            if self.folder:
                checksums.note_tag(self.folder, name, snapshot)
                _make_durable(self.url)

    def reachable(self) -> dict[str, SnapshotInfo]:
        """Every version that the branch or a name leads to, by its id."""
        found = {version.id: version for version in self.ancestry()}
        for tag in self.versions.list_tags():
            found |= {version.id: version for version in self.versions.ancestry(tag=tag)}
        return found

    def ancestry(self) -> Iterator[SnapshotInfo]:
        """Every version, the newest first."""
        return iter(self.versions.ancestry(branch=BRANCH))

    @property
    def folder(self) -> Path | None:
        """Where a local repository has its files; None for one in an object store."""
        return None if _is_remote(self.url) else Path(_path(self.url))

    def transact(self, change: Callable[[Session], None], message: str, about: Mapping[str, Any]) -> str:
        """Commit everything that `change` writes, or nothing; durable when this returns. The version's id.

        No commit where `change` writes nothing. It is called again, on the newest version, when another writer
        came first and touched the same chunks. Raises LockedError, UpstreamError or ScoError.
        """
        with self.changing(message):
            for _ in range(CONFLICTS):
                session = self.versions.writable_session(BRANCH)
                change(session)
                if not session.has_uncommitted_changes:
                    return session.snapshot_id
                landed = self._land(session, message, {**about, "commit": uuid4().hex})
                if landed:
                    return landed
        raise LockedError(f"{CONFLICTS} times others wrote the same chunks of {self.url} first: run again later")

    def _land(self, session: Session, message: str, about: dict[str, Any]) -> str | None:
        """The committed version, or None where another writer came first."""
        base = session.snapshot_id
        land = self._commit_remote if _is_remote(self.url) else self._commit_local
        crash.point("before commit")
        try:
            snapshot = land(session, message, about)
        except REFUSALS as error:
            landed = self._find(about["commit"], base)
            if landed or _is_conflict(error):
                return landed
            raise
        crash.point("after commit")
        return snapshot

    def _commit_remote(self, session: Session, message: str, about: dict[str, Any]) -> str:
        return session.commit(message, metadata=about, rebase_with=ConflictDetector(), rebase_tries=100)

    def _commit_local(self, session: Session, message: str, about: dict[str, Any]) -> str:
        # The branch moves only after the snapshot is on disk: a power cut must not leave it naming a lost file.
        base = session.snapshot_id
        snapshot = session.flush(message, metadata=about)
        checksums.note(self.versions, Path(_path(self.url)), snapshot, base)
        _make_durable(self.url)
        crash.point("mid-commit")
        self.versions.reset_branch(BRANCH, snapshot, from_snapshot_id=base)
        _make_durable(self.url)
        return snapshot

    def _find(self, commit: str, base: str) -> str | None:
        """The version since `base` that our commit made: a refusal may come from a commit that has landed."""
        for version in self.ancestry():
            if version.metadata.get("commit") == commit:
                return version.id
            if version.id == base:
                return None
        return None

    @contextmanager
    def changing(self, message: str) -> Iterator[None]:
        """Keep every other writer of a local repository out while the block lasts; its refusals become our errors."""
        try:
            with _lock(self.url):
                yield
        except (*REFUSALS, OSError) as error:
            kind = UpstreamError if _is_remote(self.url) else ScoError
            raise kind(
                f"the store {self.url} did not take {message!r}: {reason(error)}. Nothing of it is visible; "
                "look for space and permissions, then run again"
            ) from error


def exists(url: str) -> bool:
    """Whether there is a repository at this address; looking leaves no trace.

    Raises IntegrityError for a local one that has versions and has lost the file that names the newest.
    """
    if not _is_remote(url) and not Path(_path(url)).is_dir():
        return False
    with _opening(url):
        found = icechunk.Repository.exists(_storage(url))
    if not found and not _is_remote(url) and any(checksums.noted(Path(_path(url)))):
        raise IntegrityError(f"the store {url} has lost refs/branch.{BRANCH}/ref.json: restore the folder from a copy")
    return found


def damaged(url: str) -> Iterator[str]:
    """The files of a local repository, other than chunks, that are gone or not what they were."""
    if not _is_remote(url):
        folder = Path(_path(url))
        yield from checksums.faults_of_names(folder, BRANCH)
        for snapshot in checksums.noted(folder):
            yield from checksums.faults(folder, snapshot)


def reason(error: BaseException) -> str:
    """The first line of an error, without Icechunk's decoration."""
    lines = [line.strip(" x\u00d7|") for line in str(error).splitlines()]
    return next((line for line in lines if line), type(error).__name__)


def _storage(url: str) -> icechunk.Storage:
    if "ICECHUNK_LOG" not in os.environ:
        icechunk.set_logs_filter("off")  # it logs to stdout, which is for data; what goes wrong is raised as well
    scheme, place, prefix = _parts(url)
    match scheme:
        case "":
            return icechunk.local_filesystem_storage(place)
        case "s3":
            return _s3(place, prefix)
        case "gs":
            return icechunk.gcs_storage(bucket=place, prefix=prefix, from_env=True)
        case "az":
            return icechunk.azure_storage(account=_azure_account(url), container=place, prefix=prefix, from_env=True)
    raise ConfigurationError(f"no store can be at {url!r}: give a path, or an s3://, gs:// or az:// address")


def _s3(bucket: str, prefix: str) -> icechunk.Storage:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return icechunk.s3_storage(
        bucket=bucket,
        prefix=prefix,
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        endpoint_url=endpoint,
        allow_http=bool(endpoint and endpoint.startswith("http://")),
        force_path_style=bool(endpoint),
        from_env=True,
    )


def _azure_account(url: str) -> str:
    account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or os.environ.get("AZURE_STORAGE_ACCOUNT")
    if not account:
        raise ConfigurationError(f"the store {url} needs the name of its account in AZURE_STORAGE_ACCOUNT")
    return account


def _parts(url: str) -> tuple[str, str, str]:
    """Scheme, place and prefix of an address; a local path has no scheme and is its place."""
    if "://" not in url:
        return "", _path(url), ""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path.strip("/")


def _path(url: str) -> str:
    # every spelling of a path must lead to the same lock
    return os.path.realpath(os.path.expanduser(url))


def _is_remote(url: str) -> bool:
    return "://" in url


def _reading(url: str) -> icechunk.RepositoryConfig | None:
    """How a store is read: as Icechunk does by default, but for local manifests, which are read when they are needed.

    Each session would look through those of all coordinates beforehand, which takes longer than what it is made for.
    """
    if _is_remote(url):
        return None
    config = icechunk.RepositoryConfig.default()
    config.manifest = icechunk.ManifestConfig(preload=icechunk.ManifestPreloadConfig(max_total_refs=0))
    return config


def _oldest_format() -> dict[str, Any]:
    """Spec v1, which every version of Icechunk reads; those that know no other have no word for it."""
    return {"spec_version": 1} if "spec_version" in inspect.signature(icechunk.Repository.create).parameters else {}


def _refuse_folder_in_use(url: str) -> None:
    if _is_remote(url) or not os.path.lexists(_path(url)):
        return
    path = Path(_path(url))
    if not path.is_dir() or {child.name for child in path.iterdir()} - FOLDERS:
        raise ConfigurationError(f"{url} holds something that is not a store: give the store a path of its own")


@contextmanager
def _opening(url: str) -> Iterator[None]:
    try:
        yield
    except IcechunkError as error:
        if _is_remote(url):
            raise UpstreamError(f"the store {url} does not answer: {reason(error)}") from error
        raise IntegrityError(
            "; ".join([f"the store {url} cannot be opened: {reason(error)}", *damaged(url)])
        ) from error


def _lock(url: str) -> AbstractContextManager[object]:
    """Held while a local repository changes: without it Icechunk acknowledges commits that it then loses."""
    return nullcontext() if _is_remote(url) else _file_lock(Path(_path(url) + ".lock"))


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(timeout=LOCK_SECONDS)
    except Timeout as error:
        raise LockedError(f"another process has held {path} for {LOCK_SECONDS} s: wait for it, or stop it") from error
    except OSError as error:
        raise ConfigurationError(f"no store can be made in {path.parent}: {error}") from error
    try:
        yield
    finally:
        lock.release()


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, ConflictError | RebaseFailedError) or "branch update conflict" in str(error)


def _make_durable(url: str) -> None:
    """Wait until everything in the repository is on disk; neither Icechunk nor zarr does."""
    # one syncfs took 1.1 ms where fsync took 3 ms for the 24 files of a commit, which must be found first
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    folder = os.open(_path(url), os.O_RDONLY)
    try:
        if syncfs(folder):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), url)
    finally:
        os.close(folder)
