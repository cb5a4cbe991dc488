"""Ten real scenes behind a real STAC API, and a recorded reply of Earth Search."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from observatory import Play, Request, playing, say
from observatory.asking import (
    CAMARGUE,
    CATALOG,
    COLLECTION,
    one_collection,  # noqa: F401 - a fixture
    source,
)

from sco.errors import IntegrityError, UpstreamError
from sco.model import BBox, Identity
from sco.reply import Question, ask
from sco.search import recall, search
from sco.simulator.server import serve

AUGUST = (datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 9, 1, tzinfo=UTC))
MARCH_2020 = (datetime(2020, 3, 1, tzinfo=UTC), datetime(2020, 3, 6, tzinfo=UTC))
SLOVENIA: BBox = (14.9, 45.0, 16.5, 47.0)


@pytest.fixture(scope="module")
def ten_scenes(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a STAC API over the ten real items, their assets' addresses made absolute."""
    files = sorted((data / "s2_l2a_earthsearch_33TW_2023").glob("*/*.json"))
    items = tmp_path_factory.mktemp("stac") / "items.json"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": [_absolute(file) for file in files]}))
    with serve(items) as url:
        yield url


def _absolute(file: Path) -> dict[str, Any]:
    item: dict[str, Any] = json.loads(file.read_text("utf-8"))
    for asset in item["assets"].values():
        if "://" not in asset["href"]:
            asset["href"] = str(file.parent / asset["href"])
    return item


def test_the_ten_real_scenes_come_with_all_that_the_pipeline_needs(ten_scenes: str) -> None:
    answer = search(source(ten_scenes), SLOVENIA, *AUGUST)
    assert len(answer.scenes) == 10
    assert answer.rejected == ()
    assert [(asked.catalog, asked.items, asked.pages, asked.failure) for asked in answer.asked] == [
        ("earth_search", 10, 1, None)
    ]
    assert list(answer.scenes) == sorted(answer.scenes, key=lambda scene: (scene.time, scene.id))
    assert len({scene.identity for scene in answer.scenes}) == 10
    assert {scene.identity.tile for scene in answer.scenes} == {"33TWL", "33TWM"}
    assert {scene.baseline for scene in answer.scenes} == {"05.09"}
    assert {scene.offset_applied for scene in answer.scenes} == {True}
    last = next(scene for scene in answer.scenes if scene.id == "S2B_33TWL_20230820_0_L2A")
    assert last.identity == Identity("s2b", "20230820T094549", "33TWL", "20230820T094908")
    assert last.time == datetime(2023, 8, 20, 9, 58, 11, 72_000, UTC)
    assert last.cloud_percent == 8.066346
    assert last.updated == "2023-08-20T19:09:05.193Z"
    red = last.assets["red"]
    assert Path(red.href).is_file()
    assert (red.crs, red.shape, red.dtype, red.nodata) == ("EPSG:32633", (10980, 10980), "uint16", 0)
    assert red.transform == (10.0, 0.0, 499980.0, 0.0, -10.0, 5100000.0)
    assert (red.scale, red.offset) == (0.0001, -0.1)
    assert {"blue", "green", "red", "nir", "scl", "swir16"} <= set(last.assets)


def test_bbox_and_dates_are_those_that_were_asked(ten_scenes: str) -> None:
    south = search(source(ten_scenes), (15.2, 45.2, 15.3, 45.3), *AUGUST)
    assert [scene.id[:18] for scene in south.scenes] == [
        "S2B_33TWL_20230810",
        "S2B_33TWL_20230813",
        "S2A_33TWL_20230815",
        "S2A_33TWL_20230818",
        "S2B_33TWL_20230820",
    ]
    days = (datetime(2023, 8, 13, tzinfo=UTC), datetime(2023, 8, 18, tzinfo=UTC))
    assert [scene.id[:18] for scene in search(source(ten_scenes), SLOVENIA, *days).scenes] == [
        "S2B_33TWM_20230813",
        "S2B_33TWL_20230813",
        "S2A_33TWM_20230815",
        "S2A_33TWL_20230815",
    ]
    assert search(source(ten_scenes), CAMARGUE, *AUGUST).scenes == ()


def test_the_end_of_the_question_is_not_part_of_it(ten_scenes: str) -> None:
    instant = datetime(2023, 8, 20, 9, 58, 11, 72_000, UTC)
    place: BBox = (15.2, 45.2, 15.3, 45.3)
    until = search(source(ten_scenes), place, instant - timedelta(days=1), instant)
    assert until.scenes == ()
    assert [(one.id, one.reason, one.time) for one in until.rejected] == [
        ("S2B_33TWL_20230820_0_L2A", "its time 2023-08-20T09:58:11Z is outside what was asked", instant)
    ]
    since = search(source(ten_scenes), place, instant, instant + timedelta(days=1))
    assert [scene.id for scene in since.scenes] == ["S2B_33TWL_20230820_0_L2A"]


def test_cloudy_scenes_are_rejected_and_say_so(ten_scenes: str) -> None:
    answer = search(source(ten_scenes, max_cloud=50), (15.2, 45.2, 15.3, 45.3), *AUGUST)
    assert all((scene.cloud_percent or 0) <= 50 for scene in answer.scenes)
    assert len(answer.scenes) + len(answer.rejected) == 5
    reasons = {one.id: one.reason for one in answer.rejected}
    assert reasons["S2B_33TWL_20230810_0_L2A"] == "cloud 69.29 % is over the project's 50 %"


def test_small_pages_bring_the_same_scenes(ten_scenes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = search(source(ten_scenes), SLOVENIA, *AUGUST)
    monkeypatch.setattr("catalogs.earth_search.CATALOG", replace(CATALOG, page_limit=3))
    paged = search(source(ten_scenes), SLOVENIA, *AUGUST)
    assert paged.scenes == whole.scenes
    assert (paged.asked[0].items, paged.asked[0].pages) == (10, 4)


def test_an_answer_is_recalled_without_the_network(
    ten_scenes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = source(ten_scenes, "http://127.0.0.1:9", max_cloud=50)
    answer = search(asked, SLOVENIA, *AUGUST, keep=tmp_path)
    assert answer.asked[1].failure is not None
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.rsplit("-", 1)[0] for name in names] == ["sentinel2-earth_search", "sentinel2-simulated"]
    with gzip.open(tmp_path / names[0], "rt") as lines:
        head, *items = map(json.loads, lines)
    assert (head["items"], len(items), items[0]["stac_version"]) == (10, 10, "1.0.0")
    monkeypatch.setattr("sco.messenger.Messenger", None)
    assert recall(asked, SLOVENIA, *AUGUST, keep=tmp_path) == answer
    with pytest.raises(UpstreamError, match="no kept reply of earth_search to this question"):
        recall(asked, CAMARGUE, *AUGUST, keep=tmp_path)


def test_a_damaged_reply_is_not_recalled(ten_scenes: str, tmp_path: Path) -> None:
    search(source(ten_scenes), SLOVENIA, *AUGUST, keep=tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    shorter = gzip.compress(b"\n".join(gzip.decompress(whole).splitlines()[:-1]))
    for damaged in (whole[:-20], whole[:200] + b"\0" + whole[201:], b"", shorter):
        path.write_bytes(damaged)
        with pytest.raises(IntegrityError, match="search again"):
            recall(source(ten_scenes), SLOVENIA, *AUGUST, keep=tmp_path)


def test_a_question_asks_one_catalog(ten_scenes: str) -> None:
    question = Question("sentinel2", replace(CATALOG, url=ten_scenes, page_limit=4), COLLECTION, SLOVENIA, *AUGUST)
    answered = ask(question)
    assert (len(answered.lines), answered.pages, answered.failure) == (10, 3, None)
    away = ask(replace(question, catalog=replace(CATALOG, url="http://127.0.0.1:9")))
    assert (away.lines, away.pages) == ((), 0)
    assert "Connection refused" in str(away.failure)


def test_recorded_replies_with_every_acquisition_twice(data: Path) -> None:
    folder = data / "stac/earth-search"
    names = {"": "0d9220", "32TMT_20200302_0": "20bb7c", "32UNU_20200302_0": "c92066"}

    def recorded(play: Play, request: Request) -> tuple[int, dict[str, str], bytes]:
        token = str(request.body.get("next", ""))
        code = next(code for part, code in names.items() if part in token and bool(part) == bool(token))
        file = "GET_v1_e8f85f.json" if request.method == "GET" else f"POST_v1-search_{code}.json"
        text = (folder / file).read_text("utf-8")
        return say(text.replace("https://earth-search.aws.element84.com/v1", f"{play.url}/v1").encode())

    with playing(recorded) as play:
        asked = source(f"{play.url}/v1")
        answer = search(asked, (9, 47, 10, 48), *MARCH_2020)
        cloudy = search(source(f"{play.url}/v1", max_cloud=90), (9, 47, 10, 48), *MARCH_2020)
    assert (answer.asked[0].items, answer.asked[0].pages) == (16, 3)
    assert len(answer.scenes) == 8
    assert {scene.baseline for scene in answer.scenes} == {"05.00"}
    assert {scene.offset_applied for scene in answer.scenes} == {True}
    assert all(scene.id.endswith("_1_L2A") for scene in answer.scenes)
    assert {one.id: one.reason for one in answer.rejected} == {
        scene.id.replace("_1_L2A", "_0_L2A"): f"superseded by {scene.id}: baseline 05.00 over 02.14"
        for scene in answer.scenes
    }
    assert cloudy.scenes == ()  # though the older copy of 32UMU says 87.9 %
    assert len(cloudy.rejected) == 16
