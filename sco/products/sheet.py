"""The page: one HTML file that opens from disk, asks no other host for anything, and says what it does not know."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sco.model import Indicator, Words
from sco.partition import Empty
from sco.period import Slice
from sco.products import (
    citation,
    dcat,
    figures,
    iso19115,
    iso19115_3,
    lines,
    listings,
    mapview,
    origins,
    phrases,
    web,
    words,
)
from sco.products.contents import LEAST_SEEN, Layer, Publication, digest
from sco.products.lines import Chronicle
from sco.products.pieces import Piece
from sco.products.summary import COUNTS
from sco.products.words import both, named

NAMED_GAPS = 6
"""Badly seen periods that are named, at most."""
TOGETHER = 16
"""Zones whose lines are in one file."""
Chronicles = Mapping[str, Chronicle]
LAYER, INDICATOR, PERIOD = "{layer}", "{indicator}", "{period}"


def write(publication: Publication, folder: Path) -> None:
    """Write index.html and page/ into `folder`, beside the files that they show and that are there already."""
    chronicles = lines.chronicles(publication)
    web.copy_parts(folder)
    web.write_data(folder, "index", drawn(publication, chronicles), packed=True)
    for chronicle in chronicles.values():
        write_series(chronicle, folder)
    page = web.fill("index.html", **told(publication, chronicles, folder))
    (folder / "index.html").write_text(web.bare(page), "utf-8")


def write_series(chronicle: Chronicle, folder: Path) -> None:
    """Write an indicator's lines, some zones a file, and the trends of all; the page loads what it draws."""
    name, every = chronicle.indicator.id, chronicle.lines()
    groups = [every[:1], *(every[first : first + TOGETHER] for first in range(1, len(every), TOGETHER))]
    for place, group in enumerate(groups):
        web.write_data(folder, f"series/{name}/{place}", {"lines": group}, packed=True)
    trends = [one["trend"] for one in every]
    kept = {key: [one and one[key] for one in trends] for key in ("slope", "certain")}
    web.write_data(folder, f"series/{name}/trends", kept, packed=True)


def pieces(publication: Publication) -> Iterator[Piece]:
    """What the page says of each layer before anybody asks: a row of its table for each zone, and what it is from."""
    for chronicle in lines.chronicles(publication).values():
        for layer in chronicle.layers:
            said, name = chronicle.row(layer.period) | origins.head(publication, layer), f"layers/{layer.name}"
            write = partial(web.write_data, name=name, content=said, packed=True)
            yield Piece(f"page {layer.name}", digest(said), (f"{web.PAGE}/{name}.js",), write)


def told(publication: Publication, chronicles: Chronicles, folder: Path) -> dict[str, Any]:
    """What the page says in words and numbers."""
    project, every = publication.project, publication.project.period.every
    indicators = project.resolved_indicators
    categories = {one.id for one in indicators if words.is_category(one)}
    return {
        "project": project,
        "sheet": project.sheet,
        "publication": publication,
        "indicators": indicators,
        "titles": {one.id: one.title for one in indicators},
        "headlines": [_headline(publication, one) for one in chronicles.values()],
        "periods": [named(period, every) for period in publication.periods],
        "opening": publication.periods.index(chronicles[indicators[0].id].featured),
        "area_km2": mapview.area_km2(publication),
        "place": _place(publication),
        "zones": len(publication.zoning.names),
        "cell": figures.overlay_step((publication.geobox.shape[0], publication.geobox.shape[1])),
        "missing": list(_missing(publication)),
        "newest": words.day(date.fromisoformat(publication.newest)),
        "good_coverage": lines.GOOD_COVERAGE,
        "observations": [_observations(publication, indicator) for indicator in indicators],
        "accuracy": [_accuracy(publication, one) for one in publication.accuracy if one.indicator not in categories],
        "sources": list(_sources(publication)),
        "rejected": [one.words for one in phrases.left_out(publication.rejected)],
        "reference": _reference(publication),
        "least_seen": LEAST_SEEN,
        "errors": any(publication.has_error(indicator) for indicator in indicators),
        "downloads": list(_downloads(publication, folder)),
        "licence": web.LICENCE,
    }


def drawn(publication: Publication, chronicles: Chronicles) -> dict[str, Any]:
    """What the page's scripts draw: the frame, the periods, the zones, and what there is of each indicator."""
    project, every = publication.project, publication.project.period.every
    return {
        "project": project.id,
        "frame": mapview.Frame(publication.geobox).facts(project.area.tile),
        "periods": [both(named(period, every)) | {"label": period.label} for period in publication.periods],
        "parts": lines.parts(publication),
        "years": [period.start.year for period in publication.periods],
        "in_a_year": lines.IN_A_YEAR[every],
        "together": TOGETHER,
        "zones": mapview.zones(publication),
        "indicators": [_layers(publication, one) for one in chronicles.values()],
        "picture": _pattern(publication.layers[0], publication.layers[0].overlay),
        "raster": _pattern(publication.layers[0], publication.layers[0].cog),
        "report": f"reports/{PERIOD}.html",
        "words": {name: both(sentence) for name, sentence in words.of_page(_needed(publication)).items()},
    }


def _needed(publication: Publication) -> set[str]:
    """Names of the sentences that tell of a mask or a statistic that an indicator has."""
    recipes = [origins.recipe(publication, indicator) for indicator in publication.project.resolved_indicators]
    masks = {f"mask_{flag}" for recipe in recipes for flag in recipe["masked"]}
    return masks | {f"stat_{statistic}" for recipe in recipes for _, statistic in recipe["inputs"]}


def _layers(publication: Publication, chronicle: Chronicle) -> dict[str, Any]:
    indicator = chronicle.indicator
    colours = figures.colours_of(publication, indicator)
    there = {layer.period for layer in chronicle.layers}
    return {
        "id": indicator.id,
        "title": both(indicator.title),
        "description": both(indicator.description),
        "unit": {language: words.unit_of(indicator, language) for language in words.LANGUAGES},
        "percent": indicator.is_share_of_area,
        "share": words.is_share(indicator),
        "signed": words.is_signed(indicator),
        "category": words.is_category(indicator),
        "digits": words.digits_of(indicator),
        "exact": words.exact_digits_of(indicator),
        "low": colours.low,
        "high": colours.high,
        "stops": [] if colours.classes else colours.stops(),
        "classes": [both(one.words) | {"value": one.value, "colour": one.colour} for one in colours.classes],
        "layers": [int(period in there) for period in publication.periods],
        "blank": np.flatnonzero(publication.census["blank"].sel(indicator=indicator.id).values).tolist(),
        "featured": publication.periods.index(chronicle.featured),
        "recipe": origins.recipe(publication, indicator),
    }


def _pattern(layer: Layer, path: str) -> str:
    """The path of any layer, with marks where the names of this one stand."""
    return path.replace(layer.name, LAYER).replace(f"/{layer.indicator.id}/", f"/{INDICATOR}/")


def _headline(publication: Publication, chronicle: Chronicle) -> dict[str, Any]:
    indicator, period = chronicle.indicator, chronicle.featured
    row = publication.overall[indicator.id].isel(time=publication.periods.index(period), zone=0)
    value, km2 = (float(row[name]) for name in ("mean", "area_km2"))
    whole = chronicle.standing(period)
    return {
        "indicator": indicator,
        "period": named(period, publication.project.period.every),
        "value": value if np.isfinite(value) else None,
        "km2": km2 if indicator.is_share_of_area and np.isfinite(km2) else None,
        "anomaly": whole.anomaly if whole else None,
        "far": whole.is_far if whole else False,
        "shares": chronicle.class_shares(period),
    }


def _missing(publication: Publication) -> Iterator[dict[str, Any]]:
    """For each indicator, the periods that were badly seen; those that are few are named."""
    every = publication.project.period.every
    for indicator in publication.project.resolved_indicators:
        if indicator.of_series:
            continue
        coverage = publication.overall[indicator.id]["coverage"].values[:, 0]
        seen = zip(publication.periods, coverage, strict=True)
        poor = [period for period, share in seen if share < lines.GOOD_COVERAGE]
        spelled = [named(period, every) for period in poor] if len(poor) <= NAMED_GAPS else []
        names = Words(", ".join(one.en for one in spelled), ", ".join(one.fr for one in spelled))
        if poor:
            yield {
                "indicator": indicator,
                "poor": len(poor),
                "of": len(coverage),
                "names": names if spelled else None,
                "why": _why_empty(publication, indicator, poor),
            }


def _why_empty(publication: Publication, indicator: Indicator, periods: Iterable[Slice]) -> Words | None:
    """Of how many of these periods nothing at all is known, by reason; None where something is known of each."""
    counted = Counter(filter(None, (_emptiness(publication, Layer(indicator, one)) for one in periods)))
    if not counted:
        return None
    told = [(number, words.sentences()[f"empty_{reason.name.lower()}"]) for reason, number in counted.items()]
    sides: tuple[words.Language, ...] = ("en", "fr")
    english, french = (words.listed([f"{n} {words.of(one, side)}" for n, one in told], side) for side in sides)
    return Words(english, french)


def _emptiness(publication: Publication, layer: Layer) -> Empty | None:
    """Why a layer has no value in any tile: the reason of its first one; None where it has one."""
    if layer not in publication.layers:
        return None
    reasons = [publication.records[one].empty for one in publication.partitions_of(layer)]
    return reasons[0] if all(reasons) else None


def _place(publication: Publication) -> Words:
    """Where the middle of the grid is."""
    middle = publication.footprint.centroid
    lat, lon = f"{abs(middle.y):.2f}° {'S' if middle.y < 0 else 'N'}", f"{abs(middle.x):.2f}°"
    west = ("W", "O") if middle.x < 0 else ("E", "E")
    english, french = (f"{lat}, {lon} {side}" for side in west)
    return Words(f"around {english}", f"autour de {words.number(french.replace(', ', ' – '), 'fr')}")


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
            days = sorted(date.fromisoformat(str(scene["time"])[:10]) for scene in used)
            yield {
                "sensor": source.resolved_sensor,
                "catalog": catalog,
                "scenes": len(used),
                "first": words.day(days[0]) if days else None,
                "last": words.day(days[-1]) if days else None,
            }


def _reference(publication: Publication) -> dict[str, Any] | None:
    reference = publication.project.period.reference
    if reference is None:
        return None
    return {"start": reference[0], "end": reference[1], "warning": lines.reference_warning(publication)}


def _downloads(publication: Publication, folder: Path) -> Iterator[dict[str, Any]]:
    """What there is to take; the size of what is written by now."""
    offered = [
        ("series.csv", Words("Series of every zone", "Séries de chaque zone"), "CSV"),
        ("series.parquet", Words("Series of every zone", "Séries de chaque zone"), "GeoParquet"),
        ("scenes.csv", Words("Scenes that were used", "Scènes utilisées"), "CSV"),
        *_of_indicators(publication, "cog/{}/index.html", Words("Maps", "Cartes"), "GeoTIFF (COG)"),
        ("zarr/index.html", listings.RECORD, "Zarr v3"),
        ("reports/index.html", listings.REPORTS, "HTML, PDF"),
        ("stac/collection.json", Words("Catalog of the maps", "Catalogue des cartes"), "STAC 1.1"),
        (dcat.NAME, Words("Record for data portals", "Fiche pour portails de données"), "DCAT-AP"),
        (iso19115.NAME, Words("Record for geographic catalogs", "Fiche pour catalogues géographiques"), "ISO 19139"),
        (iso19115_3.NAME, Words("The same, newer form", "La même, forme plus récente"), "ISO 19115-3"),
        (citation.NAME, Words("How to cite these data", "Comment citer ces données"), "CFF"),
        *_of_indicators(publication, "figures/{}_map.png", Words("Map", "Carte"), "PNG"),
        *_of_indicators(publication, "figures/{}_chart.png", Words("Chart", "Graphique"), "PNG"),
    ]
    for name, title, kind in offered:
        yield {"href": name, "title": title, "kind": kind, "size": _size(folder / name.removesuffix(listings.NAME))}


def _of_indicators(publication: Publication, pattern: str, title: Words, kind: str) -> list[tuple[str, Words, str]]:
    indicators = publication.project.resolved_indicators
    return [
        (pattern.format(one.id), Words(f"{title.en}: {one.title.en}", f"{title.fr} : {one.title.fr}"), kind)
        for one in indicators
    ]


def _size(path: Path) -> int | None:
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size if path.is_file() else None
