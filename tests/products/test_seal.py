import hashlib
import json
from pathlib import Path

import pytest

from sco.products.seal import fingerprint, seal, verify


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub/deep").mkdir(parents=True)
    (tmp_path / "a.txt").write_bytes(b"abc")
    (tmp_path / "sub/deep/b.bin").write_bytes(bytes(1000))
    seal(tmp_path)
    return tmp_path


def test_the_manifest_lists_every_file(folder: Path) -> None:
    files = json.loads((folder / "MANIFEST.json").read_text())["files"]
    assert files["a.txt"] == {"size": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
    assert sorted(files) == ["a.txt", "sub/deep/b.bin"]
    assert verify(folder) == []


def test_a_multihash_is_a_sha256_with_its_code(folder: Path) -> None:
    assert fingerprint(folder / "a.txt").multihash == "1220" + hashlib.sha256(b"abc").hexdigest()


def test_every_change_is_named(folder: Path) -> None:
    (folder / "a.txt").write_bytes(b"abd")
    (folder / "sub/deep/b.bin").write_bytes(bytes(999))
    (folder / "sub/new.txt").write_text("new")
    assert verify(folder) == [
        "sub/new.txt is not in MANIFEST.json",
        "a.txt has other bytes than were sealed",
        "sub/deep/b.bin has 999 bytes, not 1000",
    ]
    (folder / "a.txt").unlink()
    assert verify(folder)[0] == "a.txt is missing"


def test_a_link_is_not_a_file(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.txt"
    elsewhere.write_bytes(b"abc")
    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to(elsewhere)
    (folder / "sub/link").symlink_to(elsewhere.parent)
    assert verify(folder) == ["sub/link is not in MANIFEST.json", "a.txt is not a plain file"]


@pytest.mark.parametrize("content", ["", "[]", '{"files": {"a.txt": 3}}', '{"files": {"a.txt": {"size": "x"}}}'])
def test_an_unreadable_manifest_is_a_fault(folder: Path, content: str) -> None:
    (folder / "MANIFEST.json").write_text(content)
    assert len(verify(folder)) == 1
    assert verify(folder)[0].startswith("MANIFEST.json cannot be read")


def test_a_folder_without_manifest_is_not_sound(tmp_path: Path) -> None:
    assert verify(tmp_path)[0].startswith("MANIFEST.json cannot be read")
