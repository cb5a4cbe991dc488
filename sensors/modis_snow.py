"""MODIS snow (500 m), collection 6.1: two sensors, as what one product writes as codes the other means otherwise.

Of a day, MOD10A1/MYD10A1: the snow index and the reasons for none share a band, 0 to 100 is the index x 100, what is
above is a code. https://doi.org/10.5067/MODIS/MOD10A1.061. The maximum extent of eight days, MOD10A2/MYD10A2, has no
index: snow is 200, ground without snow 25, the rest says why neither is known.
https://doi.org/10.5067/MODIS/MOD10A2.061
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, Classes, Identity, Quality, Sensor

GRANULE = re.compile(r"(MOD|MYD)10A[12]\.A(\d{7})\.(h\d{2}v\d{2})\.\d{3}")
SATELLITES = {"MOD": "terra", "MYD": "aqua"}
DAILY_CODES = {200, 201, 211, 237, 239, 250, 254, 255}
EIGHT_DAYS_CODES = {0, 1, 11, 25, 37, 39, 50, 100, 200, 254, 255}


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Satellite, day, which is the first of eight, and sinusoidal tile."""
    granule = GRANULE.match(item_id)
    return Identity(
        platform=SATELLITES[granule[1]] if granule else "",
        datatake=granule[2] if granule else "",
        tile=granule[3] if granule else "",
        datastrip="",
    )


DAILY = Sensor(
    id="modis_snow",
    version=1,
    title="MODIS snow cover of a day",
    bands=(Band("ndsi_snow_cover", 500, scale=0.01, nodata=255, resampling="nearest", valid=(0, 100)),),
    qualities=(
        Quality(
            band="ndsi_snow_cover",
            not_acquired=Classes((255,)),
            flags={
                "defective": Classes((200, 201, 254)),
                "night": Classes((211,)),
                "water": Classes((237, 239)),
                "cloud": Classes((250,)),
                "undefined": Classes(tuple(code for code in range(101, 255) if code not in DAILY_CODES)),
            },
            masked=frozenset({"defective", "night", "water", "cloud", "undefined"}),
        ),
    ),
    identify=identify,
    whole_days=True,
    credit="Contains NASA MODIS snow cover (MOD10A1/MYD10A1 v061, NSIDC DAAC) {year}",
    licence="https://www.earthdata.nasa.gov/engage/open-data-services-software-policies/data-use-guidance",
)

EIGHT_DAYS = Sensor(
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
                "undefined": Classes(tuple(code for code in range(256) if code not in EIGHT_DAYS_CODES)),
            },
            masked=frozenset({"defective", "night", "water", "cloud", "lake ice", "undefined"}),
        ),
    ),
    identify=identify,
    whole_days=True,
    credit="Contains NASA MODIS snow extent (MOD10A2/MYD10A2 v061, NSIDC DAAC) {year}",
    licence="https://www.earthdata.nasa.gov/engage/open-data-services-software-policies/data-use-guidance",
)

SENSORS = (DAILY, EIGHT_DAYS)
