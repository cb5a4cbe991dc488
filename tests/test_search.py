"""Real scenes behind a real STAC API, recorded replies of Earth Search, and servers that misbehave."""

import gzip
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rustac
from observatory import Play, Request, landing, offering, page, playing, say

from catalogs import geodes
from catalogs.earth_search import CATALOG as EARTH_SEARCH
from sco import reply
from sco.errors import ConfigurationError, IntegrityError, UpstreamError
from sco.known_bad import known_bad
from sco.model import BBox, Collection, Identity
from sco.project import Source
from sco.reply import Question, ask
from sco.search import Answer, recall, search
from sco.simulator.server import serve

COLLECTION = EARTH_SEARCH.collections["sentinel2"][-1]
CATALOG = replace(EARTH_SEARCH, collections={"sentinel2": (COLLECTION,)})
JULY = (datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC))
AUGUST = (datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 9, 1, tzinfo=UTC))
MARCH_2020 = (datetime(2020, 3, 1, tzinfo=UTC), datetime(2020, 3, 6, tzinfo=UTC))
CAMARGUE: BBox = (4.2, 43.3, 4.9, 43.7)
SLOVENIA: BBox = (14.9, 45.0, 16.5, 47.0)


# Real input


@pytest.fixture(autouse=True)
def _one_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earth Search without Collection 1, so that a question to it is one question."""
    monkeypatch.setattr("catalogs.earth_search.CATALOG", CATALOG)


@pytest.fixture(scope="module")
def data_folder() -> Path:
    folder = Path(__file__).parents[1] / ".." / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real scenes: the data folder {folder} is absent")
    return folder.resolve()


@pytest.fixture(scope="module")
def ten_scenes(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a STAC API over the ten real items, their assets' addresses made absolute."""
    files = sorted((data_folder / "s2_l2a_earthsearch_33TW_2023").glob("*/*.json"))
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


def source(*urls: str, max_cloud: float = 100) -> Source:
    """Earth Search at the first address, the simulated catalog at the second."""
    names = ("earth_search", "simulated")
    catalogs = [{"id": name, "url": url} for name, url in zip(names, urls, strict=False)]
    return Source.model_validate({"sensor": "sentinel2", "catalogs": catalogs, "max_cloud": max_cloud})


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
    monkeypatch.setattr("sco.reply.Messenger", None)
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


# Servers of our own


def an_item(
    day: int = 7,
    tile: str = "31TFJ",
    strip: str = "104020",
    says: Mapping[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """An item of July 2023 over the Camargue; changes are made to its top level or its properties, `says` to these."""
    properties: dict[str, Any] = {
        "datetime": f"2023-07-{day:02d}T10:40:31Z",
        "platform": "sentinel-2a",
        "grid:code": f"MGRS-{tile}",
        "s2:datatake_id": f"GS2A_202307{day:02d}T103631_042001_N05.09",
        "s2:datastrip_id": f"S2A_OPER_MSI_L2A_DS_2APS_202307{day:02d}T170000_S202307{day:02d}T{strip}_N05.09",
        "s2:processing_baseline": "05.09",
        "earthsearch:boa_offset_applied": True,
        "eo:cloud_cover": 5,
    }
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"S2A_{tile}_202307{day:02d}_0_L2A",
        "collection": "sentinel-2-l2a",
        "geometry": {"type": "Polygon", "coordinates": [[[4, 43], [5, 43], [5, 44], [4, 44], [4, 43]]]},
        "bbox": [4, 43, 5, 44],
        "links": [],
        "assets": {"red": {"href": "https://example.com/B04.tif"}},
    }
    top = {name: value for name, value in changes.items() if name in item}
    told = {name: value for name, value in changes.items() if name not in item}
    return item | top | {"properties": properties | told | dict(says or {})}


def of(play: Play, **choices: Any) -> Answer:
    return search(source(play.url, **choices), CAMARGUE, *JULY)


def ids(answer: Answer) -> list[str]:
    return [scene.id for scene in answer.scenes]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """As patient as ever, with shorter pauses."""
    monkeypatch.setattr(reply, "PATIENCE", reply.PATIENCE.new(backoff_factor=0.01, backoff_jitter=0))


# What is asked


def test_only_what_every_server_understands_is_asked() -> None:
    with offering(an_item()) as play:
        of(play, max_cloud=80)
    (request,) = play.searches
    assert request.method == "POST"
    assert request.body == {
        "collections": ["sentinel-2-l2a"],
        "bbox": [4.2, 43.3, 4.9, 43.7],
        "datetime": "2023-07-01T00:00:00Z/2023-08-01T00:00:00Z",
        "limit": 250,
    }
    assert request.headers["User-Agent"].startswith("space-for-climate-observatory")


# What is chosen


def test_items_that_were_not_asked_for_are_rejected_here() -> None:
    beside = [[[5.5, 43], [6, 43], [6, 44], [5.5, 44], [5.5, 43]]]
    corner = [[[4, 43], [5, 43], [4, 43.2], [4, 43]]]
    items = [
        an_item(1),
        an_item(2, collection="sentinel-2-l1c"),
        an_item(3, geometry={"type": "Polygon", "coordinates": beside}),
        an_item(4, geometry={"type": "Polygon", "coordinates": corner}),
        an_item(5, datetime="2022-07-05T10:00:00Z"),
        "not an item",
    ]
    with offering(*items) as play:
        answer = of(play)
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A"]
    assert [(one.id, one.reason) for one in answer.rejected] == [
        ("S2A_31TFJ_20230702_0_L2A", "it is of collection 'sentinel-2-l1c', not 'sentinel-2-l2a'"),
        ("S2A_31TFJ_20230703_0_L2A", "its footprint does not touch the area that was asked"),
        ("S2A_31TFJ_20230704_0_L2A", "its footprint does not touch the area that was asked"),
        ("S2A_31TFJ_20230705_0_L2A", "its time 2022-07-05T10:00:00Z is outside what was asked"),
        ("'not an item'", "it is 'not an item', not an object"),
    ]


def test_the_newest_baseline_wins_then_the_newest_update() -> None:
    copies = [
        an_item(1, id="old", says={"s2:processing_baseline": "02.14", "updated": "2024-01-01T00:00:00Z"}),
        an_item(1, id="early", updated="2023-07-02T00:00:00.5Z"),
        an_item(1, id="late", updated="2023-07-02T03:00:00+01:00"),
        an_item(1, id="silent", says={"s2:processing_baseline": None}),
    ]
    with offering(*copies) as play:
        answer = of(play)
    assert ids(answer) == ["late"]
    assert {one.id: one.reason for one in answer.rejected} == {
        "old": "superseded by late: baseline 05.09 over 02.14",
        "early": "superseded by late: updated 2023-07-02T03:00:00+01:00 over 2023-07-02T00:00:00.5Z",
        "silent": "superseded by late: baseline 05.09 over none",
    }


def test_both_halves_of_a_tile_that_two_datastrips_share_are_kept() -> None:
    with offering(an_item(1, strip="104020", id="north"), an_item(1, strip="104310", id="south")) as play:
        assert ids(of(play)) == ["north", "south"]


def test_scenes_that_do_not_tell_their_tile_are_never_taken_for_one_another() -> None:
    with offering(an_item(1, tile="", id="one"), an_item(1, tile="", id="two")) as play:
        assert ids(of(play)) == ["one", "two"]


def test_an_older_copy_does_not_come_back_when_the_newest_is_too_cloudy() -> None:
    old = an_item(1, id="old", says={"s2:processing_baseline": "02.14", "eo:cloud_cover": 10})
    new = an_item(1, id="new", says={"eo:cloud_cover": 93})
    with offering(old, new) as play:
        answer = of(play, max_cloud=80)
    assert answer.scenes == ()
    assert {one.id: one.reason for one in answer.rejected} == {
        "old": "superseded by new: baseline 05.09 over 02.14",
        "new": "cloud 93 % is over the project's 80 %",
    }


def test_an_item_that_comes_twice_counts_once_as_it_came_last() -> None:
    with offering(an_item(1, updated="then"), an_item(2), an_item(1, updated="now")) as play:
        answer = of(play)
    assert [(scene.id[10:18], scene.updated) for scene in answer.scenes] == [("20230701", "now"), ("20230702", None)]
    assert answer.asked[0].items == 3


def test_recorded_replies_with_every_acquisition_twice(data_folder: Path) -> None:
    folder = data_folder / "stac/earth-search"
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


# Mirrors


def test_a_later_catalog_only_fills_what_the_earlier_one_lacks() -> None:
    one, two = an_item(1), an_item(2, says={"eo:cloud_cover": 99})
    same_one = an_item(1, id="one", says={"s2:datastrip_id": None, "s2:processing_baseline": "05.10"})
    same_two = an_item(2, id="two")
    with offering(one, two) as first, offering(same_one, same_two, an_item(3, id="three")) as second:
        answer = search(source(first.url, second.url, max_cloud=80), CAMARGUE, *JULY)
    assert [(scene.id, scene.catalog) for scene in answer.scenes] == [
        ("S2A_31TFJ_20230701_0_L2A", "earth_search"),
        ("three", "simulated"),
    ]
    first_reason = "the same acquisition as S2A_31TFJ_20230701_0_L2A of earth_search, which comes first"
    assert {one.id: one.reason for one in answer.rejected} == {
        "one": first_reason,
        "two": first_reason.replace("0701", "0702"),
        "S2A_31TFJ_20230702_0_L2A": "cloud 99 % is over the project's 80 %",
    }


def test_a_refused_scene_is_filled_by_the_mirror() -> None:
    with offering(an_item(1, bbox=None)) as first, offering(an_item(1, id="whole")) as second:
        answer = search(source(first.url, second.url), CAMARGUE, *JULY)
    assert [(scene.id, scene.catalog) for scene in answer.scenes] == [("whole", "simulated")]
    assert [one.catalog for one in answer.rejected] == ["earth_search"]


def test_a_catalog_that_is_away_is_passed_over_quickly() -> None:
    began = time.monotonic()
    with offering(an_item()) as play:
        answer = search(source("http://127.0.0.1:9", play.url), CAMARGUE, *JULY)
    assert time.monotonic() - began < 5
    assert [scene.catalog for scene in answer.scenes] == ["simulated"]
    assert "Connection refused" in str(answer.asked[0].failure)
    assert (answer.asked[0].items, answer.asked[1].failure) == (0, None)


def test_when_no_catalog_answers_each_is_named_with_its_cause() -> None:
    began = time.monotonic()
    with pytest.raises(UpstreamError) as error:
        search(source("http://127.0.0.1:9", "http://127.0.0.1:10"), CAMARGUE, *JULY)
    assert time.monotonic() - began < 5
    lines = str(error.value).splitlines()
    assert lines[1].startswith("  earth_search at http://127.0.0.1:9: ")
    assert lines[2].startswith("  simulated at http://127.0.0.1:10: ")
    assert all("Connection refused" in line for line in lines[1:3])
    assert lines[3].startswith("check the network")


# Servers that misbehave


def test_a_busy_server_is_asked_again_when_it_said() -> None:
    def busy(play: Play, request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/":
            return say(landing(play))
        return say({}, 429, Retry_After="1") if len(play.searches) == 1 else say(page(an_item()))

    with playing(busy) as play:
        began = time.monotonic()
        assert len(of(play).scenes) == 1
        assert 1 <= time.monotonic() - began < 3
    assert len(play.searches) == 2


@pytest.mark.usefixtures("hasty")
def test_a_server_that_never_recovers_is_given_up() -> None:
    began = time.monotonic()
    with (
        playing(lambda play, request: say(landing(play)) if request.path == "/" else say(b"<h1>no\n", 503)) as play,
        pytest.raises(UpstreamError, match="it answers with status 503: <h1>no"),
    ):
        of(play)
    assert len(play.searches) == 6
    assert time.monotonic() - began < 5


def test_patience_is_bounded() -> None:
    pauses = [min(reply.PATIENCE.backoff_factor * 2**n, reply.PATIENCE.backoff_max) for n in range(1, 5)]
    assert sum(pauses) + 5 * reply.PATIENCE.backoff_jitter < 20
    assert reply.PATIENCE.parse_retry_after("86400") == 120


def _cut(play: Play, whole_from: int) -> tuple[int, dict[str, str], bytes]:
    content = json.dumps(page(an_item())).encode()
    if len(play.searches) >= whole_from:
        return say(content)
    return say(content[:300]) if len(play.searches) % 2 else say(content[:300], Content_Length=str(len(content)))


@pytest.mark.usefixtures("hasty")
def test_a_reply_that_breaks_off_is_asked_for_again() -> None:
    with playing(lambda play, request: say(landing(play)) if request.path == "/" else _cut(play, 3)) as play:
        assert len(of(play).scenes) == 1
    assert len(play.searches) == 3


@pytest.mark.usefixtures("hasty")
def test_a_server_whose_replies_always_break_off_is_given_up() -> None:
    with (
        playing(lambda play, request: say(landing(play)) if request.path == "/" else _cut(play, 99)) as play,
        pytest.raises(UpstreamError, match="no catalog answers"),
    ):
        of(play)
    assert len(play.searches) == 3


def _looping(**rest: Any) -> Callable[[Play, Request], tuple[int, dict[str, str], bytes]]:
    def answer(play: Play, request: Request) -> tuple[int, dict[str, str], bytes]:
        link = {"rel": "next", "href": "/search", "method": "POST", "body": request.body}
        return say(landing(play) if request.path == "/" else page(an_item(1), an_item(2), links=[link], **rest))

    return answer


def test_a_next_link_to_the_same_page_ends_where_the_count_is_right() -> None:
    with playing(_looping(numberMatched=2)) as play:
        answer = of(play)
    assert len(play.searches) == 2
    assert len(answer.scenes) == 2


def test_a_next_link_to_the_same_page_is_not_taken_for_the_end() -> None:
    with (
        playing(_looping()) as play,
        pytest.raises(UpstreamError, match="its pages repeat themselves after 2 items"),
    ):
        of(play)
    assert len(play.searches) == 2


@pytest.mark.parametrize("count", [{"numberMatched": 3}, {"context": {"matched": 3}}])
def test_missing_items_are_noticed(count: dict[str, Any]) -> None:
    with (
        offering(an_item(1), an_item(2), **count) as play,
        pytest.raises(UpstreamError, match="it counts 3 items and gave 2"),
    ):
        of(play)


def test_missing_items_are_noticed_where_none_come() -> None:
    with offering(numberMatched=3) as play, pytest.raises(UpstreamError, match="it counts 3 items and gave 0"):
        of(play)


def test_bad_items_are_rejected_and_the_rest_is_returned(tmp_path: Path) -> None:
    ring = [[4, 43], [float("nan"), 43], [5, 44], [4, 44], [4, 43]]
    items = [
        an_item(1, id="../../x"),
        an_item(2, geometry={"type": "Polygon", "coordinates": [ring]}),
        an_item(3, title="x" * 10_000_000),
        an_item(4, assets={"red": {"href": "a.tif", "raster:bands": [{"nodata": "nan"}]}}),
        {"type": "Feature"},
        None,
    ]
    with offering(*items) as play:
        answer = search(source(play.url), CAMARGUE, *JULY, keep=tmp_path / "new" / "folder")
        assert recall(source(play.url), CAMARGUE, *JULY, keep=tmp_path / "new" / "folder") == answer
    assert ids(answer) == ["S2A_31TFJ_20230704_0_L2A"]
    reasons = {one.id: one.reason for one in answer.rejected}
    assert reasons["'../../x'"] == "its id '../../x' is not 1 to 128 letters, digits, dots, dashes and underscores"
    assert reasons["S2A_31TFJ_20230702_0_L2A"] == "its geometry has coordinates that are not numbers"
    assert reasons["S2A_31TFJ_20230703_0_L2A"].startswith("its property 'title' is 10,000,000 characters long")
    assert reasons["None"]
    assert len(list(tmp_path.rglob("*.gz"))) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "root",
    [b"<html>", b"[]", b"7", b'{"type": "Catalog"}', b"[" * 100_000, b'{"type": "Feature", "id": "x"}'],
    ids=["html", "list", "number", "empty", "deep", "item"],
)
def test_an_address_that_is_no_catalog_is_reported_in_one_line(root: bytes) -> None:
    with playing(lambda _, __: say(root)) as play, pytest.raises(UpstreamError) as error:
        of(play)
    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize(
    "reply_page",
    [
        {"features": {}},
        ["features"],
        page(an_item(), links=7),
        page(an_item(), links=["next"]),
        page(an_item(), links=[{"rel": "next"}]),
        page(an_item(), links=[{"rel": "next", "href": "file:///etc/passwd"}]),
        page(an_item(), links=[{"rel": "next", "href": "/search", "method": "POST", "body": 7}]),
    ],
    ids=["no list", "no object", "no links", "no link", "no address", "no web", "no body"],
)
def test_a_page_that_is_no_page_is_reported_in_one_line(reply_page: Any) -> None:
    with (
        playing(lambda play, request: say(landing(play) if request.path == "/" else reply_page)) as play,
        pytest.raises(UpstreamError) as error,
    ):
        of(play)
    assert len(str(error.value).splitlines()) == 3


def test_a_server_without_item_search_is_not_guessed_at() -> None:
    with (
        playing(lambda play, _: say(landing(play) | {"conformsTo": []})) as play,
        pytest.raises(UpstreamError, match="earth_search at http"),
    ):
        of(play)


def test_a_question_asks_one_catalog(ten_scenes: str) -> None:
    question = Question("sentinel2", replace(CATALOG, url=ten_scenes, page_limit=4), COLLECTION, SLOVENIA, *AUGUST)
    answered = ask(question)
    assert (len(answered.items), answered.pages, answered.failure) == (10, 3, None)
    away = ask(replace(question, catalog=replace(CATALOG, url="http://127.0.0.1:9")))
    assert (away.items, away.pages) == ((), 0)
    assert "Connection refused" in str(away.failure)


# Catalogs that turn pages in their own way


def a_product(number: int) -> dict[str, Any]:
    """An item in the words of GEODES: published in August, acquired in July."""
    day = 1 + number % 28
    product = f"S2A_MSIL2A_202307{day:02d}T103631_N0509_R008_T31TFJ_{number:08d}"
    item = an_item(day, assets={"red": {"href": "s3://x/B04.tif"}}, collection="THEIA")
    item["id"] = f"URN:FEATURE:DATA:gdh:{number}:V1"
    item["properties"] = {
        "identifier": product,
        "dataset": "THEIA",
        "datetime": "2023-08-15T00:00:00Z",
        "start_datetime": f"2023-07-{day:02d}T10:36:31.{number:03d}Z",
        "grid:code": "T31TFJ",
        "platform": "S2A",
        "sat:orbit_state": "Descending",
        "s2:datatake_id": f"GS2A_202307{day:02d}T10{number // 28:02d}31_042001_N05.09",
        "processing:version": "05.09",
    }
    return item


@pytest.fixture
def theia(monkeypatch: pytest.MonkeyPatch) -> None:
    """GEODES as if one of its collections could be read."""
    collection = Collection("THEIA", {"red": "red"}, baseline="s2:processing_baseline")
    monkeypatch.setattr(geodes, "CATALOG", replace(geodes.CATALOG, collections={"sentinel2": (collection,)}))


def _by_number(
    products: list[dict[str, Any]], cap: int = 80
) -> Callable[[Play, Request], tuple[int, dict[str, str], bytes]]:
    def answer(_: Play, request: Request) -> tuple[int, dict[str, str], bytes]:
        body = request.body
        assert (request.method, request.path) == ("POST", "/search")
        first = (body["page"] - 1) * cap
        return say(page(*products[first : first + cap], context={"matched": len(products)}))

    return answer


def geodes_at(url: str) -> Source:
    return Source.model_validate({"sensor": "sentinel2", "catalogs": [{"id": "geodes", "url": url}]})


@pytest.mark.usefixtures("theia")
@pytest.mark.parametrize(("products", "pages"), [(0, 1), (79, 1), (80, 1), (81, 2), (165, 3)])
def test_pages_by_number_until_all_have_come(products: int, pages: int) -> None:
    with playing(_by_number([a_product(number) for number in range(products)])) as play:
        answer = search(geodes_at(play.url), CAMARGUE, *JULY)
    assert (answer.asked[0].items, answer.asked[0].pages, len(answer.scenes)) == (products, pages, products)
    assert [request.body["page"] for request in play.asked] == list(range(1, pages + 1))
    assert play.asked[0].body["limit"] == 80
    assert play.asked[0].body["query"] == {
        "dataset": {"in": ["THEIA"]},
        "end_datetime": {"gte": "2023-07-01T00:00:00Z"},
        "start_datetime": {"lte": "2023-08-01T00:00:00Z"},
    }


@pytest.mark.usefixtures("theia")
def test_words_of_its_own_are_read_as_those_of_stac() -> None:
    strange = [7, {"id": "no properties"}, a_product(1) | {"properties": []}]
    with playing(_by_number([a_product(6), *strange])) as play:
        answer = search(geodes_at(play.url), CAMARGUE, *JULY)
    (scene,) = answer.scenes
    assert scene.id == "S2A_MSIL2A_20230707T103631_N0509_R008_T31TFJ_00000006"
    assert scene.identity == Identity("s2a", "20230707T100031", "31TFJ", "")
    assert scene.time == datetime(2023, 7, 7, 10, 36, 31, 6_000, UTC)
    assert (scene.orbit, scene.baseline, scene.updated) == ("descending", "05.09", "2023-08-15T00:00:00Z")
    assert len(answer.rejected) == 3
    assert all(one.rubbish for one in answer.rejected)


@pytest.mark.usefixtures("theia")
def test_a_page_that_is_short_of_its_own_count_is_noticed() -> None:
    def short(_: Play, request: Request) -> tuple[int, dict[str, str], bytes]:
        products = [a_product(number) for number in range(3)] if request.body["page"] == 1 else []
        return say(page(*products, context={"matched": 5}))

    with playing(short) as play, pytest.raises(UpstreamError, match="it counts 5 items and gave 3"):
        search(geodes_at(play.url), CAMARGUE, *JULY)


def test_the_recorded_reply_of_geodes_in_stac_words(data_folder: Path) -> None:
    file = data_folder / "stac/items_static/eodag_provider_responses/geodes_search.json"
    (item,) = json.loads(file.read_text("utf-8"))["features"]
    told = geodes.in_stac_words(item)
    assert told["id"] == "S2A_MSIL1C_20250402T175741_N0511_R141_T14ULD_20250403T022035"
    assert told["collection"] == "PEPS_S2_L1C"
    assert told["properties"]["datetime"] == "2025-04-02T17:57:41.024Z"
    assert told["properties"]["grid:code"] == "MGRS-14ULD"
    assert sorted(key.rpartition(".")[2] for key in told["assets"]) == ["jpg", "zip"]  # nothing that a band could be


# What a server may filter


CQL2 = (
    "https://api.stacspec.org/v1.0.0/item-search#filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
)


@pytest.fixture
def one_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earth Search as if its collection had one copy of everything."""
    collection = replace(COLLECTION, baseline=None)
    monkeypatch.setattr("catalogs.earth_search.CATALOG", replace(CATALOG, collections={"sentinel2": (collection,)}))


def _with_filter(*conforms: str, status: int = 200) -> Callable[[Play, Request], tuple[int, dict[str, str], bytes]]:
    """A server that says what it conforms to, ignores the filter, or refuses it with this status."""

    def answer(play: Play, request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/":
            return say(landing(play, *conforms))
        refused = status != 200 and "filter" in request.body
        return say({}, status) if refused else say(page(an_item(1), an_item(2, says={"eo:cloud_cover": 90})))

    return answer


@pytest.mark.usefixtures("one_baseline")
def test_cloud_is_filtered_by_a_server_that_can_and_again_here() -> None:
    with playing(_with_filter(*CQL2)) as play:
        answer = of(play, max_cloud=80)
    cloud = {"property": "eo:cloud_cover"}
    (request,) = play.searches
    assert request.body["filter-lang"] == "cql2-json"
    assert request.body["filter"] == {
        "op": "or",
        "args": [{"op": "<=", "args": [cloud, 80]}, {"op": "isNull", "args": [cloud]}],
    }
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A"]
    assert [one.reason for one in answer.rejected] == ["cloud 90 % is over the project's 80 %"]
    assert not any(one.rubbish for one in answer.rejected)


@pytest.mark.usefixtures("one_baseline")
@pytest.mark.parametrize("missing", range(3))
def test_a_server_that_does_not_say_all_of_it_gets_no_filter(missing: int) -> None:
    with playing(_with_filter(*(one for number, one in enumerate(CQL2) if number != missing))) as play:
        assert ids(of(play, max_cloud=80)) == ["S2A_31TFJ_20230701_0_L2A"]
    assert "filter" not in play.searches[0].body


def test_no_filter_where_a_clouded_scene_could_outrank_another() -> None:
    with playing(_with_filter(*CQL2)) as play:
        of(play, max_cloud=80)
    assert "filter" not in play.searches[0].body


@pytest.mark.usefixtures("one_baseline")
def test_a_server_that_refuses_its_own_filter_is_asked_without() -> None:
    with playing(_with_filter(*CQL2, status=400)) as play:
        assert ids(of(play, max_cloud=80)) == ["S2A_31TFJ_20230701_0_L2A"]
    assert ["filter" in request.body for request in play.searches] == [True, False]


# Politeness


def test_a_catalog_is_asked_no_faster_than_it_likes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(reply, "LOOPBACK", frozenset())
    monkeypatch.setattr("catalogs.earth_search.CATALOG", replace(CATALOG, requests_per_second=5.0))
    with offering(an_item()) as play:
        began = time.monotonic()
        for _ in range(2):  # a landing page and a search each
            of(play)
    assert len(play.asked) == 4
    assert time.monotonic() - began >= 3 / 5


@pytest.mark.usefixtures("hasty")
def test_only_the_statuses_of_the_catalog_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalogs.earth_search.CATALOG", replace(CATALOG, retried=(418,)))
    for status, times in ((418, 6), (503, 1)):
        with (
            playing(lambda play, ask, said=status: say(landing(play)) if ask.path == "/" else say({}, said)) as play,
            pytest.raises(UpstreamError, match=f"status {status}"),
        ):
            of(play)
        assert len(play.searches) == times


def test_a_link_that_leads_to_another_host_is_not_followed() -> None:
    links = [{"rel": "next", "href": "http://169.254.169.254/latest/meta-data"}]
    with offering(an_item(), links=links) as play, pytest.raises(UpstreamError, match=r"leads away from 127\.0\.0\.1"):
        of(play)


# Scenes that are known to be bad


def test_a_scene_that_is_known_to_be_bad_is_left_out_and_says_why() -> None:
    bad = "S2B_33UXP_20250302_0_L2A"
    with offering(an_item(1), an_item(2, id=bad)) as play:
        answer = of(play)
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A"]
    (one,) = answer.rejected
    assert (one.id, one.rubbish) == (bad, False)
    assert one.reason.startswith("known to be bad: its flag says")
    assert "https://github.com/Element84/earth-search/issues/71" in one.reason
    with offering(an_item(1), an_item(2, id=bad)) as play:
        mirror = Source.model_validate({"sensor": "sentinel2", "catalogs": [{"id": "simulated", "url": play.url}]})
        assert bad in ids(search(mirror, CAMARGUE, *JULY))  # another catalog's copy is another file


@pytest.mark.parametrize("text", ["[[scene]]\nid = 'x'", "version = 1\n[[scene]]\nid = 'x'", "version = ", "scene = 7"])
def test_a_list_of_bad_scenes_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"list\.toml is no list of scenes"):
        known_bad(tmp_path / "list.toml")


def test_only_what_is_no_scene_counts_as_rubbish() -> None:
    items = [
        an_item(1, says={"eo:cloud_cover": 99}),
        an_item(2, collection="sentinel-2-l1c"),
        an_item(3, datetime="2022-07-05T10:00:00Z"),
        an_item(4, id="old", says={"s2:processing_baseline": "02.14"}),
        an_item(4, id="new"),
        an_item(5, bbox=None),
        an_item(6, id="../x"),
        {"type": "Feature"},
    ]
    with offering(*items) as play:
        answer = of(play, max_cloud=80)
    rubbish = {one.id for one in answer.rejected if one.rubbish}
    assert ids(answer) == ["new"]
    assert rubbish == {"S2A_31TFJ_20230705_0_L2A", "'../x'", "None"}


# Items in files


def local(place: Path, catalog: str = "earth_search") -> Source:
    content = {"sensor": "sentinel2", "catalogs": [{"id": catalog, "file": place.name}]}
    return Source.model_validate(content, context={"folder": place.parent})


def _laid(tmp_path: Path, kind: str, items: list[dict[str, Any]]) -> Path:
    place = tmp_path / kind
    match place.suffix:
        case ".json":
            place.write_text(json.dumps(page(*items)))
        case ".ndjson":
            place.write_text("\n".join(json.dumps(item) for item in items) + "\n\n")
        case ".parquet":
            rustac.write_sync(str(place), items)
        case _:
            for number, item in enumerate(items):
                (place / str(number)).mkdir(parents=True)
                (place / str(number) / "item.json").write_text(json.dumps(item))
            (place / "collection.json").write_text('{"type": "Collection"}')
            (place / "readme.txt").write_text("no items here")
    return place


@pytest.mark.parametrize("kind", ["items.json", "items.ndjson", "items.parquet", "items"])
def test_items_in_files_are_asked_as_a_server_is(tmp_path: Path, kind: str) -> None:
    items = [
        an_item(1, assets={"red": {"href": "scenes/B04.tif"}}),
        an_item(2, says={"eo:cloud_cover": 99}),
        an_item(3, geometry={"type": "Polygon", "coordinates": [[[7, 3], [8, 3], [8, 4], [7, 3]]]}, bbox=[7, 3, 8, 4]),
        an_item(4, datetime="2022-07-05T10:00:00Z"),
        an_item(5, collection="landsat-c2-l2"),
    ]
    place = _laid(tmp_path, kind, items)
    answer = search(local(place), CAMARGUE, *JULY, keep=tmp_path / "kept")
    assert recall(local(place), CAMARGUE, *JULY, keep=tmp_path / "kept") == answer
    with_cloud = search(local(place).model_copy(update={"max_cloud": 80}), CAMARGUE, *JULY)
    assert [scene.id for scene in with_cloud.scenes] == ["S2A_31TFJ_20230701_0_L2A"]
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A", "S2A_31TFJ_20230702_0_L2A"]
    assert answer.rejected == ()
    folder = place / "0" if kind == "items" else tmp_path
    assert answer.scenes[0].assets["red"].href == str(folder / "scenes/B04.tif")
    assert answer.scenes[1].assets["red"].href == "https://example.com/B04.tif"


def test_a_file_that_is_not_there_or_no_stac_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match="there is no file or folder"):
        search(local(tmp_path / "gone.json"), CAMARGUE, *JULY)
    for name in ("broken.json", "broken.ndjson", "broken.parquet"):
        (tmp_path / name).write_text('{"type": "FeatureCollection", "features": [')
        with pytest.raises(UpstreamError, match=rf"{name} is no STAC"):
            search(local(tmp_path / name), CAMARGUE, *JULY)


def test_rubbish_in_a_folder_is_rejected_and_the_rest_is_used(tmp_path: Path) -> None:
    place = _laid(tmp_path, "items", [an_item(1), an_item(2, bbox=None)])
    (place / "broken.json").write_text("{")
    answer = search(local(place), CAMARGUE, *JULY)
    assert ids(answer) == ["S2A_31TFJ_20230701_0_L2A"]
    assert [one.rubbish for one in answer.rejected] == [True, True]
    assert "broken.json is no STAC" in answer.rejected[0].id + answer.rejected[1].id


def test_a_hundred_real_items_of_geoparquet(data_folder: Path) -> None:
    place = data_folder / "stac/items_static/rustac/100-sentinel-2-items.parquet"
    colorado: BBox = (-106, 39, -104, 41)
    winter = (datetime(2024, 11, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
    answer = search(local(place, "local"), colorado, *winter)
    assert not any(one.rubbish for one in answer.rejected)
    assert len(answer.scenes) + len(answer.rejected) == answer.asked[0].items
    assert len(answer.scenes) > 10
    first = answer.scenes[0]
    assert {"red", "nir", "swir16", "scl"} <= first.assets.keys()
    assert "/R10m/" in first.assets["red"].href
    assert "B04_10m" in first.assets["red"].href


def test_bands_of_a_local_item_are_told_by_their_common_names() -> None:
    from catalogs.local import by_common_name

    item = {
        "assets": {
            "B04_20m": {"href": "20.jp2", "gsd": 20, "bands": [{"eo:common_name": "red"}]},
            "B04_10m": {"href": "10.jp2", "gsd": 10, "bands": [{"eo:common_name": "red"}]},
            "B08": {"href": "8.tif", "eo:bands": [{"name": "B08", "common_name": "nir"}]},
            "visual": {"href": "rgb.tif", "eo:bands": [{"common_name": "red"}, {"common_name": "green"}]},
            "blue": {"href": "key.tif"},
            "B02": {"href": "2.tif", "eo:bands": [{"common_name": "blue"}]},
            "odd": 7,
        }
    }
    assets = by_common_name(item)["assets"]
    assert {name: assets[name]["href"] for name in ("red", "nir", "blue")} == {
        "red": "10.jp2",
        "nir": "8.tif",
        "blue": "key.tif",
    }
    assert by_common_name({"assets": None}) == {"assets": None}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("local", 'is nowhere by itself: write { id = "local", file = "items.json" }'),
        ({"id": "local"}, "by one of url, file"),
        ({"id": "local", "file": "a.json", "url": "https://a.org"}, "by one of url, file"),
        ({"id": "geodes", "url": "https://a.org"}, "catalog 'geodes' has no 'sentinel2'"),
    ],
)
def test_a_catalog_is_at_one_place(entry: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Source.model_validate({"sensor": "sentinel2", "catalogs": [entry]})


def test_bands_that_a_catalog_keeps_in_another_collection_join_their_acquisition() -> None:
    from catalogs.usgs import CATALOG as USGS
    from sco.model import Asset, Scene
    from sco.search import _merged

    reflectance, temperature = USGS.collections["landsat"]
    shared = Scene(
        id="LC08_L2SP_047027_20201204_20210313_02_T1_SR",
        sensor="landsat",
        catalog="usgs",
        collection=reflectance.id,
        identity=Identity("landsat-8", "20201204", "047027", ""),
        time=datetime(2020, 12, 4, 19, tzinfo=UTC),
        footprint="POLYGON ((0 0, 1 0, 1 1, 0 0))",
        bbox=(0, 0, 1, 1),
        assets={"red": Asset("s3://a/red.tif"), "qa_pixel": Asset("s3://a/qa.tif")},
    )
    warm = replace(
        shared,
        id="LC08_L2SP_047027_20201204_20210313_02_T1_ST",
        collection=temperature.id,
        assets={"lwir": Asset("s3://a/st.tif"), "qa_pixel": Asset("s3://a/other_qa.tif")},
    )
    (merged,), _ = _merged([shared], [warm])
    assert {band: asset.href for band, asset in merged.assets.items()} == {
        "red": "s3://a/red.tif",
        "lwir": "s3://a/st.tif",
        "qa_pixel": "s3://a/qa.tif",
    }
