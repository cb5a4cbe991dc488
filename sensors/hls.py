"""Harmonized Landsat and Sentinel-2, version 2: L30 and S30 as one sensor on Sentinel-2's tiles at 30 m.

The near infrared is the pair that was harmonised: B05 of L30 with B8A of S30, and not S30's B08, which some catalogs
also label `nir`. Bands and Fmask: https://lpdaac.usgs.gov/documents/1698/HLS_User_Guide_V2.pdf
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, BitField, Bits, Classes, Identity, Quality, Sensor

GRANULE = re.compile(r"HLS\.([LS]30)\.T(\d{2}[C-X][A-Z]{2})\.(\d{7}T\d{6})\.v")


def reflectance(name: str) -> Band:
    """A band of surface reflectance, stored as reflectance x 10,000 in signed numbers with -9999 for no data."""
    return Band(name, 30, scale=1e-4, nodata=-9999, positive=True)


def identify(item_id: str, _: Mapping[str, Any]) -> Identity:
    """Product as platform, moment of acquisition and MGRS tile: ids tell all three, and catalogs keep them."""
    granule = GRANULE.match(item_id)
    return Identity(
        platform=f"hls-{granule[1].lower()}" if granule else "",
        datatake=granule[3] if granule else "",
        tile=granule[2] if granule else "",
        datastrip="",
    )


SENSOR = Sensor(
    id="hls",
    version=1,
    title="Harmonized Landsat and Sentinel-2 (HLS) version 2",
    bands=(
        *map(reflectance, ("coastal", "blue", "green", "red", "nir", "swir16", "swir22")),
        Band("fmask", 30, nodata=255, resampling="nearest"),
    ),
    qualities=(
        Quality(
            band="fmask",
            not_acquired=Classes((255,)),
            flags={
                "cirrus": Bits((0,)),
                "cloud": Bits((1,)),
                "adjacent": Bits((2,)),
                "shadow": Bits((3,)),
                "snow": Bits((4,)),
                "water": Bits((5,)),
                "hazy": BitField(6, 2, (3,)),
            },
            masked=frozenset({"cirrus", "cloud", "adjacent", "shadow"}),
        ),
    ),
    identify=identify,
    credit="Contains NASA HLS v2.0 (LP DAAC), made from USGS Landsat and modified Copernicus Sentinel data {year}",
    licence="https://www.earthdata.nasa.gov/engage/open-data-services-software-policies/data-use-guidance",
)
