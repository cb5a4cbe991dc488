"""One NetCDF or Zarr grid of longitudes and latitudes, read through xarray: measurements on the project's grid.

A file of this kind says itself how its numbers are packed, and one file may pack two variables in two ways. So its
numbers are unpacked here, by what the file says, into physical values with NaN for no data; the bands of a sensor
that is read as grids have scale 1 and offset 0. Only classes, which are bands of `nearest`, stay as they are stored.

Sampling is done in degrees rather than by a warp, so that a grid has no edge where its longitudes begin: Greenwich,
the antimeridian and 0 to 360 are all the same to it. A pixel holds a number where at least half of what it is
weighted from does; nothing is smeared over land, and nothing of land into the sea.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from sco import preflight
from sco.errors import SceneError, UpstreamError
from sco.model import Asset, Band
from sco.multihash import require_intact
from sco.preflight import REMEDY, Rules
from sco.read import SHRINKS_FROM, Numbers, Reading

Positions = NDArray[np.float64]
Indexes = NDArray[np.int64]
DEGREES = {"lat": "degrees_north", "lon": "degrees_east"}
NAMES = {"lat": {"lat", "latitude"}, "lon": {"lon", "longitude"}}
UNITS = {"meter": "m", "meters": "m", "metre": "m", "metres": "m", "celsius": "degc", "degree_celsius": "degc"}
REGULAR = 0.01
"""Share of a step by which coordinates may stray from a regular grid: single precision does not hold them better."""
SNAP = 0.001
"""Share of a step within which a position is the middle of a pixel."""
MOST_SAMPLES = 16
"""Along each side of a pixel that is larger than the grid's own."""
NETCDF = Lock()
"""The NetCDF library must not be in two threads at once."""


@dataclass(frozen=True)
class Axis:
    """Evenly spaced degrees, rising or falling."""

    name: str
    first: float
    step: float
    length: int

    @property
    def is_circle(self) -> bool:
        """Whether its last pixel is the neighbour of its first."""
        return abs(abs(self.step) * self.length - 360) < abs(self.step) / 2


@dataclass(frozen=True)
class Grid:
    """One variable at one time, of which nothing was read yet."""

    variable: xr.DataArray
    lat: Axis
    lon: Axis
    day: str | None
    """Of its time step, as 2023-07-01; None where the variable does not depend on time."""


@dataclass(frozen=True)
class Overview:
    """Some pixels of a grid: where they are, and how finely their values are told apart."""

    values: Numbers
    """(y, x): physical values, NaN for no data."""
    lat: Positions
    lon: Positions
    step: float
    """How far apart two neighbouring numbers are that the file can hold."""
    day: str | None
    """Of the time step, as 2023-07-01; None where the variable does not depend on time."""


def read_grid(asset: Asset, band: Band, geobox: GeoBox, time: datetime, rules: Rules) -> Reading:
    """The asset's variable at the time step of `time`'s UTC day on `geobox`; only the part that it needs is read.

    Measurements come unpacked, as float64 with NaN where the file has none or does not reach: bilinear between pixels,
    the mean of samples where a pixel of `geobox` is larger. Classes come as stored, the nearest ones. Raises SceneError
    for an address that the rules refuse, for a file without the variable, the day or regular longitudes and latitudes,
    and for another unit than the band's; UpstreamError when the file cannot be read.
    """
    with _grid(asset, band, time, rules) as (grid, trusted):
        if band.resampling == "nearest":
            return _classes(grid, band, asset, geobox, trusted)
        return Reading(_measurements(grid, band, asset, geobox), np.nan, trusted)


def overview(
    asset: Asset, band: Band, most: int, time: datetime, rules: Rules, like: "Overview | None" = None
) -> "Overview":
    """Some of the asset's own pixels at the time step of `time`, every so many, at most `most` rows and columns.

    Or, where it is to be `like` another one, what the asset has in the places of that one. Raises as `read_grid` does.
    """
    with _grid(asset, band, time, rules) as (grid, _):
        lat, lon = (_thinned(grid.lat, most), _thinned(grid.lon, most)) if like is None else (like.lat, like.lon)
        longitudes, latitudes = np.meshgrid(lon, lat)
        values = _bilinear(grid, band, asset, *_positions(grid, longitudes, latitudes))
        return Overview(values, lat, lon, _step(grid.variable, values), grid.day)


@contextmanager
def _grid(asset: Asset, band: Band, time: datetime, rules: Rules) -> Iterator[tuple["Grid", tuple[str, ...]]]:
    """The asset's grid at the time step of this day, open, and where the file was believed against item and sensor."""
    where = preflight.address(asset.href, rules)
    if not where.startswith("/"):
        raise SceneError(f"{asset.href} is not a local file: copy the grid to a folder that access.files names")
    if asset.checksum and not where.endswith(".zarr"):
        require_intact(Path(where), asset.checksum)
    try:
        with _opened(where) as dataset:
            variable = _variable(dataset, asset)
            at_time, day, trusted = _at(variable, _moments(dataset, variable), time, asset)
            grid = Grid(at_time, _axis(at_time, "lat", asset), _axis(at_time, "lon", asset), day)
            yield grid, trusted + _check(grid, band, asset, rules)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise UpstreamError(f"{asset.href} cannot be read: {error}") from error


@contextmanager
def _opened(where: str) -> Iterator[xr.Dataset]:
    zarr = where.endswith(".zarr")
    how: dict[str, Any] = {"engine": "zarr", "consolidated": False} if zarr else {"engine": "netcdf4"}
    with (
        nullcontext() if zarr else NETCDF,
        xr.open_dataset(where, mask_and_scale=False, decode_timedelta=False, cache=False, **how) as dataset,
    ):
        yield dataset


def _variable(dataset: xr.Dataset, asset: Asset) -> xr.DataArray:
    if asset.variable not in dataset.data_vars:
        offered = ", ".join(sorted(map(str, dataset.data_vars)))
        raise SceneError(f"{asset.href} has no variable {asset.variable!r}; it has: {offered}")
    return dataset[asset.variable]


def _moments(dataset: xr.Dataset, variable: xr.DataArray) -> NDArray[np.str_]:
    """The moments of its time steps, as 2023-07-01T00:00:00; none where it does not depend on time."""
    if "time" not in dataset.variables or ("time" not in variable.dims and dataset["time"].size > 1):
        return np.empty(0, np.str_)
    times = xr.DataArray(np.atleast_1d(dataset["time"].values), dims="time")
    if times.dtype.kind not in "MO":
        raise SceneError(f"the time of {variable.name} is {times.values[0]}, not a date: its units are missing")
    return times.dt.strftime("%Y-%m-%dT%H:%M:%S").values.astype(str)


def _at(
    variable: xr.DataArray, moments: NDArray[np.str_], time: datetime, asset: Asset
) -> tuple[xr.DataArray, str | None, tuple[str, ...]]:
    """The time step of this moment or else of its UTC day, and that day.

    The only one there is may be of any day, which is told.
    """
    trusted: tuple[str, ...] = ()
    day = str(moments[0][:10]) if moments.size == 1 else f"{time:%Y-%m-%d}" if moments.size else None
    if moments.size == 1 and day != f"{time:%Y-%m-%d}":
        trusted = (f"item says {time:%Y-%m-%d}, the file's only time step is {day}",)
    if moments.size > 1:
        variable = variable.isel(time=_step_of(moments, time, asset))
    variable = variable.squeeze()
    if variable.ndim != 2:
        raise SceneError(
            f"{asset.variable} of {asset.href} has the dimensions {variable.dims}, not latitude, longitude"
        )
    return variable, day, trusted


def _step_of(moments: NDArray[np.str_], time: datetime, asset: Asset) -> int:
    exact = np.flatnonzero(moments == f"{time:%Y-%m-%dT%H:%M:%S}")
    of_day = np.flatnonzero(np.char.startswith(moments, f"{time:%Y-%m-%d}"))
    found = exact if exact.size else of_day
    if found.size != 1:
        raise SceneError(
            f"{asset.href} has {found.size} time steps on {time:%Y-%m-%d}, not one; "
            f"its {moments.size} steps go from {moments[0]} to {moments[-1]}"
        )
    return int(found[0])


def _axis(variable: xr.DataArray, kind: str, asset: Asset) -> Axis:
    found = [name for name in variable.dims if name in variable.coords and _is(variable[name], kind)]
    if len(found) != 1:
        raise SceneError(
            f"{asset.variable} of {asset.href} has the dimensions {', '.join(map(str, variable.dims))}, none of which "
            f"is {kind} in degrees: only grids of longitudes and latitudes are read, no swaths and no projected grids"
        )
    degrees = variable[found[0]].values.astype(np.float64)
    step = (degrees[-1] - degrees[0]) / (degrees.size - 1) if degrees.size > 1 else 0.0
    even = degrees[0] + step * np.arange(degrees.size)
    if step == 0 or not np.abs(degrees - even).max() <= REGULAR * abs(step):
        raise SceneError(f"{found[0]} of {asset.href} is not evenly spaced: only regular grids are read")
    axis = Axis(str(found[0]), float(degrees[0]), float(step), degrees.size)
    return replace(axis, step=float(np.copysign(360 / axis.length, step))) if kind == "lon" and axis.is_circle else axis


def _is(coordinate: xr.DataArray, kind: str) -> bool:
    told = coordinate.attrs.get("units")
    return bool(told == DEGREES[kind] if told else str(coordinate.name).lower() in NAMES[kind])


def _check(grid: Grid, band: Band, asset: Asset, rules: Rules) -> tuple[str, ...]:
    """Where the file is believed against item and sensor. Raises SceneError if the rules want them to agree."""
    found = []
    unit, shape = grid.variable.attrs.get("units"), (grid.lat.length, grid.lon.length)
    if unit is not None and _unit(str(unit)) != _unit(band.unit):
        found.append(f"sensor says {band.name} is in {band.unit}, file has {unit}")
    if asset.shape is not None and asset.shape != shape:
        found.append(f"item says shape {asset.shape}, file has {shape}")
    if found and rules.mismatch == "reject":
        raise SceneError(f"{asset.href}: {'; '.join(found)}. {REMEDY}")
    return tuple(f"warning: {one}" for one in found) if rules.mismatch == "warn" else tuple(found)


def _unit(spelled: str) -> str:
    plain = spelled.strip().lower()
    return UNITS.get(plain, plain)


def _classes(grid: Grid, band: Band, asset: Asset, geobox: GeoBox, trusted: tuple[str, ...]) -> Reading:
    """The stored number of the pixel in which each pixel's middle lies."""
    fill = next(iter(_fills(grid.variable, band, asset)), 0.0)
    row, column = _places(grid, geobox)
    inside = _inside(row, grid.lat) & _inside(column, grid.lon)
    numbers = np.full(inside.shape, fill, grid.variable.dtype)
    if inside.any():
        rows, columns = (np.floor(one[inside] + 0.5).astype(np.int64) for one in (row, column))
        numbers[inside] = _picked(grid, rows, columns)
    return Reading(numbers, fill, trusted)


def _measurements(grid: Grid, band: Band, asset: Asset, geobox: GeoBox) -> Numbers:
    samples = _samples(grid, geobox)
    fine = GeoBox(
        (geobox.shape[0] * samples, geobox.shape[1] * samples),
        geobox.affine @ Affine.scale(1 / samples),
        geobox.crs,
    )
    values = _bilinear(grid, band, asset, *_places(grid, fine))
    return values if samples == 1 else _mean(values.reshape(geobox.shape[0], samples, geobox.shape[1], samples))


def _mean(samples: Numbers) -> Numbers:
    """(y, n, x, n) -> (y, x): the mean of each pixel's samples where half of them are numbers, else NaN."""
    known = ~np.isnan(samples)
    share = known.mean(axis=(1, 3))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, samples, 0).sum(axis=(1, 3)) / known.sum(axis=(1, 3))
    return np.where(share >= 0.5, mean, np.nan)


def _bilinear(grid: Grid, band: Band, asset: Asset, row: Positions, column: Positions) -> Numbers:
    inside = _inside(row, grid.lat) & _inside(column, grid.lon)
    values = np.full(inside.shape, np.nan)
    if not inside.any():
        return values
    row, column = row[inside], column[inside]
    top, left = np.floor(row), np.floor(column)
    down, right = row - top, column - left
    total, weights = np.zeros(row.shape), np.zeros(row.shape)
    corners = [(top + y, left + x) for y in (0, 1) for x in (0, 1)]
    shares = [y * x for y in (1 - down, down) for x in (1 - right, right)]
    rows, columns = (np.concatenate(ends).astype(np.int64) for ends in zip(*corners, strict=True))
    stored = _picked(grid, rows, columns)
    for numbers, share in zip(np.split(_unpacked(stored, grid.variable, band, asset), 4), shares, strict=True):
        known = ~np.isnan(numbers)
        total[known] += (numbers * share)[known]
        weights[known] += share[known]
    with np.errstate(invalid="ignore", divide="ignore"):
        values[inside] = np.where(weights >= 0.5 - SNAP, total / weights, np.nan)
    return values


def _picked(grid: Grid, rows: Indexes, columns: Indexes) -> Numbers:
    """The stored numbers at these rows and columns, of which the outermost reach half a pixel further."""
    lat, lon = grid.lat, grid.lon
    rows = rows.clip(0, lat.length - 1)
    columns = columns % lon.length if lon.is_circle else columns.clip(0, lon.length - 1)
    first, last = int(rows.min()), int(rows.max())
    part = grid.variable.transpose(lat.name, lon.name).isel({lat.name: slice(first, last + 1)})
    needed, which = np.unique(columns, return_inverse=True)
    runs = [part.isel({lon.name: slice(run[0], run[-1] + 1)}).values for run in _runs(needed)]
    held = np.concatenate([np.arange(run[0], run[-1] + 1) for run in _runs(needed)])
    block: Numbers = np.concatenate(runs, axis=1)
    picked: Numbers = block[rows - first, np.searchsorted(held, needed)[which.reshape(columns.shape)]]
    return picked


def _runs(needed: Indexes) -> list[list[int]]:
    """Sorted columns as one run, or as two with the widest gap between them, as a cut over the file's own edge has."""
    gaps = np.diff(needed)
    cut = [int(gaps.argmax()) + 1] if gaps.size and gaps.max() > 1 else []
    return [run.tolist() for run in np.split(needed, cut)]


def _unpacked(stored: Numbers, variable: xr.DataArray, band: Band, asset: Asset) -> Numbers:
    """Physical values as float64 by the conventions of CF, NaN for no data. https://cfconventions.org section 8.1."""
    if str(variable.attrs.get("_Unsigned", "")).lower() == "true" and stored.dtype.kind == "i":
        stored = stored.view(stored.dtype.str.replace("i", "u"))
    missing = np.isnan(stored) if stored.dtype.kind == "f" else np.zeros(stored.shape, np.bool_)
    for fill in _fills(variable, band, asset):
        missing |= stored == np.asarray(fill if stored.dtype.kind == "f" else int(fill)).astype(stored.dtype)
    scale, offset = (float(variable.attrs.get(name, end)) for name, end in (("scale_factor", 1), ("add_offset", 0)))
    values: Numbers = stored.astype(np.float64) * scale + offset
    values[missing] = np.nan
    return values


def _step(variable: xr.DataArray, values: Numbers) -> float:
    """How far apart two neighbouring numbers are that the variable can hold: of its packing, or of single precision."""
    if variable.dtype.kind in "iu":
        return abs(float(variable.attrs.get("scale_factor", 1)))
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    return float(np.spacing(np.float32(largest)))


def _thinned(axis: Axis, most: int) -> Positions:
    """The middles of at most so many pixels along an axis, evenly chosen; degrees."""
    middles: Positions = axis.first + axis.step * np.arange(0.0, axis.length, -(-axis.length // most))
    return middles


def _fills(variable: xr.DataArray, band: Band, asset: Asset) -> list[float]:
    """The stored numbers that stand for no data: those that the file names, else the item's, else the sensor's."""
    named = [variable.attrs[name] for name in ("_FillValue", "missing_value") if name in variable.attrs]
    told = [float(number) for one in named for number in np.atleast_1d(one)]
    other = asset.nodata if asset.nodata is not None else band.nodata
    numbers = told or ([] if other is None else [float(other)])
    return [number for number in numbers if not np.isnan(number)]


def _samples(grid: Grid, geobox: GeoBox) -> int:
    """Samples along each side of a pixel of `geobox`, by how many of the grid's own pixels it spans at its middle."""
    height, width = geobox.shape
    x, y = width / 2 + np.array([-0.5, 0.5, 0, 0]), height / 2 + np.array([0, 0, -0.5, 0.5])
    lon, lat = _degrees(geobox, x, y)
    east = (np.diff(lon)[::2] + 180) % 360 - 180
    spans = np.hypot(east / grid.lon.step, np.diff(lat)[::2] / grid.lat.step)
    span = float(np.nan_to_num(spans, posinf=0).max())
    return 1 if span < SHRINKS_FROM else min(round(span), MOST_SAMPLES)


def _places(grid: Grid, geobox: GeoBox) -> tuple[Positions, Positions]:
    """Row and column of the grid, in parts of a pixel, in which every pixel's middle lies; (y, x) each."""
    height, width = geobox.shape
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return _positions(grid, *_degrees(geobox, x, y))


def _positions(grid: Grid, lon: Positions, lat: Positions) -> tuple[Positions, Positions]:
    """Row and column of the grid, in parts of a pixel, of places in degrees; same shape each."""
    half = abs(grid.lon.step) / 2
    way = grid.lon.step / abs(grid.lon.step)
    round_the_world = ((lon - grid.lon.first) * way + half) % 360 - half
    return _snapped((lat - grid.lat.first) / grid.lat.step), _snapped(round_the_world / abs(grid.lon.step))


def _degrees(geobox: GeoBox, x: Positions, y: Positions) -> tuple[Positions, Positions]:
    """Longitude and latitude of these places, counted in pixels; NaN outside of what the CRS can place."""
    to_crs = geobox.affine
    east, north = to_crs.a * x + to_crs.b * y + to_crs.c, to_crs.d * x + to_crs.e * y + to_crs.f
    transformer = Transformer.from_crs(str(geobox.crs), "EPSG:4326", always_xy=True)
    lon, lat = transformer.transform(east, north)
    known = np.isfinite(lon) & np.isfinite(lat)
    return np.where(known, lon, np.nan), np.where(known, lat, np.nan)


def _inside(position: Positions, axis: Axis) -> NDArray[np.bool_]:
    """Where a position is on the grid, which ends half a pixel beyond the middle of its outermost pixels."""
    return (position >= -0.5 - SNAP) & (position <= axis.length - 0.5 + SNAP)


def _snapped(position: Positions) -> Positions:
    whole = np.round(position)
    return np.where(np.abs(position - whole) < SNAP, whole, position)
