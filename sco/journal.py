"""What was tried: runs and attempts, with their durations and failures, in SQLite.

Never the truth about data, which is the store: losing the journal loses history and estimates, nothing else.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Self

from filelock import FileLock

from sco.errors import ConfigurationError, ScoError

VERSION = 2
WAIT_SECONDS = 30
RECENT = 200
"""How many past batches estimates are learned from."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, project TEXT NOT NULL, verb TEXT NOT NULL, wanted INTEGER NOT NULL,
    started TEXT NOT NULL, finished TEXT, status TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS attempts (
    run TEXT NOT NULL REFERENCES runs (id), partition TEXT NOT NULL, seconds REAL NOT NULL, scenes INTEGER NOT NULL,
    outcome TEXT NOT NULL, error_class TEXT NOT NULL, message TEXT NOT NULL,
    reads INTEGER NOT NULL, bytes_read INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_by_partition ON attempts (partition);
CREATE TABLE IF NOT EXISTS batches (
    run TEXT NOT NULL REFERENCES runs (id), partitions INTEGER NOT NULL, failed INTEGER NOT NULL,
    reads INTEGER NOT NULL, seconds REAL NOT NULL, bytes_read INTEGER, requests INTEGER, peak_memory INTEGER
);
"""
UNCOMPUTED = "failed"
"""The outcome of an attempt that nothing came of."""
ADDED = {"fingerprint": "TEXT NOT NULL DEFAULT ''", "code": "TEXT NOT NULL DEFAULT ''"}
"""Columns of attempts that version 1 did not have."""


@dataclass(frozen=True)
class Attempt:
    """One try at one partition."""

    run: str
    partition: str
    seconds: float
    scenes: int
    outcome: str
    """In a word or two: computed, empty: all cloud, failed reads, failed."""
    error_class: str = ""
    """Empty where nothing went wrong."""
    message: str = ""
    reads: int = 0
    """Assets that were read."""
    bytes_read: int = 0
    fingerprint: str = ""
    """SHA-256, hexadecimal, of what it was to be made from."""
    code: str = ""
    """The version of the code that tried."""


@dataclass(frozen=True)
class Spent:
    """What one batch took."""

    run: str
    partitions: int
    failed: int
    """How many of them could not be computed."""
    reads: int
    """Assets that it was to open; 0 for a batch that is made from what is stored."""
    seconds: float
    bytes_read: int | None = None
    """From disk and network; None where this was not measured, as on a cluster."""
    requests: int | None = None
    """Of the web."""
    peak_memory: int | None = None
    """Bytes that the process held at most, up to then."""


COLUMNS = ", ".join(field.name for field in fields(Attempt))
SPENT = ", ".join(field.name for field in fields(Spent))


@dataclass(frozen=True)
class Run:
    """One run over a project."""

    id: str
    project: str
    verb: str
    wanted: int
    """Partitions that it set out to make."""
    started: datetime
    finished: datetime | None
    """None for a run that is going on, or was killed."""
    status: str


class Journal:
    """The runs and attempts of one workspace. Several processes may write to it at once.

    Raises ConfigurationError for a file that is no journal, or one of a newer version than ours.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_thread = Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise ConfigurationError(
                f"the journal {path} cannot be used ({error}): see who holds it, or move it away"
            ) from error
        except ScoError:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def start_run(self, project: str, verb: str, wanted: int) -> str:
        """Note that a run begins; its id, which sorts by time: 20231104T101500-3f9a."""
        now = datetime.now(UTC)
        run = f"{now:%Y%m%dT%H%M%S}-{token_hex(2)}"
        try:
            self._execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, NULL, 'running')", (run, project, verb, wanted, _text(now))
            )
        except sqlite3.IntegrityError:  # the same second and the same four digits
            return self.start_run(project, verb, wanted)
        return run

    def finish_run(self, run: str, status: str) -> None:
        """Note that a run is over: done, failed, interrupted."""
        self._execute("UPDATE runs SET finished = ?, status = ? WHERE id = ?", (_text(datetime.now(UTC)), status, run))

    def note(self, *attempts: Attempt, spent: Spent | None = None) -> None:
        """Write attempts down, and what the batch took that they were made in, all or none."""
        with self._transaction():
            self._insert("attempts", COLUMNS, [astuple(attempt) for attempt in attempts])
            self._insert("batches", SPENT, [astuple(spent)] if spent else [])

    def uncomputed(self) -> dict[str, Attempt]:
        """The latest attempt at each partition that it could not compute at all, by partition."""
        return {one.partition: one for one in self.failed() if one.outcome == UNCOMPUTED}

    def failed(self) -> list[Attempt]:
        """The latest attempt at each partition whose latest attempt went wrong, by partition."""
        latest = "SELECT max(rowid) FROM attempts GROUP BY partition"
        rows = self._execute(
            f"SELECT {COLUMNS} FROM attempts WHERE rowid IN ({latest}) AND error_class != '' ORDER BY partition"  # noqa: S608 - our own column names
        )
        return [Attempt(*row) for row in rows]

    def runs(self, limit: int = 20) -> list[Run]:
        """The latest runs, the newest first."""
        rows = self._execute("SELECT * FROM runs ORDER BY started DESC, rowid DESC LIMIT ?", (limit,))
        return [_run(row) for row in rows]

    def spent(self, limit: int = RECENT) -> list[Spent]:
        """What the latest batches took of which every partition could be computed, the newest first."""
        asked = f"SELECT {SPENT} FROM batches WHERE failed = 0 ORDER BY rowid DESC LIMIT ?"  # noqa: S608 - our own names
        return [Spent(*row) for row in self._execute(asked, (limit,))]

    def last_success(self, verb: str | None = None) -> Run | None:
        """The latest run that was done; of this verb alone where one is named."""
        row = self._execute(
            "SELECT * FROM runs WHERE status = 'done' AND (? IS NULL OR verb = ?) ORDER BY finished DESC LIMIT 1",
            (verb, verb),
        ).fetchone()
        return _run(row) if row else None

    def _prepare(self) -> None:
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise ConfigurationError(
                f"the journal {self.path} has version {version}, this sco writes {VERSION}: install a newer sco"
            )
        if version < VERSION:
            # SQLite does not wait where two processes turn a new file to WAL at once
            with FileLock(f"{self.path}.lock", timeout=WAIT_SECONDS):
                self._database.execute("PRAGMA journal_mode = WAL")
                self._lay_out()

    def _lay_out(self) -> None:
        with self._transaction():
            for statement in filter(str.strip, SCHEMA.split(";")):
                self._database.execute(statement)
            there = {name for _, name, *_ in self._database.execute("PRAGMA table_info(attempts)")}
            for name in ADDED.keys() - there:
                self._database.execute(f"ALTER TABLE attempts ADD COLUMN {name} {ADDED[name]}")
            self._database.execute(f"PRAGMA user_version = {VERSION}")

    def _insert(self, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
        marks = ", ".join("?" for _ in columns.split(","))
        self._database.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608 - our own names

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._one_thread, self._taking():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # SQLite itself ends it where the disk is full
                    self._database.execute("ROLLBACK")
                raise

    def _execute(self, asked: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        with self._taking():
            return self._database.execute(asked, values)

    @contextmanager
    def _taking(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise ScoError(
                f"the journal {self.path} cannot be used ({error}): look for space and permissions, then run again; "
                "what was committed to the store stays"
            ) from error


def _text(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")


def _run(row: tuple[str, str, str, int, str, str | None, str]) -> Run:
    run, project, verb, wanted, started, finished, status = row
    return Run(
        run,
        project,
        verb,
        wanted,
        datetime.fromisoformat(started),
        datetime.fromisoformat(finished) if finished else None,
        status,
    )
