"""The STAC item of a layer: its values, its counts, its picture, and what it was derived from."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from importlib.metadata import version as version_of
from typing import Any

from shapely.geometry import mapping

from sco.model import Indicator
from sco.products import cog, figures, schemas
from sco.products.contents import Layer, Publication
from sco.products.seal import Seals
from sco.products.summary import COUNTS

USED = ("file", "processing", "projection", "raster", "render", "scientific", "version")
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
GEOJSON, JSON = "application/geo+json", "application/json"
DEGREE_DIGITS = 7
UP = "../../"
DOI = "https://doi.org/"


def item(publication: Publication, layer: Layer, seals: Seals) -> dict[str, Any]:
    """The item's document; addresses are relative to stac/items/.

    It tells nothing of the product's other layers or version, so that it stays the same while its layer does.
    """
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [schemas.EXTENSIONS[name] for name in USED],
        "id": layer.name,
        "collection": publication.project.id,
        "geometry": _rounded(mapping(publication.footprint)),
        "bbox": bbox(publication),
        "properties": _properties(publication, layer),
        "assets": dict(_assets(publication, layer, seals)),
        "links": [
            *(_link(rel, "../collection.json", JSON) for rel in ("root", "parent", "collection")),
            {
                **_link("derived_from", UP + layer.record, JSON),
                "title": "Every scene or layer that this was made from, with calibration and code",
                **printed(seals, layer.record),
            },
        ],
    }


def printed(seals: Seals, name: str) -> dict[str, Any]:
    """A file's size and checksum, as the file extension has them."""
    found = seals.of(name)
    return {"file:size": found.size, "file:checksum": found.multihash}


def bbox(publication: Publication) -> list[float]:
    """West, south, east, north."""
    return [round(degrees, DEGREE_DIGITS) for degrees in publication.footprint.bounds]


def first_instant(day: date) -> str:
    """As RFC 3339 writes it."""
    return f"{day.isoformat()}T00:00:00Z"


def instant_before(day: date) -> str:
    """The last second before a day begins."""
    return f"{(day - timedelta(days=1)).isoformat()}T23:59:59Z"


def render(publication: Publication, indicator: Indicator) -> dict[str, Any]:
    """How to draw an indicator's COG: the colours of the page, over the packed numbers that the file holds."""
    colours, packing = figures.colours_of(publication, indicator), cog.packing_of(indicator)
    ends = [(value - packing.offset) / packing.scale for value in (colours.low, colours.high)]
    return {
        "title": indicator.title.en,
        "assets": ["data"],
        "rescale": [[round(end, 6) for end in ends]],
        "nodata": packing.fill,
        **(_of_classes(indicator) if indicator.classes else {"colormap_name": colours.name.lower()}),
        "resampling": "mode" if indicator.classes else "average",
    }


def _of_classes(indicator: Indicator) -> dict[str, Any]:
    return {"colormap": {str(code): list(colour) for code, colour in cog.colour_table(indicator).items()}}


def software(publication: Publication, layer: Layer) -> dict[str, str]:
    """The code that computed a layer."""
    codes = {str(publication.manifests[one].get("code", "")) for one in publication.partitions_of(layer)} - {""}
    return {"sco-pipeline": ", ".join(sorted(codes)) or version_of("sco-pipeline")}


def publications(indicator: Indicator) -> list[dict[str, str]]:
    """The papers that define an indicator, as the scientific extension has them."""
    dois = [link.removeprefix(DOI).removeprefix("doi:") for link in indicator.references]
    return [{"doi": doi} for doi in dois if doi.startswith("10.")]


def lineage(publication: Publication, indicator: Indicator) -> str:
    """What an indicator is made from, in one sentence."""
    if indicator.is_derived:
        made = "derived from " + ", ".join(f"{one.indicator} ({one.statistic})" for one in indicator.inputs)
    else:
        sensors = ", ".join(source.resolved_sensor.title for source in publication.project.sources_of(indicator))
        made = f"{indicator.cell_methods} of {', '.join(indicator.bands)} from {sensors}"
    return f"{indicator.id} version {indicator.version}: {made}"


def _properties(publication: Publication, layer: Layer) -> dict[str, Any]:
    indicator = layer.indicator
    start = publication.periods[0].start if indicator.of_series else layer.period.start
    papers, owed = publications(indicator), publication.credits_of(layer)
    return {
        "title": f"{'SIMULATED: ' if publication.project.simulated else ''}{indicator.title.en}, {layer.period.label}",
        "description": indicator.description.en,
        "datetime": None,
        "start_datetime": first_instant(start),
        "end_datetime": instant_before(layer.period.end),
        "proj:code": str(publication.geobox.crs),
        "proj:shape": list(publication.geobox.shape),
        "proj:transform": list(publication.geobox.transform)[:6],
        "processing:software": software(publication, layer),
        "processing:lineage": lineage(publication, indicator),
        "renders": {indicator.id: render(publication, indicator)},
        "sci:publications": papers,
        "version": publication.made_from(layer)[:10],
        "sco:indicator": indicator.id,
        "sco:simulated": publication.project.simulated,
        **({"sco:credits": list(owed)} if owed else {}),
    }


def _assets(publication: Publication, layer: Layer, seals: Seals) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "data", _data_asset(publication, layer, seals)
    yield "counts", _counts_asset(layer, seals)
    if (seals.folder / layer.overlay).is_file():
        yield "overview", {**_file(seals, layer.overlay), "type": "image/png", "roles": ["overview"]}


def _data_asset(publication: Publication, layer: Layer, seals: Seals) -> dict[str, Any]:
    packing, unit = cog.packing_of(layer.indicator), layer.indicator.unit
    band = {
        "name": layer.indicator.id,
        "description": layer.indicator.title.en,
        "data_type": packing.dtype,
        "nodata": packing.fill,
        "unit": unit,
        "raster:scale": packing.scale,
        "raster:offset": packing.offset,
        "raster:sampling": "area",
    }
    statistics = _statistics(publication, layer)
    return {
        **_file(seals, layer.cog),
        "type": COG,
        "title": layer.indicator.title.en,
        "roles": ["data"],
        "bands": [band | ({"statistics": statistics} if statistics else {})],
    }


def _counts_asset(layer: Layer, seals: Seals) -> dict[str, Any]:
    return {
        **_file(seals, layer.counts),
        "type": COG,
        "title": "Observations per pixel: seen, masked, failed",
        "roles": ["metadata"],
        "bands": [{"name": name, "data_type": "uint16", "unit": "1"} for name in COUNTS],
    }


def _statistics(publication: Publication, layer: Layer) -> dict[str, float]:
    counted = publication.summaries[layer.name].census
    height, width = publication.geobox.shape
    found = {"minimum": counted["lowest"], "maximum": counted["highest"]} if counted["valid"] else {}
    share = 100 * counted["valid"] / (height * width)
    return {name: round(value, 9) for name, value in found.items()} | {"valid_percent": round(share, 4)}


def _file(seals: Seals, name: str) -> dict[str, Any]:
    return {"href": UP + name, **printed(seals, name)}


def _link(rel: str, href: str, kind: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": kind}


def _rounded(geometry: Mapping[str, Any]) -> dict[str, Any]:
    rings = [
        [[round(degrees, DEGREE_DIGITS) for degrees in point] for point in ring] for ring in geometry["coordinates"]
    ]
    return {"type": geometry["type"], "coordinates": rings}
