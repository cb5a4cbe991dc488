"""What is remembered of items makes the answer that reading all of them anew makes."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from observatory.asking import CAMARGUE, an_item, one_collection  # noqa: F401 - a fixture

from sco import findings, library, search
from sco.choices import Source
from sco.kept import Case
from sco.model import BBox
from sco.roster import Roster
from sco.search import Answer

JULY = (datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC))
WEST: BBox = (4.2, 43.3, 4.5, 43.7)
EAST: BBox = (4.4, 43.3, 4.9, 43.7)
ELSEWHERE = {"type": "Polygon", "coordinates": [[[7, 3], [8, 3], [8, 4], [7, 3]]]}
ODD: tuple[dict[str, Any], ...] = (
    {},
    {"updated": "2024-01-01T00:00:00Z"},
    {"updated": "2024-02-01T00:00:00Z", "strip": ""},
    {"says": {"eo:cloud_cover": 90}},
    {"says": {"s2:processing_baseline": "05.10"}},
    {"says": {"eo:cloud_cover": "much"}},
    {"id": "../x"},
    {"bbox": None},
    {"geometry": ELSEWHERE},
    {"datetime": "2023-08-05T10:00:00Z"},
    {"datetime": None},
    {"collection": "landsat-c2-l2"},
    {"collection": None},
    {"assets": {}},
    {"assets": {"red": {"href": "scenes/B04.tif"}}},
    {"tile": "31TGJ"},
)
RUBBISH: tuple[Any, ...] = (None, 7, "text", [], {"type": "Feature"}, {"id": "a", "properties": {"datetime": 3}})


def _item(kind: tuple[int, int]) -> Any:
    day, odd = kind
    return an_item(day, **ODD[odd]) if odd < len(ODD) else RUBBISH[odd - len(ODD)]


kinds = st.tuples(st.integers(1, 6), st.integers(0, len(ODD) + len(RUBBISH) - 1))
shelves = st.lists(st.lists(kinds, max_size=12), min_size=1, max_size=5)


def _source(*files: Path, **choices: Any) -> Source:
    catalogs = [
        {"id": name, "file": file.name} for name, file in zip(("earth_search", "simulated"), files, strict=False)
    ]
    content = {"sensor": "sentinel2", "catalogs": catalogs, "max_cloud": 80, **choices}
    return Source.model_validate(content, context={"folder": files[0].parent})


def _lay(file: Path, items: list[Any]) -> None:
    file.write_text("".join(json.dumps(item) + "\n" for item in items))


def _told(answer: Answer) -> tuple[Any, ...]:
    roster = Roster.of(answer.scenes)
    columns = {name: list(values) for name, values in vars(roster.columns).items()}
    asked = [replace(one, seconds=0.0) for one in answer.asked]
    return tuple(roster), columns, answer.rejected, asked


@pytest.mark.parametrize("places", [(CAMARGUE,), (WEST, EAST)])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=shelves)
def test_whatever_comes_changes_and_goes_the_answer_is_that_of_reading_all_anew(
    tmp_path_factory: pytest.TempPathFactory, places: tuple[BBox, ...], states: list[list[tuple[int, int]]]
) -> None:
    folder = tmp_path_factory.mktemp("shelf")
    first, second = folder / "first.ndjson", folder / "second.ndjson"
    for number, state in enumerate(states):
        _lay(first, [_item(kind) for kind in state])
        _lay(second, [_item(kind) for kind in state[::2]])
        asked = tuple((place, *JULY) for place in places)
        remembered = Case(_source(first, second), asked, folder / "answers").ask()
        anew = Case(_source(first, second), asked, folder / f"anew{number}").ask()
        assert _told(remembered) == _told(anew)
        if len(places) == 1:
            assert _told(remembered) == _told(search.search(_source(first, second), *asked[0]))
        assert _told(Case(_source(first, second), asked, folder / "answers").recall()) == _told(anew)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The id of each item that was read."""
    told: list[Any] = []

    def counted(item: Any, *asked: Any) -> Any:
        told.append(item["id"])
        return search.read(item, *asked)

    monkeypatch.setattr(findings, "read", counted)
    return told


def _ids(*days: int) -> list[str]:
    return [f"S2A_31TFJ_202307{day:02}_0_L2A" for day in days]


def _ask(folder: Path, end: datetime = JULY[1], **choices: Any) -> Answer:
    return Case(_source(folder / "items.ndjson", **choices), ((CAMARGUE, JULY[0], end),), folder / "answers").ask()


def test_one_item_more_is_read_alone_in_a_file_that_is_not_parsed(
    tmp_path: Path, read: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _lay(tmp_path / "items.ndjson", [an_item(day) for day in range(1, 20)])
    _ask(tmp_path)
    parsed: list[str] = []
    parse = findings.shelf.item_in
    monkeypatch.setattr("sco.shelf.item_in", lambda line: parsed.append(line) or parse(line))
    read.clear()
    _lay(tmp_path / "items.ndjson", [an_item(day) for day in range(1, 21)])
    assert len(_ask(tmp_path).scenes) == 20
    assert read == _ids(20)
    assert len(parsed) == 2  # to see whether it is asked for, and to read it


def test_another_sensor_reads_all_anew(tmp_path: Path, read: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _lay(tmp_path / "items.ndjson", [an_item(1), an_item(2)])
    _ask(tmp_path)
    sensor = library.sensors["sentinel2"]
    monkeypatch.setattr("sensors.sentinel2.SENSOR", replace(sensor, version=sensor.version + 1))
    _lay(tmp_path / "items.ndjson", [an_item(1), an_item(2), an_item(3)])
    _ask(tmp_path)
    assert read == _ids(1, 2, 1, 2, 3)


def test_other_days_read_no_item_again_and_forget_none(tmp_path: Path, read: list[Any]) -> None:
    _lay(tmp_path / "items.ndjson", [an_item(day) for day in (1, 5, 9)])
    _ask(tmp_path)
    assert len(_ask(tmp_path, JULY[0] + timedelta(days=6)).scenes) == 2
    assert len(_ask(tmp_path, JULY[1] + timedelta(days=1)).scenes) == 3
    assert read == _ids(1, 5, 9)


@pytest.mark.parametrize("suffix", [".items", ".lines"])
@pytest.mark.parametrize("at", [0.0, 0.3, 0.6, 0.99])
def test_a_damaged_or_foreign_memory_is_never_believed(tmp_path: Path, read: list[Any], suffix: str, at: float) -> None:
    _lay(tmp_path / "items.ndjson", [an_item(day) for day in (1, 2)])
    _ask(tmp_path)
    (file,) = (tmp_path / "answers" / "judged").glob(f"*{suffix}")
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 0xFF
    file.write_bytes(content)
    _lay(tmp_path / "items.ndjson", [an_item(day) for day in (1, 2, 3)])
    assert [scene.id for scene in _ask(tmp_path).scenes] == _ids(1, 2, 3)
    assert read == (_ids(1, 2, 1, 2, 3) if suffix == ".items" else _ids(1, 2, 3))
    file.write_bytes(b"not at all" * 100)
    _lay(tmp_path / "items.ndjson", [an_item(day) for day in (1, 2, 3, 4)])
    assert [scene.id for scene in _ask(tmp_path).scenes] == _ids(1, 2, 3, 4)


def test_only_scenes_that_compete_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [an_item(day) for day in range(1, 9)]
    newer = an_item(3, id="S2A_31TFJ_20230703_1_L2A", updated="2024-01-01T00:00:00Z")
    clouded = an_item(9, says={"eo:cloud_cover": 90})
    _lay(tmp_path / "items.ndjson", [*items, newer, clouded, an_item(10, tile="")])
    looked: list[str] = []
    of = findings.Findings._candidate

    def counted(found: findings.Findings, row: int) -> search.Candidate | None:
        one = of(found, row)
        looked.append(one.id if one else "")
        return one

    monkeypatch.setattr(findings.Findings, "_candidate", counted)
    answer = _ask(tmp_path)
    assert looked == [*_ids(3), newer["id"], *_ids(9)]
    assert [one.id for one in answer.rejected] == _ids(3, 9)
    assert [scene.id for scene in answer.scenes] == [
        *_ids(1, 2),
        newer["id"],
        *_ids(4, 5, 6, 7, 8),
        "S2A__20230710_0_L2A",
    ]


def test_scenes_of_one_id_and_time_come_in_the_order_of_their_catalogs(tmp_path: Path) -> None:
    first, second = tmp_path / "first.ndjson", tmp_path / "second.ndjson"
    _lay(first, [an_item(1, tile=""), an_item(2)])
    _lay(second, [an_item(1, tile=""), an_item(3)])
    source = _source(first, second)
    answer = Case(source, ((CAMARGUE, *JULY),), tmp_path / "answers").ask()
    assert [scene.catalog for scene in answer.scenes] == ["earth_search", "simulated", "earth_search", "simulated"]
    assert _told(answer) == _told(search.search(source, CAMARGUE, *JULY))
