"""The zones' series as GeoParquet: the rows of the CSV, with outlines."""

import csv
import json
from pathlib import Path

import geopandas
import pyarrow.parquet
import pytest
from delta import publication_in
from pyproj import CRS

from sco.products.tables import SERIES, write_parquet, write_series


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    made = publication_in(folder)
    write_series(made, folder / "series.csv")
    write_parquet(made, folder / "series.parquet")
    write_parquet(publication_in(folder), folder / "again.parquet")
    return folder


def test_geoparquet_has_the_rows_of_the_csv(folder: Path) -> None:
    frame = geopandas.read_parquet(folder / "series.parquet")
    assert list(frame.columns[: len(SERIES)]) == list(SERIES)
    with (folder / "series.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(frame) == len(rows) == 2 * 2 * (2 + 3)
    for row, (_, found) in zip(rows, frame.iterrows(), strict=True):
        assert row["zone"].removeprefix("'") == found["zone"]
        assert float(row["value"]) == pytest.approx(found["value"], rel=1e-5)
        assert (row["statistic"], row["unit"], int(row["n"])) == (found["statistic"], found["unit"], found["n"])


def test_outlines_are_in_degrees_where_the_zone_is(folder: Path) -> None:
    frame = geopandas.read_parquet(folder / "series.parquet")
    assert CRS(frame.crs).equals(CRS("OGC:CRS84"))
    west = frame[frame["zone"] == "West"].to_crs("EPSG:32631").geometry.iloc[0]
    assert west.area == pytest.approx(9000 * 15000, rel=1e-6)
    metadata = json.loads(pyarrow.parquet.read_schema(folder / "series.parquet").metadata[b"geo"])
    assert metadata["version"] == "1.1.0"
    assert metadata["columns"]["geometry"]["geometry_types"] == ["Polygon"]


def test_the_same_rows_give_the_same_bytes(folder: Path) -> None:
    assert (folder / "again.parquet").read_bytes() == (folder / "series.parquet").read_bytes()
