"""A version of a product: refused or built whole, verified, sealed, and swapped in by one rename."""

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from sco import crash
from sco.errors import ConfigurationError, IntegrityError, LockedError
from sco.products import (
    attestation,
    citation,
    crate,
    dcat,
    figures,
    iso19115,
    iso19115_3,
    keys,
    layers,
    listings,
    mapview,
    pieces,
    provenance,
    readme,
    report,
    seal,
    sheet,
    sightings,
    stac,
    summary,
    tables,
    zarr,
)
from sco.products.accuracy import Accuracy
from sco.products.contents import Publication
from sco.products.gate import refusals
from sco.products.pieces import Earlier, Piece
from sco.products.seal import Seals, sync, verify

__all__ = ["Accuracy", "Publication", "publish", "refusals", "verify"]

LATEST = "latest"
STAGING = ".staging-"
Say = Callable[[str], None]
Pieces = Callable[[Publication], Iterable[Piece]]
Write = Callable[[Publication, Path, Seals], None]

OF_LAYERS: tuple[Pieces, ...] = (layers.pieces, mapview.pieces)
"""Kinds of output with pieces for each layer; those that did not change are taken over from the version before."""
OF_PERIODS: tuple[Pieces, ...] = (stac.pieces, report.pieces, sheet.pieces)
"""The same for kinds that tell of the files of layers."""
OF_ALL: tuple[tuple[str, Write], ...] = (
    ("summing up over the zones", lambda publication, folder, _: _tabulate(publication, folder)),
    ("drawing maps and charts", lambda publication, folder, _: _draw(publication, folder)),
    ("writing the page", lambda publication, folder, _: _write_pages(publication, folder)),
    ("writing the catalog", lambda publication, folder, seals: _describe(publication, folder, seals)),
)
"""Kinds of output that are made anew for each version, in an order in which each finds what it names."""


def publish(publication: Publication, say: Say | None = None) -> Path:
    """The folder of this version of the product, and `latest` pointing at it; a version that is there is not rebuilt.

    Raises IntegrityError, and leaves nothing, for data that must not be published and for files that are not what
    they should be; LockedError while another run publishes the same product; ConfigurationError where the product is
    to be signed by a key that is not there.
    """
    say = say or _quiet
    root = publication.project.product_root
    publication = replace(publication, earlier=publication.earlier or _earlier(publication, root / LATEST))
    _require(refusals(publication), f"{publication.project.id} is not published")
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        _sweep(root)
        folder = root / publication.version
        if folder.is_dir() and _is_sound(folder, publication.signer):
            say(f"{folder.name} is published already")
        else:
            _replace(folder, publication, say)
        _point(root / LATEST, folder.name)
        sightings.write(folder, seal.read(folder))
    return folder


def build(publication: Publication, folder: Path, say: Say) -> None:
    """Write every file of the product into the empty `folder`, check and seal them. Raises IntegrityError."""
    seals = Seals(folder)
    zarr.lay_out(publication, folder / zarr.FOLDER)
    made = [*_bring(OF_LAYERS, publication, folder, seals, say)]
    zarr.finish(publication, folder / zarr.FOLDER)
    crash.point("mid-publish")
    made += _bring(OF_PERIODS, publication, folder, seals, say)
    for words, write in OF_ALL:
        say(words)
        write(publication, folder, seals)
    say("checking and sealing every file")
    wrong = [*zarr.faults(publication, folder / zarr.FOLDER), *stac.faults(folder)]
    _require(wrong, f"{publication.project.id} is not published, its files are wrong")
    _seal(publication, folder, made, seals)


def _bring(kinds: tuple[Pieces, ...], publication: Publication, folder: Path, seals: Seals, say: Say) -> list[Piece]:
    """All pieces of these kinds, in `folder`."""
    made = [piece for kind in kinds for piece in kind(publication)]
    left = list(pieces.take_over(made, publication.earlier, folder, seals))
    kept = f", {len(made) - len(left)} are the same as before" if len(left) < len(made) else ""
    say(f"writing {len(left)} of {len(made)} pieces{kept}")
    together: dict[str, list[Piece]] = defaultdict(list)
    for piece in left:
        together[piece.of or piece.name].append(piece)
    summary.each(together.values(), lambda group: _write(group, publication, folder))
    return made


def _write(group: list[Piece], publication: Publication, folder: Path) -> None:
    for piece in group:
        piece.write(folder)
    publication.forget()


def _tabulate(publication: Publication, folder: Path) -> None:
    tables.write_series(publication, folder / "series.csv")
    tables.write_parquet(publication, folder / "series.parquet")
    tables.write_scenes(publication, folder / "scenes.csv")


def _draw(publication: Publication, folder: Path) -> None:
    for indicator in publication.project.resolved_indicators:
        colours, layer = figures.colours_of(publication, indicator), publication.latest(indicator)
        figures.write_map(publication, layer, colours, folder / f"figures/{indicator.id}_map.png")
        publication.forget()
        figures.write_chart(publication, indicator, folder / f"figures/{indicator.id}_chart.png")


def _write_pages(publication: Publication, folder: Path) -> None:
    sheet.write(publication, folder)
    listings.write(publication, folder)


def _describe(publication: Publication, folder: Path, seals: Seals) -> None:
    (folder / "catalog").mkdir()
    citation.write(publication, folder)
    dcat.write(publication, folder, seals)
    iso19115.write(publication, folder)
    iso19115_3.write(publication, folder)
    stac.write(publication, folder, seals)
    provenance.write_build(publication, folder, seals)
    crate.write(publication, folder)


def _seal(publication: Publication, folder: Path, made: list[Piece], seals: Seals) -> None:
    signer = keys.signer() if publication.signer else None
    if publication.signer and (signer is None or signer.public_key.keyid != publication.signer):
        raise ConfigurationError(f"the product is to be signed by {publication.signer[:16]}…: set {keys.SIGNING_KEY}")
    if signer:
        (folder / attestation.PUBLIC_KEY).write_text(keys.public_pem(signer.public_key), "utf-8")
    pieces.record(made, folder)
    readme.write(publication, folder)
    seal.seal(folder, seals)
    if signer:
        attestation.sign(folder, signer)


def _earlier(publication: Publication, latest: Path) -> Earlier | None:
    """The version that is published now, if it is sealed by the same key as this one is to be."""
    try:
        found = latest.resolve(strict=True)
        sealed = seal.read(found)
    except (OSError, ValueError):
        return None
    trusted = not publication.signer or attestation.is_signed(found, publication.signer)
    return Earlier.of(found, sealed) if trusted else None


def _is_sound(folder: Path, signer: str) -> bool:
    found = attestation.verify(folder)
    return not found.faults and found.signer == signer


def _replace(folder: Path, publication: Publication, say: Say) -> None:
    staging = folder.with_name(f"{STAGING}{folder.name}-{os.getpid()}")
    try:
        staging.mkdir()
        build(publication, staging, say)
        if folder.exists():
            say(f"{folder.name} was damaged and is replaced")
            folder.rename(folder.with_name(f"{STAGING}damaged-{folder.name}-{os.getpid()}"))
        staging.rename(folder)
        crash.point("after rename")
        sync(folder.parent)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _sweep(folder.parent)


def _point(link: Path, version: str) -> None:
    if link.is_symlink() and os.readlink(link) == version:
        return
    fresh = link.with_name(f"{STAGING}{LATEST}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version)
    fresh.replace(link)
    sync(link.parent)


def _sweep(root: Path) -> None:
    for left in root.glob(f"{STAGING}*"):
        if left.is_symlink() or not left.is_dir():
            left.unlink()
        else:
            shutil.rmtree(left)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    lock = FileLock(root / ".publish.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(f"another run is publishing to {root}: wait for it, then publish again") from error
    try:
        yield
    finally:
        lock.release()


def _require(faults: list[str], what: str) -> None:
    if faults:
        raise IntegrityError("\n".join([f"{what}:", *(f"  {fault}" for fault in faults)]))


def _quiet(_: str) -> None:
    """Say nothing."""
