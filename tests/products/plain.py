"""A made-up plain over many periods: vegetation with its standard error, and what is derived from it, in a store.

The west grows greener by RISE a year, the south dries in DRY; the rest is the season, and noise that the error tells.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from sco import derive, uncertainty
from sco.library import indicators
from sco.lineage import Calendar
from sco.packing import pack
from sco.partition import Outcome, Partition, Pixels, Record
from sco.period import Slice
from sco.products.contents import Publication
from sco.project import Project
from sco.store import Store
from sco.tile import Tile

SIDE, RESOLUTION = 60, 500
LEFT, TOP = 600_000.0, 4_820_000.0
RISE, NOISE, DROUGHT = 0.02, 0.01, 0.25
CONFIG = """
id = "plain"
title = {{ en = "A made-up plain", fr = "Une plaine inventée" }}
indicators = ["ndvi", "ndvi_anomaly", "ndvi_z"]
store = "store"
[period]
start = {first}-03-01
end = {last}-02-28
every = "{every}"
reference = [{first}-03-01, {reference}-02-28]
[area]
bounds = [600000.0, 4790000.0, 630000.0, 4820000.0]
crs = "EPSG:32631"
resolution = 500
tile = 64
[[sources]]
sensor = "sentinel2"
catalogs = ["simulated"]
[zones]
file = "zones.geojson"
name = "name"
[publish]
to = "products"
[[publish.explained]]
indicator = "ndvi_z"
period = "{dry}"
reason = "the south was dry"
"""


@dataclass(frozen=True)
class Plain:
    """How much of it there is."""

    every: str = "season"
    first: int = 2010
    years: int = 7
    reference_years: int = 5
    zones_across: int = 3

    @property
    def dry(self) -> str:
        """The period in which the south dries."""
        return f"{self.first + self.years - 1}-{'JJA' if self.every == 'season' else '06'}"


def publication_in(folder: Path, plain: Plain) -> Publication:
    """The plain as a publication, out of a store that is filled in `folder`."""
    project = project_in(folder, plain)
    slices = project.period.slices()
    attrs = {"title": "Plain", "every": plain.every, "project": "plain"}
    store = Store.lay_out(project.store_url, project.tiling, slices, project.resolved_indicators, attrs)
    store.commit(list(observed(plain, slices)), "run-1", "vegetation")
    calendar = Calendar(slices, project.period.every, project.period.reference)
    for name in project.indicators[1:]:
        prints = {period.label: f"{place:064x}" for place, period in enumerate(slices)}
        task = derive.Derivation(name, Tile(0, 0), prints, calendar, None)
        store.commit(derive.derive(task, "run-1", store.url, store.tip()), "run-1", name)
    return Publication.of(project, store, store.tip())


def project_in(folder: Path, plain: Plain) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    last, reference = plain.first + plain.years, plain.first + plain.reference_years
    text = CONFIG.format(first=plain.first, last=last, reference=reference, every=plain.every, dry=plain.dry)
    (folder / "plain.toml").write_text(text, "utf-8")
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    features = list(rounds(plain.zones_across))
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}))
    return Project.load(folder / "plain.toml")


def rounds(across: int) -> Iterator[dict[str, object]]:
    """Zones with as many corners as those of real places."""
    step = SIDE * RESOLUTION / across
    angles = np.linspace(0, 2 * np.pi, 41)
    for place in range(across**2):
        middle = LEFT + (place % across + 0.5) * step, TOP - (place // across + 0.5) * step
        reach = step * (0.42 + 0.06 * np.cos(5 * angles))
        ring = [[middle[0] + r * np.cos(a), middle[1] + r * np.sin(a)] for a, r in zip(angles, reach, strict=True)]
        ring[-1] = ring[0]
        geometry = {"type": "Polygon", "coordinates": [ring]}
        yield {"type": "Feature", "properties": {"name": f"Commune {place + 1:03d}"}, "geometry": geometry}


def observed(plain: Plain, slices: Sequence[Slice]) -> Iterator[Outcome]:
    random, packing = np.random.default_rng(11), indicators["ndvi"].packing
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    error = np.full((SIDE, SIDE), NOISE, "float32") * (1 + columns / SIDE)
    for place, period in enumerate(slices):
        age = (period.start - date(plain.first, 3, 1)).days / 365.25
        ground = 0.5 + 0.15 * np.cos(2 * np.pi * (period.start.month - 7) / 12) + RISE * age * (columns < SIDE / 2)
        ground = ground - DROUGHT * (period.label == plain.dry) * (rows > SIDE / 2)
        values = (ground + random.normal(0, 1, ground.shape) * error).astype("float32")
        values[:5, :5] = np.nan
        counts = [np.full((SIDE, SIDE), n, "uint16") for n in (6, 2, 0)]
        wrong = np.where(np.isnan(values), np.nan, error)
        packed_error = pack(wrong, uncertainty.packing_of(indicators["ndvi"]))
        partition = Partition(period, Tile(0, 0), "ndvi")
        pixels = Pixels(pack(values, packing), *counts, packed_error)
        yield Outcome(partition, Record(f"{place:064x}", "run-1"), manifest(period), pixels)


def manifest(period: Slice) -> dict[str, object]:
    scene = {
        "id": f"S2A_{period.start}",
        "sensor": "sentinel2",
        "catalog": "simulated",
        "collection": "sentinel-2-l2a",
        "time": f"{period.start}T10:30:00+00:00",
        "updated": None,
        "baseline": "05.10",
        "cloud_percent": 5.0,
        "assets": {},
        "calibration": {"red": {"scale": 1e-4, "offset": -0.1, "evidence": ["baseline 05.10"]}},
        "failed": {},
    }
    return {
        "partition": {"indicator": "ndvi", "period": period.label, "tile": "r000c000"},
        "indicator_version": 1,
        "sensors": {"sentinel2": 1},
        "code": "0.1.0+plain",
        "scenes": [scene],
        "rejected": [],
        "completeness": {"used": 1, "known": 1},
    }
