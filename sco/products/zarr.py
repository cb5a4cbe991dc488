"""The public copy of the store: plain Zarr v3, unsharded, consolidated, every chunk with its checksum.

The root group is the CF dataset at full resolution. Groups `overviews/2`, `overviews/4`, ... hold the indicators
averaged over blocks of that many pixels (of classes, the commonest), and `multiscales` in the root's attributes tells
which array is which. It is laid out whole and then filled layer by layer, so that the chunks of one layer are files of
their own.

https://cfconventions.org, https://github.com/zarr-conventions (multiscales, spatial, proj)
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from affine import Affine
from numcodecs import Zstd
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from zarr.codecs import ZstdCodec
from zarr.errors import ZarrUserWarning

from sco import climatology, uncertainty
from sco.layout import attributes
from sco.model import Indicator
from sco.packing import pack
from sco.products import cf, coarse
from sco.products.cog import COUNT_WORDS
from sco.products.contents import Layer, Publication
from sco.products.summary import COUNTS, ERROR

FOLDER = "zarr"
OVERVIEWS = "overviews"
OVERVIEW_SIDE = 512
"""Overviews are made until no side is longer than this."""
LEVEL = 1
"""Of Zstandard: level 3 takes four times as long over noisy values and makes them 2 % smaller at most."""
CONVENTIONS = "https://github.com/zarr-conventions"
SCHEMAS = "https://raw.githubusercontent.com/zarr-conventions"


def lay_out(publication: Publication, path: Path) -> None:
    """Every array with its axes and attributes, and no pixel."""
    root = zarr.create_group(path, attributes=_attributes(publication))
    _lay_level(root, publication, 1)
    for factor in factors(publication.geobox):
        group = root.create_group(f"{OVERVIEWS}/{factor}", attributes=_level_attributes(publication, factor))
        _lay_level(group, publication, factor)


def write_layer(publication: Publication, layer: Layer, frame: xr.Dataset, path: Path) -> Iterator[str]:
    """Write one layer's chunks, in all resolutions, and read them back; where they are not the numbers of its frame."""
    root, step = zarr.open_group(path, mode="r"), publication.place_of(layer)
    for name, plane in _planes(publication, layer, frame):
        array = _array(root, name)
        _write_chunks(path / name / f"c/{step}", plane, array.chunks[1:], array.fill_value)
        if not np.array_equal(array[step], plane):
            yield f"{FOLDER}/{name} differs from the store in {layer.period.label}"


def _write_chunks(folder: Path, plane: NDArray[Any], chunk: tuple[int, int], fill: Any) -> None:
    """Write a plane as the files that zarr would write, in a fifth of its time; chunks of fill alone are left out."""
    codec = Zstd(level=LEVEL, checksum=True)
    for row, top in enumerate(range(0, plane.shape[0], chunk[0])):
        (folder / str(row)).mkdir(parents=True, exist_ok=True)
        for column, left in enumerate(range(0, plane.shape[1], chunk[1])):
            whole, part = np.full(chunk, fill, plane.dtype), plane[top : top + chunk[0], left : left + chunk[1]]
            whole[: part.shape[0], : part.shape[1]] = part
            if (part != fill).any():
                (folder / str(row) / str(column)).write_bytes(codec.encode(whole))


def finish(publication: Publication, path: Path) -> None:
    """Write the metadata of all arrays into the root and into each overview, so that one request tells all."""
    groups = ["", *(f"{OVERVIEWS}/{factor}" for factor in factors(publication.geobox))]
    with warnings.catch_warnings():
        # One request instead of one a variable is worth an extension that every reader may ignore.
        warnings.filterwarnings("ignore", "Consolidated metadata", ZarrUserWarning)
        for group in reversed(groups):
            zarr.consolidate_metadata(path, path=group or None)


def patterns(publication: Publication, layer: Layer) -> tuple[str, ...]:
    """Globs that find a layer's chunks in the product's folder."""
    name, step = layer.indicator.id, publication.place_of(layer)
    errors = [uncertainty.name_of(name)] if publication.has_error(layer.indicator) else []
    own = [name, *(f"{name}_{count}" for count in COUNTS), *errors]
    names = [*own, *(f"{OVERVIEWS}/{factor}/{name}" for factor in factors(publication.geobox))]
    return tuple(f"{FOLDER}/{one}/c/{step}/*/*" for one in names)


def faults(publication: Publication, path: Path) -> list[str]:
    """Where the copy is not the CF dataset that it should be; empty where it is."""
    with xr.open_zarr(path, consolidated=True) as copy:
        periods = copy["time"].values.astype("datetime64[D]").astype(str).tolist()
        expected = [period.start.isoformat() for period in publication.periods]
        wrong = [] if periods == expected else [f"has the periods {periods[0]} to {periods[-1]}"]
        return [f"{FOLDER}: {fault}" for fault in (*wrong, *cf.faults(copy, publication.project.indicators))]


def factors(geobox: GeoBox) -> list[int]:
    """By how much the overviews are coarser than the grid."""
    found, factor = [], 2
    while max(geobox.shape) * 2 / factor > OVERVIEW_SIDE:
        found.append(factor)
        factor *= 2
    return found


def _planes(publication: Publication, layer: Layer, frame: xr.Dataset) -> Iterator[tuple[str, NDArray[Any]]]:
    """Each array of the layer by its path, with the numbers that belong into it, (y, x)."""
    name, packing, values = layer.indicator.id, layer.indicator.packing, frame["values"].values
    yield name, pack(values, packing)
    for count in COUNTS:
        yield f"{name}_{count}", frame[count].values.astype("uint16", copy=False)
    if ERROR in frame:
        yield uncertainty.name_of(name), pack(frame[ERROR].values, uncertainty.packing_of(layer.indicator))
    for factor in factors(publication.geobox):
        yield f"{OVERVIEWS}/{factor}/{name}", pack(coarse.of(layer.indicator, values, factor), packing)


def _lay_level(group: zarr.Group, publication: Publication, factor: int) -> None:
    box = _coarser(publication.geobox, factor)
    _lay_axes(group, publication, box)
    side, every = publication.project.area.tile, len(publication.periods)
    shape, chunk = (every, *box.shape), (1, *(min(side, length) for length in box.shape))
    for indicator in publication.project.resolved_indicators:
        counted = factor == 1
        has_error = counted and publication.has_error(indicator)
        fill, kind = indicator.packing.fill, indicator.packing.dtype
        _create(group, indicator.id, shape, chunk, kind, fill, attributes(indicator, counted, has_error))
        for count in COUNTS if counted else ():
            described = cf.counts(indicator, COUNT_WORDS[count])
            _create(group, f"{indicator.id}_{count}", shape, chunk, "uint16", 0, described)
        if has_error:
            described = uncertainty.attributes(indicator)
            _create(group, uncertainty.name_of(indicator.id), shape, chunk, kind, fill, described)


def _lay_axes(group: zarr.Group, publication: Publication, box: GeoBox) -> None:
    found = xr_coords(box, dims=("y", "x"))
    for axis in ("y", "x"):
        _hold(group, axis, (axis,), np.asarray(found[axis].values, "float64"), cf.axis(axis, box))
    mapping = found["spatial_ref"]
    _hold(group, "spatial_ref", (), np.asarray(mapping.values, "int32"), dict(mapping.attrs))
    starts = np.array([period.start for period in publication.periods], "datetime64[D]").astype("int64")
    ends = np.array([period.end for period in publication.periods], "datetime64[D]").astype("int64")
    _hold(group, "time", ("time",), starts, cf.TIME)
    _hold(group, "time_bnds", ("time", "bnds"), np.stack([starts, ends], axis=1), cf.TIME_BOUNDS)


def _hold(group: zarr.Group, name: str, dims: tuple[str, ...], values: NDArray[Any], attrs: Mapping[str, Any]) -> None:
    array = _create(group, name, values.shape, values.shape, values.dtype.name, None, attrs, dims)
    array[...] = values


def _create(
    group: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: str,
    fill: int | None,
    attrs: Mapping[str, Any],
    dims: tuple[str, ...] = ("time", "y", "x"),
) -> Any:
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        fill_value=fill,
        compressors=[ZstdCodec(level=LEVEL, checksum=True)],
        dimension_names=dims,
        attributes=dict(attrs),
    )


def _array(root: zarr.Group, name: str) -> Any:
    return root[name]


def _attributes(publication: Publication) -> dict[str, Any]:
    project = publication.project
    attributes = {
        "Conventions": "CF-1.11",
        "title": project.title.en,
        "history": f"published as version {publication.version} from snapshot {publication.tag}",
        "source": ", ".join(sensor.title for sensor in publication.sensors),
        "references": " ".join(sorted({link for one in project.resolved_indicators for link in one.references})),
        "project": project.id,
        "every": project.period.every,
        "simulated": "true" if project.simulated else "false",
        "snapshot": publication.tag,
        "product_version": publication.version,
        "multiscales": _multiscales(publication),
    }
    owed = {"comment": "; ".join(publication.credits)} if publication.credits else {}
    reference = publication.project.period.reference
    measured = climatology.described(*reference) if reference else {}
    return attributes | owed | measured | _level_attributes(publication, 1)


def _level_attributes(publication: Publication, factor: int) -> dict[str, Any]:
    """Where a group's arrays lie, as the `spatial` and `proj` conventions of Zarr have it."""
    box = _coarser(publication.geobox, factor)
    names = ("multiscales", "spatial", "proj") if factor == 1 else ("spatial", "proj")
    return {
        "Conventions": "CF-1.11",
        "coordinates": "spatial_ref",  # xarray then has the grid mapping among the coordinates, where rioxarray looks
        "zarr_conventions": [CONVENTION[name] for name in names],
        "proj:code": str(box.crs),
        "spatial:dimensions": ["y", "x"],
        "spatial:bbox": list(box.boundingbox.bbox),
        "spatial:transform": list(box.transform)[:6],
        "spatial:shape": list(box.shape),
    }


def _multiscales(publication: Publication) -> dict[str, Any]:
    found = factors(publication.geobox)
    indicators = publication.project.resolved_indicators
    layout = [level for one in indicators for level in _levels(publication.geobox, one, found)]
    return {"layout": layout, "resampling_method": "average"}


def _levels(geobox: GeoBox, indicator: Indicator, found: Sequence[int]) -> Iterator[dict[str, Any]]:
    name = indicator.id
    for factor in (1, *found):
        box = _coarser(geobox, factor)
        path = name if factor == 1 else f"{OVERVIEWS}/{factor}/{name}"
        shift = (factor - 1) / 2
        yield {
            "asset": path,
            **({"derived_from": name} if factor > 1 else {}),
            **({"resampling_method": "mode"} if factor > 1 and indicator.classes else {}),
            "transform": {"scale": [1, factor, factor], "translation": [0, shift, shift]},
            "spatial:transform": list(box.transform)[:6],
            "spatial:shape": list(box.shape),
        }


def _coarser(geobox: GeoBox, factor: int) -> GeoBox:
    if factor == 1:
        return geobox
    rows, columns = (-(-length // factor) for length in geobox.shape)
    return GeoBox((rows, columns), geobox.transform * Affine.scale(factor), geobox.crs)


def _convention(name: str, repository: str, uuid: str, description: str) -> dict[str, str]:
    return {
        "uuid": uuid,
        "name": name,
        "schema_url": f"{SCHEMAS}/{repository}/refs/tags/v1/schema.json",
        "spec_url": f"{CONVENTIONS}/{repository}/blob/v1/README.md",
        "description": description,
    }


CONVENTION = {
    "multiscales": _convention(
        "multiscales", "multiscales", "d35379db-88df-4056-af3a-620245f8e347", "Multiscale layout of zarr datasets"
    ),
    "spatial": _convention(
        "spatial:", "spatial", "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "Spatial coordinate information"
    ),
    "proj": _convention(
        "proj:", "geo-proj", "f17cb550-5864-4468-aeb7-f3180cfb622f",
        "Coordinate reference system information for geospatial data",
    ),
}  # fmt: skip
