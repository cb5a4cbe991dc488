"""Sea level from all altimeters, gridded daily: absolute dynamic topography and sea level anomaly, in metres.

Files of Copernicus Marine (https://doi.org/10.48670/moi-00148) and of NASA-SSH
(https://doi.org/10.5067/NSREF-SG0V1): NetCDF grids that unpack themselves, so that no band has a scale.
"""

import re
from collections.abc import Mapping
from typing import Any

from sco.model import Band, Identity, Sensor

COPERNICUS = re.compile(r"(?P<strip>dt|nrt)_(?P<tile>[a-z]+)_(?P<platform>[a-z0-9]+)_phy_l4_(?P<day>\d{8})")
NASA = re.compile(r"(?P<platform>NASA-SSH)_(?P<tile>[a-z_]+)_(?P<strip>v\d+)_(?P<day>\d{8})")


def metres(name: str) -> Band:
    """A height in metres; the sea does not stray further than that from the geoid or from its own mean."""
    return Band(name, 27_800, nodata=None, unit="m", valid=(-10, 10))


def identify(item_id: str, properties: Mapping[str, Any]) -> Identity:
    """Altimeters, day, sea and kind of processing: delayed time comes before near real time."""
    grid = COPERNICUS.match(item_id) or NASA.match(item_id)
    return Identity(
        platform=grid["platform"] if grid else "",
        datatake=grid["day"] if grid else "",
        tile=grid["tile"] if grid else "",
        datastrip=grid["strip"] if grid else "",
    )


SENSOR = Sensor(
    id="sea_level",
    version=1,
    title="Gridded sea level from altimetry",
    bands=(metres("adt"), metres("sla")),
    qualities=(),
    identify=identify,
    whole_days=True,
    credit="Contains sea level grids of E.U. Copernicus Marine Service Information or NASA-SSH {year}",
    licence="https://marine.copernicus.eu/user-corner/service-commitments-and-licence",
    reader="grid",
)
