"""A store of 2 x 3 small tiles over a year, and outcomes that follow from their partition: for races and harms."""

from datetime import date

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from sco.grid import Tiling
from sco.model import Indicator, Packing, Words
from sco.partition import Outcome, Partition, Pixels, Record
from sco.period import divide
from sco.store import Store
from sco.tile import Tile

TILING = Tiling(GeoBox((36, 50), Affine(20.0, 0.0, 500000.0, 0.0, -20.0, 4804000.0), "EPSG:32633"), 20)
YEAR = divide(date(2023, 1, 1), date(2023, 12, 31), "month")
NDVI = Indicator(
    id="ndvi",
    version=1,
    title=Words("The index", "L'indice"),
    description=Words("What it is.", "Ce que c'est."),
    bands=("red",),
    formula=lambda red: red,
    composite="median",
    unit="1",
    valid_range=(-1.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="viridis",
    references=("https://doi.org/10.1000/1",),
    cell_methods="time: median",
)
ATTRS = {"title": "A place", "project": "place", "every": "month", "simulated": "true"}
PARTITIONS = tuple(Partition(period, tile, "ndvi") for period in YEAR for tile in TILING)


def lay_out(url: str, years: int = 1) -> Store:
    """The store, with room for one year or for more."""
    return Store.lay_out(url, TILING, divide(date(2023, 1, 1), date(2022 + years, 12, 31), "month"), [NDVI], ATTRS)


def outcome(partition: Partition, round_: int = 0, run: str = "20230101T000000-0001") -> Outcome:
    """The outcome of a partition in a round: its values all say the round, its record and manifest too."""
    seed = partition.period.start.toordinal() * 100 + partition.tile.row * 10 + partition.tile.column
    numbers = np.random.default_rng([seed, round_])
    shape = TILING.geobox_of(partition.tile).shape
    values = numbers.integers(-10000, 10001, shape).astype("int16")
    values[0, 0] = round_
    counts = [np.full(shape, round_ + extra, "uint16") for extra in range(3)]
    record = Record(f"{seed * 100_000 + round_:064x}", run)
    return Outcome(partition, record, {"round": round_, "scenes": []}, Pixels(values, *counts))


def tile_of(number: int) -> Tile:
    """One of the six tiles."""
    return list(TILING)[number % 6]
