"""The pixels' own word on the offset: on real scenes, on simulated ones, and where it contradicts what is said."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sco import radiometry, witness
from sco.errors import SceneError
from sco.item import read_item
from sco.library import catalogs, sensors
from sco.model import Scene
from sco.preflight import Rules
from sco.witness import Verdict

SENTINEL2 = sensors["sentinel2"]
RED = SENTINEL2.band("red")


def scenes_in(items: list[dict], catalog: str, collection: str) -> list[Scene]:
    one = catalogs[catalog]
    (spelled,) = (each for each in one.collections["sentinel2"] if each.id == collection)
    return [read_item(item, SENTINEL2, one, spelled) for item in items]


@pytest.fixture(scope="module")
def real(data: Path) -> list[Scene]:
    files = sorted((data / "s2_l2a_earthsearch_33TW_2023").glob("S2*/S2*.json"))
    return scenes_in([with_absolute_addresses(file) for file in files], "earth_search", "sentinel-2-l2a")


def with_absolute_addresses(file: Path) -> dict:
    item = json.loads(file.read_text())
    for asset in item["assets"].values():
        if "://" not in asset["href"]:
            asset["href"] = str(file.parent / asset["href"])
    return item


@pytest.fixture(scope="module")
def simulated(observatory) -> list[Scene]:
    items = json.loads(observatory.items.read_text())["features"]
    sentinel2 = [item for item in items if item["collection"] == "sentinel-2-l2a"]
    return scenes_in(sentinel2, "simulated", "sentinel-2-l2a")


def rules_for(scene: Scene, contradiction: str = "quarantine") -> Rules:
    return Rules((Path(scene.assets["red"].href).parent,), "trust-file", contradiction)


def votes(scenes: list[Scene]) -> Iterator[tuple[Scene, witness.Vote]]:
    for scene in scenes:
        vote = witness.ask(scene, SENTINEL2, rules_for(scene))
        assert vote is not None
        yield scene, vote


def test_ten_real_scenes_all_say_that_the_offset_was_taken(real):
    found = {scene.id: vote for scene, vote in votes(real)}
    assert len(found) == 10
    assert {vote.verdict for vote in found.values()} == {Verdict.TAKEN}
    medians = [float(vote.evidence.split()[1]) for vote in found.values()]
    assert max(medians) < 700


def test_the_same_real_scenes_with_the_offset_put_back_say_so(real):
    for scene in real:
        rules = rules_for(scene)
        from sco.read import overview

        classes = overview(scene.assets["scl"], (256, 256), rules)
        numbers = overview(scene.assets["red"], (256, 256), rules).astype(np.int64)
        vote = witness.judge(np.where(numbers > 0, numbers + 1000, 0), classes, SENTINEL2)
        assert vote.verdict is Verdict.STILL_IN


def test_simulated_scenes_are_judged_right_or_not_at_all(simulated):
    late = [scene for scene in simulated if scene.baseline == "05.09"]
    assert late
    verdicts = [vote.verdict for _, vote in votes(late)]
    wrong = {True: Verdict.STILL_IN, False: Verdict.TAKEN}
    assert all(verdict is not wrong[scene.offset_applied] for scene, verdict in zip(late, verdicts, strict=True))
    assert Verdict.STILL_IN in verdicts


def test_a_baseline_before_the_offset_is_not_asked(simulated):
    early = [scene for scene in simulated if scene.baseline == "03.01"]
    assert early
    assert all(witness.ask(scene, SENTINEL2, rules_for(scene)) is None for scene in early)


def test_a_collection_that_is_believed_is_not_asked(real):
    scene = replace(real[0], collection="sentinel-2-c1-l2a")
    assert witness.ask(scene, SENTINEL2, rules_for(scene)) is None


def test_a_flag_that_lies_quarantines_the_scene_or_is_overruled(real):
    lying = replace(real[0], offset_applied=False)
    vote = witness.ask(lying, SENTINEL2, rules_for(lying))
    with pytest.raises(
        SceneError, match=r"quarantined: baseline 05\.09 is at or after 04\.00; flag says that the offset"
    ):
        radiometry.calibration_of(lying, RED, SENTINEL2, vote, "quarantine")
    followed = radiometry.calibration_of(lying, RED, SENTINEL2, vote, "pixels")
    assert followed.offset == 0
    assert followed.evidence[-1] == "the pixels are followed"


def test_pixels_that_agree_are_evidence(real):
    vote = witness.ask(real[0], SENTINEL2, rules_for(real[0]))
    calibration = radiometry.calibration_of(real[0], RED, SENTINEL2, vote)
    assert calibration.offset == 0
    assert calibration.evidence[-1].startswith("pixels: already taken from the pixels (median ")


def test_bright_or_few_pixels_stay_undecided():
    vegetation = np.full((20, 20), 4, np.uint8)
    bright = witness.judge(np.full((20, 20), 4500, np.uint16), vegetation, SENTINEL2)
    assert bright.verdict is Verdict.UNDECIDED
    clouds = np.full((20, 20), 9, np.uint8)
    assert witness.judge(np.full((20, 20), 500, np.uint16), clouds, SENTINEL2).evidence == "only 0 dark pixels to ask"


def test_ground_that_is_neither_dark_nor_bright_is_not_taken_for_an_offset():
    # dormant vegetation of an offset-corrected scene: red reflectance around 0.1, half of it under 1000
    dormant = np.random.default_rng(4).normal(1020, 120, (80, 80)).clip(1).astype(np.uint16)
    vote = witness.judge(dormant, np.full((80, 80), 4, np.uint8), SENTINEL2)
    assert vote.verdict is Verdict.UNDECIDED
    raw = witness.judge(dormant + np.uint16(300), np.full((80, 80), 4, np.uint8), SENTINEL2)
    assert raw.verdict is Verdict.STILL_IN


def test_pixels_that_cannot_be_read_decide_nothing(real, tmp_path):
    gone = replace(
        real[0], assets={**real[0].assets, "red": replace(real[0].assets["red"], href=str(tmp_path / "x.tif"))}
    )
    vote = witness.ask(gone, SENTINEL2, Rules((tmp_path, *rules_for(real[0]).roots)))
    assert vote is not None
    assert vote.verdict is Verdict.UNDECIDED
    assert radiometry.calibration_of(gone, RED, SENTINEL2, vote).offset == 0
