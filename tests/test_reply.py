"""Servers that misbehave, that can filter, and that want to be asked slowly."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from observatory import Play, Request, landing, offering, page, playing, say
from observatory.asking import CAMARGUE, CATALOG, COLLECTION, JULY, an_item, hasty, ids, of, one_collection, source  # noqa: F401 - fixtures

from sco import messenger
from sco.errors import UpstreamError
from sco.search import recall, search


def test_a_busy_server_is_asked_again_when_it_said() -> None:
    def busy(play: Play, request: Request) -> tuple[int, dict[str, str], bytes]:
        if request.path == "/":
            return say(landing(play))
        return say({}, 429, Retry_After="1") if len(play.searches) == 1 else say(page(an_item()))

    with playing(busy) as play:
        began = time.monotonic()
        assert len(of(play).scenes) == 1
        assert time.monotonic() - began >= 1
    assert len(play.searches) == 2


@pytest.mark.usefixtures("hasty")
def test_a_server_that_never_recovers_is_given_up() -> None:
    with (
        playing(lambda play, request: say(landing(play)) if request.path == "/" else say(b"<h1>no\n", 503)) as play,
        pytest.raises(UpstreamError, match="it answers with status 503: <h1>no"),
    ):
        of(play)
    assert len(play.searches) == 6


def test_patience_is_bounded() -> None:
    pauses = [min(messenger.PATIENCE.backoff_factor * 2**n, messenger.PATIENCE.backoff_max) for n in range(1, 5)]
    assert sum(pauses) + 5 * messenger.PATIENCE.backoff_jitter < 20
    assert messenger.PATIENCE.parse_retry_after("86400") == 120


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


def test_a_catalog_is_asked_no_faster_than_it_likes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(messenger, "LOOPBACK", frozenset())
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
