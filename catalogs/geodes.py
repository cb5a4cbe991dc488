"""GEODES, the portal of CNES: its way of turning pages and its words. It has nothing yet that our sensors can read.

Its Sentinel-2 is offered as one archive a product, as recorded for `PEPS_S2_L1C`: a single asset, named after the
product and ending in .zip, beside a quicklook. No band can be addressed in it. Its level 2A over France and chosen
sites, `THEIA_REFLECTANCE_SENTINEL2_L2A`, is made by MAJA, whose mask is bits for clouds and their shadows (CLM) and no
scene classification, whose nodata is -10000 and which carries no offset: another sensor than `sentinel2`, to be
declared when its assets can be addressed one by one. So no collection is listed here, and a project that names this
catalog is told so; items that are asked of it through a collection of one's own come in the words of STAC.

A search is a POST with `page`, at most 80 items a page; `query.dataset` names the collection; `datetime` is when the
product was published and `start_datetime` when it was acquired: https://geodes.cnes.fr/support/api/
"""

from collections.abc import Mapping
from typing import Any

from sco.model import BBox, Catalog

PAGE_LIMIT = 80


def page(collection: str, bbox: BBox, interval: str, number: int) -> Mapping[str, Any]:
    """The body of the search for one page; sorted by what never changes, so that pages do not shift."""
    start, _, end = interval.partition("/")
    return {
        "page": number,
        "limit": PAGE_LIMIT,
        "bbox": list(bbox),
        "sortBy": [{"field": "start_datetime", "direction": "asc"}, {"field": "identifier", "direction": "asc"}],
        "query": {
            "dataset": {"in": [collection]},
            "end_datetime": {"gte": start},
            "start_datetime": {"lte": end},
        },
    }


def in_stac_words(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item named by its product, timed by its acquisition, with grid, orbit and baseline as STAC spells them."""
    properties = item["properties"]
    told = {
        "datetime": properties.get("start_datetime"),
        "updated": properties.get("datetime"),
        "platform": str(properties.get("platform", "")).lower(),
        "grid:code": f"MGRS-{str(properties.get('grid:code', '')).removeprefix('T')}",
        "sat:orbit_state": str(properties.get("sat:orbit_state", "")).lower(),
        "s2:product_uri": properties.get("identifier"),
        "s2:processing_baseline": properties.get("processing:version"),
    }
    return {
        **item,
        "id": properties.get("identifier"),
        "collection": properties.get("dataset", item.get("collection")),
        "properties": {**properties, **told},
    }


CATALOG = Catalog(
    id="geodes",
    title="GEODES, CNES",
    url="https://geodes-portal.cnes.fr/api/stac",
    collections={},
    page_limit=PAGE_LIMIT,
    normalise=in_stac_words,
    pages=page,
)
