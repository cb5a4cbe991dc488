"""USGS LandsatLook: Landsat Collection 2 level 2, at the archive itself.

Reflectance and temperature of one acquisition are two items in two collections, with one quality band between them;
an item announces neither scale nor offset, so that the sensor's own hold. The addresses of files want a login at
https://ers.cr.usgs.gov in a browser; machines are to read the same paths on `s3://usgs-landsat`, which whoever asks
pays for: AWS keys and AWS_REQUEST_PAYER=requester.
https://www.usgs.gov/landsat-missions/landsat-commercial-cloud-data-access
"""

from collections.abc import Mapping

from sco.model import Catalog, Collection

WEB = "https://landsatlook.usgs.gov/data/"
BUCKET = "s3://usgs-landsat/"
QUALITY = {"qa_pixel": "qa_pixel", "qa_radsat": "qa_radsat"}
REFLECTANCE: Mapping[str, str | tuple[str, ...]] = {
    "coastal": "coastal",
    "blue": "blue",
    "green": "green",
    "red": "red",
    "nir": "nir08",
    "swir16": "swir16",
    "swir22": "swir22",
    **QUALITY,
}
TEMPERATURE: Mapping[str, str | tuple[str, ...]] = {"lst": ("lwir11", "lwir"), **QUALITY}


def in_bucket(href: str) -> str:
    """The same file where machines may read it."""
    return BUCKET + href.removeprefix(WEB) if href.startswith(WEB) else href


CATALOG = Catalog(
    id="usgs",
    title="USGS LandsatLook",
    url="https://landsatlook.usgs.gov/stac-server",
    collections={
        "landsat": (
            Collection(id="landsat-c2l2-sr", assets=REFLECTANCE, baseline="landsat:collection_number"),
            Collection(id="landsat-c2l2-st", assets=TEMPERATURE, baseline="landsat:collection_number"),
        ),
    },
    page_limit=100,
    requests_per_second=2.0,
    sign=in_bucket,
)
