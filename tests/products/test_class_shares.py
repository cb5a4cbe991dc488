"""A zone of an indicator of classes is told by the share of each class, never by a mean of what is no measure."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox
from plain import LEFT, RESOLUTION, TOP, Plain, manifest, project_in
from shapely.geometry import box

from sco.library import indicators
from sco.partition import Partition, Record
from sco.products import classes, summary
from sco.products.contents import Publication
from sco.products.gate import refusals
from sco.products.publication import publish
from sco.products.summary import COUNTS
from sco.project import Project
from sco.tile import Tile
from sco.zones import Zone, Zoning

SIDE = 60
NAME = "burn_severity_class"
CLASSES = indicators[NAME].classes
UNBURNED, LOW, HIGH = (CLASSES[place] for place in (2, 3, 6))
PERIOD, UNSEEN = "2011-JJA", "2011-SON"


def severity(step: int) -> np.ndarray:
    """Burned in the north by as many rows as three times the step, the outer columns of these only a little."""
    values = np.full((SIDE, SIDE), float(UNBURNED.value))
    values[: 3 * step] = HIGH.value
    values[: 3 * step, :20] = LOW.value
    values[:2, :2] = np.nan
    return values


def counted(values: np.ndarray) -> list[float]:
    """The share of each class among the pixels that have one."""
    return [float((values == one.value).sum() / np.isfinite(values).sum()) for one in CLASSES]


def stack_of(labels: list[str]) -> np.ndarray:
    """All periods; of UNSEEN nothing."""
    values = np.stack([severity(step) for step in range(len(labels))])
    values[labels.index(UNSEEN)] = np.nan
    return values


def publication_of(folder: Path) -> Publication:
    config = project_in(folder, Plain(years=2, reference_years=1)).file
    told = config.read_text("utf-8").split("[[publish.explained]]")[0]
    config.write_text(told.replace('"ndvi", "ndvi_anomaly", "ndvi_z"', f'"nbr", "{NAME}"'), "utf-8")
    project = Project.load(config)
    periods = project.period.slices()
    partitions = [Partition(period, Tile(0, 0), name) for period in periods for name in project.indicators]
    shape = (len(periods), SIDE, SIDE)
    planes = {f"{name}_{count}": np.full(shape, 2, "uint16") for name in project.indicators for count in COUNTS}
    planes |= {f"{name}_n_failed": np.zeros(shape, "uint16") for name in project.indicators}
    planes |= {"nbr": np.full(shape, 0.3), NAME: stack_of([one.label for one in periods])}
    time = {"time": [np.datetime64(period.start, "ns") for period in periods]}
    data = xr.Dataset({name: (("time", "y", "x"), plane) for name, plane in planes.items()}, time)
    records = {one: Record(f"{place:064x}", "run-1") for place, one in enumerate(partitions)}
    return Publication(project, data, "SNAP", records, {one: manifest(one.period) for one in partitions})


@pytest.fixture(scope="module")
def publication(tmp_path_factory: pytest.TempPathFactory) -> Publication:
    return publication_of(tmp_path_factory.mktemp("severity"))


@pytest.fixture(scope="module")
def product(publication: Publication) -> Path:
    return publish(publication)


def step(publication: Publication, label: str = PERIOD) -> int:
    return [one.label for one in publication.periods].index(label)


def within(publication: Publication, name: str) -> np.ndarray:
    """Which pixels have their middle in a zone, (y, x)."""
    (zone,) = (one for one in publication.zoning.zones if one.name == name)
    middles = np.arange(SIDE) * RESOLUTION + RESOLUTION / 2
    return np.asarray(shapely.contains_xy(zone.geometry, *np.meshgrid(LEFT + middles, TOP - middles)))


def framed(values: np.ndarray) -> xr.Dataset:
    planes = {name: np.full(values.shape, 1, "uint16") for name in COUNTS} | {"values": values}
    return xr.Dataset({name: (("y", "x"), plane) for name, plane in planes.items()})


def test_a_zone_counts_the_pixels_of_each_class_by_how_much_of_them_it_has() -> None:
    grid = GeoBox.from_bbox((0, 0, 600, 600), "EPSG:32631", resolution=10)
    west, thin = Zone("west", box(0, 0, 300, 600)), Zone("thin", box(0, 0, 600, 5))
    values = severity(5)
    values[-1, :15], values[-1, 15:30] = HIGH.value, np.nan
    found = summary.of(framed(values), Zoning((west, thin), grid), indicators[NAME])
    first, last = (np.array(row) for row in found.zones)
    assert first[5:] == pytest.approx(counted(values[:, :30]))
    assert last[5:] == pytest.approx([0, 0, 30 / 45, 0, 0, 0, 15 / 45], abs=1e-6)
    assert found.whole[0][5:] == pytest.approx(counted(values))
    assert np.isnan([first[:2], last[:2], found.whole[0][:2]]).all(), "no mean, no sum"
    assert first[2:4] == pytest.approx([np.isfinite(values[:, :30]).mean(), np.isfinite(values[:, :30]).sum()])
    assert summary.Summary.parse(json.loads(json.dumps(found.document()))).zones[0][5:] == found.zones[0][5:]


def test_classes_of_0_and_1_have_a_mean_beside_their_shares() -> None:
    grid = GeoBox.from_bbox((0, 0, 600, 600), "EPSG:32631", resolution=10)
    values = np.where(np.arange(SIDE)[:, np.newaxis] < 15, 1.0, 0.0) + np.zeros((SIDE, SIDE))
    found = summary.of(framed(values), Zoning((Zone("all", box(0, 0, 600, 600)),), grid), indicators["flood_extent"])
    assert found.whole[0] == pytest.approx([0.25, 0.09, 1.0, 3600, np.nan, 0.75, 0.25], nan_ok=True)


def test_tables_hold_the_share_of_each_class_and_no_mean(product: Path, publication: Publication) -> None:
    with (product / "series.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["indicator"] == NAME]
    own = [row for row in rows if (row["zone"], row["period"]) == ("Commune 002", PERIOD)]
    assert [row["statistic"] for row in own] == [
        "share:high_regrowth", "share:low_regrowth", "share:not_burned", "share:low_severity",
        "share:moderate_to_low_severity", "share:moderate_to_high_severity", "share:high_severity", "coverage",
    ]  # fmt: skip
    assert {row["unit"] for row in own} == {"1"}
    inside = severity(step(publication))[within(publication, "Commune 002")]
    assert [float(row["value"]) for row in own[:-1]] == pytest.approx(counted(inside), abs=0.01)
    assert sum(float(row["value"]) for row in own[:-1]) == pytest.approx(1, abs=1e-5)
    unseen = [row for row in rows if (row["zone"], row["period"]) == ("Commune 002", UNSEEN)]
    assert [(row["value"], row["n"]) for row in unseen] == [("", "0")] * 7 + [("0", "0")]
    frame = geopandas.read_parquet(product / "series.parquet")
    mine = frame[(frame.zone == "Commune 002") & (frame.indicator == NAME) & (frame.period == PERIOD)]
    assert mine.value.tolist() == pytest.approx([float(row["value"]) for row in own], rel=1e-5)
    assert "mean" not in set(frame[frame.indicator == NAME].statistic)
    assert set(frame[frame.indicator == "nbr"].statistic) == {"mean", "coverage"}


def test_the_gate_takes_no_class_for_a_number(publication: Publication) -> None:
    assert refusals(publication) == [], "a fire that spreads is no jump"
    broken = publication.data.copy(deep=True)
    broken[NAME].values[1, 30, :6] = 2.5
    made = Publication(publication.project, broken, "S", publication.records, publication.manifests)
    assert refusals(made) == [
        f"{NAME}: 0.17% of what was seen in {publication.periods[1].label} has values that are no class, and the "
        "classes are 0, 1, 2, 3, 4, 5, 6: compute its partitions again"
    ]
    rules = publication.project.publish
    assert rules is not None
    bounded = publication.project.model_copy(update={"publish": rules.model_copy(update={"ranges": {NAME: (0, 3)}})})
    assert refusals(replace(publication, project=bounded)) == [
        f"{NAME}: its values are classes, which have no range: take it out of publish.ranges"
    ]


def test_the_dominant_class_is_said_with_its_share() -> None:
    shares = [0.0, 0.1, 0.4, 0.1, 0.0, 0.0, 0.4]
    assert classes.dominant(shares) == 2
    assert classes.dominant([np.nan] * 7) is None
    assert classes.said(CLASSES, shares, "en") == "Not burned: 40.0%"
    assert classes.said(CLASSES, shares, "fr").replace("\u202f", " ").replace("\xa0", " ") == "Non brûlé : 40,0 %"
    assert classes.said(CLASSES, [np.nan] * 7, "fr") == "–"
