"""Readers that run ahead: how many, in which order, and no further than wanted."""

from dataclasses import dataclass, replace
from threading import Barrier
from types import SimpleNamespace

import pytest

from sco import lookahead
from sco.library import indicators, sensors
from sco.lookahead import looks, reads_of
from sco.model import Asset

NDVI = indicators["ndvi"]


@dataclass
class Watcher:
    """Stands for an observer: tells its number as what it sees, once all that should read with it have come."""

    number: int
    together: Barrier | None = None
    forgot: bool = False
    looked: bool = False
    sensor = sensors["sentinel2"]

    def sight(self, bands, masked):
        assert (tuple(bands), masked) == (NDVI.bands, self.sensor.masked_for(NDVI))
        self.looked = True
        if self.together is not None:
            self.together.wait(10)
        return self.number

    def forget_pixels(self):
        self.forgot = True


@pytest.mark.parametrize("ahead", [1, 2, 5, 16])
def test_looks_come_in_the_order_of_the_observers_and_each_forgets_its_pixels(ahead):
    watchers = [Watcher(number) for number in range(9)]
    assert [look.sighting for look in looks(watchers, lambda _: [NDVI], ahead)] == list(range(9))
    assert all(watcher.forgot for watcher in watchers)


def test_as_many_read_at_once_as_are_asked_for():
    together = Barrier(4)  # which lets nobody pass before all four are there
    watchers = [Watcher(number, together) for number in range(4)]
    assert len(list(looks(watchers, lambda _: [NDVI], 4))) == 4


@pytest.mark.parametrize("ahead", [1, 3])
def test_who_is_not_wanted_any_more_does_not_look(ahead):
    watchers, taken = [Watcher(number) for number in range(20)], []
    for look in looks(watchers, lambda _: [NDVI] if len(taken) < 5 else [], ahead):
        taken.append(look.sighting)  # noqa: PERF401 - how many they are decides how many come
    assert sum(watcher.looked for watcher in watchers) < 5 + ahead
    assert taken[:5] == [0, 1, 2, 3, 4]


def test_what_fails_ahead_fails_where_it_is_taken():
    watchers = [Watcher(0), Watcher(1), Watcher(2)]
    watchers[1].sight = lambda bands, masked: 1 / 0  # type: ignore[method-assign]
    found = looks(watchers, lambda _: [NDVI], 3)
    assert next(found).sighting == 0
    with pytest.raises(ZeroDivisionError):
        next(found)


def seen_at(href: str, scenes: int = 1):
    scene = SimpleNamespace(assets={"red": Asset(href)})
    return [SimpleNamespace(scenes=(scene,) * scenes)] * 3


def test_local_files_are_read_by_who_computes_unless_cores_are_idle():
    assert reads_of(seen_at("/data/red.tif"), [NDVI], (1024, 1024)) == 1
    assert reads_of(seen_at("file:///data/red.tif"), [NDVI], (1024, 1024)) == 1
    assert reads_of(seen_at("/data/red.tif"), [NDVI], (1024, 1024), idle=3) == 4


def test_remote_files_are_read_ahead_as_memory_allows():
    remote = seen_at("https://example.org/red.tif")
    assert reads_of(remote, [NDVI], (1024, 1024)) == lookahead.READS
    assert reads_of(remote, [NDVI], (8192, 8192)) == 2
    many = [replace(NDVI, id=str(number)) for number in range(8)]
    assert 2 < reads_of(remote, many, (1024, 1024)) < lookahead.READS
    assert 2 < reads_of(seen_at("https://example.org/red.tif", 5), [NDVI], (1024, 1024)) < lookahead.READS
