"""An answer is judged once, and judged again as soon as the replies or anything that reads them is another."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from observatory import offering
from observatory.asking import CAMARGUE, an_item, one_collection, source  # noqa: F401 - fixtures

from sco import findings, library, readership, search
from sco.choices import Source
from sco.errors import IntegrityError, UpstreamError
from sco.kept import Case
from sco.model import Scene
from sco.roster import Roster
from sco.search import Answer, Rejected

JULY = (datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC))
PLACE = (CAMARGUE, *JULY)


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many items were read, each time that scenes were chosen."""
    told: list[int] = []

    def read(*asked: Any) -> Scene | Rejected:
        told[-1] += 1
        return search.read(*asked)

    def judge(case: Case, *given: Any) -> Answer:
        told.append(0)
        return judge_anew(case, *given)

    judge_anew = Case._judged
    monkeypatch.setattr(findings, "read", read)
    monkeypatch.setattr(Case, "_judged", judge)
    return told


def _shelf(folder: Path, items: list[dict[str, Any]], catalog: str = "earth_search", **choices: Any) -> Source:
    file = folder / "items.ndjson"
    file.write_text("".join(json.dumps(item) + "\n" for item in items))
    content = {"sensor": "sentinel2", "catalogs": [{"id": catalog, "file": "items.ndjson"}], **choices}
    return Source.model_validate(content, context={"folder": folder})


def _case(folder: Path, days: range = range(1, 5), **choices: Any) -> Case:
    return Case(_shelf(folder, [an_item(day) for day in days], **choices), (PLACE,), folder / "answers")


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path, judged: list[int]) -> None:
    first = _case(tmp_path).ask()
    again = _case(tmp_path).ask()
    assert judged == [4]
    assert again.scenes == first.scenes
    assert (again.rejected, [replace(one, seconds=0.0) for one in again.asked]) == (
        first.rejected,
        [replace(one, seconds=0.0) for one in first.asked],
    )
    assert isinstance(again.scenes, Roster)
    assert [scene.id for scene in again.scenes] == [f"S2A_31TFJ_2023070{day}_0_L2A" for day in range(1, 5)]


def test_one_item_more_and_it_alone_is_read(tmp_path: Path, judged: list[int]) -> None:
    _case(tmp_path).ask()
    late = _case(tmp_path, range(1, 6)).ask()
    assert (judged, len(late.scenes)) == ([4, 1], 5)
    newer = an_item(2, updated="2024-01-01T00:00:00Z")
    items = [newer if day == 2 else an_item(day) for day in range(1, 6)]
    reprocessed = Case(_shelf(tmp_path, items), (PLACE,), tmp_path / "answers").ask()
    assert judged == [4, 1, 1]
    assert [scene.updated for scene in reprocessed.scenes].count("2024-01-01T00:00:00Z") == 1
    assert (_case(tmp_path).ask().scenes, judged) == (late.scenes[:4], [4, 1, 1, 1])


def test_what_is_recalled_is_what_was_asked(tmp_path: Path, judged: list[int]) -> None:
    asked = _case(tmp_path).ask()
    (tmp_path / "items.ndjson").unlink()
    case = Case(_source_of(tmp_path), (PLACE,), tmp_path / "answers")
    assert (case.recall().scenes, judged) == (asked.scenes, [4])
    (tmp_path / "answers" / "judged").rename(tmp_path / "away")
    again = Case(_source_of(tmp_path), (PLACE,), tmp_path / "answers").recall()
    assert (again.scenes, judged) == (asked.scenes, [4, 4])


def _source_of(folder: Path) -> Source:
    content = {"sensor": "sentinel2", "catalogs": [{"id": "earth_search", "file": "items.ndjson"}]}
    return Source.model_validate(content, context={"folder": folder})


def test_a_service_is_asked_again_and_its_same_reply_is_not_judged_again(tmp_path: Path, judged: list[int]) -> None:
    with offering(an_item(1), an_item(2)) as play:
        case = Case(source(play.url), (PLACE,), tmp_path)
        first = case.ask()
        again = Case(source(play.url), (PLACE,), tmp_path).ask()
        assert len(play.searches) == 2
    assert judged == [2]
    assert again.scenes == first.scenes
    assert Case(source(play.url), (PLACE,), tmp_path).recall().scenes == first.scenes
    assert judged == [2]


def test_what_was_never_asked_is_not_recalled_and_what_is_damaged_is_told(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="no kept reply of earth_search"):
        _case(tmp_path).recall()
    _case(tmp_path).ask()
    (reply,) = (tmp_path / "answers").glob("*.gz")
    reply.write_bytes(reply.read_bytes()[:-9])
    with pytest.raises(IntegrityError, match="search again"):
        _case(tmp_path).recall()


@pytest.mark.parametrize("choices", [{"max_cloud": 4}, {"orbit": "ascending"}])
def test_other_choices_are_another_judgement(tmp_path: Path, judged: list[int], choices: dict[str, Any]) -> None:
    _case(tmp_path).ask()
    other = _case(tmp_path, **choices).ask()
    assert (judged, len(other.scenes), len(other.rejected)) == ([4, 4], 0, 4)
    assert len({one.reason for one in _case(tmp_path, **choices).ask().rejected}) == 1
    assert len(judged) == 2


def test_a_changed_reader_judges_again(tmp_path: Path, judged: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    _case(tmp_path).ask()
    before = readership.reader_of(_source_of(tmp_path))
    sensor = library.sensors["sentinel2"]
    monkeypatch.setattr("sensors.sentinel2.SENSOR", replace(sensor, version=sensor.version + 1))
    assert readership.reader_of(_source_of(tmp_path)) not in (before, None)
    _case(tmp_path).ask()
    assert judged == [4, 4]


def test_a_changed_list_of_bad_scenes_judges_again(
    tmp_path: Path, judged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _case(tmp_path).ask()
    file = tmp_path / "known_bad.toml"
    file.write_text('version = 1\n[[scene]]\nid = "S2A_31TFJ_20230702_0_L2A"\nreason = "striped"\nsource = "us"\n')
    monkeypatch.setattr("sco.known_bad.FILE", file)
    monkeypatch.setattr(readership, "BEGAN", file.stat().st_ctime_ns + 10 * readership.CLOCK_NS)
    monkeypatch.setattr("sco.search.why_bad", lambda catalog, name: "striped" if "20230702" in name else None)
    answer = _case(tmp_path).ask()
    assert (judged, len(answer.scenes)) == ([4, 4], 3)


def test_code_that_changed_under_the_process_keeps_nothing(
    tmp_path: Path, judged: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readership, "BEGAN", 0)
    assert readership.reader_of(_source_of(tmp_path)) is None
    for _ in range(2):
        assert len(_case(tmp_path).ask().scenes) == 4
    assert judged == [4, 4]
    assert not (tmp_path / "answers" / "judged").exists()


def test_there_is_a_reader_of_every_pair_of_sensor_and_catalog(tmp_path: Path) -> None:
    found = {}
    for name in library.catalogs:
        for sensor in library.catalogs[name].collections:
            one = Source.model_validate({"sensor": sensor, "catalogs": [{"id": name, "url": "http://127.0.0.1:9"}]})
            found[sensor, name] = readership.reader_of(one)
    assert None not in found.values()
    assert len(set(found.values())) == len(found) > 10


@pytest.mark.parametrize("at", [0.1, 0.5, 0.97])
def test_a_damaged_judgement_is_judged_again(tmp_path: Path, judged: list[int], at: float) -> None:
    first = _case(tmp_path).ask()
    (file,) = (tmp_path / "answers" / "judged").glob("*.parquet")
    content = bytearray(file.read_bytes())
    content[int(at * len(content))] ^= 0xFF
    file.write_bytes(content)
    answer = _case(tmp_path).ask()
    assert [scene.id for scene in answer.scenes] == [scene.id for scene in first.scenes]
    assert answer.scenes == first.scenes


def test_what_was_opened_stays_readable_when_it_is_replaced(tmp_path: Path) -> None:
    _case(tmp_path).ask()
    opened = _case(tmp_path).ask().scenes
    _case(tmp_path, range(5, 9)).ask()
    assert [scene.id for scene in opened] == [f"S2A_31TFJ_2023070{day}_0_L2A" for day in range(1, 5)]


def test_rubbish_and_what_was_left_out_are_kept_with_their_reasons(tmp_path: Path, judged: list[int]) -> None:
    items = [an_item(1), an_item(2, id="../x"), an_item(3, says={"eo:cloud_cover": 90}), {"type": "Feature"}]

    def case() -> Case:
        return Case(_shelf(tmp_path, items, max_cloud=50), (PLACE,), tmp_path / "answers")

    first, again = case().ask(), case().ask()
    assert judged == [4]
    assert first.rejected == again.rejected
    assert [one.rubbish for one in again.rejected] == [True, True, False]
    assert again.rejected[-1].time == datetime(2023, 7, 3, 10, 40, 31, tzinfo=UTC)


def test_a_reply_of_before_is_read_as_it_was_written(tmp_path: Path) -> None:
    _case(tmp_path).ask()
    (reply,) = (tmp_path / "answers").glob("*.gz")
    reply.write_bytes(gzip.compress(gzip.decompress(reply.read_bytes()), 9, mtime=0))
    assert len(_case(tmp_path).recall().scenes) == 4
