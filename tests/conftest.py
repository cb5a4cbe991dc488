"""What every test may use: real data where it lies beside the checkout, and a home of its own for Prefect."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
WriteRaster = Callable[..., Path]


@pytest.fixture(scope="session")
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"the real data is not at {DATA}")
    return DATA


@pytest.fixture(scope="session", autouse=True)
def _prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("PREFECT_HOME")
    os.environ["PREFECT_HOME"] = str(tmp_path_factory.mktemp("prefect"))
    yield
    os.environ.pop("PREFECT_HOME") if before is None else os.environ.update(PREFECT_HOME=before)


@pytest.fixture
def write_raster(tmp_path: Path) -> WriteRaster:
    """Writes an array as a tiled GeoTIFF: write_raster("b04.tif", numbers, transform, "EPSG:32631", nodata=0)."""

    def write(name: str, numbers: np.ndarray, transform: Affine, crs: str, nodata: float | None = 0) -> Path:
        path = tmp_path / name
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=numbers.shape[0],
            width=numbers.shape[1],
            count=1,
            dtype=numbers.dtype,
            crs=crs,
            transform=transform,
            nodata=nodata,
            tiled=True,
            blockxsize=64,
            blockysize=64,
        ) as file:
            file.write(numbers, 1)
        return path

    return write
