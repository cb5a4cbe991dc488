"""Tables as CSV: the zones' series, and the scenes that everything was made from."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import xarray as xr

from sco.model import Indicator
from sco.period import Slice
from sco.products.contents import Publication

SERIES = ("zone", "indicator", "period", "statistic", "value", "unit", "n")
SCENES = (
    "indicator", "period", "tile", "scene", "sensor", "catalog", "collection",
    "time", "updated", "baseline", "cloud_percent", "failed_bands",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_series(publication: Publication, path: Path) -> None:
    """One row for each zone, indicator, period and statistic: mean, coverage, and area of what is a fraction."""
    _write(path, SERIES, _series_rows(publication))


def write_scenes(publication: Publication, path: Path) -> None:
    """One row for each scene that a partition was made from."""
    _write(path, SCENES, _scene_rows(publication))


def _series_rows(publication: Publication) -> Iterator[Sequence[object]]:
    for zone in publication.zoning.names:
        for indicator in publication.project.resolved_indicators:
            table = publication.series[indicator.id].sel(zone=zone)
            for place, period in enumerate(publication.periods):
                yield from _statistics(zone, indicator, period, table.isel(time=place))


def _statistics(zone: str, indicator: Indicator, period: Slice, row: xr.Dataset) -> Iterator[Sequence[object]]:
    start, n = (_inert(zone), indicator.id, period.label), int(row["n"])
    yield (*start, "mean", _number(row["mean"]), indicator.unit, n)
    if indicator.is_share_of_area:
        yield (*start, "area", _number(row["area_km2"]), "km2", n)
    yield (*start, "coverage", _number(row["coverage"]), "1", n)


def _scene_rows(publication: Publication) -> Iterator[Sequence[object]]:
    for partition in sorted(publication.manifests):
        start = (partition.indicator, partition.period.label, str(partition.tile))
        for scene in sorted(publication.manifests[partition]["scenes"], key=lambda scene: str(scene["id"])):
            known = ("id", "sensor", "catalog", "collection", "time", "updated", "baseline", "cloud_percent")
            facts = (_inert(str(scene.get(key) if scene.get(key) is not None else "")) for key in known)
            yield (*start, *facts, " ".join(sorted(scene.get("failed", {}))))


def _number(value: xr.DataArray) -> str:
    number = float(value)
    return "" if number != number else f"{number:.6g}"


def _inert(text: str) -> str:
    """The text, never a formula to a spreadsheet."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
