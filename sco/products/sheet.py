"""The page: one HTML file that opens from disk, asks no other host for anything, and says what it does not know."""

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import xarray as xr
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sco import climatology
from sco.model import Indicator, Words
from sco.period import Every, Slice
from sco.products import figures
from sco.products.contents import COUNTS, LEAST_SEEN, Publication, well_seen

TEMPLATES = Path(__file__).parent / "templates"
MONTHS = (
    Words("January", "janvier"),
    Words("February", "février"),
    Words("March", "mars"),
    Words("April", "avril"),
    Words("May", "mai"),
    Words("June", "juin"),
    Words("July", "juillet"),
    Words("August", "août"),
    Words("September", "septembre"),
    Words("October", "octobre"),
    Words("November", "novembre"),
    Words("December", "décembre"),
)
SEASONS = {
    3: Words("spring", "printemps"),
    6: Words("summer", "été"),
    9: Words("autumn", "automne"),
    12: Words("winter", "hiver"),
}
FEW_YEARS = 5
"""Fewer years than these say too little of a spread to call a difference large."""
WHOLE_AREA = Words("Whole area", "Tout le territoire")


def write(publication: Publication, folder: Path) -> None:
    """Write index.html, its style, its script and its data into `folder`, beside the files that they show."""
    content = json.dumps(drawn(publication), ensure_ascii=True, allow_nan=False, sort_keys=True)
    (folder / "sheet-data.js").write_text(f"window.SHEET = {content};\n", "utf-8")
    for name in ("sheet.css", "sheet.js"):
        shutil.copyfile(TEMPLATES / name, folder / name)
    page = _environment().get_template("index.html").render(told(publication, folder))
    (folder / "index.html").write_text(page, "utf-8")


def told(publication: Publication, folder: Path) -> dict[str, Any]:
    """What the page says in words and numbers."""
    project = publication.project
    indicators = project.resolved_indicators
    return {
        "project": project,
        "publication": publication,
        "indicators": indicators,
        "headlines": [_headline(publication, indicator) for indicator in indicators],
        "periods": [named(period, project.period.every) for period in publication.periods],
        "area_km2": publication.zoning.weights[0].zone_km2 if not project.zones else _grid_km2(publication),
        "latest": [_group(publication, indicator) for indicator in indicators],
        "observations": [_observations(publication, indicator) for indicator in indicators],
        "accuracy": [_accuracy(publication, one) for one in publication.accuracy],
        "sources": list(_sources(publication)),
        "rejected": sorted(publication.rejected.items(), key=lambda entry: (-entry[1], entry[0])),
        "reference": _reference(publication),
        "least_seen": LEAST_SEEN,
        "downloads": list(_downloads(publication, folder)),
    }


def drawn(publication: Publication) -> dict[str, Any]:
    """What the page's script draws: frame, layers, zones and series; numbers or null."""
    project, geobox = publication.project, publication.geobox
    step = figures.overlay_step((geobox.shape[0], geobox.shape[1]))
    left, _, _, top = geobox.boundingbox.bbox
    return {
        "frame": {
            "width": geobox.shape[1],
            "height": geobox.shape[0],
            "step": step,
            "left": left,
            "top": top,
            "resolution": [geobox.resolution.x, geobox.resolution.y],
            "degrees": bool(geobox.crs and geobox.crs.geographic),
        },
        "periods": [_words(named(period, project.period.every)) for period in publication.periods],
        "years": [period.start.year for period in publication.periods],
        "indicators": [_layers(publication, indicator) for indicator in project.resolved_indicators],
        "zones": [{"name": _words(WHOLE_AREA), "rings": []}, *_outlines(publication)],
    }


def named(period: Slice, every: Every) -> Words:
    """The period as people say it."""
    year, month, day = period.start.year, MONTHS[period.start.month - 1], period.start.day
    match every:
        case "day":
            return Words(f"{day} {month.en} {year}", f"{day} {month.fr} {year}")
        case "dekad":
            last = (period.end - timedelta(days=1)).day
            return Words(f"{day} to {last} {month.en} {year}", f"{day} au {last} {month.fr} {year}")
        case "month":
            return Words(f"{month.en} {year}", f"{month.fr} {year}")
        case "season":
            season, ending = SEASONS[period.start.month], period.end.year
            return Words(f"{season.en} {ending}", f"{season.fr} {ending}")
        case "year":
            return Words(str(year), str(year))


def safe_link(link: str) -> str | None:
    """The link, if it is one that a page may offer; None for any scheme but http and https."""
    return link if urlsplit(link).scheme in ("http", "https") else None


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["link"] = safe_link
    environment.filters["fr"] = _french
    environment.filters["signed"] = _signed
    environment.filters["bytes"] = _bytes
    return environment


def _headline(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    return _group_facts(publication, indicator) | _row(publication, indicator, publication.overall[indicator.id], 0)


def _group(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    table = publication.series[indicator.id]
    rows = [
        {"zone": Words(zone, zone) if publication.project.zones else WHOLE_AREA}
        | _row(publication, indicator, table, column)
        for column, zone in enumerate(publication.zoning.names)
    ]
    return _group_facts(publication, indicator) | {"rows": rows}


def _group_facts(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    return {
        "indicator": indicator,
        "period": named(publication.latest(indicator).period, publication.project.period.every),
        "percent": indicator.is_share_of_area,
        "unit": "" if indicator.unit == "1" else indicator.unit,
    }


def _row(publication: Publication, indicator: Indicator, table: xr.Dataset, column: int) -> dict[str, Any]:
    """The latest value of a zone, how far it is from usual, and whether that is farther than the usual spread."""
    place = publication.periods.index(publication.latest(indicator).period)
    table = well_seen(table)
    normal = figures.normals(publication, table["mean"])
    value, area_km2 = _at(table["mean"], place, column), _at(table["area_km2"], place, column)
    usual, spread, years = (
        _at(normal[name], place, column) if normal is not None else None for name in ("mean", "std", "n_years")
    )
    anomaly = value - usual if value is not None and usual is not None else None
    return {
        "value": value,
        "anomaly": anomaly,
        "far": bool(anomaly and spread and (years or 0) >= FEW_YEARS and abs(anomaly) > spread),
        "area_km2": area_km2 if indicator.is_share_of_area else None,
        "coverage": _at(table["coverage"], place, column),
    }


def _observations(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    counted = publication.census.sel(indicator=indicator.id)
    seen, masked, failed = (int(counted[name].sum()) for name in COUNTS)
    height, width = publication.geobox.shape
    acquired = max(seen + masked + failed, 1)
    return {
        "indicator": indicator,
        "seen_per_period": seen / (height * width * len(publication.periods)),
        "used": seen / acquired,
        "masked": masked / acquired,
        "failed": failed / acquired,
        "budget": publication.project.publish.failed_budget if publication.project.publish else 0.0,
        "completeness": publication.completeness(indicator.id),
    }


def _accuracy(publication: Publication, one: Any) -> dict[str, Any]:
    titles = {indicator.id: indicator.title for indicator in publication.project.resolved_indicators}
    title = titles.get(one.indicator, Words(one.indicator, one.indicator))
    bias, rmse = (value if np.isfinite(value) else None for value in (one.bias, one.rmse))
    return {"title": title, "bias": bias, "rmse": rmse, "n": one.n, "unit": "" if one.unit == "1" else one.unit}


def _sources(publication: Publication) -> Iterator[dict[str, Any]]:
    for source in publication.project.sources:
        for catalog in source.resolved_catalogs:
            used = [
                scene
                for (name, _), scene in publication.scenes.items()
                if name == catalog.id and scene["sensor"] == source.sensor
            ]
            days = sorted(str(scene["time"])[:10] for scene in used)
            yield {
                "sensor": source.resolved_sensor,
                "catalog": catalog,
                "scenes": len(used),
                "first": days[0] if days else "–",
                "last": days[-1] if days else "–",
            }


def _reference(publication: Publication) -> dict[str, Any] | None:
    reference = publication.project.period.reference
    if reference is None:
        return None
    return {"start": reference[0], "end": reference[1], "warning": climatology.short_record_warning(*reference)}


def _downloads(publication: Publication, folder: Path) -> Iterator[dict[str, Any]]:
    indicators = publication.project.resolved_indicators
    whole = sum(path.stat().st_size for path in (folder / "zarr").rglob("*") if path.is_file())
    yield _download(
        "series.csv",
        Words("Series of every zone", "Séries de chaque zone"),
        "CSV",
        (folder / "series.csv").stat().st_size,
    )
    yield _download(
        "scenes.csv", Words("Scenes that were used", "Scènes utilisées"), "CSV", (folder / "scenes.csv").stat().st_size
    )
    for indicator in indicators:
        yield _download(
            f"cog/{indicator.id}",
            Words(f"Maps: {indicator.title.en}", f"Cartes : {indicator.title.fr}"),
            "GeoTIFF (COG)",
            None,
        )
    yield _download("zarr", Words("The whole record", "La série complète"), "Zarr v3", whole)
    yield _download("stac/collection.json", Words("Catalog", "Catalogue"), "STAC 1.1", None)
    for indicator in indicators:
        for kind, words in (("map", Words("Map", "Carte")), ("chart", Words("Chart", "Graphique"))):
            name = f"figures/{indicator.id}_{kind}.png"
            title = Words(f"{words.en}: {indicator.title.en}", f"{words.fr} : {indicator.title.fr}")
            yield _download(name, title, "PNG", (folder / name).stat().st_size)


def _layers(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    colours = figures.colours_of(publication, indicator)
    overlays = {layer.period: layer.overlay for layer in publication.layers if layer.indicator.id == indicator.id}
    whole, zonal = publication.overall[indicator.id], publication.series[indicator.id]
    tables = [whole, *([zonal] if publication.project.zones else [])]
    return {
        "id": indicator.id,
        "title": _words(indicator.title),
        "description": _words(indicator.description),
        "unit": "" if indicator.unit == "1" else indicator.unit,
        "percent": indicator.is_share_of_area,
        "low": colours.low,
        "high": colours.high,
        "stops": colours.stops(),
        "overlays": [overlays.get(period) for period in publication.periods],
        "latest": publication.periods.index(publication.latest(indicator).period),
        "series": [line for table in tables for line in _lines(publication, table)],
    }


def _lines(publication: Publication, table: xr.Dataset) -> Iterator[dict[str, Any]]:
    table = well_seen(table)
    normal = figures.normals(publication, table["mean"])
    for column in range(table.sizes["zone"]):
        line = {"value": _list(table["mean"][:, column]), "coverage": _list(table["coverage"][:, column])}
        if normal is not None:
            line |= {"usual": _list(normal["mean"][:, column]), "spread": _list(normal["std"][:, column])}
        yield line


def _outlines(publication: Publication) -> Iterator[dict[str, Any]]:
    left, _, _, top = publication.geobox.boundingbox.bbox
    across, down = publication.geobox.resolution.x, publication.geobox.resolution.y
    for zone in publication.zoning.zones if publication.project.zones else ():
        outline = zone.geometry.simplify(abs(across) / 2)
        rings = [
            [[round((x - left) / across, 1), round((y - top) / down, 1)] for x, y in ring.coords]
            for polygon in figures.polygons(outline)
            for ring in (polygon.exterior, *polygon.interiors)
        ]
        yield {"name": _words(Words(zone.name, zone.name)), "rings": rings}


def _grid_km2(publication: Publication) -> float:
    from sco.zones import whole_area

    return whole_area(publication.project).weights[0].zone_km2


def _download(name: str, title: Words, kind: str, size: int | None) -> dict[str, Any]:
    return {"href": name, "title": title, "kind": kind, "size": size}


def _at(table: xr.DataArray, row: int, column: int) -> float | None:
    value = float(table[row, column])
    return value if np.isfinite(value) else None


def _list(series: xr.DataArray) -> Sequence[float | None]:
    return [round(value, 5) if np.isfinite(value) else None for value in series.values.tolist()]


def _words(words: Words) -> dict[str, str]:
    return {"en": words.en, "fr": words.fr}


def _french(number: str) -> str:
    """A number as French writes it: decimal comma, thin no-break space between thousands."""
    return number.replace(",", "\u202f").replace(".", ",")


def _signed(number: str) -> str:
    """A number with a true minus, and without a sign where it is nothing."""
    return number.replace("-", "−") if any(digit in "123456789" for digit in number) else number.lstrip("+-")


def _bytes(size: int) -> str:
    for unit, length in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= length:
            return f"{size / length:,.1f} {unit}"
    return f"{size} B"
