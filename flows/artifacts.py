"""What people see of a run in Prefect's pages: the plan, the progress, a report. Nothing here can fail a run.

Catalogs, items and project files are written by strangers to those pages, so that none of their text becomes markup.
"""

import logging
import re
import time
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sco.entry import Entry, State
from sco.plan import Plan
from sco.progress import Listener
from sco.summary import Summary

if TYPE_CHECKING:
    from sco.audit import Holding

SHOWN = 20
"""How many lines of one kind a report has at most."""
LONGEST = 200
EVERY_SECONDS = 5.0
"""How often the progress is written down, at most."""
MOST_ROWS = 500
MARKS = frozenset("\\`*_{}[]()<>#+-.!|~&\"'=:/@$^%;")
CELL_MARKS = frozenset("\\`*[]<>|~&\"'@$")


def escape(text: object) -> str:
    """One line of at most 200 characters that shows as it is in Markdown and HTML, whatever is in it."""
    return _encoded(text, MARKS)


def cell(text: object) -> str:
    """The same for a cell of a table, where an id stays readable even if it is shown as it was sent."""
    return _encoded(text, CELL_MARKS).replace("://", ":&#47;&#47;").replace("www.", "www&#46;")


def key(project: str, what: str) -> str:
    """A key that Prefect takes, which allows lower-case letters, digits and dashes: "camargue-plan"."""
    return re.sub(r"[^a-z0-9]+", "-", f"{project}-{what}".lower()).strip("-")


def show_plan(plan: Plan) -> None:
    """The plan as a table, one line an indicator and period that anything is to be done for."""
    rows = plan_rows(plan.entries)
    shown = f"; the first {MOST_ROWS} of {len(rows)} lines" if len(rows) > MOST_ROWS else ""
    counts = ", ".join(f"{number} {state}" for state, number in plan.counts().items() if number)
    with harmless():
        from prefect.artifacts import create_table_artifact

        create_table_artifact(
            key=key(plan.project.id, "plan"),
            table=rows[:MOST_ROWS],
            description=f"{escape(plan.project.title.en)}: {escape(counts)}{shown}",
        )


def plan_rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """By period and indicator, how many partitions are in each state, and the first reason."""
    found: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for one in entries:
        found[one.partition.period.label, one.partition.indicator].append(one)
    return [_plan_row(*where, together) for where, together in sorted(found.items()) if any(e.due for e in together)]


def show_report(summary: Summary) -> None:
    """What a run did, in a page."""
    with harmless():
        from prefect.artifacts import create_markdown_artifact

        create_markdown_artifact(report(summary), key=key(summary.project, "report"))


def report(summary: Summary) -> str:
    """What a run did, in Markdown."""
    facts = {
        "partitions computed": summary.computed,
        "partitions empty": summary.empty,
        "seconds": summary.seconds,
        "run": summary.run or "none: everything was current",
        "version of the store": summary.snapshot or "as before",
    }
    lines = [f"# {escape(summary.project)}", "", "| | |", "|---|---|"]
    lines += [f"| {escape(name)} | {escape(value)} |" for name, value in facts.items()]
    lines += _listed("Partitions that failed, in part or whole", summary.failed)
    lines += _listed("Items that are no scenes", summary.unusable)
    return "\n".join(lines) + "\n"


def show_holdings(project: str, holdings: "Sequence[Holding]") -> None:
    """What each catalog has of a project's acquisitions, as a table."""
    with harmless():
        from prefect.artifacts import create_table_artifact

        rows = [
            {
                "sensor": cell(one.sensor),
                "month": cell(one.month),
                "catalog": cell(one.catalog),
                "has": cell(f"no answer: {one.failure}" if one.failure else f"{one.have} of {one.known}"),
            }
            for one in holdings
        ]
        create_table_artifact(key=key(project, "audit"), table=rows)


class Pages(Listener):
    """Hears a run, tells the one who listened before, and keeps a progress artifact; a log too, where one is given."""

    def __init__(
        self, project: str, before: Listener, log: "logging.Logger | logging.LoggerAdapter[Any] | None"
    ) -> None:
        self._project = project
        self._before = before
        self._log = log
        self._artifact: UUID | None = None
        self._shown = 0.0

    def stage(self, text: str) -> None:
        """A stage of the run is over or begins."""
        self._before.stage(text)
        if self._log:
            self._log.info("%s", " ".join(text.split()))

    def advance(self, done: int, total: int, text: str) -> None:
        """So many pieces of the stage are finished: shown at once when all are, else now and then."""
        self._before.advance(done, total, text)
        now = time.monotonic()
        if total and (done == total or now - self._shown >= EVERY_SECONDS):
            self._shown = now
            self._show(100.0 * done / total, escape(f"{done} of {total}: {text}"))

    def _show(self, percent: float, description: str) -> None:
        with harmless():
            from prefect.artifacts import create_progress_artifact, update_progress_artifact

            if self._artifact is None:
                made = create_progress_artifact(percent, key(self._project, "progress"), description)
                self._artifact = made if isinstance(made, UUID) else None
            else:
                update_progress_artifact(self._artifact, percent, description)


@contextmanager
def harmless() -> Iterator[None]:
    """Whatever Prefect's API does in this block, the run goes on."""
    import httpx
    from prefect.exceptions import PrefectException

    try:
        yield
    except (PrefectException, httpx.HTTPError, OSError, RuntimeError, ValueError) as error:
        logging.getLogger("sco.prefect").warning("Prefect could not be told: %s", error)


def _plan_row(period: str, indicator: str, entries: Sequence[Entry]) -> dict[str, Any]:
    states = Counter(str(one.state) for one in entries)
    reason = next((one.reason for one in entries if one.due), "")
    counted = {str(state): states[state] for state in State}
    return {
        "period": cell(period),
        "indicator": cell(indicator),
        **counted,
        "scenes": max(one.scenes for one in entries),
        "why": cell(reason),
    }


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    more = [f"- and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return ["", f"## {title}: {len(lines)}", "", *(f"- {escape(line)}" for line in lines[:SHOWN]), *more]


def _encoded(text: object, marks: frozenset[str]) -> str:
    line = " ".join(str(text).split())
    shown = line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
    kept = (one for one in shown if unicodedata.category(one)[0] != "C")  # no control, no change of direction
    return "".join(f"&#{ord(one)};" if one in marks else one for one in kept)
