"""Which numbers the machinery makes: raised when a change to it changes them, and part of every fingerprint."""

import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

COMPUTE = 2
"""Of sco/compute.py and all that it calls: values that come from scenes."""
DERIVE = 1
"""Of sco/derive.py and all that it calls: values that come from the store."""


@cache
def code_version() -> str:
    """The version of this application, with the commit where it runs from a checkout."""
    checkout = Path(__file__).parents[1]
    asked = ["git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD"]
    try:
        commit = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return version("sco-pipeline")
    return f"{version('sco-pipeline')}+{commit}"
