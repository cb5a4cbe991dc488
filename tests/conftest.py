"""What every test may use: real data where it lies beside the checkout, and a home of its own for Prefect."""

import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from territory import project_over

from flows import run
from sco.project import Project
from sco.simulator import Simulation, World, simulate
from sco.simulator.server import serve

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
WriteRaster = Callable[..., Path]


@pytest.fixture(scope="session")
def data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"the real data is not at {DATA}")
    return DATA


@pytest.fixture(scope="session", autouse=True)
def _prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        patched.delenv("PREFECT_API_URL", raising=False)
        yield


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that code asks for from here on, in seconds: what it waits whatever else the machine does."""
    pauses: list[float] = []
    whole = time.sleep

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        whole(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    return pauses


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


@pytest.fixture(scope="session")
def observatory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """A small simulated territory over five months, the offset arriving in the middle of them; served on loopback."""
    world = World(size_m=12_000, start=date(2021, 11, 1), end=date(2022, 3, 31))
    made = simulate(tmp_path_factory.mktemp("observatory") / "world", world)
    with serve(made.items, made.collections) as url:
        yield simulate(made.folder, world, url=url)


@pytest.fixture(scope="session")
def computed(observatory: Simulation) -> Project:
    """The small territory's project, its store filled. Tests read it and do not change it."""
    run.reconcile(str(observatory.project), "update")
    return Project.load(observatory.project)


@pytest.fixture
def make_project(observatory: Simulation, tmp_path: Path) -> Callable[..., Path]:
    """Writes a project over the small territory: make_project(indicators=["ndvi"])."""
    return partial(project_over, observatory, tmp_path)
