"""SHA-256 of large files: remembered while the system tells that a file is what it was, and no longer."""

import hashlib
import os
from pathlib import Path

import pytest

from sco import digests
from sco.digests import digest


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files that have just been written are remembered, too."""
    monkeypatch.setattr(digests, "LEAST_BYTES", 1)
    monkeypatch.setattr(digests, "RESTS_NS", -(10**12))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kind of every digest that was made of a file's bytes."""
    made: list[str] = []
    whole = hashlib.file_digest

    def counted(content, kind):
        made.append(kind)
        return whole(content, kind)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    return made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "items.ndjson"
    file.write_bytes(b"one\n")
    return file


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_that_rests_is_read_once(file: Path, tmp_path: Path, read: list[str]):
    told = [digest(file, tmp_path / "memory") for _ in range(3)]
    assert told == [sha256(b"one\n")] * 3
    assert read == ["sha256"]


def test_the_same_length_and_the_same_date_do_not_hide_a_change(file: Path, tmp_path: Path):
    digest(file, tmp_path / "memory")
    then = file.stat()
    file.write_bytes(b"two\n")
    os.utime(file, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert file.stat().st_mtime_ns == then.st_mtime_ns
    assert digest(file, tmp_path / "memory") == sha256(b"two\n")


def test_another_file_in_its_place_is_read(file: Path, tmp_path: Path):
    digest(file, tmp_path / "memory")
    other = tmp_path / "other"
    other.write_bytes(b"two\n")
    other.replace(file)
    assert digest(file, tmp_path / "memory") == sha256(b"two\n")


@pytest.mark.parametrize(("name", "value"), [("LEAST_BYTES", 5), ("RESTS_NS", 10**12)])
def test_small_files_and_those_that_just_changed_are_read_each_time(
    file: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch, name: str, value: int
):
    monkeypatch.setattr(digests, name, value)
    assert [digest(file, tmp_path / "memory") for _ in range(2)] == [sha256(b"one\n")] * 2
    assert len(read) == 2
    assert not (tmp_path / "memory").exists()


@pytest.mark.parametrize("rubbish", ["", "[]", '{"x": 1}', "{", '{"x": {"sha256": "short", "state": []}}'])
def test_a_damaged_memory_is_made_anew(file: Path, tmp_path: Path, read: list[str], rubbish: str):
    (tmp_path / "memory").write_text(rubbish)
    assert [digest(file, tmp_path / "memory") for _ in range(2)] == [sha256(b"one\n")] * 2
    assert len(read) == 1


def test_what_is_not_there_raises(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        digest(tmp_path / "nothing", tmp_path / "memory")
