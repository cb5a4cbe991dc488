"""What Prefect's pages show of a run: nothing that a stranger wrote becomes markup, and nothing shown fails a run."""

import html
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from prefect.types.names import raise_on_name_alphanumeric_dashes_only

from flows import artifacts
from flows.naming import name_of, project_word
from sco.entry import Entry, State
from sco.partition import Partition
from sco.period import slice_of
from sco.summary import Summary
from sco.tile import Tile

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/beacon.png)",
    "`code` **bold** _em_ ~~gone~~",
    "a | b\n| c | d |\n# heading",
    "https://evil.example and www.evil.example and me@evil.example",
    "&lt;script&gt; &#60;script&#62;",
    "\u202egnp.exe\x00\x1b[31m",
)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("escaped", [artifacts.escape, artifacts.cell])
def test_strangers_text_stays_text(text: str, escaped: Any):
    shown = escaped(text)
    assert not set(shown) & set("<>[]`*|\"'\n\x00\x1b\u202e")
    assert "://" not in shown
    assert "www." not in shown
    visible = " ".join("".join(one for one in text if one.isprintable() or one.isspace()).split())
    assert html.unescape(shown) == visible  # what people read is what was written


def test_markdown_and_html_leave_it_as_it_is():
    from markdown_it import MarkdownIt

    for text in HOSTILE[:-1]:
        made = MarkdownIt("commonmark", {"html": True}).enable("table").render(artifacts.escape(text))
        assert made.startswith("<p>")
        assert made.count("<") == 2  # its own paragraph and nothing else
        assert html.unescape(made.removeprefix("<p>").removesuffix("</p>\n")) == " ".join(text.split())


def test_long_text_is_cut_and_an_id_stays_readable_in_a_table():
    assert len(html.unescape(artifacts.escape("x" * 5000))) == artifacts.LONGEST
    assert artifacts.cell("S2A_31TGL_20220710_0_L2A is new (05.10)") == "S2A_31TGL_20220710_0_L2A is new (05.10)"


@pytest.mark.parametrize(
    ("project", "made"), [("camargue", "camargue-plan"), ("upper_valley-2", "upper-valley-2-plan"), ("a__", "a-plan")]
)
def test_prefect_takes_the_keys(project: str, made: str):
    assert artifacts.key(project, "plan") == made
    assert raise_on_name_alphanumeric_dashes_only(made, field_name="key") == made


def _entry(day: date, state: State, reason: str) -> Entry:
    return Entry(Partition(slice_of(day, "month"), Tile(0, 0), "ndvi"), state, reason, "f", 3)


def test_the_plan_s_table_counts_states_and_gives_a_reason():
    entries = [
        _entry(date(2023, 7, 1), State.CURRENT, ""),
        _entry(date(2023, 7, 1), State.STALE, "scene <b>S2</b> is new"),
        _entry(date(2023, 8, 1), State.CURRENT, ""),
    ]
    (row,) = artifacts.plan_rows(entries)  # August has nothing to do
    assert row == {
        "period": "2023-07",
        "indicator": "ndvi",
        "new": 0,
        "stale": 1,
        "current": 1,
        "empty": 0,
        "failed": 0,
        "scenes": 3,
        "why": "scene &#60;b&#62;S2&#60;/b&#62; is new",
    }


def test_the_report_names_what_failed_and_stops_at_twenty():
    failed = tuple(f"ndvi 2023-{n:02} <0,0>: no answer" for n in range(25))
    page = artifacts.report(Summary("valley", "run-1", 2, computed=30, failed=failed, seconds=1.5, snapshot="ABC"))
    assert "## Partitions that failed, in part or whole: 25" in page
    assert page.count("no answer") == 20
    assert "- and 5 more" in page
    assert "| partitions computed | 30 |" in page
    assert "<" not in page


class Heard:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def stage(self, text: str) -> None:
        self.lines.append(text)

    def advance(self, done: int, total: int, text: str) -> None:
        self.lines.append(f"{done}/{total} {text}")


@contextmanager
def _instead(monkeypatch: pytest.MonkeyPatch, **functions: Any) -> Iterator[None]:
    import prefect.artifacts

    with monkeypatch.context() as changed:
        for name, function in functions.items():
            changed.setattr(prefect.artifacts, name, function)
        yield


def test_progress_is_written_at_once_then_now_and_then_and_at_the_end(monkeypatch: pytest.MonkeyPatch):
    from uuid import UUID

    written: list[float] = []

    def create(progress: float, key: str, description: str) -> UUID:
        written.append(progress)
        assert (key, description) == ("valley-progress", "1 of 4&#58; 2023&#45;07")
        return UUID(int=1)

    def update(artifact_id: UUID, progress: float, description: str) -> None:
        assert artifact_id == UUID(int=1)
        written.append(progress)

    heard = Heard()
    with _instead(monkeypatch, create_progress_artifact=create, update_progress_artifact=update):
        pages = artifacts.Pages("valley", heard, None)
        for done in range(1, 5):
            pages.advance(done, 4, "2023-07")
        pages.stage("over")
    assert written == [25.0, 100.0]
    assert heard.lines == ["1/4 2023-07", "2/4 2023-07", "3/4 2023-07", "4/4 2023-07", "over"]


@pytest.mark.parametrize("failure", [OSError("gone"), RuntimeError("no API"), ValueError("bad key")])
def test_an_api_that_fails_does_not_fail_the_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, failure: Exception
):
    def refuse(*_: Any, **__: Any) -> None:
        raise failure

    with _instead(monkeypatch, create_markdown_artifact=refuse), caplog.at_level(logging.WARNING, "sco.prefect"):
        artifacts.show_report(Summary("valley", "", 0))
    assert f"could not be told: {failure}" in caplog.text


def test_run_names_read():
    today = date(2024, 5, 1)
    assert name_of("night", {"project": "camargue"}, today) == "camargue night 2024-05-01"
    days = {"project": "camargue", "start": date(2020, 1, 1), "end": date(2020, 12, 31)}
    assert name_of("backfill", days, today) == "camargue backfill 2020-01-01 to 2020-12-31"
    days = {"project": "camargue", "start": date(2020, 1, 1), "end": None}
    assert name_of("backfill", days, today) == "camargue backfill 2020-01-01 to 2024-05-01"
    assert project_word("/srv/valley.toml") == "valley"
    assert project_word("/srv/valley/project.toml") == "valley"
