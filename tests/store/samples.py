"""A store of 2 x 3 small tiles over a year, outcomes to commit to it, and what must be read back."""

from datetime import date

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from sco.grid import Tiling
from sco.model import Indicator, Packing, Words
from sco.partition import Empty, Outcome, Partition, Pixels, Record
from sco.period import Every, divide
from sco.store import Store
from sco.tile import Tile


def indicator(name: str, packing: Packing = Packing(scale=1e-4)) -> Indicator:  # noqa: B008 - frozen
    return Indicator(
        id=name,
        version=1,
        title=Words(f"The {name}", f"Le {name}"),
        description=Words("What it is.", "Ce que c'est."),
        bands=("red",),
        formula=lambda red: red,
        composite="median",
        unit="1",
        valid_range=(-1.0, 1.0),
        packing=packing,
        colormap="viridis",
        references=("https://doi.org/10.1000/1",),
        cell_methods="time: median",
        standard_name="normalized_difference_vegetation_index",
    )


NDVI = indicator("ndvi")
WATER = indicator("water_extent")
TILING = Tiling(GeoBox((36, 50), Affine(20.0, 0.0, 500000.0, 0.0, -20.0, 4804000.0), "EPSG:32633"), 20)
"""2 x 3 tiles; the last row has 16 pixels, the last column 10."""
YEAR = divide(date(2023, 1, 1), date(2023, 12, 31), "month")


def attrs(every: Every = "month") -> dict[str, str]:
    return {"title": "A place", "project": "place", "every": every, "simulated": "false"}


def part(month: int, row: int = 0, column: int = 0, name: str = "ndvi") -> Partition:
    return Partition(YEAR[month - 1], Tile(row, column), name)


def outcome(partition: Partition, seed: int | None = None, run: str = "20230101T000000-0001") -> Outcome:
    """An outcome whose pixels follow from the partition, or from the seed."""
    numbers = np.random.default_rng(seed if seed is not None else _seed(partition))
    shape = TILING.geobox_of(partition.tile).shape
    values = numbers.integers(-10000, 10001, shape).astype("int16")
    values[0, 0] = NDVI.packing.fill
    counts = [numbers.integers(0, 30, shape).astype("uint16") for _ in range(3)]
    manifest = {"partition": {"indicator": partition.indicator}, "scenes": [{"id": f"é{n}"} for n in range(20)]}
    return Outcome(partition, Record(f"{_seed(partition):064x}", run), manifest, Pixels(values, *counts))


def empty(partition: Partition) -> Outcome:
    record = Record("e" * 64, "20230101T000000-0002", Empty.NO_ACQUISITION)
    return Outcome(partition, record, {"scenes": []}, None)


def _seed(partition: Partition) -> int:
    return partition.period.start.toordinal() * 100 + partition.tile.row * 10 + partition.tile.column


def pixels_in(store: Store, partition: Partition) -> list[np.ndarray]:
    """The decoded values of a partition, then its counts."""
    window = dict(zip(("y", "x"), TILING.window_of(partition.tile), strict=True))
    data = store.dataset().isel(window).sel(time=str(partition.period.start))
    names = [partition.indicator, *(f"{partition.indicator}_{n}" for n in ("n_seen", "n_masked", "n_failed"))]
    return [data[name].values for name in names]


def assert_stored(store: Store, expected: Outcome) -> None:
    assert expected.pixels is not None
    values, *counts = pixels_in(store, expected.partition)
    packed = expected.pixels.values
    np.testing.assert_allclose(values, np.where(packed == -32768, np.nan, packed * 1e-4), rtol=0, atol=1e-12)
    planes = expected.pixels.n_seen, expected.pixels.n_masked, expected.pixels.n_failed
    for count, plane in zip(counts, planes, strict=True):
        assert count.dtype == np.uint16
        np.testing.assert_array_equal(count, plane)
    assert store.records()[expected.partition] == expected.record
    assert store.manifest(expected.partition) == expected.manifest
