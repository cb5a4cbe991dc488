"""The whole chain on a small simulated territory, against its truth, and what a second run finds."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import sco
from flows import run
from sco.errors import ConfigurationError, LockedError
from sco.plan import Only, State, make_plan
from sco.project import Project
from sco.reconcile import Reconciliation
from sco.simulator import compare
from sco.simulator.server import serve
from sco.store import Store


@contextmanager
def serving(file: Path, items: list[dict], folder: Path) -> Iterator[Path]:
    """The project in `file` with a catalog that has just these items."""
    path = folder / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    import re

    with serve(path) as url:
        file.write_text(re.sub(r'url = "[^"]*"', f'url = "{url}"', file.read_text()))
        yield file


def items_of(observatory) -> list[dict]:
    items = json.loads(observatory.items.read_text())["features"]
    return [item for item in items if item["collection"] == "sentinel-2-l2a"]


def states(file: Path) -> dict[str, State]:
    return {str(entry.partition): entry.state for entry in make_plan(Project.load(file)).entries}


def test_the_answer_is_close_to_the_truth(computed, observatory):
    with xr.open_zarr(observatory.truth) as truth:
        accuracy = {one.indicator: one for one in compare(sco.open(computed.file), truth)}
    # one or two clear days of a winter month, at snow edges that the 400 m classes blur
    assert abs(accuracy["ndvi"].bias) < 0.02
    assert accuracy["ndvi"].rmse < 0.08
    assert abs(accuracy["water_extent"].bias) < 0.02
    assert accuracy["water_extent"].rmse < 0.16
    assert accuracy["ndvi"].n > 5_000


def test_leaving_the_offset_in_would_be_far_from_the_truth(make_project, observatory, monkeypatch):
    from dataclasses import replace

    from sco import library

    sensor = library.sensors["sentinel2"]
    blind = replace(sensor, offset=replace(sensor.offset, value=0.0))
    monkeypatch.setattr("sensors.sentinel2.SENSOR", blind)
    file = make_project(indicators=["ndvi"])
    run.reconcile(str(file), "update")
    assert monthly_bias(file, observatory)["2022-02"] < -0.1


def test_no_step_where_the_offset_arrives(computed, observatory):
    bias = monthly_bias(computed.file, observatory)
    assert max(bias.values()) - min(bias.values()) < 0.05
    assert abs(bias["2022-02"]) < 0.01


def monthly_bias(file: Path, observatory) -> dict[str, float]:
    with xr.open_zarr(observatory.truth) as truth:
        error = (sco.open(file)["ndvi"] - truth["ndvi"]).mean(("y", "x")).compute()
    return {str(time)[:7]: float(value) for time, value in zip(error["time"].values, error.values, strict=True)}


def test_counts_are_beside_every_indicator(computed):
    stored = sco.open(computed.file)
    for name in computed.indicators:
        seen = stored[f"{name}_n_seen"]
        assert int(seen.max()) > 0
        assert int(stored[f"{name}_n_failed"].max()) == 0
        assert bool(((seen == 0) == np.isnan(stored[name])).all())


def test_a_second_run_finds_everything_current_and_writes_nothing(computed):
    before = Store.open(computed.store_url).tip()
    summary = run.reconcile(str(computed.file), "update")
    assert (summary.partitions, summary.batches) == (0, 0)
    assert Store.open(computed.store_url).tip() == before
    assert set(states(computed.file).values()) <= {State.CURRENT, State.EMPTY}


def test_another_process_opens_the_store_with_xarray_alone(computed):
    code = (
        "import sys, xarray as xr, sco\n"
        "d = xr.open_zarr(sco.open_store(sys.argv[1]), consolidated=False)\n"
        "print(float(d['ndvi'].mean()), d['ndvi'].attrs['units'], d['spatial_ref'].attrs['crs_wkt'][:7])"
    )
    told = subprocess.run([sys.executable, "-c", code, computed.store_url], capture_output=True, text=True, check=True)
    mean, unit, crs = told.stdout.split(" ", 2)
    assert float(mean) == pytest.approx(float(sco.open(computed.file)["ndvi"].mean()), abs=1e-6)
    assert (unit, crs.strip()) == ("1", "PROJCRS")


def test_late_reprocessed_and_withdrawn_scenes_touch_only_their_partitions(observatory, make_project, tmp_path):
    file = make_project(indicators=["ndvi"])
    items = items_of(observatory)
    december = [item for item in items if item["properties"]["datetime"].startswith("2021-12")]
    late, first = december[-1], items[0]
    with serving(file, [item for item in items if item is not late], tmp_path):
        run.reconcile(str(file), "update")
        before = sco.open(file)["ndvi"].load()
    reprocessed = json.loads(json.dumps(first))
    reprocessed["properties"]["updated"] = "2024-01-01T00:00:00Z"
    with serving(file, [reprocessed, *items[1:]], tmp_path):
        plan = make_plan(Project.load(file))
        due = {entry.partition.period.label: entry.reason for entry in plan.entries if entry.due}
        assert set(due) == {"2021-11", "2021-12"}
        assert f"scene {first['id']} was updated" in due["2021-11"]
        assert f"scene {late['id']} is new" in due["2021-12"]
        run.reconcile(str(file), "update")
    after = sco.open(file)["ndvi"].load()
    changed = [str(time)[:7] for time in after["time"].values if not after.sel(time=time).equals(before.sel(time=time))]
    assert changed == ["2021-12"]
    with serving(file, [reprocessed, *items[1:-1]], tmp_path):
        (entry, *_) = [entry for entry in make_plan(Project.load(file)).entries if entry.due]
        assert entry.reason == f"scene {items[-1]['id']} was withdrawn"


def test_an_indicator_that_changes_is_named_as_the_reason(make_project, monkeypatch):
    from dataclasses import replace

    from sco import library

    file = make_project(indicators=["ndvi"])
    run.reconcile(str(file), "update")
    monkeypatch.setattr("indicators.ndvi.INDICATOR", replace(library.indicators["ndvi"], version=2))
    reasons = {entry.reason for entry in make_plan(Project.load(file)).entries if entry.state is State.STALE}
    assert reasons == {"indicator ndvi v1 -> v2"}


def test_a_failed_read_is_told_counted_and_retried(observatory, make_project, tmp_path):
    file = make_project(indicators=["ndvi"])
    items = json.loads(json.dumps(items_of(observatory)))
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 cut off")
    text = file.read_text().replace('files = ["', f'files = ["{tmp_path}", "', 1)
    file.write_text(text)
    whole = items[0]["assets"]["red"]["href"]
    items[0]["assets"]["red"]["href"] = str(broken)
    with serving(file, items, tmp_path):
        summary = run.reconcile(str(file), "update")
        assert summary.failed
        assert all("broken.tif" in line for line in summary.failed)
        assert int(sco.open(file)["ndvi_n_failed"].max()) == 1
        plan = make_plan(Project.load(file))
        failed = plan.chosen(Only.FAILED)
        assert {(entry.state, entry.reason) for entry in failed} == {("failed", "data: a read failed")}
        assert not plan.chosen(Only.DUE)
    items[0]["assets"]["red"]["href"] = whole
    with serving(file, items, tmp_path):
        summary = run.reconcile(str(file), "backfill", only="failed")
        assert summary.computed == len(plan.chosen(Only.FAILED))
        assert not summary.failed
    assert int(sco.open(file)["ndvi_n_failed"].max()) == 0


def test_a_range_of_days_computes_just_its_periods(make_project):
    from datetime import date

    file = make_project(indicators=["ndvi"])
    summary = run.reconcile(str(file), "backfill", date(2022, 1, 10), date(2022, 2, 1))
    assert summary.partitions == 2 * 4
    stored = sco.open(file)["ndvi_n_seen"].max(("y", "x")).values
    assert (stored > 0).tolist() == [False, False, True, True, False]


def test_two_runs_at_once_are_refused(make_project):
    file = make_project(indicators=["ndvi"])
    plan = make_plan(Project.load(file))
    with Reconciliation(plan, "update"), pytest.raises(LockedError, match="another run is working on demo"):
        Reconciliation(plan, "update").__enter__()


def test_an_area_without_scenes_is_one_message_and_leaves_nothing(make_project):
    area = {"bounds": [300_000, 4_000_000, 312_000, 4_012_000], "crs": "EPSG:32631", "resolution": 200, "tile": 30}
    file = make_project(area=area)
    with pytest.raises(ConfigurationError, match="no scene touches the area of demo"):
        run.reconcile(str(file), "update")
    assert not (file.parent / "store").exists()


def test_a_saved_plan_is_applied_only_while_the_world_stands_still(
    observatory, make_project: Callable[..., Path], tmp_path
):
    file = make_project(indicators=["ndvi"])
    saved = tmp_path / "plan.json"
    saved.write_text(json.dumps(make_plan(Project.load(file)).document()))
    with (
        serving(file, items_of(observatory)[:-1], tmp_path),
        pytest.raises(ConfigurationError, match="the world has moved"),
    ):
        run.reconcile(str(file), "backfill", plan_file=str(saved))
    assert not Store.exists(Project.load(file).store_url)
