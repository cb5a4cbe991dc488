"""Landsat 4 to 9, Collection 2 level 2: surface reflectance and surface temperature, with two quality bands.

Scale, offset, valid numbers and bits:
https://www.usgs.gov/landsat-missions/landsat-collection-2-surface-reflectance
https://www.usgs.gov/landsat-missions/landsat-collection-2-surface-temperature
https://www.usgs.gov/landsat-missions/landsat-collection-2-quality-assessment-bands

The near infrared band, which catalogs name `nir08`, is `nir` here as for every sensor with a single such band: an
indicator that asks for `nir` works on all of them. The surface temperature is `lst`, as for every sensor that passes
by day, from whichever thermal band of TM, ETM+ or TIRS; scenes that were processed to reflectance only (L2SR) do not
offer it.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from sco.model import Band, Bits, Identity, Quality, Revisit, Sensor

PRODUCT = re.compile(r"L[CETO](\d{2})_L2S[PR]_(\d{6})_(\d{8})_(?:\d{8}_)?\d{2}_(?:T1|T2|RT)")
PLATFORM = re.compile(r"landsat[-_ ]?(\d)")
PATH_AND_ROW = ("landsat:wrs_path", "landsat:wrs_row")
REFLECTIVE = ("coastal", "blue", "green", "red", "nir", "swir16", "swir22")


def reflectance(name: str) -> Band:
    """A band of surface reflectance; its numbers below 7273 would be negative, those above 43636 over 1."""
    return Band(name, 30, scale=2.75e-5, offset=-0.2, nodata=0, positive=True, valid=(7273, 43636))


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Platform, UTC day and WRS-2 path and row: a satellite passes each once a day.

    The day of processing, the tier and the level, which ids hold as well and some catalogs leave out, tell versions
    of an acquisition apart and not acquisitions; so do the `_SR` and `_ST` of the archive's own two collections.
    """
    product = PRODUCT.match(item_id)
    if product:
        return Identity(f"landsat-{int(product[1])}", product[3], product[2], "")
    platform = PLATFORM.search(str(properties.get("platform", "")).lower())
    return Identity(
        platform=f"landsat-{platform[1]}" if platform else "",
        datatake=str(properties.get("datetime", ""))[:10].replace("-", ""),
        tile="".join(str(properties[part]).zfill(3) for part in PATH_AND_ROW if part in properties),
        datastrip="",
    )


SENSOR = Sensor(
    id="landsat",
    version=1,
    title="Landsat 4-9 Collection 2 level 2",
    bands=(
        *map(reflectance, REFLECTIVE),
        Band("lst", 30, scale=0.00341802, offset=149.0, nodata=0, unit="K"),
        Band("qa_pixel", 30, nodata=1, resampling="nearest"),
        Band("qa_radsat", 30, nodata=None, resampling="nearest"),
    ),
    qualities=(
        Quality(
            band="qa_pixel",
            not_acquired=Bits((0,)),
            flags={
                "dilated_cloud": Bits((1,)),
                "cirrus": Bits((2,)),
                "cloud": Bits((3,)),
                "shadow": Bits((4,)),
                "snow": Bits((5,)),
                "clear": Bits((6,)),
                "water": Bits((7,)),
            },
            masked=frozenset({"dilated_cloud", "cirrus", "cloud", "shadow"}),
        ),
        Quality(
            band="qa_radsat",
            flags={"saturated": Bits((0, 1, 2, 3, 4, 5, 6)), "occluded": Bits((11,))},
            masked=frozenset({"saturated", "occluded"}),
            bands=REFLECTIVE,
        ),
    ),
    identify=identify,
    credit="Landsat Collection 2 level 2 courtesy of the U.S. Geological Survey, {year}",
    licence="https://www.usgs.gov/emergency-operations-portal/data-policy",
    revisit=Revisit(days=16, since=date(2013, 5, 1)),  # of Landsat 8 alone
)
