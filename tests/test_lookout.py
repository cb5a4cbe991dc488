"""A lazy cube reads what is asked of it, once, and gives the same numbers however it is cut."""

import pickle
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import xarray as xr

import sco
from sco import library, lookout
from sco.answers import gather
from sco.cube import load
from sco.lookout import Layer, Lookout
from sco.observation import Observer
from sco.plan import rules_of
from sco.project import Project
from sco.solar import Observation

MARCH = (date(2022, 3, 1), date(2022, 3, 31))
BANDS = ("red", "nir")
STEP = 1.001e-4
"""One stored integer in reflectance, and what float32 rounds beside it."""


@pytest.fixture
def project(make_project: Callable[..., Path]) -> Project:
    return Project.load(make_project())


@pytest.fixture
def observed(project: Project) -> tuple[Observation, ...]:
    return gather(project, "sentinel2", *MARCH)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The shapes of the windows that are looked through."""
    seen: list[tuple[int, int]] = []

    class Noted(Observer):
        def __init__(self, observation: Observation, geobox: Any, *others: Any) -> None:
            seen.append(geobox.shape.yx)
            super().__init__(observation, geobox, *others)

    monkeypatch.setattr(lookout, "Observer", Noted)
    return seen


def cube_of(project: Project, observed: tuple[Observation, ...], size: int = 16) -> xr.Dataset:
    tiling = replace(project.tiling, size=size)
    return load(observed, library.sensors["sentinel2"], tiling, rules_of(project), BANDS)


def looker(project: Project, observed: tuple[Observation, ...]) -> Lookout:
    return Lookout(observed, BANDS, frozenset({"cloud"}), replace(project.tiling, size=16), rules_of(project))


def test_a_window_has_the_numbers_of_its_tile(
    project: Project, observed: tuple[Observation, ...], looks: list[tuple[int, int]]
) -> None:
    whole = cube_of(project, observed).compute()
    assert whole["red"].notnull().any()
    assert whole["red"].isnull().any()
    del looks[:]
    for cut in ({"x": 20, "y": 35}, {"x": slice(10, 40, 3), "y": slice(5, 7)}, {"y": [40, 3, 17], "x": slice(30, 33)}):
        part, expected = cube_of(project, observed).isel(cut).compute(), whole.isel(cut)
        xr.testing.assert_identical(part["quality"], expected["quality"])
        for band in BANDS:  # one of the two tiles is warped, which may round a number to the integer beside it
            np.testing.assert_allclose(part[band], expected[band], rtol=0, atol=STEP)
    assert max(rows * columns for rows, columns in looks) < 16 * 16


def test_one_pixel_is_read_as_one_pixel_and_once(
    project: Project, observed: tuple[Observation, ...], looks: list[tuple[int, int]]
) -> None:
    dask.compute(cube_of(project, observed).isel(x=20, y=35))
    assert looks == [(1, 1)] * len(looks)
    assert 0 < len(looks) <= len(observed)  # for both bands and the quality; none where no scene lies over the tile


def test_all_layers_of_a_block_are_read_once(
    project: Project, observed: tuple[Observation, ...], looks: list[tuple[int, int]]
) -> None:
    found = looker(project, observed[:1])
    window = (0, (0, 16), (16, 32))
    layers = [found.look(name, window) for name in (*BANDS, "quality")]
    assert [layer.dtype for layer in layers] == [np.float32, np.float32, np.uint8]
    assert looks == [(16, 16)]
    found.look("red", window)
    assert looks == [(16, 16)] * 2  # when every layer was taken, nothing is held back
    assert not found._held._kept[window].left - {"nir", "quality"}


def test_what_is_held_back_is_bounded(
    project: Project, observed: tuple[Observation, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "HELD_BYTES", 3 * 16 * 16 * 9)
    found = looker(project, observed)
    for left in (0, 16, 32):
        for top in (0, 16, 32):
            found.look("red", (0, (top, top + 16), (left, left + 16)))
    assert len(found._held._kept) == 3


def test_what_could_not_be_read_is_tried_again(project: Project, observed: tuple[Observation, ...]) -> None:
    scene = next(scene for one in observed for scene in one.scenes if "red" in scene.assets)
    lost = replace(scene, assets={**scene.assets, "red": replace(scene.assets["red"], href="/nowhere/red.tif")})
    found = looker(project, (Observation(observed[0].day, "sentinel2", (lost,)),))
    states = found.look("quality", (0, (16, 32), (16, 32)))
    assert not found._held._kept
    assert (states == 1).any()


def test_a_piece_may_lie_over_several_tiles_and_steps(project: Project, observed: tuple[Observation, ...]) -> None:
    layer = Layer(looker(project, observed), "quality", np.dtype(np.uint8))
    whole = layer[slice(None), slice(None), slice(None)]
    assert whole.shape == layer.shape == (len(observed), *project.geobox.shape)
    np.testing.assert_array_equal(layer[(slice(1, 3), slice(10, 40), slice(10, 40))], whole[1:3, 10:40, 10:40])
    np.testing.assert_array_equal(layer[(-1, slice(None, None, -7), 5)], whole[-1, ::-7, 5])
    assert layer[(slice(2, 2),)].shape == (0, *project.geobox.shape)


def test_it_goes_to_other_processes(project: Project, observed: tuple[Observation, ...]) -> None:
    one = looker(project, observed)
    other = pickle.loads(pickle.dumps(one))
    window = (len(observed) - 1, (0, 16), (0, 16))
    np.testing.assert_array_equal(one.look("red", window), other.look("red", window))


def test_a_cube_of_a_hundred_thousand_scenes_is_opened_at_once(
    project: Project, observed: tuple[Observation, ...]
) -> None:
    first, scenes = date(1950, 1, 1), tuple(observed[-1].scenes[:1]) * 4
    many = tuple(Observation(first + timedelta(days=day), "sentinel2", scenes) for day in range(25_000))
    few = min(_seconds_to_open(project, many[:250]) for _ in range(3))
    assert _seconds_to_open(project, many) < 50 * few  # a hundred times as many
    cube = cube_of(project, many)
    series = cube["red"].isel(x=20, y=35).isel(time=slice(0, 3)).compute()
    assert cube.sizes["time"] == 25_000
    expected = cube_of(project, observed)["red"].isel(x=20, y=35, time=-1).compute()
    np.testing.assert_array_equal(series, [expected] * 3)


def _seconds_to_open(project: Project, observed: tuple[Observation, ...]) -> float:
    began = time.perf_counter()
    cube_of(project, observed)
    return time.perf_counter() - began


def test_open_cube_is_the_notebook_s_verb(project: Project, observed: tuple[Observation, ...]) -> None:
    cube = sco.open_cube(project, "sentinel2", *MARCH, bands=BANDS)
    assert cube.sizes["time"] == len(observed)
    assert all(variable.chunks is not None for variable in cube.data_vars.values())
