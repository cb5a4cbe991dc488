"""What a run may take in memory: as told, as the machine has it, and as it is measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import scenes
from sco import budget
from sco.budget import PROCESS_BYTES, Budget, available, carefully, parse, shown
from sco.errors import ConfigurationError, ScoError
from sco.plan import make_plan
from sco.project import Project

MB = 2**20


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of scenes of 1280 x 1280, of which the first two days have files of their own."""
    recipe = scenes.Recipe(days=20, size=1280, distinct=2, days_apart=3)
    return scenes.write(tmp_path_factory.mktemp("deep"), recipe, tile=1280)


def test_amounts_are_read_as_people_write_them() -> None:
    told = ("800M", "1.5G", "4 GiB", "2000000000", "64kb")
    assert [parse(one) for one in told] == [800 * MB, 1536 * MB, 4096 * MB, 2_000_000_000, 65_536]
    assert (shown(800 * MB), shown(1536 * MB)) == ("800 MB", "1.5 GB")
    for wrong in ("much", "-1G", "1.5.2G", "3 miles"):
        with pytest.raises(ConfigurationError, match="is no amount of memory: write it like 800M"):
            parse(wrong)


def test_a_container_s_limit_counts_where_it_is_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meminfo, limit, used = (tmp_path / name for name in ("meminfo", "max", "current"))
    meminfo.write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
    limit.write_text(f"{3000 * MB}\n")
    used.write_text(f"{1000 * MB}\n")
    monkeypatch.setattr(budget, "MEMINFO", meminfo)
    monkeypatch.setattr(budget, "LIMITS", ((limit, used), (tmp_path / "none", tmp_path / "none")))
    assert available() == 2000 * MB
    limit.write_text("max\n")
    assert available() == 8_000_000 * 1024
    limit.write_text("9223372036854771712\n")
    assert available() == 8_000_000 * 1024


def test_less_memory_is_fewer_at_once_and_never_none(project: Path) -> None:
    plan = make_plan(Project.load(project))
    blocks = plan.blocks() * 8
    plenty, little = (Budget.of(plan.tiling, told) for told in ("16G", "600M"))
    one = plenty.peak_bytes(blocks[0])
    assert plenty.at_once(blocks, 4) == 4
    assert little.at_once(blocks, 4) == 1
    spare = 4 * 11 * 4 * 1280**2
    room = Budget(PROCESS_BYTES + spare + sum(map(plenty.kept_bytes, blocks)) + 3 * one, plenty.tile_pixels)
    assert room.at_once(blocks, 4) == 3
    assert room.at_once(blocks[:1], 4) == 1
    assert Budget.of(plan.tiling).memory == pytest.approx(available() / 2, rel=0.2)
    with pytest.raises(ConfigurationError, match="the process alone takes 512 MB"):
        Budget.of(plan.tiling, "300M")


def test_a_batch_waits_for_its_commit_within_its_share(project: Path) -> None:
    plan = make_plan(Project.load(project))
    blocks = plan.blocks() * 5
    kept = 1280**2 * 10
    for memory, sizes in ((4 * 3 * kept, [3, 3, 3, 1]), (100 * kept, [10]), (kept, [1] * 10)):
        assert [len(batch) for batch in Budget(memory, 1280**2).batches(blocks, 16)] == sizes
    assert [len(batch) for batch in Budget(100 * kept, 1280**2).batches(blocks, 4)] == [4, 4, 2]


def test_when_memory_runs_out_half_as_many_go_on() -> None:
    asked, said = [], []

    def compute(at_once: int) -> str:
        asked.append(at_once)
        if at_once > 2:
            raise MemoryError
        return "done"

    assert carefully(compute, 9, said.append) == "done"
    assert asked == [9, 4, 2]
    assert said[-1] == "memory ran out: going on with 2 partitions at once"

    def never(at_once: int) -> str:
        raise MemoryError

    with pytest.raises(ScoError, match=r"does not do for one partition: make area\.tile smaller"):
        carefully(never, 4, said.append)


MEASURED = """
import json, re, sys
from pathlib import Path
from sco.budget import Budget, PROCESS_BYTES
from sco.compute import compute_block
from sco.plan import make_plan
from sco.project import Project
def peak():  # of this process alone: getrusage's would be its parent's where that was larger
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
plan = make_plan(Project.load(sys.argv[1]))
block = max(plan.blocks(), key=lambda one: len(one.observations))
before = peak()
outcomes = compute_block(block, "run")
after = peak()
estimate = Budget.of(plan.tiling, "4G").peak_bytes(block)
print(json.dumps({"before": before, "after": after, "process": PROCESS_BYTES, "block": estimate}))
"""


def test_the_estimate_holds_against_what_is_measured(project: Path) -> None:
    told = subprocess.run([sys.executable, "-c", MEASURED, project], capture_output=True, text=True, check=True)
    found = json.loads(told.stdout)
    assert found["before"] < found["process"]
    assert found["after"] < found["process"] + found["block"]
    assert found["after"] > 0.5 * (found["process"] + found["block"])
