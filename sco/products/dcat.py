"""The product as a DCAT-AP record in JSON-LD, for open-data portals.

https://semiceu.github.io/DCAT-AP
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sco.products import citation
from sco.products.contents import Publication
from sco.products.seal import Seals

NAME = "catalog/dcat.jsonld"
EU = "http://publications.europa.eu/resource/authority"
MEDIA = "https://www.iana.org/assignments/media-types"
CONTEXT: dict[str, Any] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geo": "http://www.opengis.net/ont/geosparql#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
FREQUENCY = {"day": "DAILY", "dekad": "MONTHLY_3", "month": "MONTHLY", "season": "QUARTERLY", "year": "ANNUAL"}
WHOLE = (
    ("../series.csv", "Series of each zone", "text/csv", "CSV"),
    ("../series.parquet", "Series of each zone, with outlines", "application/vnd.apache.parquet", "PARQUET"),
    ("../scenes.csv", "Scenes that were used", "text/csv", "CSV"),
)
FOLDERS = (
    ("../cog/", "Maps as cloud-optimised GeoTIFFs", "image/tiff", "TIFF"),
    ("../zarr/", "All as Zarr v3", "application/vnd.zarr", "OCTET"),
)


def write(publication: Publication, folder: Path, seals: Seals) -> None:
    """Write the record; addresses are relative to where it lies."""
    told = {"@context": CONTEXT, **_dataset(publication, seals)}
    (folder / NAME).write_text(json.dumps(told, indent=1, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def _dataset(publication: Publication, seals: Seals) -> dict[str, Any]:
    project = publication.project
    title, summary = project.title, project.summary or project.title
    marks = ("SIMULATED: ", "SIMULÉ : ") if project.simulated else ("", "")
    periods = publication.periods
    return {
        "@id": f"urn:sco:{project.id}:{publication.version}",
        "@type": "dcat:Dataset",
        "dct:title": [_words(marks[0] + title.en, "en"), _words(marks[1] + title.fr, "fr")],
        "dct:description": [_words(marks[0] + summary.en, "en"), _words(marks[1] + summary.fr, "fr")],
        "dct:identifier": f"{project.id}/{publication.version}",
        "dct:issued": {"@type": "xsd:date", "@value": publication.newest},
        "dcat:version": publication.version,
        "dct:publisher": {"@type": "foaf:Agent", "foaf:name": citation.author(publication)},
        "dcat:keyword": [_words(word, "en") for word in _keywords(publication)],
        "dcat:theme": {"@id": f"{EU}/data-theme/ENVI"},
        "dct:language": [{"@id": f"{EU}/language/ENG"}, {"@id": f"{EU}/language/FRA"}],
        "dct:accrualPeriodicity": {"@id": f"{EU}/frequency/{FREQUENCY[project.period.every]}"},
        "dct:spatial": {"@type": "dct:Location", "dcat:bbox": _box(publication)},
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": {"@type": "xsd:date", "@value": periods[0].start.isoformat()},
            "dcat:endDate": {"@type": "xsd:date", "@value": periods[-1].end.isoformat()},
        },
        "dct:provenance": {"@type": "dct:ProvenanceStatement", "rdfs:label": f"Snapshot {publication.tag}"},
        "dct:bibliographicCitation": citation.sentence(publication),
        "dcat:landingPage": {"@id": "../index.html", "@type": "foaf:Document"},
        "dcat:distribution": list(_distributions(publication, seals)),
    }


def _distributions(publication: Publication, seals: Seals) -> Iterator[dict[str, Any]]:
    for href, title, media, kind in FOLDERS:
        yield _distribution(publication, href, title, media, kind)
    for href, title, media, kind in WHOLE:
        found = seals.of(href.removeprefix("../"))
        checksum = {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": found.sha256},
        }
        size = {"@type": "xsd:nonNegativeInteger", "@value": str(found.size)}
        told = _distribution(publication, href, title, media, kind)
        yield told | {"dcat:downloadURL": {"@id": href}, "dcat:byteSize": size, "spdx:checksum": checksum}


def _distribution(publication: Publication, href: str, title: str, media: str, kind: str) -> dict[str, Any]:
    own = publication.project.publish.licence if publication.project.publish else None
    rights = [*publication.credits, *(f"{sensor.title}: {sensor.licence}" for sensor in publication.sensors)]
    return {
        "@type": "dcat:Distribution",
        "dct:title": _words(title, "en"),
        "dcat:accessURL": {"@id": href},
        "dcat:mediaType": {"@id": f"{MEDIA}/{media}"},
        "dct:format": {"@id": f"{EU}/file-type/{kind}"},
        **({"dct:license": {"@id": f"https://spdx.org/licenses/{own}"}} if own else {}),
        "dct:rights": [{"@type": "dct:RightsStatement", "rdfs:label": words} for words in rights],
    }


def _box(publication: Publication) -> dict[str, str]:
    west, south, east, north = publication.footprint.bounds
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    points = ", ".join(f"{x:.6f} {y:.6f}" for x, y in ring)
    return {"@type": "geo:wktLiteral", "@value": f"POLYGON(({points}))"}


def _keywords(publication: Publication) -> list[str]:
    return ["climate", *(one.title.en for one in publication.project.resolved_indicators)]


def _words(words: str, language: str) -> dict[str, str]:
    return {"@language": language, "@value": words}
