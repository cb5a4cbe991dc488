"""GEODES: pages by number, and words of its own."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from observatory import Play, Request, page, playing, say
from observatory.asking import (
    CAMARGUE,
    JULY,
    an_item,
    one_collection,  # noqa: F401 - a fixture
)

from catalogs import geodes
from sco.choices import Source
from sco.errors import UpstreamError
from sco.model import Collection, Identity
from sco.search import search


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


def test_the_recorded_reply_of_geodes_in_stac_words(data: Path) -> None:
    file = data / "stac/items_static/eodag_provider_responses/geodes_search.json"
    (item,) = json.loads(file.read_text("utf-8"))["features"]
    told = geodes.in_stac_words(item)
    assert told["id"] == "S2A_MSIL1C_20250402T175741_N0511_R141_T14ULD_20250403T022035"
    assert told["collection"] == "PEPS_S2_L1C"
    assert told["properties"]["datetime"] == "2025-04-02T17:57:41.024Z"
    assert told["properties"]["grid:code"] == "MGRS-14ULD"
    assert sorted(key.rpartition(".")[2] for key in told["assets"]) == ["jpg", "zip"]  # nothing that a band could be
