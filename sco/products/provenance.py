"""How the product came about: of each layer what it was made from, and of the whole an SLSA provenance predicate."""

import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from sco.products.contents import Layer, Publication
from sco.products.seal import Seals

PREDICATE = "provenance/build.json"
BUILD_TYPE = "urn:sco-pipeline:publish:v1"
LOCK = Path(__file__).parents[2] / "requirements.lock"


def write_layer(publication: Publication, layer: Layer, folder: Path) -> None:
    """The layer's record: its numbers, and the manifest of every partition that it is put together from."""
    path = folder / layer.record
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "layer": layer.name,
        "indicator": layer.indicator.id,
        "period": layer.period.label,
        "zones": list(publication.zoning.names),
        "summary": publication.summaries[layer.name].document(),
        "partitions": [dict(publication.manifests[one]) for one in publication.partitions_of(layer)],
    }
    path.write_text(json.dumps(told, indent=1, sort_keys=True, allow_nan=False) + "\n", "utf-8")


def write_build(publication: Publication, folder: Path, seals: Seals) -> None:
    """The predicate: project, snapshot, code, and the digests of the lock, the zones and every layer's record."""
    path = folder / PREDICATE
    path.write_text(json.dumps(_predicate(publication, seals), indent=1, sort_keys=True) + "\n", "utf-8")


def _predicate(publication: Publication, seals: Seals) -> dict[str, Any]:
    project = publication.project
    chosen = project.model_dump(mode="json", include={"id", "indicators", "period", "area", "zones"})
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"project": chosen},
            "internalParameters": {"snapshot": publication.tag, "simulated": project.simulated},
            "resolvedDependencies": list(_dependencies(publication, seals)),
        },
        "runDetails": {
            "builder": {"id": "urn:sco-pipeline", "version": {"sco-pipeline": version_of("sco-pipeline")}},
            "metadata": {"invocationId": publication.version},
        },
    }


def _dependencies(publication: Publication, seals: Seals) -> Iterator[dict[str, Any]]:
    for code in publication.codes:
        yield {"uri": f"urn:sco-pipeline:code:{code}", "name": "the code that computed the partitions"}
    zones = publication.project.zones_file
    for name, path in (("requirements.lock", LOCK), ("zones", zones)):
        if path and path.is_file():
            yield {"name": name, "digest": {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}}
    for layer in publication.layers:
        yield {"uri": layer.record, "digest": {"sha256": seals.of(layer.record).sha256}}
