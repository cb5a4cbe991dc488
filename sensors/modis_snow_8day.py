"""MODIS maximum snow extent of eight days, MOD10A2/MYD10A2 (500 m), collection 6.1: codes, 200 where snow was seen.

The codes are not those of the daily product: https://doi.org/10.5067/MODIS/MOD10A2.061. Snow is 200, ground without
snow 25; the rest says why neither is known.
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, Classes, Identity, Quality, Sensor

GRANULE = re.compile(r"(MOD|MYD)10A2\.A(\d{7})\.(h\d{2}v\d{2})\.\d{3}")
SATELLITES = {"MOD": "terra", "MYD": "aqua"}
TOLD_APART = {0, 1, 11, 25, 37, 39, 50, 100, 200, 254, 255}


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Satellite, first day and sinusoidal tile."""
    granule = GRANULE.match(item_id)
    return Identity(
        platform=SATELLITES[granule[1]] if granule else "",
        datatake=granule[2] if granule else "",
        tile=granule[3] if granule else "",
        datastrip="",
    )


SENSOR = Sensor(
    id="modis_snow_8day",
    version=1,
    title="MODIS maximum snow extent of eight days",
    bands=(Band("snow_extent", 500, nodata=255, resampling="nearest", valid=(25, 200)),),
    qualities=(
        Quality(
            band="snow_extent",
            not_acquired=Classes((255,)),
            flags={
                "defective": Classes((0, 1, 254)),
                "night": Classes((11,)),
                "water": Classes((37, 39)),
                "cloud": Classes((50,)),
                "lake ice": Classes((100,)),
                "undefined": Classes(tuple(code for code in range(256) if code not in TOLD_APART)),
            },
            masked=frozenset({"defective", "night", "water", "cloud", "lake ice", "undefined"}),
        ),
    ),
    identify=identify,
    whole_days=True,
    credit="Contains NASA MODIS snow extent (MOD10A2/MYD10A2 v061, NSIDC DAAC) {year}",
    licence="https://www.earthdata.nasa.gov/engage/open-data-services-software-policies/data-use-guidance",
)
