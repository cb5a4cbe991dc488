"""What is checked before any pixel is read: where an asset may lie, and whether the file is what its item says."""

import ctypes
import math
import os
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

from sco.errors import SceneError
from sco.landing import check_host
from sco.model import Asset

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

DRIVERS = frozenset({"GTiff", "COG", "JP2OpenJPEG", "MEM", "Memory"})
"""GDAL's drivers that we read with, write products with, and that rasterio needs between them."""
MOST_BLOCK_BYTES = 64 * 2**20
MOST_PIXELS = 2**34
MOST_BANDS = 1024
MOST_RATIO = 5000
"""Bytes of pixels a byte of file, from which a file is a bomb: real ones stay below the 1032 of deflate."""
HARMLESS_BYTES = 2**30
"""Pixels of fewer bytes than this hurt nobody, however small their file is."""
_drivers = Lock()
REMEDY = 'Set access.mismatch = "trust-file" if the file is the one to believe'


@dataclass(frozen=True)
class Rules:
    """What a project lets a worker read, and how the worker is to take it."""

    roots: tuple[Path, ...] = ()
    """Local folders that assets may lie in."""
    mismatch: Literal["reject", "trust-file", "warn"] = "reject"
    """Where header and item disagree: refuse the file, take the file's word and say so, or say it as a warning."""
    contradiction: Literal["quarantine", "pixels"] = "quarantine"
    hosts: tuple[str, ...] = ()
    """Web hosts that assets may lie on; a leading dot stands for all hosts under a domain."""
    widened: tuple[tuple[str, str, float], ...] = ()
    """Sensor, quality meaning and the metres by which it is widened, where the project wants that."""
    overviews: Literal["means", "any"] = "means"
    """Which overviews stand for finer pixels: those that were seen to hold their means, or whatever a file has."""


def address(href: str, rules: Rules) -> str:
    """The address that may be asked for this href. Raises SceneError for any other scheme, host or folder."""
    if "<" in href or href.startswith("/vsi") or "\0" in href:
        raise SceneError(f"asset address {href[:80]!r} is not a plain address: only https, s3 and files are read")
    scheme = href.partition("://")[0] if "://" in href else ""
    if scheme in {"https", "http"}:
        check_host(href, rules.hosts)
        return href
    if scheme == "s3":
        return href
    if scheme == "file" or (not scheme and href.startswith("/")):
        return _allowed(unquote(urlsplit(href).path) if scheme else href, rules)
    raise SceneError(f"asset address {href[:80]!r} is neither https, s3 nor a file: it is not read")


def driver_of(where: str) -> str:
    """The one GDAL driver that may open this address, so that a list of other files in disguise is not followed."""
    return "JP2OpenJPEG" if where.partition("?")[0].lower().endswith((".jp2", ".j2k")) else "GTiff"


def skip_drivers() -> None:
    """Take the drivers that we have no use for out of this process.

    GDAL heeds its own GDAL_SKIP only when it starts, which another library may long have made it do, so this is done
    again before every reading. A list that changed while other threads open files would crash them: after the first
    time it changes no more, as a hollow driver stands where GDAL would take in its own again.
    """
    from rasterio import Env

    library = gdal()
    with _drivers, Env():  # entering it is what registers drivers at all
        # by number and not by name: what was taken in twice is still there after its name is gone
        listed = [library.GDALGetDriver(number) for number in range(library.GDALGetDriverCount())]
        unwanted = [driver for driver in listed if driver != _hollow() and not _is_of_use(driver)]
        for driver in unwanted:
            library.GDALDeregisterDriver(driver)
        if _hollow() not in listed:
            library.GDALRegisterDriver(_hollow())


def _is_of_use(driver: int) -> bool:
    return gdal().GDALGetDriverShortName(driver).decode() in DRIVERS


@cache
def _hollow() -> int:
    """A driver that has the name of VRT and opens nothing.

    GDAL registers its own VRT driver for every warp and every COG that it makes, unless one of that name is there.
    """
    library = gdal()
    driver: int = library.GDALCreateDriver()
    library.GDALSetDescription(driver, b"VRT")
    return driver


@cache
def gdal() -> ctypes.CDLL:
    """Rasterio's own GDAL, for what rasterio does not offer of it."""
    import rasterio._env

    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    found = ctypes.CDLL(rasterio._env.__file__)  # finds what the module is linked to: rasterio's own GDAL
    found.GDALGetDriver.restype, found.GDALGetDriver.argtypes = pointer, [number]
    found.GDALGetDriverShortName.restype, found.GDALGetDriverShortName.argtypes = text, [pointer]
    found.GDALDeregisterDriver.restype, found.GDALDeregisterDriver.argtypes = None, [pointer]
    found.GDALCreateDriver.restype, found.GDALCreateDriver.argtypes = pointer, []
    found.GDALSetDescription.restype, found.GDALSetDescription.argtypes = None, [pointer, text]
    found.GDALRegisterDriver.restype, found.GDALRegisterDriver.argtypes = number, [pointer]
    return found


def disagreements(file: "DatasetReader", asset: Asset, size: int | None = None) -> tuple[str, ...]:
    """What the file's header says against its item, in words; nothing where they agree or the item is silent."""
    told = (
        ("CRS", asset.crs, _same_crs(file, asset.crs)),
        ("shape", asset.shape, asset.shape is None or tuple(file.shape) == tuple(asset.shape)),
        ("transform", asset.transform, asset.transform is None or _same_transform(file, asset.transform)),
        ("dtype", asset.dtype, asset.dtype is None or file.dtypes[0] == asset.dtype),
        ("nodata", asset.nodata, asset.nodata is None or file.nodata is None or _same(file.nodata, asset.nodata)),
        ("size", asset.size, None in (asset.size, size) or asset.size == size),
    )
    return tuple(
        f"item says {name} {said}, file has {_in_file(file, name, size)}" for name, said, same in told if not same
    )


def check(file: "DatasetReader", asset: Asset, rules: Rules, size: int | None = None) -> tuple[str, ...]:
    """The disagreements that are trusted to the file of so many bytes, as warnings where the rules say "warn".

    Raises SceneError if the rules reject them, and for a file that is made to exhaust whoever reads it.
    """
    danger = _danger(file, size)
    if danger:
        raise SceneError(f"{asset.href} has {danger}: it cannot be read safely")
    found = disagreements(file, asset, size)
    if found and rules.mismatch == "reject":
        raise SceneError(f"{asset.href}: {'; '.join(found)}. {REMEDY}")
    return tuple(f"warning: {one}" for one in found) if rules.mismatch == "warn" else found


def _danger(file: "DatasetReader", size: int | None) -> str | None:
    """What makes the file a bomb, in words."""
    depth = _bytes_a_pixel(file)
    rows, columns = file.block_shapes[0]
    plain = file.height * file.width * depth * file.count
    if file.count > MOST_BANDS:
        return f"{file.count:,} bands, over {MOST_BANDS:,}"
    if file.height * file.width > MOST_PIXELS:
        return f"{file.width:,} x {file.height:,} pixels, over {MOST_PIXELS:,}"
    if rows * columns * depth * (file.count if file.profile.get("interleave") == "pixel" else 1) > MOST_BLOCK_BYTES:
        return f"blocks of {columns:,} x {rows:,} pixels, over {MOST_BLOCK_BYTES // 2**20} MiB each"
    if size and plain > HARMLESS_BYTES and plain > MOST_RATIO * size:
        return f"{plain:,} bytes of pixels in a file of {size:,} bytes"
    return None


def _bytes_a_pixel(file: "DatasetReader") -> int:
    import numpy as np

    return 8 if file.dtypes[0].startswith("complex") else np.dtype(file.dtypes[0]).itemsize


def _allowed(path: str, rules: Rules) -> str:
    return _resolved(path, _file_at(path), rules.roots)


def _file_at(path: str) -> tuple[int, int] | None:
    """Which file a path leads to, by device and number; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@lru_cache(maxsize=2**14)
def _resolved(path: str, file: tuple[int, int] | None, roots: tuple[Path, ...]) -> str:
    """The path without links, looked up once for as long as it leads to this `file`; raises SceneError outside."""
    resolved = os.path.realpath(path)
    if not os.path.join(resolved, "").startswith(_inside(roots)):
        allowed = ", ".join(str(root) for root in roots) or "none"
        raise SceneError(f"{path} is outside the folders that may be read ({allowed}): name its folder in access.files")
    return resolved


@lru_cache(maxsize=64)
def _inside(roots: tuple[Path, ...]) -> tuple[str, ...]:
    """What a path under these begins with, or is, once no link is left in it and a slash ends it."""
    return tuple(os.path.join(os.path.realpath(root), "") for root in roots)


def _same_crs(file: "DatasetReader", crs: str | None) -> bool:
    from rasterio.crs import CRS

    return crs is None or (file.crs is not None and CRS.from_user_input(crs) == file.crs)


def _same_transform(file: "DatasetReader", transform: tuple[float, ...]) -> bool:
    step = abs(file.transform.a)
    return all(abs(a - b) <= 1e-3 * step for a, b in zip(tuple(file.transform)[:6], transform, strict=False))


def _same(one: float, two: float) -> bool:
    return one == two or (math.isnan(one) and math.isnan(two))


def _in_file(file: "DatasetReader", name: str, size: int | None) -> str:
    match name:
        case "CRS":
            return str(file.crs)
        case "shape":
            return str(file.shape)
        case "transform":
            return str(tuple(file.transform)[:6])
        case "dtype":
            return str(file.dtypes[0])
        case "size":
            return str(size)
        case _:
            return str(file.nodata)
