"""The indicator of CONTRIBUTING.md is one: put in a file of its own, it is found and computed."""

import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import indicators
from sco.block import Block
from sco.compute import compute_block, indicate
from sco.grid import Tiling
from sco.library import Library
from sco.model import Indicator
from sco.period import slice_of
from sco.plan import make_plan
from sco.preflight import Rules
from sco.project import Project
from sco.quality import State
from sco.solar import observations
from sco.tile import Tile

GUIDE = Path(__file__).parents[2] / "CONTRIBUTING.md"


@pytest.fixture
def example() -> str:
    """The code of the guide's one indicator."""
    after = GUIDE.read_text("utf-8").split("`indicators/dryness.py`:\n\n```python\n")[1]
    return after.split("```\n")[0]


@pytest.fixture
def library(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library[Indicator]:
    """The folder of indicators with the example in it."""
    (tmp_path / "dryness.py").write_text(example, "utf-8")
    monkeypatch.setattr(indicators, "__path__", [*indicators.__path__, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "indicators.dryness", None)
    del sys.modules["indicators.dryness"]
    found = Library("indicators", Indicator)
    monkeypatch.setattr("sco.library.indicators", found)
    return found


def test_it_is_short(example: str) -> None:
    assert len(example.splitlines()) < 25


def test_the_folder_finds_it(library: Library[Indicator]) -> None:
    assert "dryness" in list(library)
    assert library["dryness"].title.fr == "Sécheresse des feuilles"


def test_it_is_computed_lazily_from_a_cube(library: Library[Indicator]) -> None:
    nir = np.array([[[0.4, 0.1]], [[0.2, 0.4]], [[0.5, 0.4]]], np.float32)
    swir = np.array([[[0.2, 0.9]], [[0.3, 0.1]], [[0.1, 0.3]]], np.float32)
    quality = np.full(nir.shape, State.SEEN)
    quality[2, 0, 0] = State.MASKED
    dims = ("time", "y", "x")
    layers = {"nir": (dims, nir), "swir16": (dims, swir), "quality": (dims, quality)}
    times = np.array(["2023-07-01", "2023-07-11", "2023-07-21"], "datetime64[ns]")
    month = indicate(xr.Dataset(layers, {"time": times}).chunk(), library["dryness"])
    assert month["dryness"].chunks is not None
    # 0.5 and 1.5; the second place is beyond 3 on the first day, then 0.25 and 0.75
    np.testing.assert_allclose(month["dryness"], [[[1.0, 0.5]]], rtol=1e-6)


def test_it_is_computed_by_the_engine(library: Library[Indicator], make_project) -> None:
    """The first month of a tile of the small territory: leaves and bare ground in autumn."""
    project = Project.load(make_project(indicators=["dryness"]))
    plan = make_plan(project)
    assert {entry.partition.indicator for entry in plan.entries} == {"dryness"}
    tiling = Tiling(project.geobox, project.area.tile)
    scenes = [one for one in plan.answers[0].scenes if one.time.date() < date(2021, 12, 1)]
    assert scenes
    rules = Rules((project.file.parent, *(Path(one) for one in project.access.files)))
    geobox = tiling.geobox_of(Tile(0, 0))
    block = Block(
        period=slice_of(date(2021, 11, 1), "month"),
        tile=Tile(0, 0),
        geobox=geobox,
        fingerprints={"dryness": "f" * 64},
        observations=observations(scenes, 0.0),
        rejected=(),
        rules=rules,
    )
    (outcome,) = compute_block(block, "run")
    values = np.where(outcome.pixels.values == -32768, np.nan, outcome.pixels.values * 1e-4)
    assert np.isfinite(values).mean() > 0.5
    assert 0.2 < np.nanmedian(values) < 2
    assert np.nanmax(values) <= 3
