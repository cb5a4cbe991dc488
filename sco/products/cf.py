"""How CF describes the arrays of the public copy, and whether a dataset keeps to it.

https://cfconventions.org
"""

from collections.abc import Iterator, Sequence
from typing import Any

import xarray as xr
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox

from sco.model import Indicator

CONVENTIONS = "CF-1.11"
TIME = {
    "standard_name": "time",
    "long_name": "first day of the period",
    "axis": "T",
    "bounds": "time_bnds",
    "units": "days since 1970-01-01",
    "calendar": "proleptic_gregorian",
    "units_metadata": "leap_seconds: none",
}
TIME_BOUNDS = {name: TIME[name] for name in ("units", "calendar")}


def counts(indicator: Indicator, words: str) -> dict[str, Any]:
    """Attributes of one of an indicator's counts."""
    return {
        "long_name": f"{indicator.title.en}: {words}",
        "standard_name": "number_of_observations",
        "units": "1",
        "cell_methods": "time: sum",
        "grid_mapping": "spatial_ref",
    }


def axis(name: str, geobox: GeoBox) -> dict[str, str]:
    """Attributes of the x or y axis of a grid."""
    crs = CRS(geobox.crs)
    if crs.geographic:
        words = {"x": ("longitude", "degrees_east"), "y": ("latitude", "degrees_north")}[name]
        return {"standard_name": words[0], "long_name": words[0], "units": words[1], "axis": name.upper()}
    unit = str(crs.units[0 if name == "y" else 1])
    return {
        "standard_name": f"projection_{name}_coordinate",
        "long_name": f"{name} of projection",
        "units": {"metre": "m", "meter": "m"}.get(unit, unit),
        "axis": name.upper(),
    }


def faults(data: xr.Dataset, indicators: Sequence[str]) -> Iterator[str]:
    """What our own writing lacks of CF: axes, bounds, names, units, grid mapping, counts; one sentence each."""
    if data.attrs.get("Conventions") != CONVENTIONS:
        yield f"Conventions is {data.attrs.get('Conventions')!r}, not {CONVENTIONS}"
    for name, letter in (("time", "T"), ("y", "Y"), ("x", "X")):
        found = data[name].attrs if name in data.coords else {}
        if found.get("axis") != letter or "standard_name" not in found:
            yield f"{name} is no {letter} axis with a standard_name"
    if not _bounded(data):
        yield "time has no bounds that hold it"
    for name in indicators:
        yield from (f"{name} {fault}" for fault in _variable_faults(data, name))


def _bounded(data: xr.Dataset) -> bool:
    name = data["time"].encoding.get("bounds") or data["time"].attrs.get("bounds")
    if name not in data.variables:
        return False
    bounds, time = data[name].values, data["time"].values
    return bool(((bounds[:, 0] <= time) & (time < bounds[:, 1])).all())


def _variable_faults(data: xr.Dataset, name: str) -> Iterator[str]:
    if name not in data:
        yield "is missing"
        return
    told = {**data[name].attrs, **data[name].encoding}
    for needed in ("long_name", "units", "cell_methods", "valid_range", "_FillValue"):
        if needed not in told:
            yield f"has no {needed}"
    mapping = told.get("grid_mapping")
    if mapping not in data.variables or "grid_mapping_name" not in data[mapping].attrs:
        yield "has no grid mapping"
    lost = [one for one in str(told.get("ancillary_variables", "")).split() if one not in data.variables]
    if lost or "ancillary_variables" not in told:
        yield f"lacks its counts {' '.join(lost)}"
