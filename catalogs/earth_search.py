"""Earth Search v1 by Element 84: Sentinel-2 level 2A as COGs, open to all.

In `sentinel-2-l2a` the offset of baseline 04.00 was already taken from the pixels of most scenes although their
`raster:bands` still announce it, so the flag `earthsearch:boa_offset_applied` decides, never `raster:bands`:
https://github.com/Element84/earth-search/issues/9
"""

from sco.model import Catalog, Collection

SENTINEL2_ASSETS = {
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

CATALOG = Catalog(
    id="earth_search",
    title="Earth Search v1",
    url="https://earth-search.aws.element84.com/v1",
    collections={
        "sentinel2": (
            Collection(
                id="sentinel-2-l2a",
                assets=SENTINEL2_ASSETS,
                baseline="s2:processing_baseline",
                offset_applied="earthsearch:boa_offset_applied",
                votes=True,
            ),
        ),
    },
    page_limit=250,  # larger pages end in 502
)
