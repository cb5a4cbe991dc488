"""A new month: what did not change is taken over after it was checked, and the product is the one made from nothing."""

import filecmp
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from delta import publication_in

from sco.partition import Record
from sco.products import keys, pieces, seal, sightings
from sco.products.pieces import PIECES, Earlier
from sco.products.publication import publish, verify

COG = "cog/ndvi/ndvi_2022-02.tif"
CHUNK = "zarr/ndvi/c/1/0/0"


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def is_linked(one: Path, other: Path) -> bool:
    return one.stat().st_ino == other.stat().st_ino


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(publication_in(tmp_path_factory.mktemp("scratch"), months=3))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    publish(publication_in(folder, months=2))
    return folder


@pytest.fixture
def folder(first: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(first, tmp_path / "home", symlinks=True))


def test_a_new_month_takes_over_the_others_and_gives_the_same_bytes(folder: Path, scratch: Path) -> None:
    before = (folder / "products/latest").resolve()
    said: list[str] = []
    product = publish(publication_in(folder, months=3), said.append)
    assert product.name == scratch.name
    assert files(product) == files(scratch)
    _, different, wrong = filecmp.cmpfiles(product, scratch, files(product), shallow=False)
    assert (different, wrong) == ([], [])
    assert verify(product) == []
    assert is_linked(product / COG, before / COG)
    assert is_linked(product / CHUNK, before / CHUNK)
    assert not is_linked(product / "series.csv", before / "series.csv")
    assert "same as before" in said[0]


def test_a_damaged_file_of_the_version_before_is_not_taken_over(folder: Path, scratch: Path) -> None:
    before = (folder / "products/latest").resolve()
    content = bytearray((before / COG).read_bytes())
    content[-1] ^= 1
    (before / COG).write_bytes(content)
    product = publish(publication_in(folder, months=3))
    assert not is_linked(product / COG, before / COG)
    assert filecmp.cmp(product / COG, scratch / COG, shallow=False)
    assert verify(product) == []


def test_a_file_that_was_not_touched_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    latest = (folder / "products/latest").resolve()
    sealed = seal.read(latest)
    again = publish(publication_in(folder, months=2))
    assert again == latest
    assert sightings.read(latest).keys() == sealed.keys()
    read: list[str] = []
    monkeypatch.setattr(pieces, "fingerprint", lambda path: read.append(path.name) or seal.fingerprint(path))
    earlier = Earlier.of(latest, sealed)
    assert earlier is not None
    assert all(earlier.has(name, kept.made_from) for name, kept in earlier.pieces.items())
    assert read == [PIECES]


@pytest.mark.parametrize("keeps_time", [False, True])
def test_a_flipped_byte_is_found_whatever_the_file_says_of_its_time(folder: Path, keeps_time: bool) -> None:
    latest = (folder / "products/latest").resolve()
    publish(publication_in(folder, months=2))
    path, content = latest / COG, bytearray((latest / COG).read_bytes())
    before = path.stat()
    content[-1] ^= 1
    path.write_bytes(content)
    if keeps_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    earlier = Earlier.of(latest, seal.read(latest))
    assert earlier is not None
    assert [name for name, kept in earlier.pieces.items() if not earlier.has(name, kept.made_from)] == ["ndvi_2022-02"]


def test_what_is_no_record_of_looks_is_none(folder: Path) -> None:
    latest = (folder / "products/latest").resolve()
    for text in ("", "[]", '{"version": "other", "files": {"a": [1, 2, 3, 4]}}', '{"version": 1}'):
        (latest.parent / sightings.NAME).write_text(text)
        assert sightings.read(latest) == {}


def test_a_layer_that_was_made_again_is_written_again(folder: Path) -> None:
    before = (folder / "products/latest").resolve()
    made = publication_in(folder, months=3)
    changed = next(one for one in sorted(made.records) if (one.indicator, one.period.label) == ("ndvi", "2022-02"))
    product = publish(replace(made, records={**made.records, changed: Record("e" * 64, "run-2")}))
    assert not is_linked(product / COG, before / COG)
    assert is_linked(product / COG.replace("02.tif", "01.tif"), before / COG.replace("02.tif", "01.tif"))


def test_numbers_are_taken_over_to_the_last_digit(folder: Path) -> None:
    fresh = publication_in(folder, months=2)
    sealed = json.loads(((folder / "products/latest").resolve() / "MANIFEST.json").read_text())
    assert PIECES in sealed["files"]
    latest = (folder / "products/latest").resolve()
    kept = replace(
        fresh,
        earlier=Earlier.of(latest, seal.read(latest)),
        data=fresh.data.where(fresh.data["time"] < fresh.data["time"][0]),
    )
    for name in ("ndvi", "water_extent"):
        assert kept.series[name].identical(fresh.series[name])
    assert kept.census.identical(fresh.census)


def test_nothing_is_taken_over_from_a_version_that_is_not_signed_by_the_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / "products/latest").resolve()
    keys.create(folder / "key")
    monkeypatch.setenv(keys.SIGNING_KEY, str(folder / "key"))
    signed = publish(replace(publication_in(folder, months=2), signer=keys.signer_id()))
    assert not is_linked(signed / COG, before / COG)
    again = publish(replace(publication_in(folder, months=3), signer=keys.signer_id()))
    assert is_linked(again / COG, signed / COG)
