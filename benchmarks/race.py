"""Contenders run in turns, each a process of its own, and the medians of what they took."""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEERS = HERE.parent / ".bench" / "bin" / "python"
"""The peers' own environment, made by `make bench`."""


@dataclass(frozen=True)
class Lap:
    """What one run of one contender took."""

    wall_s: float
    cpu_s: float
    """User and system time of the whole process."""
    peak_rss_mb: float
    work_s: float
    """Of the work alone, by the process's own word: imports and start-up are not in it."""


@dataclass(frozen=True)
class Result:
    """Medians over the laps of one contender."""

    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    work_s: float
    laps: int


def race(contenders: Mapping[str, Sequence[str]], repeats: int = 5) -> dict[str, Result]:
    """Every contender `repeats` times, in turns; raises CalledProcessError where one fails.

    A contender is a command whose last line on stdout is JSON with the seconds of its work alone: {"work_s": 1.2}.
    """
    laps: dict[str, list[Lap]] = {name: [] for name in contenders}
    for turn in range(repeats):
        for name, command in contenders.items():
            laps[name].append(run(command))
            print(f"{turn + 1}/{repeats} {name}: {laps[name][-1]}", file=sys.stderr)
    return {name: _medians(found) for name, found in laps.items()}


def run(command: Sequence[str]) -> Lap:
    """One run of one contender, from its start to its end."""
    with tempfile.TemporaryFile("w+") as told:
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=told)
        status, used, peak = _watched(process.pid)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        told.seek(0)
        work = json.loads(told.read().splitlines()[-1])["work_s"]
    return Lap(wall, used.ru_utime + used.ru_stime, peak, work)


def _watched(process: int) -> tuple[int, Any, float]:
    """Exit status, what the process used, and its peak in MB.

    The peak is asked of the process while it runs, since the one that the system tells at its end is that of the
    process that started it, where this was larger.
    """
    peak = 0.0
    while True:
        peak = _high_water_mb(process) or peak
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            return status, used, peak
        time.sleep(0.01)


def _high_water_mb(process: int) -> float | None:
    told = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(told[1]) / 1024 if told else None


def report(benchmark: str, results: Mapping[str, Result], **more: Any) -> str:
    """One JSON line: ours, the peers, how many times our work and our whole process they take, and what else is told.

    Contenders beside `ours` whose name begins with "floor" are no peers.
    """
    ours = results["ours"]
    peers = {name: one for name, one in results.items() if name != "ours" and not name.startswith("floor")}
    line = {
        "benchmark": benchmark,
        "ours": _rounded(ours),
        "peers": {name: _rounded(peer) for name, peer in peers.items()},
        "ratios": {
            name: {"work": round(peer.work_s / ours.work_s, 2), "wall": round(peer.wall_s / ours.wall_s, 2)}
            for name, peer in peers.items()
        },
        "repeats": ours.laps,
        **more,
    }
    return json.dumps(line)


def _medians(laps: Sequence[Lap]) -> Result:
    middle = {
        name: statistics.median(asdict(lap)[name] for lap in laps)
        for name in ("wall_s", "cpu_s", "peak_rss_mb", "work_s")
    }
    return Result(**middle, laps=len(laps))


def _rounded(result: Result) -> dict[str, float]:
    return {name: round(value, 2) for name, value in asdict(result).items() if name != "laps"}
