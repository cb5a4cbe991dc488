"""Indicators from indicators, on the small simulated territory: the numbers, the chain, and what makes them stale."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
from territory import project_over

import sco
from flows import run
from sco import library
from sco.chain import links
from sco.climatology import short_record_warning
from sco.entry import Only, State
from sco.errors import ConfigurationError
from sco.lineage import Calendar, Need, in_order
from sco.model import Indicator, Input, Packing, Words
from sco.period import divide
from sco.plan import make_plan
from sco.project import Project
from sco.simulator import Simulation
from sco.store import Store
from sco.summary import Summary

PERIOD = {"start": date(2021, 11, 1), "end": date(2022, 3, 31), "every": "month"}
REFERENCE = [date(2021, 11, 1), date(2022, 3, 31)]


def derived(name: str, formula: Callable[..., xr.DataArray], *inputs: Input, **changes: object) -> Indicator:
    made = Indicator(
        id=name,
        version=1,
        title=Words(name, f"{name} (fr)"),
        description=Words("made for a test", "fait pour un essai"),
        inputs=inputs,
        formula=formula,
        minimum_years=1,
        unit="1",
        valid_range=(-2.0, 2.0),
        packing=Packing(scale=1e-4),
        colormap="RdBu",
        references=("https://example.org",),
        cell_methods="time: mean",
    )
    return replace(made, **changes)


DEPARTURE = derived("departure", lambda now, usual: now - usual, Input("ndvi"), Input("ndvi", "mean"))
DOUBLED = derived("doubled", lambda one: one * 2, Input("departure"))
RISE = derived(
    "rise", lambda series: series.isel(time=-1) - series.isel(time=0), Input("ndvi", "series"), of_series=True
)
RUNNING = derived("running", lambda series: series.rolling(time=2).mean(), Input("ndvi", "series"), around=(1, 0))
AGAINST_RURAL = derived("against_rural", lambda now, rural: now - rural, Input("ndvi"), Input("ndvi", "rural"))
ALL = (DEPARTURE, DOUBLED, RISE, RUNNING, AGAINST_RURAL)


@pytest.fixture(scope="module", autouse=True)
def _declared() -> Iterator[None]:
    names = (*library.indicators, *(one.id for one in ALL))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(library.indicators.__dict__, "_names", names)
        for one in ALL:
            module = ModuleType(f"indicators.{one.id}")
            module.INDICATOR = one
            patched.setitem(sys.modules, module.__name__, module)
        yield


def choices(*indicators: str, **changes: object) -> dict[str, object]:
    return {"indicators": ["ndvi", *indicators], "period": PERIOD | {"reference": REFERENCE}} | changes


@pytest.fixture
def make(make_project) -> Callable[..., Path]:
    return lambda *indicators, **changes: make_project(**choices(*indicators, **changes))


@dataclass(frozen=True)
class Filled:
    """A project with all of these indicators, and the run that filled its store. Tests read it and do not change it."""

    file: Path
    run: Summary


@pytest.fixture(scope="module")
def filled(_declared: None, observatory: Simulation, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    rural = {"file": str(observatory.folder / "zones.geojson")}
    names = ("doubled", "departure", "rise", "running", "against_rural")
    file = project_over(observatory, tmp_path_factory.mktemp("filled"), **choices(*names, rural=rural))
    return Filled(file, run.reconcile(str(file), "update"))


def test_values_are_the_formula_over_what_is_stored(filled):
    stored = sco.open(filled.file).load()
    ndvi = stored["ndvi"]
    # each month has one year of reference here, its own: nothing departs from it
    assert float(np.abs(stored["departure"]).max()) == 0.0
    assert bool((stored["departure"].notnull() == ndvi.notnull()).all())
    np.testing.assert_allclose(stored["doubled"], stored["departure"] * 2, atol=1e-4)
    np.testing.assert_allclose(stored["rise"].isel(time=-1), ndvi.isel(time=-1) - ndvi.isel(time=0), atol=1.1e-4)
    assert bool(stored["rise"].isel(time=slice(0, -1)).isnull().all())
    np.testing.assert_allclose(stored["running"], ndvi.rolling(time=2).mean(), atol=1.1e-4)
    rural_mean = (ndvi - stored["against_rural"]).mean(("y", "x")).values
    spread = (ndvi - stored["against_rural"]).std(("y", "x")).max()
    assert float(spread) < 1.1e-4
    assert np.all(np.abs(rural_mean - ndvi.mean(("y", "x")).values) < 0.2)
    assert bool((stored["departure_n_seen"] == stored["ndvi_n_seen"]).all())
    assert bool((stored["rise_n_seen"].isel(time=-1) == stored["ndvi_n_seen"].sum("time")).all())
    assert stored.attrs["reference_period"] == "/".join(map(str, REFERENCE))
    warning = short_record_warning(*REFERENCE)
    assert (stored.attrs["warning_en"], stored.attrs["warning_fr"]) == (warning.en, warning.fr)


def test_a_manifest_says_what_a_value_was_made_from(filled):
    store = Store.open(Project.load(filled.file).store_url)
    manifests = {str(one): manifest for one, manifest in store.manifests().items()}
    (made_from, usual) = manifests["departure 2022-02 r000c001"]["made_from"]
    assert made_from == {
        "indicator": "ndvi",
        "tile": "r000c001",
        "periods": ["2022-02", "2022-02"],
        "partitions": 1,
        "failed_reads": 0,
    }
    assert usual["periods"] == ["2022-02", "2022-02"]
    assert manifests["rise 2022-03 r000c001"]["made_from"][0]["partitions"] == 5
    assert "covers 1 year;" in manifests["departure 2022-02 r000c001"]["warning"]["en"]


def test_a_second_run_finds_everything_current(filled):
    assert filled.run.partitions == 4 * (5 + 5 + 5 + 1 + 5 + 5)
    assert run.reconcile(str(filled.file), "update").partitions == 0


def test_a_change_makes_stale_what_depends_on_it_and_only_that(make, observatory, tmp_path):
    from tests.test_chain import items_of, serving

    file = make("departure", "doubled", "rise", "running")
    items = json.loads(json.dumps(items_of(observatory)))
    with serving(file, items, tmp_path):
        run.reconcile(str(file), "update")
    (changed,) = [one for one in items if one["properties"]["datetime"].startswith("2021-12")][:1]
    changed["properties"]["updated"] = "2024-01-01T00:00:00Z"
    with serving(file, items, tmp_path):
        project = Project.load(file)
        plan = make_plan(project)
        due = {(entry.partition.indicator, entry.partition.period.label) for entry in plan.entries if entry.due}
        assert due == {
            ("ndvi", "2021-12"),
            ("departure", "2021-12"),
            ("doubled", "2021-12"),
            ("running", "2021-12"),
            ("running", "2022-01"),
            ("rise", "2022-03"),
        }
        reasons = {entry.partition.indicator: entry.reason for entry in plan.entries if entry.state is State.STALE}
        assert reasons["departure"].startswith("ndvi 2021-12 r")
        assert reasons["doubled"].startswith("departure 2021-12 r")
        told = {(link.source, link.indicator): link for link in links(project, plan.entries)}
        assert told["ndvi", "departure"].parts == ("12",)
        assert told["ndvi", "departure"].partitions == told["departure", "doubled"].partitions
        run.reconcile(str(file), "update")
        assert not make_plan(project).chosen()


def test_a_change_of_the_reference_makes_all_that_is_measured_against_it_stale(make):
    file = make("departure", "running")
    run.reconcile(str(file), "update")
    shorter = REFERENCE[0].isoformat(), "2021-12-31"
    text = file.read_text().replace("reference = [2021-11-01, 2022-03-31]", f"reference = [{shorter[0]}, {shorter[1]}]")
    file.write_text(text)
    due = {entry.partition.indicator for entry in make_plan(Project.load(file)).chosen()}
    assert "departure" in due
    assert "ndvi" not in due
    run.reconcile(str(file), "update")
    stored = sco.open(file)["departure"]
    assert stored.notnull().any(("y", "x")).values.tolist() == [True, True, False, False, False]
    records = Store.open(Project.load(file).store_url).records()
    empty = {one.period.label for one, record in records.items() if record.empty == "nothing to compare with"}
    # the first month has none before it to run with; the last three have no reference
    assert empty == {"2021-11", "2022-01", "2022-02", "2022-03"}


def test_inputs_must_be_asked_for_and_references_be_given(make):
    with pytest.raises(ConfigurationError, match="'doubled' is made from departure: add it to `indicators`"):
        Project.load(make("doubled"))
    with pytest.raises(ConfigurationError, match="is measured against a reference: say which years"):
        Project.load(make("departure", period=PERIOD))
    with pytest.raises(ConfigurationError, match="is measured against the country around"):
        Project.load(make("against_rural"))


def test_a_failed_read_is_told_all_along_the_chain_and_retried(make, observatory, tmp_path):
    from tests.test_chain import items_of, serving

    file = make("departure", "doubled")
    items = json.loads(json.dumps(items_of(observatory)))
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 cut off")
    file.write_text(file.read_text().replace('files = ["', f'files = ["{tmp_path}", "', 1))
    whole, items[0]["assets"]["red"]["href"] = items[0]["assets"]["red"]["href"], str(broken)
    with serving(file, items, tmp_path):
        run.reconcile(str(file), "update")
        failed = {entry.partition.indicator for entry in make_plan(Project.load(file)).chosen(Only.FAILED)}
        assert failed == {"ndvi", "departure", "doubled"}
    items[0]["assets"]["red"]["href"] = whole
    with serving(file, items, tmp_path):
        assert not run.reconcile(str(file), "backfill", only="failed").failed
        assert not make_plan(Project.load(file)).chosen()
    assert int(sco.open(file)["doubled_n_failed"].max()) == 0


def test_needs_of_a_daily_series_reach_as_far_as_a_value_depends():
    slices = divide(date(2000, 1, 1), date(2001, 12, 31), "day")
    calendar = Calendar(slices, "day", (date(2000, 1, 1), date(2000, 12, 31)))
    waves = derived("waves", lambda one, two: one, Input("sst", "series"), Input("sst", "in_reference"), around=(7, 7))
    (near, reference) = calendar.needs(waves, slices[400], None)
    assert near == Need("sst", None, "around", slices[400].label, 7, 7)
    assert [one.label for one in calendar.periods_of(near)][::14] == [slices[393].label, slices[407].label]
    assert len(calendar.periods_of(reference)) == 366
    before = derived("before", lambda one: one, Input("sst", "year_before"))
    (need,) = calendar.needs(before, slices[0], None)
    assert calendar.periods_of(need) == ()


def test_derived_indicators_are_ordered_in_steps():
    assert [[one.id for one in step] for step in in_order((DOUBLED, DEPARTURE, RISE))] == [
        ["departure", "rise"],
        ["doubled"],
    ]
