"""Copernicus Data Space Ecosystem (CDSE), STAC v1: Sentinel-2 level 2A as ESA made it, in JPEG 2000.

Assets are named by band and resolution, `B04_10m`; until 2026 some clients knew them as `B04`. Old scenes were
reprocessed as Collection 1, with the offset in their pixels: items say so in `raster:offset` and by their baseline.
Searching is open, with pages of at most 100 items, beyond which it answers 429. Files are on `s3://eodata`, which
wants keys of one's own: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_S3_ENDPOINT=eodata.dataspace.copernicus.eu and
AWS_VIRTUAL_HOSTING=FALSE in the environment.
https://documentation.dataspace.copernicus.eu/APIs/STAC.html https://documentation.dataspace.copernicus.eu/APIs/S3.html
"""

from collections.abc import Mapping

from sco.model import Catalog, Collection

SENTINEL2: Mapping[str, str | tuple[str, ...]] = {
    "coastal": ("B01_60m", "B01_20m"),
    "blue": "B02_10m",
    "green": "B03_10m",
    "red": "B04_10m",
    "rededge071": "B05_20m",
    "rededge075": "B06_20m",
    "rededge078": "B07_20m",
    "nir": "B08_10m",
    "nir08": "B8A_20m",
    "nir09": "B09_60m",
    "swir16": "B11_20m",
    "swir22": "B12_20m",
    "scl": "SCL_20m",
}

CATALOG = Catalog(
    id="copernicus",
    title="Copernicus Data Space Ecosystem",
    url="https://stac.dataspace.copernicus.eu/v1",
    collections={
        "sentinel2": (Collection(id="sentinel-2-l2a", assets=SENTINEL2, baseline="processing:version"),),
    },
    page_limit=100,
    requests_per_second=2.0,
    hosts=("eodata.dataspace.copernicus.eu",),
)
