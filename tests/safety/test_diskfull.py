"""A full disk: what was acknowledged is there, the error is a sentence, and with space it goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PROBE = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]


def test_store_journal_and_staging_survive_a_full_disk() -> None:
    if subprocess.run(PROBE, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    command = ["unshare", "-rm", sys.executable, str(REPOSITORY / "benchmarks" / "diskfull.py")]
    told = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert told.returncode == 0, told.stdout + told.stderr
