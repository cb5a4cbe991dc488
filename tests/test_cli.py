"""The command as people meet it: exit codes, one message each, JSON on stdout, nothing written for bad input."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import sco, start

SCO = Path(sys.executable).parent / "sco"


def test_help_is_there_at_once_and_imports_nothing_heavy():
    fastest = min(_seconds_for_help() for _ in range(5))
    bare = min(_seconds_for("pass") for _ in range(5))
    typer = min(_seconds_for("import typer, typer.rich_utils, rich.console") for _ in range(5))
    assert fastest - bare < 3 * (typer - bare) + 0.1
    heavy = "{'numpy', 'xarray', 'prefect', 'pydantic', 'rasterio'}"
    code = f"import sys, flows.cli; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def _seconds_for_help() -> float:
    began = time.perf_counter()
    subprocess.run([str(SCO), "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _seconds_for(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


@pytest.mark.parametrize("word", ["sensors", "indicators", "catalogs", "projects"])
def test_list_gives_json_and_tabs(word):
    listed = json.loads(sco("list", word, "--json").stdout)
    assert listed["schema"] == "sco.list/1"
    ids = [one["id"] for one in listed[word]]
    lines = sco("list", word).stdout.splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == ids
    assert ids


def test_doctor_finds_this_installation_well():
    told = sco("doctor", "--json")
    findings = {one["subject"]: one for one in json.loads(told.stdout)["findings"]}
    assert told.returncode == 0
    assert findings["telemetry"]["detail"] == "off by both switches"
    assert {"sensors/sentinel2", "indicators/ndvi", "catalogs/earth_search", "configs/sava.toml"} <= set(findings)


def test_doctor_tells_telemetry_that_is_on():
    told = sco("doctor", DO_NOT_TRACK="0")
    assert told.returncode == 1
    assert "error: not well: telemetry" in told.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("plan", "camarge"), 3, "did you mean 'camargue'?"),
        (("update", "no/such.toml"), 3, "no file no/such.toml"),
        (("frobnicate",), 2, "No such command"),
        (("plan",), 2, "Missing argument"),
        (("backfill", "camargue", "--only", "some"), 2, "some"),
        (("backfill", "camargue", "--start", "yesterday"), 2, "yesterday"),
        (("verify", "/"), 3, "neither a product"),
        (("explain", "camargue", "--period", "2023-13"), 3, "no period '2023-13'"),
    ],
)
def test_exit_codes_and_one_clear_message(words, code, message):
    told = sco(*words)
    assert told.returncode == code
    assert message in told.stderr
    assert "Traceback" not in told.stderr
    assert told.stdout == ""


@pytest.mark.parametrize("command", ["plan", "update", "backfill"])
def test_a_catalog_that_does_not_answer_is_6_and_nothing_is_written(make_project, command):
    import re

    file = make_project()
    file.write_text(re.sub(r'url = "[^"]*"', 'url = "http://127.0.0.1:9"', file.read_text()))
    engine = () if command == "plan" else ("--engine", "local")
    told = sco(command, file, *engine)
    assert told.returncode == 6
    assert "no catalog answers" in told.stderr
    assert "simulated at http://127.0.0.1:9" in told.stderr
    assert "Traceback" not in told.stderr
    assert [path.name for path in file.parent.iterdir()] == ["project.toml"]


def test_the_whole_job_by_command(make_project):
    file = make_project()
    plan = file.parent / "plan.json"
    planned = json.loads(sco("plan", file, "--json", "--save", plan).stdout)
    assert planned["counts"] == {"new": 40, "stale": 0, "current": 0, "empty": 0, "failed": 0}
    assert planned["estimate"]["partitions"] == 40
    assert planned["estimate"]["seconds"] is None
    assert not (file.parent / "store").exists()

    told = sco("backfill", file, "--plan", plan, "--engine", "local", "--json")
    run = json.loads(told.stdout)
    assert (told.returncode, run["computed"] + run["empty"]) == (0, 40)

    status = json.loads(sco("status", file, "--json").stdout)
    assert sum(status["counts"].values()) == 40
    assert "missing" not in status["counts"]

    again = json.loads(sco("update", file, "--engine", "local", "--json").stdout)
    assert (again["computed"], again["empty"]) == (0, 0)

    told = sco("publish", file, "--engine", "local", "--json")
    product = Path(json.loads(told.stdout)["product"])
    assert (product / "index.html").is_file()
    assert sco("verify", product).returncode == 0
    assert sco("verify", file.parent / "store").returncode == 0

    explained = json.loads(sco("explain", file, "--period", "2022-02", "--at", "6.0,45.55", "--json").stdout)
    assert {one["partition"]["period"] for one in explained["manifests"]} == {"2022-02"}
    assert set(explained["values"]) >= {"ndvi", "ndvi_error", "ndvi_n_seen", "water_extent"}

    victim = next((product / "cog" / "ndvi").iterdir())
    damaged = bytearray(victim.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    victim.write_bytes(damaged)
    told = sco("verify", product)
    assert told.returncode == 7
    assert victim.name in told.stderr


def test_failed_reads_are_5_with_the_partitions_named(make_project, observatory):
    file = make_project()
    file.write_text(file.read_text().replace(str(observatory.folder / "scenes"), str(file.parent / "elsewhere")))
    told = sco("update", file, "--engine", "local")
    assert told.returncode == 5
    assert "outside the folders that may be read" in told.stderr
    assert "sco retry demo" in told.stderr


def test_an_unknown_key_is_3_before_any_flow_starts(make_project):
    file = make_project(indicatorz=["ndvi"])
    told = sco("update", file)
    assert told.returncode == 3
    assert "no key 'indicatorz'; did you mean 'indicators'?" in told.stderr
    assert [path.name for path in file.parent.iterdir()] == ["project.toml"]


def test_an_interrupt_is_130_and_what_was_committed_stays(make_project):
    from sco.store import Store

    file = make_project()
    file.write_text(file.read_text().replace("tile = 30", "tile = 16"))  # five batches, to be interrupted in the second
    running = start("update", file, "--engine", "local")
    store = file.parent / "store"
    waited = time.monotonic() + 60
    while not (Store.exists(str(store)) and Store.open(str(store)).records()) and time.monotonic() < waited:
        time.sleep(0.05)
    running.interrupt()
    told = running.end()
    assert told.returncode == 130
    assert "interrupted: what was committed stays" in told.stderr
    assert "Traceback" not in told.stderr
    assert sco("verify", store).returncode == 0
    assert sco("update", file, "--engine", "local").returncode == 0
