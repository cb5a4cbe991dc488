"""Questions to catalogs of our own making: their source, their items, and what comes back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from catalogs.earth_search import CATALOG as EARTH_SEARCH
from observatory import Play
from sco import messenger
from sco.choices import Source
from sco.model import BBox
from sco.search import Answer, search

COLLECTION = EARTH_SEARCH.collections["sentinel2"][-1]
CATALOG = replace(EARTH_SEARCH, collections={"sentinel2": (COLLECTION,)})
JULY = (datetime(2023, 7, 1, tzinfo=UTC), datetime(2023, 8, 1, tzinfo=UTC))
CAMARGUE: BBox = (4.2, 43.3, 4.9, 43.7)


@pytest.fixture(autouse=True)
def one_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Earth Search without Collection 1, so that a question to it is one question."""
    monkeypatch.setattr("catalogs.earth_search.CATALOG", CATALOG)


def source(*urls: str, max_cloud: float = 100) -> Source:
    """Earth Search at the first address, the simulated catalog at the second."""
    names = ("earth_search", "simulated")
    catalogs = [{"id": name, "url": url} for name, url in zip(names, urls, strict=False)]
    return Source.model_validate({"sensor": "sentinel2", "catalogs": catalogs, "max_cloud": max_cloud})


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
    """What a server answers on July 2023 over the Camargue."""
    return search(source(play.url, **choices), CAMARGUE, *JULY)


def ids(answer: Answer) -> list[str]:
    """The scenes of an answer, by their ids."""
    return [scene.id for scene in answer.scenes]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """As patient as ever, with shorter pauses."""
    monkeypatch.setattr(messenger, "PATIENCE", messenger.PATIENCE.new(backoff_factor=0.01, backoff_jitter=0))
