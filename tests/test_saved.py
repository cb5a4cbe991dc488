"""A saved plan is a file with a line a partition: it can be compared, and applied exactly or not at all."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command import sco

from benchmarks import tiny
from flows import planned, run
from sco.errors import ConfigurationError
from sco.plan import make_plan
from sco.project import Project
from sco.saved import SavedPlan, by_name, changes, text_of
from sco.store import Store


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tiny.Tiny:
    return tiny.make(tmp_path_factory.mktemp("tiny") / "world")


@pytest.fixture
def file(world: tiny.Tiny, tmp_path: Path) -> Path:
    return world.project(tmp_path / "project")


@pytest.fixture
def save(file: Path, capsys) -> Callable[..., Path]:
    def keep(name: str = "plan.json", start=None, end=None) -> Path:
        planned.plan(str(file), start, end, file.parent / name, as_json=True)
        capsys.readouterr()
        return file.parent / name

    return keep


def update_one(file: Path, month: str) -> str:
    """Have the first scene of a month reprocessed; its id."""
    items = json.loads((file.parent / "items.json").read_text())["features"]
    one = next(item for item in items if item["properties"]["datetime"].startswith(month))
    one["properties"]["updated"] = "2024-01-01T00:00:00Z"
    tiny.put_items(file.parent, items)
    return one["id"]


def stored(file: Path) -> set[str]:
    url = Project.load(file).store_url
    return {str(one) for one in Store.open(url).records()} if Store.exists(url) else set()


def test_a_file_has_a_line_a_partition_in_order_and_is_stable(file, save):
    text = save().read_text()
    lines = [json.loads(line.strip().rstrip(",")) for line in text.splitlines() if line.startswith("  {")]
    assert len(lines) == 12
    assert lines == json.loads(text)["partitions"]
    assert [(one["period"], one["tile"]) for one in lines] == sorted((one["period"], one["tile"]) for one in lines)
    assert all(list(one) == sorted(one) for one in lines)
    again = save("again.json").read_text()
    differing = [one for one, other in zip(text.splitlines(), again.splitlines(), strict=True) if one != other]
    assert all('"made"' in one for one in differing)


def test_what_moved_since_is_shown_partition_by_partition(file, save, capsys):
    saved = save()
    planned.compare(str(file), [saved], None, None, as_json=True)
    assert json.loads(capsys.readouterr().out)["changes"] == []
    run.reconcile(str(file), "update")
    name = update_one(file, "2022-02")
    planned.compare(str(file), [saved], None, None, as_json=True)
    found = json.loads(capsys.readouterr().out)["changes"]
    assert len(found) == 12
    assert {(one["before"], one["now"]) for one in found} == {("new", "current"), ("new", "stale")}
    assert {one["why"] for one in found if one["now"] == "current"} == {"computed since"}
    stale = [one for one in found if one["now"] == "stale"]
    assert {one["partition"].split()[1] for one in stale} == {"2022-02"}
    assert all(f"scene {name} was updated" in one["why"] for one in stale)


def test_two_files_are_compared_without_asking_any_catalog(file, save, capsys, monkeypatch):
    before = save("before.json")
    update_one(file, "2022-03")
    after = save("after.json")
    monkeypatch.setattr("sco.plan.make_plan", lambda *_: pytest.fail("a catalog is asked"))
    planned.compare(str(file), [before, after], None, None, as_json=False)
    told = capsys.readouterr()
    rows = [line.split("\t") for line in told.out.splitlines()[1:]]
    assert {row[0].split()[1] for row in rows} == {"2022-03"}
    assert {tuple(row[1:3]) for row in rows} == {("new", "new")}
    assert f"{len(rows)} of 12 partitions differ from {before}" in told.err
    with pytest.raises(ConfigurationError, match="takes one saved plan or two"):
        planned.compare(str(file), [before, after, after], None, None, as_json=False)


def test_a_partition_that_is_in_one_plan_alone_is_told():
    line = {"state": "new", "reason": "2 scenes", "fingerprint": "f", "due": True}
    found = changes({"a": line, "b": line}, {"b": line, "c": line})
    assert [(one.partition, one.before, one.now) for one in found] == [
        ("c", "not there", "new"),
        ("a", "new", "not there"),
    ]


def test_a_plan_of_some_days_computes_these_and_no_more_whatever_else_is_due(file, save):
    from datetime import date

    saved = save(start=date(2022, 2, 1), end=date(2022, 2, 28))
    update_one(file, "2022-01")  # moved, and no business of this plan
    summary = run.reconcile(str(file), "backfill", plan_file=str(saved))
    assert summary.partitions == 4
    assert {name.split()[1] for name in stored(file)} == {"2022-02"}
    assert run.reconcile(str(file), "backfill", plan_file=str(saved)).batches == 0  # applied is applied


def test_what_was_not_due_in_the_plan_is_not_computed(file, save):
    from datetime import date

    run.reconcile(str(file), "backfill", date(2022, 1, 1), date(2022, 1, 31))
    saved = save()
    assert SavedPlan.load(saved).due == {name for name in SavedPlan.load(saved).by_name if " 2022-01 " not in name}
    assert run.reconcile(str(file), "backfill", plan_file=str(saved)).partitions == 8


def test_a_world_that_moved_is_refused_or_told_and_computed_as_it_is(file, save, capsys):
    from datetime import date

    from flows.terminal import Teller
    from sco.progress import listening

    run.reconcile(str(file), "backfill", date(2022, 1, 1), date(2022, 1, 31))
    saved = save()
    update_one(file, "2022-01")
    name = update_one(file, "2022-02")
    with pytest.raises(ConfigurationError, match=r"the world has moved since .*: \d+ partitions differ.* --anyway"):
        run.reconcile(str(file), "backfill", plan_file=str(saved))
    before = Store.open(Project.load(file).store_url).records()
    with listening(Teller()):
        summary = run.reconcile(str(file), "backfill", plan_file=str(saved), anyway=True)
    assert summary.partitions == 8
    told = capsys.readouterr().err
    assert (
        "partitions have moved since it was saved and are computed as they are now, the first is ndvi 2022-02" in told
    )
    assert "more have moved that were not due in it" in told
    store = Store.open(Project.load(file).store_url)
    assert all(store.records()[one] == record for one, record in before.items())
    assert any(
        scene["id"] == name and scene["updated"].startswith("2024")
        for manifest in store.manifests().values()
        for scene in manifest["scenes"]
    )
    assert {one.partition.period.label for one in make_plan(Project.load(file)).chosen()} == {"2022-01"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "is not a saved plan"),
        ('{"schema": "sco.plan/0", "project": "tiny", "made": "", "partitions": []}', "is in sco.plan/0"),
        ('{"schema": "sco.plan/1", "project": "other", "made": "", "partitions": []}', "is a plan of 'other'"),
        ('{"schema": "sco.plan/1", "project": "tiny", "made": "", "partitions": []}', "has no period of tiny"),
        (
            '{"schema": "sco.plan/1", "project": "tiny", "made": "", "partitions": [{"period": "2022-01"}]}',
            "is not a saved",
        ),
    ],
)
def test_files_that_are_no_plan_of_this_project_are_refused(file, tmp_path, content, message):
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        run.reconcile(str(file), "backfill", plan_file=str(tmp_path / "plan.json"))


def test_a_document_reads_back_as_it_was():
    document = {"schema": "sco.plan/1", "project": "p", "made": "m", "counts": {"new": 1}}
    line = {
        "indicator": "é",
        "period": "2022-01",
        "tile": "t",
        "state": "new",
        "reason": "",
        "fingerprint": "f",
        "due": True,
    }
    text = text_of(document | {"partitions": [line]})
    assert json.loads(text) == document | {"partitions": [line]}
    assert by_name(json.loads(text)["partitions"]) == {"é 2022-01 t": line}


def test_the_commands_options_go_together_or_are_2(file, save):
    saved = save()
    assert sco("backfill", file, "--plan", saved, "--only", "all").returncode == 2
    assert sco("backfill", file, "--anyway").returncode == 2
    assert sco("retry", file, "--reason", "weather").returncode == 2
    told = sco("backfill", file, "--dry-run", "--only", "stale", "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["partitions"] == []
    told = sco("backfill", file, "--dry-run", "--plan", saved, "--json")
    assert len(json.loads(told.stdout)["partitions"]) == 12
    assert json.loads(told.stdout)["estimate"]["seconds"] is None
    assert stored(file) == set()


def test_the_newest_come_first_when_asked_and_what_is_derived_still_after_its_inputs(world, tmp_path, monkeypatch):
    from sco import reconcile

    monkeypatch.setattr(reconcile, "BATCH_BLOCKS", 1)
    file = world.project(tmp_path / "derived", indicators=("ndvi", "ndvi_anomaly"))
    run.reconcile(str(file), "backfill", backwards=True)
    history = Store.open(Project.load(file).store_url).history()[::-1]
    order = [one.partitions[0].rsplit(" ", 1)[0] for one in history if one.run and one.partitions]
    assert list(dict.fromkeys(order)) == [
        *(f"ndvi 2022-0{month}" for month in (3, 2, 1)),
        *(f"ndvi_anomaly 2022-0{month}" for month in (3, 2, 1)),
    ]


def test_after_a_run_the_plan_tells_what_one_takes(file, capsys):
    from datetime import date

    planned.plan(str(file), None, None, None, as_json=False)
    assert "time: unknown until a run has told" in capsys.readouterr().err
    run.reconcile(str(file), "backfill", date(2022, 1, 1), date(2022, 1, 31))
    planned.plan(str(file), None, None, None, as_json=True)
    cost = json.loads(capsys.readouterr().out)["estimate"]
    assert cost["partitions"] == 8
    for what in ("seconds", "bytes", "peak_memory"):
        assert 0 < cost[what]["low"] <= cost[what]["likely"] <= cost[what]["high"]
    assert cost["requests"]["high"] == 0  # its files are on this machine
    planned.plan(str(file), None, None, None, as_json=False)
    told = capsys.readouterr().err
    assert "  web requests: 0\n" in told
    assert "unknown" not in told
