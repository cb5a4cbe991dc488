"""A publication that is killed anywhere leaves the product of before whole, and the next one ends as if undisturbed."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from delta import FEW
from killed import one_indicator, publish_until

from sco.products.publication import publish, verify

BUILDING = (
    "after sco.products.zarr lay_out",
    "before sco.products.layers _write",
    "after sco.products.cog write_values",
    "before sco.products.zarr finish",
    "point mid-publish",
    "after sco.products.report write",
    "after sco.products.tables write_series",
    "after sco.products.figures write_map",
    "before sco.products.sheet write",
    "after sco.products.listings write",
    "after sco.products.stac write",
    "before sco.products.pieces record",
    "before sco.products.seal seal",
    "before sco.products.seal sync",
    "after sco.products.seal seal",
)
"""In the order in which a publication comes by them."""
SEALED = {
    "point after rename": "old",
    "before sco.products.publication _point": "old",
    "after sco.products.publication _point": "new",
    "before sco.products.sightings write": "new",
    "after sco.products.sightings write": "new",
}
"""And which product is the latest one then."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The newer product, as nobody disturbed it."""
    return publish(one_indicator(tmp_path_factory.mktemp("undisturbed"), FEW + 1))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("before")
    publish(one_indicator(folder, FEW))
    return folder


@pytest.fixture
def home(before: Path, tmp_path: Path) -> Path:
    shutil.copytree(before, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


def latest(home: Path) -> Path:
    return (home / "products/latest").resolve(strict=True)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_killed_while_it_is_built_nothing_is_seen_of_it(home: Path, whole: Path) -> None:
    old = latest(home)
    held = tree(old)
    for place in BUILDING:
        assert publish_until(home, FEW + 1, place) == -signal.SIGKILL, place
        assert latest(home) == old, place
        assert verify(old) == [], place
        assert not (home / "products" / whole.name).exists(), place
    assert tree(old) == held
    assert len(list((home / "products").glob(".staging-*"))) == 1, "what is left of one run is swept by the next"
    assert tree(publish(one_indicator(home, FEW + 1))) == tree(whole)
    assert latest(home).name == whole.name
    assert not list((home / "products").glob(".staging-*"))


@pytest.mark.parametrize("place", SEALED)
def test_killed_after_it_is_in_place_both_are_whole(home: Path, whole: Path, place: str) -> None:
    old = latest(home)
    assert publish_until(home, FEW + 1, place) == -signal.SIGKILL
    assert latest(home).name == (old.name if SEALED[place] == "old" else whole.name)
    assert verify(old) == []
    assert verify(home / "products" / whole.name) == []
    publish(one_indicator(home, FEW + 1))
    assert os.readlink(home / "products/latest") == whole.name
    assert tree(latest(home)) == tree(whole)


def test_killed_while_a_damaged_product_is_replaced_the_next_run_heals_it(home: Path) -> None:
    damaged = latest(home)
    (damaged / "series.csv").write_text("zone\n")
    assert publish_until(home, FEW, "before sco.products.seal seal") == -signal.SIGKILL
    assert verify(damaged) != []
    assert publish(one_indicator(home, FEW)) == damaged
    assert verify(latest(home)) == []
