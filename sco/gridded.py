"""One NetCDF or Zarr grid, read through xarray: stored numbers on the project's grid."""

from datetime import datetime

from odc.geo.geobox import GeoBox

from sco.errors import SceneError
from sco.model import Asset, Band
from sco.preflight import Rules
from sco.read import Reading


def read_grid(asset: Asset, band: Band, geobox: GeoBox, time: datetime, rules: Rules) -> Reading:
    """The numbers of one variable at one time on `geobox`."""
    raise SceneError("grids are not read yet")
