"""Chunks that are encoded without zarr are the ones that zarr would write."""

import numpy as np
import pytest
import zarr
from zarr.codecs import ZstdCodec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import MemoryStore

from sco import chunks


@pytest.mark.parametrize("shape", [(16, 16), (16, 5), (3, 16)])
@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8", "float32"])
def test_a_plane_is_encoded_as_zarr_encodes_it(shape, dtype):
    store = MemoryStore()
    array = zarr.create_array(
        store,
        name="v",
        shape=(2, *shape),
        chunks=(1, 16, 16),
        dtype=dtype,
        fill_value=7,
        compressors=[ZstdCodec(level=chunks.LEVEL, checksum=True)],
    )
    plane = np.random.default_rng(1).integers(0, 200, shape).astype(dtype)
    array[1] = plane
    written = sync(store.get("v/c/1/0/0", default_buffer_prototype()))
    assert chunks.encoded(plane, array) == written.to_bytes()


def test_a_plane_of_fill_values_has_no_chunk():
    array = zarr.create_array({}, shape=(2, 4, 4), chunks=(1, 4, 4), dtype="int16", fill_value=-1)
    assert chunks.encoded(np.full((4, 4), -1, "int16"), array) is None
    assert chunks.encoded(np.array([[0, -1], [-1, -1]], "int16"), array) is not None
