"""How the command speaks: data on stdout, messages on stderr, a bar on a terminal and plain lines elsewhere."""

import sys
import time
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import orjson

from sco.progress import Pace

SCHEMA_VERSION = 1
LONGEST_SILENCE_S = 60.0
AS_JSON_HAS_IT = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
"""Times as text as Python writes them."""


def tell(text: str) -> None:
    """A message for people, on stderr."""
    print(text, file=sys.stderr, flush=True)


def give_json(kind: str, content: dict[str, Any]) -> None:
    """One versioned JSON document on stdout."""
    told = {"schema": f"sco.{kind}/{SCHEMA_VERSION}", **content}
    print(orjson.dumps(told, str, AS_JSON_HAS_IT).decode())


def give_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on stdout: drawn on a terminal, tab-separated elsewhere."""
    if not sys.stdout.isatty():
        print("\t".join(headings))
        for row in rows:
            print("\t".join(str(cell) for cell in row))
        return
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)


def readable_bytes(count: float) -> str:
    """1536 -> 1.5 KiB."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


class Teller:
    """Listens to a run and tells it on stderr; use it as a context manager."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._pace: Pace | None = None
        self._told = 0
        self._told_at = 0.0

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            pace = TextColumn("{task.fields[pace]}")
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), pace)
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def stage(self, text: str) -> None:
        """A whole line; it ends the count in hand."""
        self._told, self._pace = 0, None
        if self._bar is None:
            tell(text)
            return
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        self._bar.console.print(text, markup=False, highlight=False)

    def advance(self, done: int, total: int, text: str) -> None:
        """A bar on a terminal; elsewhere a line every quarter of the way and every minute. Both tell rate and rest."""
        now = time.monotonic()
        if self._pace is None or done < self._told:
            self._pace, self._told_at = Pace(now, done), now
        pace = self._pace.words(done, total, now)
        if self._bar is not None:
            if self._task is None:
                self._task = self._bar.add_task(text, total=total, pace="")
            self._bar.update(self._task, completed=done, total=total, description=text, pace=pace)
        elif total and (done * 4 // total > self._told * 4 // total or now - self._told_at >= LONGEST_SILENCE_S):
            tell(f"         {done} of {total} ({text}){pace and f': {pace}'}")
            self._told_at = now
        self._told = done
