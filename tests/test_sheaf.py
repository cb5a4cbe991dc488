"""Lines that are known by sheaves, and packed once, make the reply that reading them all anew makes."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observatory.asking import CAMARGUE, an_item, one_collection  # noqa: F401 - a fixture

from sco import members, reply, sheaf, shelf
from sco.choices import Source
from sco.errors import UpstreamError
from sco.kept import Case
from sco.reply import kept_reply
from sco.search import Answer
from sco.sheaf import Bound, Gathering, Lines, Part, Sheaf, digest_of

JULY = (reply.BEGINNING.replace(year=2023, month=7), reply.BEGINNING.replace(year=2023, month=8))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sheaves of four lines, and an index of every file of members."""
    monkeypatch.setattr(sheaf, "LINES", 4)
    monkeypatch.setattr(reply, "LINES", 4)
    monkeypatch.setattr(members, "FEW", 0)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The id of each line that was parsed to see whether it is asked for."""
    told: list[str] = []
    placed = shelf._placed
    monkeypatch.setattr(shelf, "_placed", lambda item, folder: told.append(item["id"]) or placed(item, folder))
    return told


def _line(number: int, **changes: Any) -> str:
    item = an_item(1 + number % 28, id=f"S2A_31TFJ_{number}", says={"s2:datatake_id": f"{number}"}, **changes)
    return json.dumps(item)


def _case(folder: Path, answers: str = "answers") -> Case:
    content = {"sensor": "sentinel2", "catalogs": [{"id": "earth_search", "file": "items.ndjson"}]}
    source = Source.model_validate(content, context={"folder": folder})
    return Case(source, ((CAMARGUE, *JULY),), folder / answers)


def _ask(folder: Path, lines: list[str], end: str = "\n") -> Answer:
    (folder / "items.ndjson").write_text("".join(f"{line}\n" for line in lines[:-1]) + lines[-1] + end, newline="")
    return _case(folder).ask()


def _same_as_anew(folder: Path, answer: Answer) -> None:
    """That the answer and all that is kept of it are those of one who remembers nothing."""
    anew = _case(folder, "anew")
    for file in (folder / "anew").rglob("*.*"):
        file.unlink()
    first = anew.ask()
    assert list(answer.scenes) == list(first.scenes)
    assert answer.rejected == first.rejected
    (question,), case = anew.questions[0], _case(folder)
    kept = kept_reply(question, case.folder)
    assert kept.lines == kept_reply(question, anew.folder).lines
    assert _case(folder).recall().scenes == first.scenes


def _ids(*numbers: int) -> list[str]:
    return [f"S2A_31TFJ_{number}" for number in numbers]


def test_of_a_file_that_grew_only_the_lines_after_whole_sheaves_are_parsed(tmp_path: Path, parsed: list[str]) -> None:
    lines = [_line(number) for number in range(10)]
    _ask(tmp_path, lines)
    assert parsed == _ids(*range(10))
    parsed.clear()
    answer = _ask(tmp_path, [*lines, _line(10)])
    assert parsed == _ids(10)
    assert [scene.id for scene in answer.scenes] == _ids(*range(11))
    _same_as_anew(tmp_path, answer)


CHANGES = {
    "changed": lambda lines: [*lines[:5], _line(5, updated="2024-01-01T00:00:00Z"), *lines[6:]],
    "vanished": lambda lines: [*lines[:5], *lines[6:]],
    "vanished first": lambda lines: lines[1:],
    "twice": lambda lines: [*lines[:5], lines[2], *lines[5:]],
    "inserted": lambda lines: [*lines[:6], _line(77), *lines[6:]],
    "turned round": lambda lines: lines[::-1],
    "sheaves swapped": lambda lines: [*lines[4:8], *lines[:4], *lines[8:]],
    "a sheaf twice": lambda lines: [*lines[:4], *lines[:4], *lines[4:]],
    "blank lines": lambda lines: [*lines[:2], "", "  ", *lines[2:]],
    "rubbish": lambda lines: [*lines[:3], "7", '{"type": "Feature"}', *lines[3:]],
    "carriage returns": lambda lines: [f"{line}\r" for line in lines],
    "a carriage return between": lambda lines: [f"{lines[0]}\r{lines[1]}", *lines[2:]],
    "relative": lambda lines: [*lines[:5], _line(5, assets={"red": {"href": "B04.tif"}}), *lines[6:]],
    "a collection": lambda lines: [
        f'{{"type": "FeatureCollection", "features": [{lines[0]}, {lines[1]}]}}',
        *lines[2:],
    ],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("end", ["\n", ""])
def test_whatever_moves_is_noticed(tmp_path: Path, change: str, end: str) -> None:
    lines = [_line(number) for number in range(18)]
    for state in (lines, CHANGES[change](lines), lines):
        _same_as_anew(tmp_path, _ask(tmp_path, state, end))


def test_a_changed_item_costs_its_sheaf_alone(tmp_path: Path, parsed: list[str]) -> None:
    lines = [_line(number) for number in range(18)]
    _ask(tmp_path, lines)
    parsed.clear()
    bound: list[int] = []
    goes_on = shelf._goes_on
    with pytest.MonkeyPatch.context() as counted:
        counted.setattr(shelf, "_goes_on", lambda *given: bound.append(goes_on(*given)) or bound[-1])
        _ask(tmp_path, CHANGES["inserted"](lines))
    assert (parsed, bound) == (_ids(77), [True, False, True, True])


def test_a_line_without_an_end_that_goes_on_is_another(tmp_path: Path) -> None:
    lines = [_line(number) for number in range(8)]
    _ask(tmp_path, lines, "")
    answer = _ask(tmp_path, [*lines[:7], lines[7] + " "])
    assert len(answer.scenes) == 8
    with pytest.raises(UpstreamError, match="is no STAC"):
        _ask(tmp_path, [*lines[:7], lines[7] + "{"])


def test_members_are_packed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [_line(number) for number in range(18)]
    _ask(tmp_path, lines)
    packed: list[int] = []
    pack = members._packed
    monkeypatch.setattr(members, "_packed", lambda part: packed.append(len(part.digests)) or pack(part))
    answer = _ask(tmp_path, [*lines, _line(18)])
    assert packed == [3]
    (file,) = (tmp_path / "answers").glob("*.gz")
    assert gzip.decompress(file.read_bytes()).decode().splitlines()[1:] == [*lines, _line(18)]
    _same_as_anew(tmp_path, answer)


@pytest.mark.parametrize("suffix", [".gz", ".members", ".lines"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_what_is_damaged_is_not_believed(tmp_path: Path, suffix: str, damage: str) -> None:
    lines = [_line(number) for number in range(18)]
    _ask(tmp_path, lines)
    (file,) = (tmp_path / "answers").rglob(f"*{suffix}")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x01
    file.write_bytes(content if damage == "flipped" else content[: len(content) * 2 // 3])
    if damage == "gone":
        file.unlink()
    _same_as_anew(tmp_path, _ask(tmp_path, [*lines, _line(18)]))


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "items.ndjson"
    file.write_text("a\nb\n")
    gathering = Gathering()
    begins = [gathering.add(text, digest_of(text), at) for at, text in ((0, "a"), (2, "b"), (9, "c"))]
    assert begins == [True, False, True]
    content = sheaf.hashlib.sha256(b"a\nb\n").digest()
    bound = Bound(file, 0, Sheaf(content, 4, [], *([[]] * 2)))  # type: ignore[arg-type]
    assert bound.texts() == ["a", "b"]
    file.write_text("a\nB\n")
    with pytest.raises(UpstreamError, match="changed while it was read"):
        bound.texts()


def test_lines_of_parts_are_a_sequence() -> None:
    lines = Lines([Part([b"", b""], lambda: ["a", "b"]), Part([b""], lambda: ["c"])])
    assert (lines[0], lines[2], lines[-1], lines[1:], len(lines)) == ("a", "c", "c", ["b", "c"], 3)
    assert lines == ("a", "b", "c") != Lines([])
    assert list(lines) == ["a", "b", "c"]
    with pytest.raises(IndexError):
        lines[3]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=24), min_size=2, max_size=4))
def test_any_lines_in_any_order(tmp_path_factory: pytest.TempPathFactory, states: list[list[int]]) -> None:
    folder = tmp_path_factory.mktemp("lines")
    for state in states:
        _same_as_anew(folder, _ask(folder, [_line(number) for number in state]))
