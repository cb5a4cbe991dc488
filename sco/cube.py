"""Scenes to a lazy dask-backed Dataset, and the contract that such a cube keeps.

The cube contract: dimensions (time, y, x) with one time step a solar day, midnight UTC, increasing; every band a
float32 variable by its STAC common name, calibrated, NaN wherever it was not seen; `quality` a uint8 variable of
`sco.quality.State`; `spatial_ref` with the CRS; every variable backed by dask, none computed.

Which scenes a block is made of is found out when it is read, so that a cube over many scenes is opened at once; and
of a block only the part is read that its slices leave.
"""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import dask.array as da
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.xr import xr_coords

from sco.errors import CubeError
from sco.grid import Tiling
from sco.lookout import QUALITY, Layer, Lookout
from sco.model import Band, Sensor
from sco.preflight import Rules
from sco.quality import State
from sco.roster import bands_of
from sco.solar import Observation


def load(
    observations: Sequence[Observation],
    sensor: Sensor,
    tiling: Tiling,
    rules: Rules,
    bands: Sequence[str] = (),
    masked: frozenset[str] | None = None,
) -> xr.Dataset:
    """The observations as a cube, read when it is computed.

    By default it has all spectral bands that any scene offers, and masks what the sensor says. Raises CubeError for
    a band or a quality flag that the sensor does not have.
    """
    _require_flags(masked or frozenset(), sensor)
    names = tuple(bands) or _offered(observations, sensor)
    unknown = sorted(set(names) - sensor.band_names)
    if unknown:
        raise CubeError(f"{sensor.id} has no {', '.join(unknown)}; it has: {', '.join(sorted(sensor.band_names))}")
    masked = sensor.masked if masked is None else masked
    lookout, token = Lookout(observations, names, masked, tiling, rules), uuid4().hex
    dataset = xr.Dataset(
        {name: (("time", "y", "x"), _lazy(lookout, name, token)) for name in (*names, QUALITY)},
        coords={"time": _times(observations), **xr_coords(tiling.geobox, dims=("y", "x"))},
        attrs={"sensor": sensor.id},
    )
    return check(_described(dataset, sensor))


def check(cube: xr.Dataset) -> xr.Dataset:
    """The same cube. Raises CubeError where it does not keep the cube contract."""
    if tuple(cube.sizes) and set(cube.sizes) != {"time", "y", "x"}:
        raise CubeError(f"a cube has the dimensions time, y, x; this one has: {', '.join(map(str, cube.sizes))}")
    if "quality" not in cube or "spatial_ref" not in cube.coords:
        raise CubeError("a cube has a variable `quality` and a coordinate `spatial_ref`; make it with sco.open_cube()")
    for name, variable in cube.data_vars.items():
        wanted = np.uint8 if name == "quality" else np.float32
        if variable.dtype != wanted:
            raise CubeError(f"{name} is {variable.dtype}, a cube holds it as {np.dtype(wanted)}")
        if variable.chunks is None:
            raise CubeError(f"{name} is in memory, a cube is lazy: chunk it, or do not compute before the last step")
    if not cube.indexes["time"].is_monotonic_increasing:
        raise CubeError("the times of a cube increase; sort it by time")
    return cube


def _lazy(lookout: Lookout, name: str, token: str) -> da.Array:
    """One layer of the cube: dask hands the slices that it is cut by down to the layer, so that only these are read."""
    dtype = np.dtype(np.uint8 if name == QUALITY else np.float32)
    if not lookout.observations:
        return da.zeros(lookout.shape, dtype=dtype)  # type: ignore[no-any-return]
    layer: da.Array = da.from_array(
        Layer(lookout, name, dtype),
        chunks=lookout.chunks,
        name=f"{name}-{token}",
        meta=np.empty((0, 0, 0), dtype),
    )
    return layer


def _require_flags(masked: frozenset[str], sensor: Sensor) -> None:
    unknown = sorted(masked - sensor.flagged)
    if unknown:
        raise CubeError(f"{sensor.id} flags no {', '.join(unknown)}; it flags: {', '.join(sorted(sensor.flagged))}")


def _offered(observations: Sequence[Observation], sensor: Sensor) -> tuple[str, ...]:
    offered = bands_of(one.scenes for one in observations)
    return tuple(band.name for band in sensor.bands if band.name in offered and _is_measured(band, sensor))


def _is_measured(band: Band, sensor: Sensor) -> bool:
    """Whether a band holds measurements, be it beside codes, and not codes alone."""
    return band.name not in sensor.quality_bands or band.valid is not None


def _times(observations: Sequence[Observation]) -> NDArray[np.datetime64]:
    return np.array([one.day for one in observations], "datetime64[ns]")


def _described(dataset: xr.Dataset, sensor: Sensor) -> xr.Dataset:
    for name, variable in dataset.data_vars.items():
        if name == "quality":
            variable.attrs = _flags()
        else:
            variable.attrs = {"units": sensor.band(str(name)).unit, "grid_mapping": "spatial_ref"}
    return dataset


def _flags() -> dict[str, Any]:
    return {
        "long_name": "what became of the pixel",
        "flag_values": [int(state) for state in State],
        "flag_meanings": " ".join(state.name.lower() for state in State),
        "grid_mapping": "spatial_ref",
    }
