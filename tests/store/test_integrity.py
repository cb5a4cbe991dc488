"""Whatever is damaged is found, and the file is named."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from samples import outcome, part

from benchmarks import flips
from sco import retention
from sco.store import Store


def _files(url: str, folder: str) -> list[Path]:
    return sorted(Path(url, folder).iterdir())


def _flip(path: Path, byte: int) -> None:
    content = bytearray(path.read_bytes())
    content[byte % len(content)] ^= 1 << byte % 8
    path.write_bytes(content)


@pytest.mark.parametrize("folder", ["chunks", "manifests", "transactions"])
def test_verify_names_the_file_that_is_flipped_cut_or_gone(store: Store, url: str, folder: str) -> None:
    store.commit([outcome(part(1)), outcome(part(2, 1, 1))], "r", "two")
    store.tag("v1")
    store.commit([outcome(part(1), seed=1)], "r", "again")
    harms: Sequence[object] = [
        lambda path: _flip(path, 40),
        lambda path: _flip(path, 77),
        lambda path: path.write_bytes(path.read_bytes()[:-9]),
        Path.unlink,
    ]
    for path, harm in zip(_files(url, folder)[::2], harms, strict=False):
        whole = path.read_bytes()
        harm(path)  # type: ignore[operator]
        faults = Store.open(url).verify()
        assert any(path.name in fault for fault in faults), (path, faults)
        if folder == "chunks":
            assert any("chunk " in fault and "(ndvi 2023-" in fault for fault in faults), faults
        path.write_bytes(whole)
    assert Store.open(url).verify() == []


def test_what_a_killed_writer_left_behind_is_no_fault(store: Store, url: str) -> None:
    store.commit([outcome(part(1))], "r", "one")
    Path(url, "checksums", "0123456789ABCDEFGHJK.json").write_text("{")
    Path(url, "checksums", "0123456789ABCDEFGHJM.part").write_text("{")
    Path(url, "snapshots", "0123456789ABCDEFGHJK").write_bytes(b"half")
    unfinished = Path(url, "chunks", "0123456789ABCDEFGHJK#1")
    unfinished.write_bytes(b"half")
    assert Store.open(url).verify() == []
    store.commit([outcome(part(2))], "r", "two")
    assert len(store.records()) == 2
    store.clean(keep_days=0)
    assert not unfinished.exists()


@pytest.mark.parametrize("seed", [7])
def test_a_hundred_flips_truncations_and_deletions_are_all_found_and_named(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEEP_NEWEST", 3)
    url = str(tmp_path / "harmed")
    flips.make(url, commits=1, together=1)
    told = flips.harm(url, 100, seed)
    assert (told["missed"], told["unnamed"]) == ([], [])
    assert (told["found"], told["named"], told["faults_after"]) == (100, 100, 0)
