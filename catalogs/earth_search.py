"""Earth Search v1 by Element 84: Sentinel-2 level 2A as COGs, open to all, and Landsat of the USGS.

Sentinel-2 lies there twice. `sentinel-2-c1-l2a` is ESA's Collection 1 (baseline 05.00 and later) as it came: raw
numbers, and an offset of -0.1 that every item announces and that is to be added. It is asked first, and has gaps
(https://github.com/Element84/earth-search, https://github.com/Element84/earth-search/issues/41). In `sentinel-2-l2a`
the offset of baseline 04.00 was already taken from the pixels of most scenes although their `raster:bands` still
announce it, so the flag `earthsearch:boa_offset_applied` decides, never `raster:bands`
(https://github.com/Element84/earth-search/issues/9); and the flag is wrong on some scenes, so the pixels are asked
as well (https://github.com/Element84/earth-search/issues/71).

`landsat-c2-l2` merges the archive's reflectance and temperature; some items have no temperature. Its files are on
`s3://usgs-landsat` and paid for by whoever asks: AWS keys and AWS_REQUEST_PAYER=requester are needed to read them.
"""

from collections.abc import Mapping

from sco.model import Catalog, Collection

SENTINEL2 = {
    "coastal": "coastal",
    "blue": "blue",
    "green": "green",
    "red": "red",
    "rededge071": "rededge1",
    "rededge075": "rededge2",
    "rededge078": "rededge3",
    "nir": "nir",
    "nir08": "nir08",
    "nir09": "nir09",
    "swir16": "swir16",
    "swir22": "swir22",
    "scl": "scl",
}
LANDSAT: Mapping[str, str | tuple[str, ...]] = {
    "coastal": "coastal",
    "blue": "blue",
    "green": "green",
    "red": "red",
    "nir": "nir08",
    "swir16": "swir16",
    "swir22": "swir22",
    "lst": ("lwir11", "lwir"),
    "qa_pixel": "qa_pixel",
    "qa_radsat": "qa_radsat",
}

CATALOG = Catalog(
    id="earth_search",
    title="Earth Search v1",
    url="https://earth-search.aws.element84.com/v1",
    collections={
        "sentinel2": (
            Collection(id="sentinel-2-c1-l2a", assets=SENTINEL2, baseline="s2:processing_baseline"),
            Collection(
                id="sentinel-2-l2a",
                assets=SENTINEL2,
                baseline="s2:processing_baseline",
                offset_applied="earthsearch:boa_offset_applied",
                votes=True,
            ),
        ),
        "landsat": (Collection(id="landsat-c2-l2", assets=LANDSAT, baseline="landsat:collection_number"),),
    },
    page_limit=250,  # larger pages end in 502
    hosts=(
        "e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com",
        "sentinel-cogs.s3.us-west-2.amazonaws.com",
    ),
)
