"""A static STAC 1.1 collection with one item a layer, all addresses relative."""

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from pystac.errors import STACValidationError
from pystac.validation import validate_dict
from shapely.geometry import mapping

from sco.products.contents import COUNTS, Layer, Publication
from sco.products.seal import fingerprint

EXTENSIONS = {
    "file": "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "processing": "https://stac-extensions.github.io/processing/v1.1.0/schema.json",
    "projection": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "raster": "https://stac-extensions.github.io/raster/v2.0.0/schema.json",
}
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
DEGREE_DIGITS = 7


def write(publication: Publication, folder: Path) -> None:
    """Write stac/collection.json and stac/items/*.json for the files that lie in `folder`."""
    (folder / "stac/items").mkdir(parents=True)
    for layer in publication.layers:
        _save(item(publication, layer, folder), folder / layer.item)
    _save(collection(publication, folder), folder / "stac/collection.json")


def faults(folder: Path) -> list[str]:
    """What pystac has against the documents by the STAC core schemas, and addresses that lead nowhere."""
    paths = [folder / "stac/collection.json", *sorted((folder / "stac/items").glob("*.json"))]
    return [fault for path in paths for fault in _document_faults(path)]


def collection(publication: Publication, folder: Path) -> dict[str, Any]:
    """The collection, with the whole record, the tables and the page as its assets."""
    project = publication.project
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [EXTENSIONS["file"], EXTENSIONS["processing"]],
        "id": project.id,
        "title": f"{_mark(publication)}{project.title.en} / {project.title.fr}",
        "description": _description(publication),
        "keywords": ["climate", *(["simulated"] if project.simulated else []), *project.indicators],
        "license": "other",
        "providers": [_processor(publication)],
        "extent": {
            "spatial": {"bbox": [_bbox(publication)]},
            "temporal": {"interval": [[_start(publication.layers[0]), _instant_before(publication.periods[-1].end)]]},
        },
        "summaries": {"proj:code": [_code(publication)], "sco:indicator": list(project.indicators)},
        "assets": _collection_assets(folder),
        "links": [
            {"rel": "root", "href": "./collection.json", "type": "application/json"},
            *({"rel": "license", "href": sensor.licence, "title": sensor.title} for sensor in publication.sensors),
            {"rel": "about", "href": "../index.html", "type": "text/html"},
            *(
                {"rel": "item", "href": f"./items/{layer.name}.json", "type": "application/geo+json"}
                for layer in publication.layers
            ),
        ],
    }


def item(publication: Publication, layer: Layer, folder: Path) -> dict[str, Any]:
    """One layer: its values, its counts and its picture."""
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": list(EXTENSIONS.values()),
        "id": layer.name,
        "collection": publication.project.id,
        "geometry": _rounded(mapping(publication.footprint)),
        "bbox": _bbox(publication),
        "properties": _properties(publication, layer),
        "assets": {
            "data": _data_asset(publication, layer, folder),
            "counts": _counts_asset(publication, layer, folder),
            "overview": {**_file(folder, layer.overlay, "../../"), "type": "image/png", "roles": ["overview"]},
        },
        "links": [
            {"rel": rel, "href": "../collection.json", "type": "application/json"}
            for rel in ("root", "parent", "collection")
        ],
    }


def _properties(publication: Publication, layer: Layer) -> dict[str, Any]:
    indicator = layer.indicator
    height, width = publication.geobox.shape
    return {
        "title": f"{_mark(publication)}{indicator.title.en}, {layer.period.label}",
        "description": indicator.description.en,
        "datetime": None,
        "start_datetime": _start(layer),
        "end_datetime": _instant_before(layer.period.end),
        "proj:code": _code(publication),
        "proj:shape": [height, width],
        "proj:transform": list(publication.geobox.transform)[:6],
        "processing:software": {f"sco {code}": f"snapshot {publication.tag}" for code in publication.codes},
        "processing:lineage": (
            f"{indicator.id} version {indicator.version}: {indicator.cell_methods} of "
            f"{', '.join(indicator.bands)} from {', '.join(sensor.title for sensor in publication.sensors)}"
        ),
        "sco:indicator": indicator.id,
        "sco:simulated": publication.project.simulated,
    }


def _data_asset(publication: Publication, layer: Layer, folder: Path) -> dict[str, Any]:
    packing, unit = layer.indicator.packing, layer.indicator.unit
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
        **_file(folder, layer.cog, "../../"),
        "type": COG,
        "title": layer.indicator.title.en,
        "roles": ["data"],
        "bands": [band | ({"statistics": statistics} if statistics else {})],
    }


def _counts_asset(publication: Publication, layer: Layer, folder: Path) -> dict[str, Any]:
    return {
        **_file(folder, layer.counts, "../../"),
        "type": COG,
        "title": "Observations per pixel: seen, masked, failed",
        "roles": ["metadata"],
        "bands": [{"name": name, "data_type": "uint16", "unit": "1"} for name in COUNTS],
    }


def _statistics(publication: Publication, layer: Layer) -> dict[str, float]:
    place = publication.periods.index(layer.period)
    counted = publication.census.sel(indicator=layer.indicator.id).isel(time=place)
    height, width = publication.geobox.shape
    valid = int(counted["valid"])
    found = {"minimum": float(counted["lowest"]), "maximum": float(counted["highest"])} if valid else {}
    return {name: round(value, 9) for name, value in found.items()} | {
        "valid_percent": round(100 * valid / (height * width), 4)
    }


def _collection_assets(folder: Path) -> dict[str, Any]:
    zarr = {"href": "../zarr", "type": "application/vnd.zarr; version=3", "roles": ["data"], "title": "All as Zarr v3"}
    files = {
        "series": ("series.csv", "text/csv", "Series per zone"),
        "scenes": ("scenes.csv", "text/csv", "Scenes used"),
        "page": ("index.html", "text/html", "Page"),
    }
    return {"zarr": zarr} | {
        key: {
            "href": f"../{name}",
            "type": kind,
            "title": title,
            "roles": ["data" if kind == "text/csv" else "overview"],
        }
        | (_print(folder / name) if (folder / name).is_file() else {})
        for key, (name, kind, title) in files.items()
    }


def _processor(publication: Publication) -> dict[str, Any]:
    return {
        "name": "SCO pipeline",
        "roles": ["processor", "producer"],
        "processing:software": {"sco-pipeline": version_of("sco-pipeline")},
    }


def _description(publication: Publication) -> str:
    project = publication.project
    words = project.summary.en if project.summary else "Climate indicators from satellite scenes."
    lines = ["SIMULATED DATA: this territory does not exist.", words] if project.simulated else [words]
    return "\n\n".join([*lines, *publication.credits])


def _mark(publication: Publication) -> str:
    return "SIMULATED: " if publication.project.simulated else ""


def _file(folder: Path, name: str, up: str) -> dict[str, Any]:
    return {"href": up + name, **_print(folder / name)}


def _print(path: Path) -> dict[str, Any]:
    found = fingerprint(path)
    return {"file:size": found.size, "file:checksum": found.multihash}


def _start(layer: Layer) -> str:
    return f"{layer.period.start.isoformat()}T00:00:00Z"


def _instant_before(day: Any) -> str:
    from datetime import timedelta

    return f"{(day - timedelta(days=1)).isoformat()}T23:59:59Z"


def _code(publication: Publication) -> str:
    return str(publication.geobox.crs)


def _bbox(publication: Publication) -> list[float]:
    return [round(degrees, DEGREE_DIGITS) for degrees in publication.footprint.bounds]


def _rounded(geometry: Mapping[str, Any]) -> dict[str, Any]:
    rings = [
        [[round(degrees, DEGREE_DIGITS) for degrees in point] for point in ring] for ring in geometry["coordinates"]
    ]
    return {"type": geometry["type"], "coordinates": rings}


def _save(document: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")


def _document_faults(path: Path) -> Iterator[str]:
    document = json.loads(path.read_text("utf-8"))
    try:
        validate_dict(document, extensions=[])
    except STACValidationError as error:
        yield f"{path.name}: {error}"
    hrefs = [entry["href"] for entry in (*document["links"], *document["assets"].values())]
    for href in hrefs:
        if "://" not in href and not (path.parent / href).exists():
            yield f"{path.name}: {href} leads nowhere"
