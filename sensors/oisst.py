"""NOAA daily optimum interpolation sea surface temperature (OISST), version 2.1, quarter of a degree, since 1981.

An analysis without gaps, so that nothing is masked: its bands have no number over land, and ice has none where there
is no ice. https://doi.org/10.25921/RE9P-PT57
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from sco.model import Band, Identity, Revisit, Sensor

ANALYSIS = re.compile(r"(oisst-avhrr-v\d+r\d+)\.(\d{8})")


def hundredths(name: str, unit: str, valid: tuple[float, float] | None = None) -> Band:
    """A band that is stored in hundredths of its unit, with -999 for no data."""
    return Band(name, 27_800, scale=0.01, nodata=-999, unit=unit, valid=valid)


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Version and day; a preliminary analysis only fills what the final one lacks."""
    analysis = ANALYSIS.match(item_id)
    return Identity(
        platform=analysis[1] if analysis else "",
        datatake=analysis[2] if analysis else "",
        tile="global" if analysis else "",
        datastrip="preliminary" if "preliminary" in item_id else "final",
    )


SENSOR = Sensor(
    id="oisst",
    version=1,
    title="NOAA daily sea surface temperature (OISST)",
    bands=(
        hundredths("sst", "degC", valid=(-300, 4500)),
        hundredths("anom", "degC"),
        hundredths("err", "degC"),
        hundredths("ice", "1", valid=(0, 100)),
    ),
    qualities=(),
    identify=identify,
    whole_days=True,
    credit="Contains NOAA OISST v2.1 sea surface temperature {year}",
    licence="https://www.ncei.noaa.gov/products/optimum-interpolation-sst",
    revisit=Revisit(days=1, since=date(1981, 9, 1), by_daylight=False),
)
