"""A static STAC 1.1 collection with one item a layer, all addresses relative."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sco.errors import IntegrityError
from sco.products import schemas
from sco.products.contents import Layer, Publication, digest
from sco.products.pieces import Piece
from sco.products.seal import Seals
from sco.products.stac_collection import collection
from sco.products.stac_item import item, render

COLLECTION = "stac/collection.json"


def pieces(publication: Publication) -> Iterator[Piece]:
    """An item for each layer; the layer's files must lie in the folder before it is written."""
    renders = {one.id: render(publication, one) for one in publication.project.resolved_indicators}
    for layer in publication.layers:
        shown = [renders[layer.indicator.id], publication.credits_of(layer)]
        made_from = digest([publication.made_from(layer), shown, publication.periods[0].label])
        yield Piece(f"item {layer.name}", made_from, (layer.item,), partial(_write_item, publication, layer))


def write(publication: Publication, folder: Path, seals: Seals) -> None:
    """Write stac/collection.json for the files that lie in `folder`. Raises IntegrityError for an invalid one."""
    _save(collection(publication, seals), COLLECTION, folder)


def faults(folder: Path) -> Iterator[str]:
    """Addresses in the documents that lead nowhere, or out of the folder."""
    root = folder.resolve()
    for path in (root / COLLECTION, *sorted(root.glob("stac/items/*.json"))):
        document = json.loads(path.read_text("utf-8"))
        hrefs = (str(entry["href"]) for entry in (*document["links"], *document["assets"].values()))
        for href in (href for href in hrefs if "://" not in href):
            target = (path.parent / href).resolve()
            if not (target.is_relative_to(root) and target.exists()):
                yield f"{path.relative_to(root)}: {href} leads nowhere"


def _write_item(publication: Publication, layer: Layer, folder: Path) -> None:
    _save(item(publication, layer, Seals(folder)), layer.item, folder)


def _save(document: Mapping[str, Any], name: str, folder: Path) -> None:
    if wrong := list(schemas.faults(document)):
        raise IntegrityError("\n  ".join([f"{name} is not valid STAC:", *wrong]))
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
