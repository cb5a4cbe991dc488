"""What two catalogs of one small simulated world have and lack; no pixel is read."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest
from command import sco

from flows import look
from sco.audit import audit
from sco.project import Project

FIRST, LATER = "earth_search", "planetary_computer"
KEYS = {"blue": "B02", "green": "B03", "red": "B04", "nir": "B08", "swir16": "B11", "swir22": "B12", "scl": "SCL"}


def items_of(observatory) -> list[dict]:
    items = json.loads(observatory.items.read_text())["features"]
    return [item for item in items if item["collection"] == "sentinel-2-l2a"]


def respelled(items: list[dict]) -> list[dict]:
    """The items as the Planetary Computer would spell them: other ids, other keys, no datastrip told."""
    found = deepcopy(items)
    for item in found:
        item["id"] = item["properties"]["s2:product_uri"].removesuffix(".SAFE")
        item["assets"] = {KEYS[key]: asset for key, asset in item["assets"].items()}
        item["properties"].pop("s2:datastrip_id")
    return found


@pytest.fixture
def make(observatory, make_project, tmp_path) -> Callable[..., Path]:
    """A project over these items of two catalogs; cloud and orbit are restricted, which an audit does not heed."""

    def write(first: list[dict], later: list[dict]) -> Path:
        for name, items in ((FIRST, first), (LATER, later)):
            (tmp_path / f"{name}.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
        catalogs = [{"id": name, "file": f"{name}.json"} for name in (FIRST, LATER)]
        return make_project(sources=[{"sensor": "sentinel2", "catalogs": catalogs, "max_cloud": 1}])

    return write


def month_of(item: dict) -> str:
    return item["properties"]["datetime"][:7]


def figures(holdings) -> dict[tuple[str, str], tuple[int, int]]:
    return {(one.month, one.catalog): (one.have, one.known) for one in holdings}


def test_a_hole_of_three_scenes_is_counted_and_named(observatory, make):
    items = items_of(observatory)
    january = [item for item in items if month_of(item) == "2022-01"]
    hole, extra = january[:3], next(item for item in items if month_of(item) == "2022-03")
    file = make([item for item in items if item not in hole], respelled([item for item in items if item is not extra]))
    holdings = audit(Project.load(file))
    found = figures(holdings)
    n = {month: sum(month_of(item) == month for item in items) for month in ("2021-11", "2022-01", "2022-03")}
    assert len(january) >= 5
    assert found["2022-01", FIRST] == (n["2022-01"] - 3, n["2022-01"])
    assert found["2022-01", LATER] == (n["2022-01"], n["2022-01"])
    assert found["2022-03", LATER] == (n["2022-03"] - 1, n["2022-03"])
    assert found["2021-11", FIRST] == found["2021-11", LATER] == (n["2021-11"], n["2021-11"])
    (holed,) = [one for one in holdings if (one.month, one.catalog) == ("2022-01", FIRST)]
    assert {one.id for one in holed.missing} == {item["id"] for item in respelled(hole)}
    assert {one.catalog for one in holed.missing} == {LATER}
    assert holed.completeness == pytest.approx(1 - 3 / n["2022-01"])


def test_a_month_that_nobody_has_is_nought_of_nought(observatory, make):
    items = [item for item in items_of(observatory) if month_of(item) != "2021-12"]
    holdings = audit(Project.load(make(items, respelled(items))), date(2021, 11, 15), date(2022, 1, 31))
    found = figures(holdings)
    assert {month for month, _ in found} == {"2021-11", "2021-12", "2022-01"}
    assert found["2021-12", FIRST] == found["2021-12", LATER] == (0, 0)
    assert {one.completeness for one in holdings} == {1.0, None}
    assert found["2021-11", FIRST][0] == sum(
        "2021-11-15" <= item["properties"]["datetime"] < "2021-12" for item in items
    )


def test_split_tiles_are_two_acquisitions_where_the_datastrips_are_told(observatory, make):
    items = items_of(observatory)
    half = deepcopy(items[0])
    half["id"] = half["id"].replace("_0_L2A", "_1_L2A")
    half["properties"]["s2:datastrip_id"] = half["properties"]["s2:datastrip_id"].replace("_S2021", "_S2020")
    found = figures(audit(Project.load(make([*items, half], items_of_other(items))), end=date(2021, 11, 30)))
    n = sum(month_of(item) == "2021-11" for item in items)
    assert found == {("2021-11", FIRST): (n + 1, n + 1), ("2021-11", LATER): (n, n + 1)}


def items_of_other(items: list[dict]) -> list[dict]:
    other = respelled(items)
    for item, own in zip(other, items, strict=True):
        item["properties"]["s2:datastrip_id"] = own["properties"]["s2:datastrip_id"]
    return other


def test_a_catalog_that_is_silent_is_told_as_such(observatory, make, capsys):
    file = make(items_of(observatory), [])
    (file.parent / f"{LATER}.json").unlink()
    look.audit(str(file), date(2021, 11, 1), date(2021, 11, 30), as_json=False)
    n = sum(month_of(item) == "2021-11" for item in items_of(observatory))
    assert capsys.readouterr().out.splitlines() == [
        "sensor\tmonth\tcatalog\thas\tcompleteness",
        f"sentinel2\t2021-11\tearth_search\t{n} of {n}\t100.0 %",
        "sentinel2\t2021-11\tplanetary_computer\tno answer\t",
    ]
    look.audit(str(file), date(2021, 11, 1), date(2021, 11, 30), as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "sco.audit/1"
    assert [one["have"] for one in document["holdings"]] == [n, None]
    assert "planetary_computer" in document["holdings"][1]["failure"]


def test_where_no_catalog_answers_the_command_says_that_asking_later_may_help(make, tmp_path):
    file = make([], [])
    for name in (FIRST, LATER):
        (tmp_path / f"{name}.json").unlink()
    told = sco("audit", file, "--json")
    assert (told.returncode, told.stdout) == (6, "")
    assert told.stderr.startswith("error: no catalog answers, so that nothing can be counted: earth_search")


def test_the_flow_counts_the_same(observatory, make):
    from flows.audit import audit as flow

    items = items_of(observatory)
    file = make(items[3:], respelled(items))
    assert flow.fn(str(file)) == audit(Project.load(file))
