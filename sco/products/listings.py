"""A small page in each folder that the page offers, for servers that list no folders and for disks."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sco.model import Indicator, Words
from sco.products import story, web, zarr
from sco.products.contents import Layer, Publication
from sco.products.words import named

NAME = "index.html"
RASTERS = "cog"
MAPS = Words("Maps", "Cartes")
RECORD = Words("The whole record", "La série complète")
REPORTS = Words("Reports, one a period", "Rapports, un par période")


@dataclass(frozen=True)
class Entry:
    """A line of a listing: what it is, and its files by what they are called there."""

    title: Words
    files: tuple[tuple[Words, str, int | None], ...]
    """Name, path from the listing's folder, and bytes, None for another listing."""


@dataclass(frozen=True)
class Listing:
    """What there is in a folder."""

    folder: str
    title: Words
    entries: tuple[Entry, ...]
    command: str = ""
    """How a program opens the folder as a whole."""

    @property
    def up(self) -> str:
        """The way from the folder to the product's own."""
        return "../" * (self.folder.count("/") + 1)


def write(publication: Publication, folder: Path) -> None:
    """Write a listing into each folder that is offered; the files that it names lie there already."""
    for listing in _listings(publication, folder):
        page = web.fill("listing.html", listing=listing, project=publication.project)
        (folder / listing.folder / NAME).write_text(page, "utf-8")


def _listings(publication: Publication, folder: Path) -> Iterator[Listing]:
    every = [_of_indicator(publication, one, folder) for one in publication.project.resolved_indicators]
    offered = tuple(Entry(one.title, ((_same(one.folder), f"{Path(one.folder).name}/{NAME}", None),)) for one in every)
    yield from every
    yield Listing(RASTERS, MAPS, offered)
    yield _of_reports(publication, folder)
    yield _of_record(publication, folder)


def _of_indicator(publication: Publication, indicator: Indicator, folder: Path) -> Listing:
    place = f"{RASTERS}/{indicator.id}"
    layers = [layer for layer in publication.layers if layer.indicator.id == indicator.id]
    return Listing(place, indicator.title, tuple(_of_layer(publication, one, folder) for one in reversed(layers)))


def _of_layer(publication: Publication, layer: Layer, folder: Path) -> Entry:
    files = {
        layer.cog: Words("values", "valeurs"),
        layer.counts: Words("number of observations", "nombre d'observations"),
    }
    told = ((name, Path(path).name, (folder / path).stat().st_size) for path, name in files.items())
    return Entry(named(layer.period, publication.project.period.every), tuple(told))


def _of_reports(publication: Publication, folder: Path) -> Listing:
    place, kinds = folder / story.FOLDER, {"html": "HTML", "en.pdf": "PDF (English)", "fr.pdf": "PDF (français)"}
    entries = []
    for period in reversed(publication.periods):
        found = [(kind, place / f"{period.label}.{ending}") for ending, kind in kinds.items()]
        files = tuple((_same(kind), path.name, path.stat().st_size) for kind, path in found if path.is_file())
        if files:
            entries.append(Entry(named(period, publication.project.period.every), files))
    return Listing(story.FOLDER, REPORTS, tuple(entries))


def _of_record(publication: Publication, folder: Path) -> Listing:
    levels = {"": Words("full resolution", "pleine résolution")} | {
        f"{zarr.OVERVIEWS}/{factor}/": Words(f"{factor} times coarser", f"{factor} fois plus grossier")
        for factor in zarr.factors(publication.geobox)
    }
    entries = tuple(
        Entry(title, ((_same("zarr.json"), f"{level}zarr.json", (folder / f"zarr/{level}zarr.json").stat().st_size),))
        for level, title in levels.items()
    )
    return Listing(zarr.FOLDER, RECORD, entries, 'xarray.open_zarr("zarr")')


def _same(told: str) -> Words:
    return Words(told, told)
