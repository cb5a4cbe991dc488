"""MODIS snow cover of a day, MOD10A1/MYD10A1 (500 m), collection 6.1: the snow index, and why there is none.

The snow index and the reasons share one band: 0 to 100 is the index x 100, what is above is a code.
https://doi.org/10.5067/MODIS/MOD10A1.061. The snow extent of eight days (10A2) has other codes and no index; it is
the sensor modis_snow_8day.
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, Classes, Identity, Quality, Sensor

GRANULE = re.compile(r"(MOD|MYD)10A1\.A(\d{7})\.(h\d{2}v\d{2})\.\d{3}")
SATELLITES = {"MOD": "terra", "MYD": "aqua"}
TOLD_APART = {200, 201, 211, 237, 239, 250, 254, 255}


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Satellite, day and sinusoidal tile."""
    granule = GRANULE.match(item_id)
    return Identity(
        platform=SATELLITES[granule[1]] if granule else "",
        datatake=granule[2] if granule else "",
        tile=granule[3] if granule else "",
        datastrip="",
    )


SENSOR = Sensor(
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
                "undefined": Classes(tuple(code for code in range(101, 255) if code not in TOLD_APART)),
            },
            masked=frozenset({"defective", "night", "water", "cloud", "undefined"}),
        ),
    ),
    identify=identify,
    whole_days=True,
    credit="Contains NASA MODIS snow cover (MOD10A1/MYD10A1 v061, NSIDC DAAC) {year}",
    licence="https://www.earthdata.nasa.gov/engage/open-data-services-software-policies/data-use-guidance",
)
