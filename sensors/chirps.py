"""CHIRPS daily precipitation, version 2.0: satellites and rain gauges, 0.05 degrees, land from 50 S to 50 N.

NetCDF grids that hold a year or a month of days, in millimetres a day, since 1981; they have no gaps, so that nothing
is masked, and no number over the sea. https://doi.org/10.15780/G2RP4Q
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, Identity, Sensor

DAY = re.compile(r"chirps-v(?P<version>\d\.\d)(?P<strip>-prelim)?\.(?P<year>\d{4})\D?(?P<month>\d{2})\D?(?P<day>\d{2})")


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Version and day; a preliminary map only fills what the final one lacks."""
    found = DAY.match(item_id)
    return Identity(
        platform=f"chirps-v{found['version']}" if found else "",
        datatake="".join(found.group("year", "month", "day")) if found else "",
        tile="50s-50n" if found else "",
        datastrip="" if not found else "preliminary" if found["strip"] else "final",
    )


SENSOR = Sensor(
    id="chirps",
    version=1,
    title="CHIRPS daily precipitation",
    bands=(Band("precipitation", 5_500, nodata=-9999, unit="mm/day", valid=(0, 2000)),),
    qualities=(),
    identify=identify,
    whole_days=True,
    credit="Contains CHIRPS v2.0 precipitation, Climate Hazards Center, UC Santa Barbara {year}",
    licence="https://www.chc.ucsb.edu/data/chirps",
    reader="grid",
)
