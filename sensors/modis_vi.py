"""MODIS vegetation indices of 16 days, MOD13/MYD13 (13Q1 at 250 m, 13A1 at 500 m), collection 6.1.

Bands, fill and reliability: https://doi.org/10.5067/MODIS/MOD13Q1.061
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from sco.model import Band, Classes, Identity, Quality, Revisit, Sensor

GRANULE = re.compile(r"(MOD|MYD)\w{4}\.A(\d{7})\.(h\d{2}v\d{2})\.\d{3}")
SATELLITES = {"MOD": "terra", "MYD": "aqua"}


def index(name: str) -> Band:
    """A vegetation index, stored as index x 10,000 with -3000 for no data."""
    return Band(name, 250, scale=1e-4, nodata=-3000, valid=(-2000, 10000))


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Satellite, first day and sinusoidal tile. The 250 m and the 500 m product of a day are the same acquisition."""
    granule = GRANULE.match(item_id)
    return Identity(
        platform=SATELLITES[granule[1]] if granule else "",
        datatake=granule[2] if granule else "",
        tile=granule[3] if granule else "",
        datastrip="",
    )


SENSOR = Sensor(
    id="modis_vi",
    version=1,
    title="MODIS vegetation indices of 16 days",
    bands=(
        index("ndvi"),
        index("evi"),
        # signed in the archive's files and unsigned in some copies, so that no nodata of its own fits both
        Band("pixel_reliability", 250, nodata=None, resampling="nearest"),
    ),
    qualities=(
        Quality(
            band="pixel_reliability",
            not_acquired=Classes((-1, 255)),
            flags={
                "marginal": Classes((1,)),
                "snow": Classes((2,)),
                "cloud": Classes((3,)),
                "undefined": Classes((*range(-128, -1), *range(4, 255))),
            },
            masked=frozenset({"snow", "cloud", "undefined"}),
        ),
    ),
    identify=identify,
    whole_days=True,
    credit="Contains NASA MODIS vegetation indices (MOD13/MYD13 v061, LP DAAC) {year}",
    licence="https://www.earthdata.nasa.gov/engage/open-data-services-software-policies/data-use-guidance",
    revisit=Revisit(days=16, since=date(2000, 3, 1), by_daylight=False),
)
