"""A layer as it is read: its planes whole, from integers as they are stored to numbers, in one pass each."""

from collections.abc import Mapping
from typing import Any

import dask
import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from sco.store import Store


def opened(store: Store, snapshot: str) -> xr.Dataset:
    """A version of a store, its planes packed as they are stored; lazy, and without a task for each chunk."""
    found = store.session_store(snapshot)
    data: xr.Dataset = xr.open_zarr(found, chunks=None, consolidated=False, zarr_format=3, mask_and_scale=False)
    return data


def read(data: xr.Dataset, step: int, names: Mapping[str, str]) -> xr.Dataset:
    """The planes of one step of time under other names, (y, x), in memory; NaN where there is no value."""
    picked = data[list(names)].isel(time=step)
    with dask.config.set(scheduler="synchronous"):
        return picked.assign({name: _decoded(plane.load()) for name, plane in picked.data_vars.items()}).rename(names)


def _decoded(plane: xr.DataArray) -> xr.DataArray:
    """The plane as it is, or as CF says that its integers are to be read."""
    if "scale_factor" not in plane.attrs:
        return plane
    scale, offset = plane.attrs["scale_factor"], plane.attrs.get("add_offset", 0.0)
    return plane.copy(data=_unpacked(plane.values, scale, offset, plane.attrs["_FillValue"]))


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _unpacked(packed: Any, scale: float, offset: float, fill: int) -> NDArray[np.float64]:
    values = np.empty(packed.shape, np.float64)
    for row in range(packed.shape[0]):
        for column in range(packed.shape[1]):
            number = packed[row, column]
            values[row, column] = np.nan if number == fill else number * scale + offset
    return values
