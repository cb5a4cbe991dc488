"""The folder described as an RO-Crate, for archives and repositories that read those."""

import json
from pathlib import Path
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from sco.products import citation
from sco.products.contents import Publication

DESCRIPTION = "ro-crate-metadata.json"
PARTS = {
    "index.html": ("The page", "text/html"),
    "series.csv": ("Series of each zone", "text/csv"),
    "series.parquet": ("Series of each zone, with outlines", "application/vnd.apache.parquet"),
    "scenes.csv": ("Scenes that were used", "text/csv"),
    "stac/collection.json": ("STAC 1.1 collection", "application/json"),
    "catalog/dcat.jsonld": ("DCAT-AP record", "application/ld+json"),
    "catalog/iso19115.xml": ("ISO 19139 record", "application/xml"),
    "catalog/iso19115-3.xml": ("ISO 19115-3 record", "application/xml"),
    "CITATION.cff": ("How to cite", "application/yaml"),
}
FOLDERS = {
    "cog/": "Cloud-optimised GeoTIFFs",
    "zarr/": "Zarr v3",
    "figures/": "Figures",
    "provenance/": "What each layer was made from",
    "reports/": "A report for each period",
}
"""Those that are there are described."""


def write(publication: Publication, folder: Path) -> None:
    """Write ro-crate-metadata.json, dated by the newest scene so that it stays the same."""
    crate = _crate(publication, folder)
    described = crate.metadata.generate()
    described["@graph"].sort(key=lambda entity: str(entity["@id"]))
    (folder / DESCRIPTION).write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _crate(publication: Publication, folder: Path) -> ROCrate:
    crate = ROCrate(gen_preview=False)
    for name, value in _facts(publication).items():
        crate.root_dataset[name] = value
    for name, (title, kind) in PARTS.items():
        size = str((folder / name).stat().st_size)
        crate.add_file(
            str(folder / name), name, properties={"name": title, "encodingFormat": kind, "contentSize": size}
        )
    for name, title in FOLDERS.items():
        if (folder / name).is_dir():
            crate.add_dataset(str(folder / name), name, properties={"name": title})
    crate.root_dataset["spatialCoverage"] = crate.add(_place(crate, publication))
    crate.root_dataset["variableMeasured"] = [crate.add(one) for one in _measured(crate, publication)]
    return crate


def _facts(publication: Publication) -> dict[str, Any]:
    project = publication.project
    mark = "SIMULATED: " if project.simulated else ""
    facts: dict[str, Any] = {
        "name": f"{mark}{project.title.en} / {project.title.fr}",
        "description": mark + (project.summary.en if project.summary else "Climate indicators from satellite scenes."),
        "datePublished": publication.newest,
        "identifier": f"{project.id}/{publication.version}",
        "version": publication.version,
        "temporalCoverage": f"{publication.periods[0].start}/{publication.periods[-1].end}",
        "license": _licences(publication),
        "citation": citation.sentence(publication),
        "keywords": ", ".join(["climate", *(["simulated"] if project.simulated else []), *project.indicators]),
    }
    return facts | ({"creditText": "; ".join(publication.credits)} if publication.credits else {})


def _licences(publication: Publication) -> list[str]:
    """The product's own first, then those of its inputs."""
    own = publication.project.publish.licence if publication.project.publish else None
    inputs = [sensor.licence for sensor in publication.sensors]
    return [*([f"https://spdx.org/licenses/{own}"] if own else []), *inputs]


def _place(crate: ROCrate, publication: Publication) -> ContextEntity:
    west, south, east, north = publication.footprint.bounds
    box = f"{south:.6f} {west:.6f} {north:.6f} {east:.6f}"
    return ContextEntity(crate, "#area", properties={"@type": "GeoShape", "box": box})


def _measured(crate: ROCrate, publication: Publication) -> list[ContextEntity]:
    return [
        ContextEntity(
            crate,
            f"#{indicator.id}",
            properties={
                "@type": "PropertyValue",
                "name": indicator.title.en,
                "description": indicator.description.en,
                "unitText": indicator.unit,
                "propertyID": list(indicator.references),
            },
        )
        for indicator in publication.project.resolved_indicators
    ]
