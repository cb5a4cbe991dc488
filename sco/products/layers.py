"""The data of one layer: its COGs, its chunks of the Zarr copy, and the record of what it was made from."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import xarray as xr

from sco.errors import IntegrityError
from sco.products import cog, provenance, zarr
from sco.products.contents import Layer, Publication
from sco.products.pieces import Piece


def pieces(publication: Publication) -> Iterator[Piece]:
    """A piece for each layer; the Zarr must be laid out before it is written."""
    for layer in publication.layers:
        files = (*cog.files_of(layer), layer.record, *zarr.patterns(publication, layer))
        yield Piece(layer.name, publication.made_from(layer), files, partial(_write, publication, layer), layer.name)


def _write(publication: Publication, layer: Layer, folder: Path) -> None:
    """Write a layer's files and read them back. Raises IntegrityError where they are not what they should be."""
    if wrong := list(_written(publication, layer, publication.frame(layer), folder)):
        raise IntegrityError("\n  ".join(["files that were just written are wrong:", *wrong]))


def _written(publication: Publication, layer: Layer, frame: xr.Dataset, folder: Path) -> Iterator[str]:
    """What is wrong with files that were just written from `frame`: no valid COG, other numbers in the Zarr."""
    tags = _tags(publication, layer)
    cog.write_values(frame, layer, publication.geobox, folder / layer.cog, tags)
    cog.write_counts(frame, layer, publication.geobox, folder / layer.counts, tags)
    provenance.write_layer(publication, layer, folder)
    for name in (layer.cog, layer.counts):
        yield from cog.faults(folder / name, name)
    yield from zarr.write_layer(publication, layer, frame, folder / zarr.FOLDER)


def _tags(publication: Publication, layer: Layer) -> dict[str, str]:
    tags = {"SIMULATED": str(publication.project.simulated).lower(), "MADE_FROM": publication.made_from(layer)}
    owed = "; ".join(publication.credits_of(layer))
    return tags | ({"TIFFTAG_COPYRIGHT": owed} if owed else {})
