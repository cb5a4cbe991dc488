"""Tables: the zones' series as CSV and GeoParquet, and the scenes that everything was made from as CSV."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from sco.products.contents import Layer, Publication
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
    """One row for each zone, indicator, period and statistic: mean, its error, area of what is a fraction, coverage."""
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
    columns = {name: {one: found[one].values for one in ZONAL} for name, found in publication.series.items()}
    for place, zone in enumerate(publication.zoning.names):
        for layer in publication.layers:
            found, step = columns[layer.indicator.id], publication.place_of(layer)
            numbers = {name: float(found[name][step, place]) for name in ZONAL}
            yield from _statistics(zone, layer, numbers, publication.has_error(layer.indicator))


def _statistics(zone: str, layer: Layer, numbers: Mapping[str, float], has_error: bool) -> Iterator[Row]:
    indicator, period, n = layer.indicator, layer.period.label, int(numbers["n"])
    yield zone, indicator.id, period, "mean", numbers["mean"], indicator.unit, n
    if has_error:
        yield zone, indicator.id, period, "error", numbers["error"], indicator.unit, n
    if indicator.is_share_of_area:
        yield zone, indicator.id, period, "area", numbers["area_km2"], "km2", n
    yield zone, indicator.id, period, "coverage", numbers["coverage"], "1", n


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
