"""A raster of known numbers, and what is read of it wherever it lies on the web."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from sco import landing
from sco.handles import HANDLES
from sco.landing import LANDINGS
from sco.model import Asset, Band
from sco.preflight import Rules
from sco.read import environment, read

RED = Band("red", 10, nodata=0)
ORIGIN = Affine(10, 0, 600_000, 0, -10, 4_850_000)
SIDE = 512
GRID = GeoBox((SIDE, SIDE), ORIGIN, "EPSG:32631")
NUMBERS = np.random.default_rng(8).integers(1, 60_000, (SIDE, SIDE)).astype(np.uint16)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """As patient as ever, with shorter pauses; nothing is remembered of other tests."""
    monkeypatch.setattr(landing, "PATIENCE", landing.PATIENCE.new(backoff_factor=0.01))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    forget()
    yield
    forget()


def forget() -> None:
    HANDLES.close()
    LANDINGS.clear()
    landing._session.cache_clear()


@pytest.fixture(name="red")
def on_a_disk(tmp_path: Path) -> Path:
    return written(tmp_path / "red.tif", NUMBERS)


def written(file: Path, numbers: np.ndarray, block: int = 64, compress: str = "none") -> Path:
    rows, columns = numbers.shape
    with rasterio.open(
        file, "w", driver="GTiff", height=rows, width=columns, count=1, dtype=numbers.dtype, crs="EPSG:32631",
        transform=ORIGIN, nodata=0, tiled=True, blockxsize=block, blockysize=block, compress=compress,
    ) as opened:  # fmt: skip
        opened.write(numbers, 1)
    return file


def numbers_at(href: str, *hosts: str, grid: GeoBox = GRID) -> np.ndarray:
    with environment():
        return read(Asset(href), RED, grid, Rules(hosts=hosts)).numbers
