"""What a store looks like inside: its arrays, how they are encoded, and their CF attributes.

The root group is the CF dataset. Beside it `ledger/<indicator>` has two string arrays over (time, tile_row,
tile_column): `record` and `manifest`, an empty string where a partition was never committed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import zarr
from affine import Affine
from icechunk import Session
from numpy.typing import NDArray
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from zarr.codecs import ZstdCodec

from sco import chunks, uncertainty
from sco.errors import ConfigurationError
from sco.grid import Tiling
from sco.model import Indicator
from sco.period import Every, Slice, divide, slice_of

LEDGER = "ledger"
TEXTS = ("record", "manifest")
COUNTS = {
    "n_seen": "observations seen and used",
    "n_masked": "observations acquired but masked",
    "n_failed": "observations acquired whose read failed",
}
AXES = ("spatial_ref", "x", "y", "time", "time_bnds")
VERSION = 1
CLOCK = {"units": "seconds since 1970-01-01 00:00:00", "calendar": "proleptic_gregorian"}
TIMES = 1024
"""Length of a chunk of the time axis."""


@dataclass(frozen=True)
class Variable:
    """One array as it should be."""

    path: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: str
    fill: Any
    attrs: Mapping[str, Any]
    values: NDArray[Any] | None = None
    """What it holds, where that is known when it is laid out."""


def lay_out(
    session: Session,
    tiling: Tiling,
    slices: Sequence[Slice],
    indicators: Sequence[Indicator],
    attrs: Mapping[str, str],
    with_errors: bool = True,
) -> None:
    """Bring the store to this grid, these periods and indicators, writing only what differs.

    Standard errors have room `with_errors`, and keep what room they have without. Raises ConfigurationError for another
    grid, tile size or division of time, or another packing of an indicator.
    """
    there = chunks.documents(session, ["", LEDGER])
    if LEDGER in there:
        _refuse_other_grid(tiling_of(session), tiling)
        every: Every = _attributes(there, "")["every"]
        _refuse_other_division(every, attrs["every"])
        slices = _stretch(session, slices, every)
    wanted = list(_axes(tiling, slices, attrs["every"]))
    for indicator in indicators:
        has_error = with_errors or chunks.has(session, chunks.document_of(uncertainty.name_of(indicator.id)))
        wanted += _arrays(indicator, tiling, len(slices), has_error)
    described = {"Conventions": "CF-1.11", **attrs, "coordinates": "spatial_ref"}
    documents = chunks.documents(session, [variable.path for variable in wanted])
    different = list(_different(session, wanted, documents))
    is_sealed = "metadata_sha256" in _attributes(there, LEDGER) and not session.has_uncommitted_changes
    if different or _attributes(there, "") != described or not is_sealed:
        there_already = [variable for variable in different if variable.path in documents]
        new = [variable for variable in different if variable.path not in documents]
        _write(session, tiling, there_already, new, described)


def _write(
    session: Session,
    tiling: Tiling,
    there: Sequence[Variable],
    new: Sequence[Variable],
    described: Mapping[str, Any],
) -> None:
    root = zarr.open_group(session.store, mode="a", zarr_format=3)
    for variable in there:
        array = array_in(root, variable.path)
        _refuse_other_packing(array, variable)
        _describe(array, variable.attrs)
    chunks.create(session, {variable.path: _specification(variable) for variable in new})
    chunks.put(session, dict(item for variable in (*there, *new) for item in _encoded(variable).items()))
    _describe(root, described)
    ledger = root.require_group(LEDGER)
    _describe(ledger, {"version": VERSION, "grid": _grid(tiling), "metadata_sha256": metadata_digest(session)})


def tiling_of(session: Session) -> Tiling:
    """The grid and tiles that a store was laid out for. Raises ConfigurationError for a newer layout than ours."""
    ledger = _attributes(chunks.documents(session, [LEDGER]), LEDGER)
    if ledger["version"] > VERSION:
        raise ConfigurationError(
            f"the store has layout {ledger['version']}, this is for {VERSION}: install a newer sco"
        )
    grid = ledger["grid"]
    return Tiling(GeoBox(tuple(grid["shape"]), Affine(*grid["transform"]), grid["crs"]), int(grid["tile"]))


def slices_of(session: Session) -> tuple[Slice, ...]:
    """The periods of the time axis, in its order."""
    every: Every = _attributes(chunks.documents(session, [""]), "")["every"]
    time = zarr.open_array(session.store, path="time", mode="r", zarr_format=3)
    return _slices_at(tuple(np.asarray(time[...]).tolist()), every)


@lru_cache(maxsize=8)
def _slices_at(times: tuple[int, ...], every: Every) -> tuple[Slice, ...]:
    return tuple(slice_of(_day(seconds), every) for seconds in times)


def indicators_of(session: Session) -> tuple[str, ...]:
    """The indicators that a store has arrays for."""
    return tuple(chunks.named(session, LEDGER))


def array_in(root: zarr.Group, path: str) -> Any:
    """The zarr array at this path."""
    return root[path]


def planes(indicator: str, has_error: bool = True) -> tuple[str, ...]:
    """The paths of an indicator's pixel arrays: the values, the three counts, and the standard error if it is there.

    Stores that are older than these, and those of projects that want none, lack it.
    """
    counted = (indicator, *(f"{indicator}_{count}" for count in COUNTS))
    return (*counted, uncertainty.name_of(indicator)) if has_error else counted


def metadata_digest(session: Session) -> str:
    """SHA-256 over the metadata of every array and of the root, which Icechunk keeps without a checksum."""
    pixels = [name for name in chunks.named(session, "") if name != LEDGER]
    texts = [f"{LEDGER}/{indicator}/{text}" for indicator in indicators_of(session) for text in TEXTS]
    keys = [chunks.document_of(path) for path in ("", *sorted([*pixels, *texts]))]
    nodes = {key: json.loads(content or b"null") for key, content in zip(keys, chunks.raw(session, keys), strict=True)}
    return hashlib.sha256(json.dumps(nodes, sort_keys=True).encode()).hexdigest()


def _axes(tiling: Tiling, slices: Sequence[Slice], every: str) -> Iterator[Variable]:
    yield from _coordinates(tiling)
    yield from _times(slices, every)


def _arrays(indicator: Indicator, tiling: Tiling, times: int, has_error: bool) -> Iterator[Variable]:
    yield from _pixel_arrays(indicator, tiling, times, has_error)
    yield from _ledger_arrays(indicator, tiling, times)


def _coordinates(tiling: Tiling) -> Iterator[Variable]:
    from odc.geo.xr import xr_coords  # with xarray and pandas; only laying out needs them

    found = xr_coords(tiling.geobox, dims=("y", "x"))
    kind = "projection_{}_coordinate" if CRS(tiling.geobox.crs).projected else None
    names = {"x": "longitude", "y": "latitude"}
    for axis in ("y", "x"):
        values = np.asarray(found[axis].values, "float64")
        attrs = {
            "units": found[axis].attrs["units"],
            "standard_name": kind.format(axis) if kind else names[axis],
            "axis": axis.upper(),
        }
        yield Variable(axis, (axis,), values.shape, values.shape, "float64", np.nan, attrs, values)
    mapping = found["spatial_ref"]
    yield Variable("spatial_ref", (), (), (), "int32", 0, dict(mapping.attrs), np.asarray(mapping.values, "int32"))


def _times(slices: Sequence[Slice], every: str) -> Iterator[Variable]:
    bounds = np.array([[int(instant.timestamp()) for instant in period.bounds] for period in slices], "int64")
    number = len(slices)
    attrs = {**CLOCK, "standard_name": "time", "long_name": f"first instant of the {every}, UTC", "axis": "T"}
    yield Variable("time", ("time",), (number,), (TIMES,), "int64", 0, {**attrs, "bounds": "time_bnds"}, bounds[:, 0])
    yield Variable("time_bnds", ("time", "bnds"), (number, 2), (TIMES, 2), "int64", 0, CLOCK, bounds)


def _pixel_arrays(indicator: Indicator, tiling: Tiling, times: int, has_error: bool) -> Iterator[Variable]:
    dims, shape, chunks = ("time", "y", "x"), (times, *tiling.geobox.shape), (1, tiling.size, tiling.size)
    packing = indicator.packing
    values, *counts = planes(indicator.id, has_error=False)
    described = attributes(indicator, has_error=has_error)
    yield Variable(values, dims, shape, chunks, packing.dtype, packing.fill, described)
    for name, meaning in zip(counts, COUNTS.values(), strict=True):
        attrs = {
            "long_name": f"{indicator.title.en}: {meaning}",
            "standard_name": "number_of_observations",
            "units": "1",
            "cell_methods": "time: sum",
            "grid_mapping": "spatial_ref",
        }
        yield Variable(name, dims, shape, chunks, "uint16", 0, attrs)
    if has_error:
        described = uncertainty.attributes(indicator)
        name = uncertainty.name_of(indicator.id)
        yield Variable(name, dims, shape, chunks, packing.dtype, packing.fill, described)


def attributes(indicator: Indicator, counted: bool = True, has_error: bool = False) -> dict[str, Any]:
    """CF attributes of an indicator's packed values; `counted` where its counts lie beside it, and its error if any."""
    packing = indicator.packing
    return {
        "long_name": indicator.title.en,
        "long_name_fr": indicator.title.fr,
        "units": indicator.unit,
        **({"standard_name": indicator.standard_name} if indicator.standard_name else {}),
        **({"gcos_ecv": indicator.ecv} if indicator.ecv else {}),
        **({"sdg": indicator.sdg} if indicator.sdg else {}),
        "comment": indicator.description.en,
        "references": " ".join(indicator.references),
        "cell_methods": indicator.cell_methods,
        "grid_mapping": "spatial_ref",
        **({"ancillary_variables": " ".join(planes(indicator.id, has_error)[1:])} if counted else {}),
        # CF wants the valid range of packed data in packed integers
        "valid_range": [round((limit - packing.offset) / packing.scale) for limit in indicator.valid_range],
        **(_flags(indicator) if indicator.classes else {}),
        "scale_factor": packing.scale,
        "add_offset": packing.offset,
        "_FillValue": packing.fill,
    }


def _flags(indicator: Indicator) -> dict[str, Any]:
    return {
        "flag_values": [one.value for one in indicator.classes],
        "flag_meanings": " ".join(one.meaning for one in indicator.classes),
    }


def _ledger_arrays(indicator: Indicator, tiling: Tiling, times: int) -> Iterator[Variable]:
    for text in TEXTS:
        dims = ("time", "tile_row", "tile_column")
        yield Variable(f"{LEDGER}/{indicator.id}/{text}", dims, (times, *tiling.shape), (1, 1, 1), "str", "", {})


def _different(session: Session, variables: Sequence[Variable], there: Mapping[str, Any]) -> Iterator[Variable]:
    """Those that the store does not have as they should be, to the letter; `there` is what it says of those it has."""
    wanted = {variable.path: _encoded(variable) for variable in variables if variable.path in there}
    written = chunks.there(session, [key for contents in wanted.values() for key in contents])
    for variable in variables:
        alike = variable.path in there and _attributes(there, variable.path) == variable.attrs
        if not (alike and wanted[variable.path].items() <= written.items()):
            yield variable


def _encoded(variable: Variable) -> dict[str, bytes]:
    """What the store has of a variable whose values are known, by key."""
    if variable.values is None:
        return {}
    length = variable.chunks[0] if variable.chunks else 0
    return chunks.encoded_axis(variable.path, variable.values, length, variable.fill)


def _specification(variable: Variable) -> dict[str, Any]:
    """A variable as zarr's `create_array` is told of it."""
    return {
        "shape": variable.shape,
        "chunks": variable.chunks,
        "dtype": str if variable.dtype == "str" else variable.dtype,
        "fill_value": variable.fill,
        "compressors": [ZstdCodec(level=chunks.LEVEL, checksum=True)],
        "dimension_names": variable.dims,
        "attributes": dict(variable.attrs),
    }


def _describe(node: Any, attrs: Mapping[str, Any]) -> None:
    if node.attrs.asdict() != attrs:
        node.attrs.put(dict(attrs))


def _stretch(session: Session, slices: Sequence[Slice], every: Every) -> tuple[Slice, ...]:
    """Make room on the time axis for `slices` and all between them and what is there; the whole axis."""
    there = slices_of(session)
    first, last = min(there[0], slices[0]), max(there[-1], slices[-1])
    whole = divide(first.start, last.end - timedelta(days=1), every)
    if whole == there:
        return there
    root = zarr.open_group(session.store, mode="r+", zarr_format=3)
    for path, array in _arrays_over_time(root):
        array.resize((len(whole), *array.shape[1:]))
        if path not in AXES:
            _shift(session, path, whole.index(there[0]))
    return whole


def _arrays_over_time(root: zarr.Group) -> Iterator[tuple[str, Any]]:
    members: list[tuple[str, Any]] = list(root.members(max_depth=None))
    arrays = ((path, node) for path, node in members if isinstance(node, zarr.Array))
    return ((path, array) for path, array in arrays if "time" in _dims(array))


def _dims(array: Any) -> tuple[str, ...]:
    return tuple(array.metadata.dimension_names or ())


def _shift(session: Session, path: str, steps: int) -> None:
    """Move every chunk of an array `steps` later in time, as earlier periods are put before it."""
    if steps:
        for index in sorted(chunks.present(session, path), reverse=True):
            chunks.move(session, path, index, (index[0] + steps, *index[1:]))


def _refuse_other_grid(there: Tiling, tiling: Tiling) -> None:
    if there.size != tiling.size:
        raise ConfigurationError(
            f"the store has tiles of {there.size} pixels, the project asks for {tiling.size}: {CURE}"
        )
    if there.geobox != tiling.geobox:
        raise ConfigurationError(
            f"the store's grid is {_words(there.geobox)}, the project asks for {_words(tiling.geobox)}: {CURE}"
        )


def _refuse_other_division(there: str, every: str) -> None:
    if there != every:
        raise ConfigurationError(f"the store has a value every {there}, the project asks for every {every}: {CURE}")


def _refuse_other_packing(array: Any, variable: Variable) -> None:
    names = ("scale_factor", "add_offset", "_FillValue")
    there, asked = ({name: attrs.get(name) for name in names} for attrs in (array.attrs.asdict(), variable.attrs))
    if there != asked:
        raise ConfigurationError(
            f"the store packs {variable.path} with {there}, the indicator asks for {asked}: {CURE}"
        )


CURE = "give the project another store, or its old settings back"


def _words(geobox: GeoBox) -> str:
    height, width = geobox.shape
    left, top = geobox.transform.c, geobox.transform.f
    return f"{width} x {height} pixels of {geobox.resolution.x:g} from ({left:g}, {top:g}) in {geobox.crs}"


def _grid(tiling: Tiling) -> dict[str, Any]:
    box = tiling.geobox
    return {
        "crs": CRS(box.crs).to_wkt(),
        "transform": list(box.transform)[:6],
        "shape": list(box.shape),
        "tile": tiling.size,
    }


def _attributes(documents: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Those of a group or array; none where there is none."""
    return dict(documents.get(path, {}).get("attributes", {}))


def _day(seconds: int) -> date:
    return datetime.fromtimestamp(seconds, UTC).date()
