"""Tables: the zones' series as CSV and GeoParquet, and the scenes that everything was made from as CSV."""

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import xarray as xr
from numpy.typing import NDArray

from sco.model import Class, Indicator
from sco.products.contents import Publication
from sco.products.shares import classes_of
from sco.products.summary import ZONAL

SERIES = ("zone", "indicator", "period", "statistic", "value", "unit", "n")
SCENES = (
    "indicator", "period", "tile", "scene", "sensor", "catalog", "collection",
    "time", "updated", "baseline", "cloud_percent", "failed_bands",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
DEGREES = "OGC:CRS84"
Row = tuple[str, str, str, str, float, str, int]
"""As SERIES names it; the value is NaN where there is none."""


def write_series(publication: Publication, path: Path) -> None:
    """One row for each zone, indicator, period and statistic.

    Mean, its error, area of what is a fraction; of classes, of which there is no mean, `share:` and the class's
    meaning; coverage.
    """
    rows = series_rows(publication)
    _write(path, SERIES, ((_inert(zone), *facts, _words(value), unit, n) for zone, *facts, value, unit, n in rows))


def write_parquet(publication: Publication, path: Path) -> None:
    """The same rows as GeoParquet 1.1, each with its zone's polygon in degrees; the words as they are."""
    import geopandas

    rows = list(series_rows(publication))
    shapes = {zone.name: zone.geometry for zone in publication.zoning.zones}
    columns = {name: [row[place] for row in rows] for place, name in enumerate(SERIES)}
    outlines = geopandas.GeoSeries(shapes, crs=str(publication.geobox.crs)).to_crs(DEGREES)
    frame = geopandas.GeoDataFrame(columns, geometry=[outlines[row[0]] for row in rows], crs=DEGREES)
    frame.to_parquet(path, index=False, compression="zstd", schema_version="1.1.0", write_covering_bbox=True)


def write_scenes(publication: Publication, path: Path) -> None:
    """One row for each scene that a partition was made from."""
    _write(path, SCENES, _scene_rows(publication))


def series_rows(publication: Publication) -> Iterator[Row]:
    """The long form, zone by zone; a period without a layer has no row."""
    columns = {one.id: _columns(one, publication.series[one.id]) for one in publication.project.resolved_indicators}
    for place, zone in enumerate(publication.zoning.names):
        for layer in publication.layers:
            found, step = columns[layer.indicator.id], publication.place_of(layer)
            numbers = {name: float(column[step, place]) for name, column in found.items()}
            for statistic, unit in _statistics(layer.indicator, publication.has_error(layer.indicator)):
                facts = (zone, layer.indicator.id, layer.period.label, statistic)
                yield *facts, numbers[statistic], unit, int(numbers["n"])


def _columns(indicator: Indicator, table: xr.Dataset) -> dict[str, NDArray[Any]]:
    """The statistics of an indicator by their names, (time, zone) each."""
    own = {"area" if name == "area_km2" else name: table[name].values for name in ZONAL}
    shares = {share_of(one): table["share"].sel({"class": one.value}).values for one in classes_of(indicator)}
    return own | shares


def _statistics(indicator: Indicator, has_error: bool) -> Iterator[tuple[str, str]]:
    """The statistics that are told of an indicator, and their units."""
    if classes := classes_of(indicator):
        yield from ((share_of(one), "1") for one in classes)
    else:
        yield "mean", indicator.unit
        if has_error:
            yield "error", indicator.unit
    if indicator.is_share_of_area:
        yield "area", "km2"
    yield "coverage", "1"


def share_of(one: Class) -> str:
    """Name of the statistic that is a class's share of the area with a value."""
    return f"share:{one.meaning}"


def _scene_rows(publication: Publication) -> Iterator[Sequence[object]]:
    for partition in sorted(publication.manifests):
        start = (partition.indicator, partition.period.label, str(partition.tile))
        for scene in sorted(publication.manifests[partition].get("scenes", ()), key=lambda scene: str(scene["id"])):
            known = ("id", "sensor", "catalog", "collection", "time", "updated", "baseline", "cloud_percent")
            facts = (_inert(str(scene.get(key) if scene.get(key) is not None else "")) for key in known)
            yield (*start, *facts, _inert(" ".join(sorted(scene.get("failed", {})))))


def _words(number: float) -> str:
    return "" if math.isnan(number) else f"{number:.6g}"


def _inert(text: str) -> str:
    """The text, never a formula to a spreadsheet."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
