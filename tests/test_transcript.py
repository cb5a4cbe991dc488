"""A scene is the same after it was written down and read again."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from recorded import item_of, pairs, scene_of

from sco.model import Scene
from sco.roster import Roster, bands_of, columns_of
from sco.transcript import scene_in, transcribe


def _kept() -> list[Scene]:
    keys = []
    for key, _, _ in pairs():
        try:
            item_of(key)
        except FileNotFoundError:  # own files and simulated ones have no recorded item
            continue
        keys.append(key)
    return [scene_of(key) for key in keys]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    found = _kept()
    assert len(found) > 10
    return found


def test_every_recorded_scene_comes_back_as_it_was(scenes):
    assert [scene_in(transcribe(scene)) for scene in scenes] == scenes
    assert any(asset.checksum for scene in scenes for asset in scene.assets.values())
    assert any(asset.transform for scene in scenes for asset in scene.assets.values())


def test_what_a_scene_has_only_at_times_comes_back_too(scenes):
    one = scenes[0]
    band, asset = next(iter(one.assets.items()))
    odd = replace(
        one,
        assets={band: replace(asset, nodata=math.nan, scale=0.1, offset=-1e-300, variable="sla", size=3)},
        mirrors=(scenes[1], replace(scenes[2], mirrors=(scenes[3],))),
        vouched="as for another: é",
        orbit="descending",
        cloud_percent=0.0,
    )
    again = scene_in(transcribe(odd))
    assert again == odd
    assert again.assets[band].nodata is math.nan
    assert again.time.tzinfo is odd.time.tzinfo


def test_a_roster_is_the_scenes_that_it_was_made_of(scenes):
    roster = Roster.of(scenes)
    assert roster == tuple(scenes)
    assert tuple(scenes) == roster
    assert (roster[0], roster[-1], len(roster[2:5])) == (scenes[0], scenes[-1], 3)
    assert roster[2:5] == tuple(scenes[2:5])
    assert roster.at(np.array([3, 1])) == (scenes[3], scenes[1])
    assert roster.at(np.array([3, 1]))[1:].ids == [scenes[1].id]
    assert roster != tuple(scenes[1:])


def test_a_roster_goes_to_other_processes_as_a_tuple(scenes):
    there = pickle.loads(pickle.dumps(Roster.of(scenes)[1:3]))
    assert type(there) is tuple
    assert there == tuple(scenes[1:3])


def test_joined_rosters_have_the_columns_of_all(scenes):
    half = len(scenes) // 2
    joined = Roster.joined([Roster.of(scenes[:half])[1:], scenes[half:]])
    assert joined == tuple(scenes[1:])
    asked, there = columns_of(scenes[1:]), joined.columns
    assert (there.ids, there.evidence, there.footprints) == (asked.ids, asked.evidence, asked.footprints)
    assert np.array_equal(there.times, asked.times)


def test_a_roster_knows_bands_and_places_of_its_scenes_without_making_them(scenes):
    assert bands_of([scenes]) == {band for scene in scenes for band in scene.assets}
    near = replace(scenes[0], assets={band: replace(one, href="/a.tif") for band, one in scenes[0].assets.items()})
    assert [Roster.of([near]).is_local, Roster.of([near, scenes[1]]).is_local] == [True, False]
