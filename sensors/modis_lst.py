"""MODIS land surface temperature, MOD11/MYD11 (11A1 of a day, 11A2 of eight days, 1 km), collection 6.1.

Day and night are two measurements of their own, each with its own quality band; that of the day is `lst`, as for
every sensor that passes by day. Bands, fill and quality bits: https://doi.org/10.5067/MODIS/MOD11A1.061
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, BitField, Identity, Quality, Sensor

GRANULE = re.compile(r"(MOD|MYD)\w{4}\.A(\d{7})\.(h\d{2}v\d{2})\.\d{3}")
SATELLITES = {"MOD": "terra", "MYD": "aqua"}


def temperature(name: str) -> Band:
    """Kelvin, stored as K x 50 with 0 for no data."""
    return Band(name, 1000, scale=0.02, nodata=0, unit="K", valid=(7500, 65535))


def control(band: str, temperature: str) -> Quality:
    """What one quality band says of the temperature of its half of the day.

    A temperature that was not produced for other reasons than cloud lies outside the swath or the land.
    """
    return Quality(
        band=band,
        bands=(temperature,),
        not_acquired=BitField(0, 2, (3,)),
        flags={
            "cloud": BitField(0, 2, (2,)),
            "unsure": BitField(0, 2, (1,)),
            "error_over_1k": BitField(6, 2, (1, 2, 3)),
            "error_over_2k": BitField(6, 2, (2, 3)),
            "error_over_3k": BitField(6, 2, (3,)),
        },
        masked=frozenset({"cloud", "error_over_3k"}),
    )


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Satellite, first day and sinusoidal tile. The products of one and of eight days are the same acquisition."""
    granule = GRANULE.match(item_id)
    return Identity(
        platform=SATELLITES[granule[1]] if granule else "",
        datatake=granule[2] if granule else "",
        tile=granule[3] if granule else "",
        datastrip="",
    )


SENSOR = Sensor(
    id="modis_lst",
    version=1,
    title="MODIS land surface temperature",
    bands=(
        temperature("lst"),
        temperature("lst_night"),
        # 0 is the best quality, not no data; where a file does not reach, the temperature itself has no number
        Band("qc_day", 1000, nodata=None, resampling="nearest"),
        Band("qc_night", 1000, nodata=None, resampling="nearest"),
    ),
    qualities=(control("qc_day", "lst"), control("qc_night", "lst_night")),
    identify=identify,
    whole_days=True,
    credit="Contains NASA MODIS land surface temperature (MOD11/MYD11 v061, LP DAAC) {year}",
    licence="https://www.earthdata.nasa.gov/engage/open-data-services-software-policies/data-use-guidance",
)
