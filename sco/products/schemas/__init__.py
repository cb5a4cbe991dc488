"""The JSON Schemas of the STAC extensions that a product declares, kept here so that no network is needed."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from pyproj.datadir import get_data_dir
from pystac.validation.local_validator import get_local_schema_cache
from referencing import Registry, Resource

FOLDER = Path(__file__).parent / "stac"
EXTENSIONS = {
    name: f"https://stac-extensions.github.io/{name}/{version}/schema.json"
    for name, version in sorted(path.stem.split("-") for path in FOLDER.glob("*.json"))
}
"""The extensions that are known here, by their short name."""
CORE = "https://schemas.stacspec.org/v1.1.0/{kind}-spec/json-schema/{kind}.json"
PROJJSON = tuple(f"https://proj.org/schemas/{version}/projjson.schema.json" for version in ("v0.4", "v0.7"))
KINDS = {"Feature": "item", "Collection": "collection"}


def faults(document: Mapping[str, Any]) -> Iterator[str]:
    """What a STAC item or collection has against the core schema and against that of each extension it declares."""
    kind = KINDS.get(str(document.get("type")))
    if kind is None:
        yield f"type is {document.get('type')!r}, not one of {', '.join(KINDS)}"
        return
    for address in (CORE.format(kind=kind), *document.get("stac_extensions", ())):
        if address not in _schemas():
            yield f"there is no schema here for {address}"
            continue
        for error in _validator(address).iter_errors(document):
            yield f"{'.'.join(str(part) for part in error.absolute_path)}: {error.message[:200]} ({address})"


@cache
def _schemas() -> dict[str, Any]:
    own = {EXTENSIONS[path.stem.split("-")[0]]: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
    # what a CRS looks like is in PROJ's own words, of the PROJ that is installed whatever version is asked for
    crs = json.loads((Path(get_data_dir()) / "projjson.schema.json").read_text("utf-8"))
    return get_local_schema_cache() | own | dict.fromkeys(PROJJSON, crs)


@cache
def _validator(address: str) -> Draft7Validator:
    """The schema with all that it refers to; formats are not checked, as pystac does not either."""
    resources = [(name, Resource.from_contents(schema)) for name, schema in _schemas().items()]
    return Draft7Validator(_schemas()[address], registry=Registry().with_resources(resources))
