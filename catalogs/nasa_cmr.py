"""NASA CMR-STAC, provider LPCLOUD: HLS and MODIS of the LP DAAC.

There is one API for each provider, and collections are named SHORTNAME_VERSION. Pages hold 10 items unless more are
asked for (https://github.com/nasa/cmr-stac/blob/main/docs/usage/usage.md). Nothing announces scale or offset, so that
the sensor's own hold. Some answers of the CMR only number the assets (`data`, `data1`, in no order that holds) and
name the item by an internal concept: the names of the files are what is kept, so bands and item are named by them.
To read files a login is needed: https://urs.earthdata.nasa.gov, in ~/.netrc.
"""

from collections.abc import Mapping
from typing import Any

from sco.model import Catalog, Collection

CONCEPTS = {"C2021957657-LPCLOUD": "HLSL30_2.0", "C2021957295-LPCLOUD": "HLSS30_2.0"}
HLS = {"coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "fmask": "Fmask"}
HLS_L30 = {**HLS, "nir": "B05", "swir16": "B06", "swir22": "B07"}
HLS_S30 = {**HLS, "nir": "B8A", "swir16": "B11", "swir22": "B12"}


def by_file_names(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The item with its HLS bands, and itself, named by their files; any other item as it is."""
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        return item
    named = {_stem(asset): asset for asset in assets.values() if _stem(asset).startswith("HLS.")}
    if not named:
        return item
    granule = next(iter(named)).rpartition(".")[0]
    bands = {stem.removeprefix(f"{granule}."): asset for stem, asset in named.items()}
    collection = CONCEPTS.get(str(item.get("collection")), item.get("collection"))
    return {**item, "id": granule, "collection": collection, "assets": {**assets, **bands}}


def _stem(asset: object) -> str:
    href = asset.get("href") if isinstance(asset, Mapping) else None
    name = href.rpartition("/")[2] if isinstance(href, str) else ""
    return name.removesuffix(".tif") if name.endswith(".tif") else ""


CATALOG = Catalog(
    id="nasa_cmr",
    title="NASA CMR-STAC, LP DAAC",
    url="https://cmr.earthdata.nasa.gov/stac/LPCLOUD",
    collections={
        # L30 and S30 are different acquisitions, so that none of the two comes before the other
        "hls": (
            Collection(id="HLSL30_2.0", assets=HLS_L30),
            Collection(id="HLSS30_2.0", assets=HLS_S30),
        ),
    },
    page_limit=100,
    requests_per_second=3.0,
    hosts=(
        "data.lpdaac.earthdatacloud.nasa.gov",
        "urs.earthdata.nasa.gov",  # where a request without a session is sent to
        "lp-prod-protected.s3.us-west-2.amazonaws.com",  # and from there to the file
    ),
    normalise=by_file_names,
)
