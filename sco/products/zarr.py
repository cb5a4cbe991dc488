"""The public copy of the store: plain Zarr v3, unsharded, consolidated, every chunk with its checksum."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import xarray as xr
from zarr.codecs import ZstdCodec
from zarr.errors import ZarrUserWarning

from sco.model import Indicator
from sco.products.contents import COUNTS, Publication

DAYS = {"units": "days since 1970-01-01", "calendar": "proleptic_gregorian", "dtype": "int64"}


def write(publication: Publication, path: Path) -> None:
    """Write what was committed to `path`, value for value as the store has it."""
    data = _described(publication)
    with warnings.catch_warnings():
        # One request instead of one a variable is worth an extension that every reader may ignore.
        warnings.filterwarnings("ignore", "Consolidated metadata", ZarrUserWarning)
        data.to_zarr(path, mode="w-", zarr_format=3, consolidated=True, encoding=_encodings(publication, data))


def faults(publication: Publication, path: Path) -> list[str]:
    """Where the copy at `path` is not what the store holds; empty where it is."""
    with xr.open_zarr(path, consolidated=True) as copy:
        return list(_differences(publication.dataset, copy))


def _described(publication: Publication) -> xr.Dataset:
    names = ["time_bnds", *(layer for name in publication.project.indicators for layer in _variables(name))]
    data = publication.dataset[[name for name in names if name in publication.dataset]].copy()
    for name in data.variables:
        data[name].encoding = {}
    data["time"].attrs["bounds"] = "time_bnds"
    return data.assign_attrs(_attributes(publication))


def _attributes(publication: Publication) -> dict[str, Any]:
    project = publication.project
    attributes = {
        **publication.dataset.attrs,
        "Conventions": "CF-1.11",
        "title": project.title.en,
        "project": project.id,
        "simulated": "true" if project.simulated else "false",
        "source": ", ".join(sensor.title for sensor in publication.sensors),
        "references": " ".join(sorted({link for one in project.resolved_indicators for link in one.references})),
        "snapshot": publication.tag,
        "product_version": publication.version,
        "proj:code": str(publication.geobox.crs),
        "spatial:transform": list(publication.geobox.transform)[:6],
    }
    return attributes | ({"comment": "; ".join(publication.credits)} if publication.credits else {})


def _encodings(publication: Publication, data: xr.Dataset) -> dict[str, Mapping[str, Any]]:
    side = publication.project.area.tile
    checked = {"compressors": [ZstdCodec(level=3, checksum=True)]}
    encodings: dict[str, Mapping[str, Any]] = {
        axis: {"_FillValue": None, **checked} for axis in ("x", "y") if axis in data
    }
    encodings |= {axis: {**DAYS, **checked} for axis in ("time", "time_bnds") if axis in data.variables}
    for indicator in publication.project.resolved_indicators:
        rows, columns = (min(side, length) for length in publication.geobox.shape)
        shape = {"chunks": (1, rows, columns), **checked}
        encodings[indicator.id] = {**_packed(publication, indicator), **shape}
        encodings |= {f"{indicator.id}_{count}": shape for count in COUNTS}
    return encodings


def _packed(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    """As the store packs, since another scale or another type would decode to other last digits."""
    stored = publication.dataset[indicator.id].encoding
    if "scale_factor" in stored:
        return {key: stored[key] for key in ("dtype", "scale_factor", "add_offset", "_FillValue") if key in stored}
    packing = indicator.packing
    scaled = {"scale_factor": packing.scale, "add_offset": packing.offset}
    return {"dtype": packing.dtype, "_FillValue": packing.fill, **scaled}


def _variables(indicator: str) -> list[str]:
    return [indicator, *(f"{indicator}_{count}" for count in COUNTS)]


def _differences(store: xr.Dataset, copy: xr.Dataset) -> Iterator[str]:
    for name in copy.variables:
        one, other = store[name], copy[name]
        if one.shape != other.shape:
            yield f"zarr/{name} has shape {other.shape}, the store {one.shape}"
        elif not bool(_same(one, other).all()):
            yield f"zarr/{name} differs from the store"


def _same(one: xr.DataArray, other: xr.DataArray) -> xr.DataArray:
    plain, copied = one.variable, other.variable
    return xr.DataArray((plain == copied) | (plain.isnull() & copied.isnull()))
