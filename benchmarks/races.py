"""Processes that commit to one store at the same instant, and whether all that was acknowledged is there afterwards.

`.venv/bin/python benchmarks/races.py [COMMITS]` (500 unless told, or a few more; on a local path and again on an S3
stand-in on loopback) prints one JSON line. Writers wait for one another at a barrier before every commit.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import small
from benchmarks.warm import WARM
from sco import repository
from sco.partition import Partition
from sco.period import divide
from sco.store import Store

RACERS = (2, 4, 8)
BUCKET = "sco-races"


def partition_of(racer: int, commit: int) -> Partition:
    """Every racer has partitions of its own: a tile for each month, three months for each racer after the sixth."""
    months = divide(small.YEAR[0].start, small.YEAR[0].start.replace(year=2100), "month")
    return Partition(months[commit * 2 + racer // 6], small.tile_of(racer), "ndvi")


def race(
    url: str, racer: int, commits: int, barrier: Barrier, acknowledged: str, cloud: dict[str, str], locked: bool
) -> None:
    """Commit so many times, each at the same moment as the others, and write down what was acknowledged."""
    os.environ.update(cloud)
    if not locked:
        repository._lock = lambda url: nullcontext()
    store = Store.open(url)
    with open(acknowledged, "a", encoding="utf-8") as told:
        for number in range(commits):
            outcome = small.outcome(partition_of(racer, number), number)
            barrier.wait(120)
            told.write(f"{store.commit([outcome], f'run{racer}', str(number))} {outcome.partition}\n")
            told.flush()


def run(
    url: str, racers: int, commits: int, folder: Path, cloud: dict[str, str], locked: bool = True
) -> dict[str, Any]:
    """Let them race; how many commits were acknowledged, how many of these are lost, and how long it took."""
    folder.mkdir(exist_ok=True)
    store = small.lay_out(url, years=2 + commits * 2 // 12)
    barrier = WARM.Barrier(racers)
    files = [folder / f"{racers}-{number}.txt" for number in range(racers)]
    writers = [
        WARM.Process(target=race, args=(url, number, commits, barrier, str(file), cloud, locked))
        for number, file in enumerate(files)
    ]
    began = time.monotonic()
    _finish(writers)
    seconds = time.monotonic() - began
    acknowledged = [line.split(" ", 1) for file in files if file.exists() for line in file.read_text().splitlines()]
    versions, records = {one.snapshot for one in store.history()}, {str(one) for one in store.records()}
    lost = [line for line in acknowledged if line[0] not in versions or line[1] not in records]
    ended = [writer.exitcode for writer in writers]
    return {
        "racers": racers,
        "acknowledged": len(acknowledged),
        "lost": len(lost),
        "refused": racers * commits - len(acknowledged),
        "faults": len(store.verify()),
        "exit_codes": sorted(set(ended), key=str),
        "seconds": round(seconds, 1),
    }


@contextmanager
def stand_in(folder: Path) -> Iterator[dict[str, str]]:
    """An S3 service on loopback for as long as the block lasts: what the environment must say to use it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "s3.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    cloud = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }
    before = dict(os.environ)
    try:
        _make_bucket(port)
        os.environ.update(cloud)
        yield cloud
    finally:
        server.terminate()
        server.wait(20)
        os.environ.clear()
        os.environ.update(before)


def answers_to_conditions(endpoint: str) -> dict[str, int]:
    """What the service answers to a PUT that must be new, twice, and to one that must replace another content."""
    first = _put(endpoint, f"/{BUCKET}/probe", {"If-None-Match": "*"})
    again = _put(endpoint, f"/{BUCKET}/probe", {"If-None-Match": "*"})
    other = _put(endpoint, f"/{BUCKET}/probe", {"If-Match": '"0123456789abcdef0123456789abcdef"'})
    return {"put_new": first, "put_new_again": again, "put_over_another": other}


def _put(endpoint: str, path: str, headers: dict[str, str], body: bytes = b"content") -> int:
    import http.client
    from urllib.parse import urlsplit

    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=10)
    try:
        signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=testing/20230101/us-east-1/s3/aws4_request"}
        connection.request("PUT", path, body=body, headers=headers | signed)
        return connection.getresponse().status
    finally:
        connection.close()


def _make_bucket(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if _put(f"http://127.0.0.1:{port}", f"/{BUCKET}", {}, b"") == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the S3 stand-in does not answer: is moto[server] installed?")


def _finish(writers: Sequence[Any]) -> None:
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(600)


def main(commits: int) -> int:
    """Race on both kinds of storage; 1 if anything acknowledged is lost."""
    each = -(-commits // (len(RACERS) * 4))  # 2, 4 and 8 racers: about as many commits from each field
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        local = [run(str(folder / f"store{n}"), n, max(1, each * 4 // n), folder, {}) for n in RACERS]
        # the same race without our lock, which shows that this benchmark would see a loss
        control = run(str(folder / "unlocked"), 4, max(4, each), folder / "control", {}, locked=False)
        with stand_in(folder) as cloud:
            conditions = answers_to_conditions(cloud["AWS_ENDPOINT_URL"])
            remote = [run(f"s3://{BUCKET}/store{n}", n, max(1, each * 4 // n), folder / "s3", cloud) for n in RACERS]
    print(
        json.dumps(
            {
                "benchmark": "races",
                "local": local,
                "local_without_lock": control,
                "s3": remote,
                "s3_conditions": conditions,
            }
        )
    )
    return int(any(one["lost"] or one["faults"] or one["refused"] for one in (*local, *remote)))


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("commits", type=int, nargs="?", default=500)
    sys.exit(main(asked.parse_args().commits))
