"""What nobody can do without: decode every file of a folder once, encode one plane of int16 once. `floor.py FOLDER`."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import rasterio
import zarr
from numpy.typing import NDArray

WORKERS = 2
CHUNK = 1024


def main(folder: Path) -> None:
    """Print the seconds that the two take."""
    files = sorted(folder.glob("d*r*c*/*.tif"))
    with TemporaryDirectory() as scratch, ThreadPoolExecutor(WORKERS) as workers:
        began = time.monotonic()
        sides = list(workers.map(_decoded, files))
        _encode(Path(scratch), max(sides))
        print(json.dumps({"work_s": time.monotonic() - began}))


def _decoded(file: Path) -> int:
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), rasterio.open(file) as opened:
        return int(opened.read(1).shape[0])


def _encode(folder: Path, side: int) -> None:
    numbers: NDArray[np.int16] = np.random.default_rng(0).normal(2850, 80, (side, side)).astype(np.int16)
    zarr.create_array(str(folder / "floor.zarr"), data=numbers, chunks=(CHUNK, CHUNK))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
