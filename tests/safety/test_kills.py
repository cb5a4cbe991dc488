"""A run that is killed anywhere loses nothing, leaves nothing half, and ends, started again, as an undisturbed one."""

from pathlib import Path

from benchmarks import kills, tiny
from sco import crash


def test_killed_at_every_named_point_and_at_random(world: tiny.Tiny, tmp_path: Path) -> None:
    tally, whole = kills.Tally(), kills.undisturbed(world, tmp_path)
    assert len(whole.fingerprints) == 12
    kills.kill_at_points(world, tmp_path, tally, whole, times=1)
    assert tally.unfired == []
    assert {name: tally.kills[name] for name in crash.POINTS} == dict.fromkeys(crash.POINTS, 1)
    kills.kill_at_random(world, tmp_path, tally, whole, kills=4)
    assert (tally.torn, tally.lost, tally.unequal, tally.twice) == ([], [], [], [])
    assert tally.most_repeated <= 1


def test_the_comparison_sees_a_single_pixel(world: tiny.Tiny, tmp_path: Path) -> None:
    whole = kills.undisturbed(world, tmp_path)
    other = kills.undisturbed(world, tmp_path / "again")
    assert whole.differences(other) == []
    other.arrays["ndvi"][0, 0, 0] += 1
    assert whole.differences(other) == ["ndvi"]
