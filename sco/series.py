"""What is computed from a pixel's whole series, laid over any block, in memory or lazy."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray import DataArray, Dataset, apply_ufunc

Columns = NDArray[np.floating[Any]]
"""(time, pixel), contiguous, float32 or float64; NaN where there is no value."""
Kernel = Callable[[Columns], NDArray[Any]]


def maps_of(series: DataArray, kernel: Kernel, names: Sequence[str]) -> Dataset:
    """One map a name, from a kernel that makes (name, pixel) of (time, pixel); lazy in, lazy out, dtype kept."""
    measured = _apply(series, kernel, {"measure": len(names)})
    return measured.assign_coords(measure=list(names)).to_dataset("measure")


def series_of(series: DataArray, kernel: Kernel) -> DataArray:
    """The series that a kernel makes of (time, pixel), on the same axes; lazy in, lazy out, dtype kept."""
    return _dated(_apply(series, kernel, {"made": series.sizes["time"]}), series)


def several_of(series: DataArray, kernel: Kernel, names: Sequence[str]) -> Dataset:
    """One series a name, from a kernel that makes (name, time, pixel) of (time, pixel), in one pass."""
    made = _apply(series, kernel, {"measure": len(names), "made": series.sizes["time"]})
    return Dataset({name: _dated(made.isel(measure=place), series) for place, name in enumerate(names)})


def _dated(made: DataArray, series: DataArray) -> DataArray:
    return made.rename(made="time").transpose(*series.dims).assign_coords(series.coords)


def _apply(series: DataArray, kernel: Kernel, sizes: dict[str, int]) -> DataArray:
    kind = np.result_type(series.dtype, np.float32)
    shape = tuple(sizes.values())

    def blockwise(block: NDArray[Any]) -> Columns:
        pixels = block.shape[:-1]
        columns = np.moveaxis(block, -1, 0).reshape(block.shape[-1], math.prod(pixels))
        made = kernel(np.ascontiguousarray(columns, kind)).astype(kind, copy=False).reshape(*shape, *pixels)
        return np.moveaxis(made, range(len(shape)), range(-len(shape), 0))

    whole = series if series.chunks is None else series.chunk(time=-1)
    return apply_ufunc(  # type: ignore[no-any-return, unused-ignore]
        blockwise,
        whole,
        input_core_dims=[["time"]],
        output_core_dims=[list(sizes)],
        dask="parallelized",
        output_dtypes=[kind],
        dask_gufunc_kwargs={"output_sizes": sizes},
    )
