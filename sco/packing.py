"""Physical values to the integers that the store holds, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import kernels
from sco.model import Packing


def pack(values: NDArray[np.floating[Any]], packing: Packing) -> NDArray[np.integer[Any]]:
    """Stored integers, same shape; NaN becomes the fill, values beyond the type its nearest end."""
    kind = np.iinfo(packing.dtype)
    low = kind.min + 1 if packing.fill == kind.min else kind.min
    high = kind.max - 1 if packing.fill == kind.max else kind.max
    flat = np.ascontiguousarray(values).reshape(1, -1)
    packed = np.empty(flat.shape, packing.dtype)
    kernels.pack(flat, packing.scale, packing.offset, float(low), float(high), packing.fill, packed)
    return packed.reshape(values.shape)


def unpack(packed: NDArray[np.integer[Any]], packing: Packing) -> NDArray[np.float32]:
    """Physical values, same shape; NaN for the fill."""
    values = packed.astype(np.float32) * np.float32(packing.scale) + np.float32(packing.offset)
    return np.where(packed == packing.fill, np.float32(np.nan), values)
