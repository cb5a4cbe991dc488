"""`sco keys`, `sco verify --key` and `sco preview`, as a user types them."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from command import sco
from delta import publication_in

from sco.products import keys
from sco.products.publication import publish

ROOT = Path(__file__).resolve().parents[2]


def command(*words: object) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "flows.cli", *map(str, words)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_keys_sign_a_product_that_verify_then_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = sco("keys", "new", tmp_path / "key")
    assert made.returncode == 0
    assert made.stdout.strip() == str(tmp_path / "key.pub")
    assert sco("keys", "new", tmp_path / "key").returncode == 3
    shown = json.loads(sco("keys", "show", tmp_path / "key.pub", "--json").stdout)
    assert shown["public"] == (tmp_path / "key.pub").read_text()
    monkeypatch.setenv(keys.SIGNING_KEY, str(tmp_path / "key"))
    assert json.loads(sco("keys", "show", "--json").stdout)["id"] == shown["id"] == keys.signer_id()
    folder = publish(replace(publication_in(tmp_path / "home", months=1), signer=keys.signer_id()))
    told = sco("verify", folder, "--key", tmp_path / "key.pub", "--json")
    assert told.returncode == 0
    assert json.loads(told.stdout) == {
        "schema": "sco.verification/1", "path": str(folder), "wrong": [], "signer": shown["id"], "vouched": True,
    }  # fmt: skip
    (folder / "scenes.csv").write_text("")
    told = sco("verify", folder, "--key", tmp_path / "key.pub")
    assert told.returncode == 7
    assert "scenes.csv has 0 bytes" in told.stderr


def test_preview_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<p>here")
    process = subprocess.Popen(
        command("preview", tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address, timeout=20) as reply:
            assert reply.read() == b"<p>here"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
