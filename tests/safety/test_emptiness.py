"""Why there is nothing: no acquisition, all cloud, outside the season, a hole in the catalogs; never mixed up."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import sco
from benchmarks import tiny
from flows import look, run
from sco import compute
from sco.absence import Absences, _noon_sun, barren
from sco.choices import Period
from sco.entry import State
from sco.errors import ConfigurationError
from sco.partition import Empty
from sco.period import divide
from sco.plan import make_plan
from sco.project import Project
from sco.store import Store

MakeProject = Callable[..., Path]


def reasons(file: Path) -> dict[str, str | None]:
    records = Store.open(Project.load(file).store_url).records()
    return {f"{one.indicator} {one.period.label}": record.empty for one, record in records.items()}


def in_season(file: Path, months: str) -> Path:
    text = file.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("months")]
    lines.insert(lines.index("[period]") + 1, f"months = {months}")
    file.write_text("\n".join(lines) + "\n")
    return file


def items_of(file: Path) -> list[dict]:
    return json.loads((file.parent / "items.json").read_text())["features"]


def test_months_that_the_project_leaves_out_are_empty_at_once_and_nothing_is_read(project: MakeProject, monkeypatch):
    file = in_season(project(indicators=("ndvi", "ndvi_anomaly")), "[2, 3]")
    read = []
    whole = compute.Observer
    monkeypatch.setattr(compute, "Observer", lambda one, *rest: read.append(one.day) or whole(one, *rest))
    summary = run.reconcile(str(file), "update")
    assert summary.empty >= 8
    assert read
    assert {day.month for day in read} == {2, 3}
    found = reasons(file)
    assert {name for name, reason in found.items() if reason == Empty.OUTSIDE_SEASON} == {
        "ndvi 2022-01",
        "ndvi_anomaly 2022-01",
    }
    january = sco.open(file).sel(time="2022-01-01")
    assert int(january["ndvi_n_seen"].max()) == 0
    assert {entry.state for entry in make_plan(Project.load(file)).entries} == {State.CURRENT, State.EMPTY}


def test_a_season_that_is_widened_or_narrowed_changes_just_those_months(project: MakeProject):
    file = in_season(project(), "[2, 3]")
    run.reconcile(str(file), "update")
    in_season(file, "[1, 2]")
    due = {
        (one.partition.period.label, one.state, one.reason.split(",")[0])
        for one in make_plan(Project.load(file)).chosen()
    }
    assert {(label, state) for label, state, _ in due} == {("2022-01", State.STALE), ("2022-03", State.STALE)}
    assert ("2022-03", State.STALE, "outside season") in due
    run.reconcile(str(file), "update")
    found = reasons(file)
    assert found["ndvi 2022-01"] is None
    assert found["ndvi 2022-03"] == Empty.OUTSIDE_SEASON
    assert not make_plan(Project.load(file)).chosen()


def test_a_longer_period_is_made_of_its_months_in_season_alone(project: MakeProject):
    file = project()
    file.write_text(file.read_text().replace('every = "month"', 'every = "year"'))
    run.reconcile(str(file), "update")
    whole = Store.open(Project.load(file).store_url).manifests()
    in_season(file, "[2]")
    assert {one.state for one in make_plan(Project.load(file)).entries} == {State.STALE}
    run.reconcile(str(file), "update")
    kept = Store.open(Project.load(file).store_url).manifests()
    for one, manifest in kept.items():
        scenes = {scene["id"] for scene in manifest["scenes"]}
        assert scenes == {scene["id"] for scene in whole[one]["scenes"] if scene["time"].startswith("2022-02")}
        assert scenes


def test_a_product_leaves_the_other_months_out(project: MakeProject):
    file = in_season(project(), "[2, 3]")
    run.reconcile(str(file), "update")
    product = run.publish(str(file))
    layers = {one.stem.removesuffix("_counts") for one in (product / "cog" / "ndvi").glob("*.tif")}
    assert layers == {"ndvi_2022-02", "ndvi_2022-03"}


@pytest.mark.parametrize(
    ("every", "label", "expected"),
    [
        ("month", "2023-05", True),
        ("month", "2023-10", False),
        ("dekad", "2023-09-D3", True),
        ("day", "2023-10-01", False),
        ("season", "2023-MAM", True),
        ("season", "2023-DJF", False),
        ("year", "2023", True),
    ],
)
def test_a_period_is_in_season_where_any_of_its_months_is(every, label, expected):
    period = Period(start=date(2022, 1, 1), end=date(2023, 12, 31), every=every, months=(5, 6, 7, 8, 9))
    (one,) = [one for one in period.slices() if one.label == label]
    assert period.is_in_season(one) is expected


def test_a_month_that_is_none_is_refused(project: MakeProject):
    with pytest.raises(ConfigurationError, match=r"period\.months\.1: .*less than or equal to 12"):
        Project.load(in_season(project(), "[2, 13]"))


def test_no_acquisition_all_cloud_and_a_known_scene_that_cannot_be_used_are_told_apart(
    project: MakeProject, monkeypatch
):
    monkeypatch.setattr("sco.absence.barren", lambda *_: iter(()))
    monkeypatch.setattr("sco.plan.barren", lambda *_: iter(()))
    file = project()
    items = [one for one in items_of(file) if not one["properties"]["datetime"].startswith("2022-01")]
    for one in items:
        if one["properties"]["datetime"].startswith("2022-02"):
            del one["properties"]["proj:code"], one["assets"]
    tiny.put_items(file.parent, items)
    run.reconcile(str(file), "update")
    found = reasons(file)
    assert found["ndvi 2022-01"] == Empty.NO_ACQUISITION
    assert found["ndvi 2022-02"] == Empty.CATALOG_HOLE
    assert found["ndvi 2022-03"] is None
    assert not make_plan(Project.load(file)).chosen()
    tiny.put_items(file.parent, [one for one in items if "assets" in one])
    entries = make_plan(Project.load(file)).entries
    assert {one.partition.period.label for one in entries if one.due} == {"2022-02"}
    run.reconcile(str(file), "update")
    assert reasons(file)["ndvi 2022-02"] == Empty.NO_ACQUISITION


def test_a_month_without_any_scene_of_a_sensor_that_always_comes_is_a_hole_and_is_told_everywhere(
    project: MakeProject, capsys
):
    file = project()
    tiny.put_items(
        file.parent, [one for one in items_of(file) if not one["properties"]["datetime"].startswith("2022-02")]
    )
    run.reconcile(str(file), "update")
    assert {name for name, reason in reasons(file).items() if reason == Empty.CATALOG_HOLE} == {"ndvi 2022-02"}
    assert not make_plan(Project.load(file)).chosen()
    look.status(str(file), as_json=False)
    february = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("2022-02"))
    assert february.split("\t") == ["2022-02", "0", "4", "0", "0", "4 catalog hole"]
    look.explain(str(file), "2022-02", None, as_json=False)
    assert capsys.readouterr().err.count("it holds no value: catalog hole") == 4
    look.explain(str(file), "2022-02", None, as_json=True)
    assert {one["empty"] for one in json.loads(capsys.readouterr().out)["manifests"]} == {"catalog hole"}
    page = (run.publish(str(file)) / "index.html").read_text("utf-8")
    assert "1 acquired, but in no catalog that could be read" in page
    assert "1 acquises, mais absentes des catalogues lisibles" in page


def test_silence_says_nothing_of_short_recent_dark_or_unknown_times(project: MakeProject):
    one = Project.load(project())
    answers = make_plan(one).answers
    today = date(2023, 1, 1)

    def silent(first: date, last: date, every: str, now: date = today) -> list[str]:
        return [label for label, _ in barren(one, answers, divide(first, last, every), now)]

    assert silent(date(2022, 4, 1), date(2022, 6, 30), "month") == ["2022-04", "2022-05", "2022-06"]
    assert silent(date(2022, 1, 1), date(2022, 3, 31), "month") == []
    assert silent(date(2022, 5, 1), date(2022, 5, 31), "dekad") == []
    assert silent(date(2022, 5, 1), date(2022, 5, 31), "month", date(2022, 7, 15)) == []
    assert silent(date(2016, 5, 1), date(2016, 5, 31), "month") == []
    nobody = [type(answers[0])((), (), answers[0].asked)]
    assert list(barren(one, nobody, divide(date(2022, 5, 1), date(2022, 5, 31), "month"), today)) == []
    clear = one.model_copy(update={"sources": (one.sources[0].model_copy(update={"max_cloud": 20}),)})
    filtered = bool(list(barren(clear, answers, divide(date(2022, 5, 1), date(2022, 5, 31), "month"), today)))
    from sco.search import leaves_clouded_out

    assert filtered is not leaves_clouded_out(clear.sources[0])


def test_the_sun_at_noon_is_right_to_a_degree_and_a_half():
    # by the almanac: solstices and equinox, at the equator, in the Alps and beyond the polar circle
    for latitude, day, expected in [
        (0, date(2023, 3, 20), 90.0),
        (45.5, date(2023, 6, 21), 67.9),
        (45.5, date(2023, 12, 22), 21.1),
        (78.2, date(2023, 12, 22), -11.6),
        (-33.9, date(2023, 12, 22), 79.5),
    ]:
        assert abs(_noon_sun(latitude, day) - expected) < 1.5


def test_a_reason_is_the_seasons_before_it_is_a_holes(project: MakeProject):
    one = Project.load(in_season(project(), "[2]"))
    january, february, _ = one.period.slices()
    (tile, *_) = one.tiling
    absences = Absences(one, {("2022-01", tile): {"sentinel2": 3}}, frozenset({("2022-02", "sentinel2")}))
    assert absences.reason(january, tile, ["sentinel2"]) is Empty.OUTSIDE_SEASON
    assert absences.reason(february, tile, ["sentinel2"]) is Empty.CATALOG_HOLE
    assert absences.reason(february, tile, ["landsat"]) is Empty.NO_ACQUISITION
