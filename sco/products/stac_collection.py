"""The STAC collection of a product: all layers as one cube, the tables, the page and the other records."""

from collections.abc import Iterator
from importlib.metadata import version as version_of
from typing import Any

from sco import uncertainty
from sco.products import citation, schemas
from sco.products.contents import Publication
from sco.products.seal import Seals
from sco.products.stac_item import (
    GEOJSON,
    JSON,
    bbox,
    first_instant,
    instant_before,
    printed,
    publications,
    render,
)

USED = ("datacube", "file", "processing", "render", "scientific", "version")
ZARR = "application/vnd.zarr; version=3"
FILES = {
    "series": ("series.csv", "text/csv", "Series per zone", "data"),
    "series-geoparquet": ("series.parquet", "application/vnd.apache.parquet", "Series per zone, with outlines", "data"),
    "scenes": ("scenes.csv", "text/csv", "Scenes used", "metadata"),
    "page": ("index.html", "text/html", "Page", "overview"),
    "dcat": ("catalog/dcat.jsonld", "application/ld+json", "DCAT-AP record", "metadata"),
    "iso19115": ("catalog/iso19115.xml", "application/vnd.iso.19139+xml", "ISO 19139 record", "metadata"),
    "iso19115-3": ("catalog/iso19115-3.xml", "application/xml", "ISO 19115-3 record", "metadata"),
    "citation": (citation.NAME, "application/yaml", "How to cite", "metadata"),
}
"""Key -> path, media type, title and role of the files that are no layer's."""


def collection(publication: Publication, seals: Seals) -> dict[str, Any]:
    """The collection's document; addresses are relative to stac/."""
    project = publication.project
    publish = project.publish
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [schemas.EXTENSIONS[name] for name in USED],
        "id": project.id,
        "title": f"{_mark(publication)}{project.title.en} / {project.title.fr}",
        "description": _description(publication),
        "keywords": ["climate", *(["simulated"] if project.simulated else []), *project.indicators],
        "license": publish.licence if publish and publish.licence else "other",
        "providers": list(_providers(publication)),
        "extent": {
            "spatial": {"bbox": [bbox(publication)]},
            "temporal": {"interval": [list(_interval(publication))]},
        },
        "summaries": {"proj:code": [str(publication.geobox.crs)], "sco:indicator": list(project.indicators)},
        "renders": {one.id: render(publication, one) for one in project.resolved_indicators},
        "cube:dimensions": _dimensions(publication),
        "cube:variables": _variables(publication),
        "version": publication.version,
        **_science(publication),
        "assets": dict(_assets(seals)),
        "links": list(_links(publication)),
    }


def _links(publication: Publication) -> Iterator[dict[str, str]]:
    yield {"rel": "root", "href": "./collection.json", "type": JSON}
    for sensor in publication.sensors:
        yield {"rel": "license", "href": sensor.licence, "title": sensor.title}
    yield {"rel": "about", "href": "../index.html", "type": "text/html"}
    if publication.project.publish and publication.project.publish.doi:
        yield {"rel": "cite-as", "href": f"https://doi.org/{publication.project.publish.doi}"}
    for layer in publication.layers:
        yield {"rel": "item", "href": f"./items/{layer.name}.json", "type": GEOJSON}


def _assets(seals: Seals) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "zarr", {"href": "../zarr", "type": ZARR, "roles": ["data"], "title": "All as Zarr v3"}
    for key, (name, kind, title, role) in FILES.items():
        if (seals.folder / name).is_file():
            told = {"href": f"../{name}", "type": kind, "title": title, "roles": [role]}
            yield key, told | printed(seals, name)


def _interval(publication: Publication) -> tuple[str, str]:
    return first_instant(publication.periods[0].start), instant_before(publication.periods[-1].end)


def _dimensions(publication: Publication) -> dict[str, Any]:
    box = publication.geobox
    left, bottom, right, top = box.boundingbox.bbox
    half_x, half_y = abs(box.resolution.x) / 2, abs(box.resolution.y) / 2
    epsg = box.crs.epsg if box.crs else None
    system = {"reference_system": epsg} if epsg else {}
    spatial = {"type": "spatial", **system}
    starts = [first_instant(period.start) for period in publication.periods]
    return {
        "time": {"type": "temporal", "extent": list(_interval(publication)), "values": starts},
        "y": {**spatial, "axis": "y", "extent": [bottom + half_y, top - half_y], "step": box.resolution.y},
        "x": {**spatial, "axis": "x", "extent": [left + half_x, right - half_x], "step": box.resolution.x},
    }


def _variables(publication: Publication) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in publication.project.resolved_indicators:
        alike = {"dimensions": ["time", "y", "x"], "unit": one.unit}
        extent = list(one.valid_range)
        found[one.id] = {"type": "data", **alike, "description": one.title.en, "extent": extent}
        if publication.has_error(one):
            told = f"{one.title.en}: standard error"
            found[uncertainty.name_of(one.id)] = {"type": "auxiliary", **alike, "description": told}
    return found


def _science(publication: Publication) -> dict[str, Any]:
    doi = publication.project.publish.doi if publication.project.publish else None
    papers = [paper for one in publication.project.resolved_indicators for paper in publications(one)]
    once = list({paper["doi"]: paper for paper in papers}.values())
    return {
        "sci:citation": citation.sentence(publication),
        **({"sci:doi": doi} if doi else {}),
        **({"sci:publications": once} if once else {}),
    }


def _providers(publication: Publication) -> Iterator[dict[str, Any]]:
    publish = publication.project.publish
    if publish and publish.publisher:
        yield {"name": publish.publisher, "roles": ["host"]}
    yield {
        "name": "SCO pipeline",
        "roles": ["processor", "producer"],
        "processing:software": {
            "sco-pipeline": version_of("sco-pipeline"),
            **{f"sco {code}": f"snapshot {publication.tag}" for code in publication.codes},
        },
    }


def _description(publication: Publication) -> str:
    project = publication.project
    words = project.summary.en if project.summary else "Climate indicators from satellite scenes."
    lines = ["SIMULATED DATA: this territory does not exist.", words] if project.simulated else [words]
    return "\n\n".join([*lines, *publication.credits])


def _mark(publication: Publication) -> str:
    return "SIMULATED: " if publication.project.simulated else ""
