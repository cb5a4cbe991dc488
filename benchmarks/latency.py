"""Latency: the scenes of `deep.py` behind a server whose answers begin 40 ms late, against odc-stac and stackstac.

It prints one JSON line. The server runs on loopback in a process of its own and answers ranges, as archives of COGs do.
Everybody has eight threads, and the peers the settings of GDAL that odc-stac recommends for archives in the cloud.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contest import Contest, hold
from scenes import Recipe

CLOUD = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "10",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif",
    "VSI_CACHE": "TRUE",
}
DELAY_MS = 40


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The folder's files at an address on loopback, for as long as the block lasts."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), str(folder), str(DELAY_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


if __name__ == "__main__":
    os.environ.update(CLOUD)
    hold(Contest("latency", Recipe(), {"tile": 1024}, ("--chunk", "1024"), workers=8), serving)
