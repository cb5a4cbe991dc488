"""Sentinel-1 radiometrically terrain corrected: gamma nought as linear power, in VV and VH.

Values are power and not decibels, and average as they are. Nothing but no data is masked. The grid of each scene is
its own, not a fixed tile's, so that every reading is resampled; and slopes look different from the two sides, so that
a series wants one orbit direction: `orbit = "descending"` in the project's source.
https://planetarycomputer.microsoft.com/dataset/sentinel-1-rtc
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, Identity, Sensor

SLICE = re.compile(r"(S1[A-D])_(?:IW|EW|S\d)_GRD[FHM]_1S\w{2}_(\d{8}T\d{6})_\d{8}T\d{6}_(\d{6}_[0-9A-F]{6})")


def identify(item_id: str, _: Mapping[str, Any]) -> Identity:
    """Platform, orbit and datatake, and the start of the slice, which stands for its place along the orbit."""
    found = SLICE.match(item_id)
    return Identity(
        platform=found[1].lower() if found else "",
        datatake=found[3] if found else "",
        tile=found[2] if found else "",
        datastrip="",
    )


SENSOR = Sensor(
    id="sentinel1_rtc",
    version=1,
    title="Sentinel-1 SAR, radiometrically terrain corrected",
    bands=tuple(Band(name, 10, nodata=-32768) for name in ("vv", "vh")),
    qualities=(),
    identify=identify,
    credit="Contains modified Copernicus Sentinel data {year}",
    licence="https://creativecommons.org/licenses/by/4.0/",
)
