"""Which footprints touch which outlines, looked up where the same question was answered before.

For many scenes over many tiles the answer takes seconds to find. It is kept under a digest of all footprints and
outlines, to the byte, so that what is looked up is what would be found.
"""

import hashlib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from sco.draft import drafted
from sco.roster import Places, Roster

MANY = 10_000
"""Scenes from which looking it up is quicker than finding it again."""


def overlay(scenes: Roster, outlines: Sequence[BaseGeometry], keep: Path | None = None) -> list[Places]:
    """For each outline the positions of the scenes that touch it, in their order; remembered in the file `keep`."""
    if keep is None or len(scenes) < MANY:
        return _find(scenes, outlines)
    key = _key(scenes, outlines)
    known = _recall(keep, key)
    if known is None:
        known = _find(scenes, outlines)
        _remember(keep, key, known)
    return known


def _find(scenes: Roster, outlines: Sequence[BaseGeometry]) -> list[Places]:
    tree = STRtree(scenes.geometries)
    return [np.sort(tree.query(outline, predicate="intersects")) for outline in outlines]


def _key(scenes: Roster, outlines: Sequence[BaseGeometry]) -> str:
    told = hashlib.sha256(shapely.geos_version_string.encode())
    for shapes in (scenes.footprints, shapely.to_wkb(np.array(outlines, object)).tolist()):
        told.update(np.array([len(shapes), *map(len, shapes)], "<i8").tobytes())
        told.update(b"".join(shapes))
    return told.hexdigest()


def _recall(file: Path, key: str) -> list[Places] | None:
    """What the file has under this key; None where it has another, is damaged, or is not there."""
    try:
        with np.load(file, allow_pickle=False) as kept:
            if str(kept["key"]) != key:
                return None
            return np.split(kept["places"].astype(np.intp), kept["ends"][:-1])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _remember(file: Path, key: str, found: Sequence[Places]) -> None:
    ends = np.cumsum([places.size for places in found])
    with drafted(file) as draft, draft.open("wb") as opened:
        np.savez(opened, key=np.array(key), ends=ends, places=np.concatenate(found).astype(np.int32))
