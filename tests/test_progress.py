"""Progress tells its rate and the time left, on a terminal and in plain lines."""

import re

import pytest

from flows import terminal
from flows.terminal import Teller
from sco.progress import Pace, count, listening, say, spoken


@pytest.mark.parametrize(
    ("done", "seconds", "words"),
    [
        (12, 3.0, "4 a second, about 22 s left"),
        (50, 600.0, "5 a minute, about 10 min left"),
        (2, 7200.0, "1 an hour, about 98 h 00 min left"),
        (100, 10.0, "10 a second"),
        (0, 10.0, ""),
    ],
)
def test_rate_and_rest(done, seconds, words):
    assert Pace(1000.0, 0).words(done, 100, 1000.0 + seconds) == words


def test_a_count_that_goes_on_from_somewhere_is_as_fast_as_what_was_added():
    assert Pace(0.0, 40).words(50, 100, 10.0) == "1 a second, about 50 s left"


def test_durations_are_told_as_people_do():
    assert [spoken(seconds) for seconds in (0.2, 89, 90, 5400, 12_000)] == [
        "1 s",
        "89 s",
        "2 min",
        "1 h 30 min",
        "3 h 20 min",
    ]


def test_plain_lines_tell_a_quarter_a_minute_the_rate_and_the_rest(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 63.0, 64.0, 80.0])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(clock))
    with listening(Teller()):
        say("compute begins")
        for done in (0, 1, 25, 26, 27, 50):
            count(done, 100, f"month {done}")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "compute begins",
        "         25 of 100 (month 25): 12 a second, about 6 s left",
        "         26 of 100 (month 26): 25 a minute, about 3 min left",
        "         50 of 100 (month 50): 38 a minute, about 80 s left",
    ]


def test_a_bar_on_a_terminal_has_them_too(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    clock = iter([0.0, 30.0])
    with Teller() as teller:
        monkeypatch.setattr(terminal.time, "monotonic", lambda: next(clock))
        teller.advance(0, 10, "first")
        teller.advance(5, 10, "second")
        monkeypatch.undo()
        (task,) = teller._bar.tasks
        assert task.fields["pace"] == "10 a minute, about 30 s left"
    assert not re.search("Traceback", capsys.readouterr().err)
