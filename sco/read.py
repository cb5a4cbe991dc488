"""One asset, one window: stored numbers on the project's grid."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi
from odc.geo.roi import roi_is_empty
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from sco import kernels, preflight, shrink, vsi
from sco.errors import UpstreamError
from sco.handles import HANDLES, Handle
from sco.landing import AGENT
from sco.model import Asset, Band, Scene, Sensor
from sco.multihash import require_intact
from sco.preflight import Rules
from sco.shrink import Source
from sco.signing import on_signed, signed, unsigned
from sco.webfile import WebFile

Numbers = NDArray[Any]
ATTEMPTS = 3
OPENERS = 4
"""Threads that open files of the web: the first file that a thread opens costs it 20 ms, in which PROJ reads up."""
WARP_TOLERANCE = 0.001
"""Pixels. GDAL's own choice of an eighth of a pixel would place a pixel differently from window to window."""
SHRINKS_FROM = 1.5
"""Source pixels a target pixel from which a warp is a shrinking one, which wants a wider kernel."""
GDAL_SETTINGS: dict[str, Any] = {
    "GDAL_CACHEMAX": 8 * 2**20,  # a window is read once, block by block: more would hold what nobody asks for again
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_USERAGENT": AGENT,  # this and the following are for buckets
    "GDAL_HTTP_MAX_RETRY": 4,
    "GDAL_HTTP_RETRY_DELAY": 0.5,
    "GDAL_HTTP_TIMEOUT": 60,
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_MULTIRANGE": "YES",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "CPL_VSIL_NETWORK_STATS_ENABLED": "YES",  # what sco.meter counts
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Reading:
    """The numbers of one asset on a grid, as stored, and what its header said against its item."""

    numbers: Numbers
    """(y, x), in the file's own type; `nodata` where the file has none or does not reach."""
    nodata: float
    trusted: tuple[str, ...]
    tags: tuple[float, float] | None = None
    """Scale and offset by the file's own tags, where it has any."""


def environment() -> rasterio.Env:
    """The GDAL settings that every reading thread must be in; drivers that we have no use for are gone from then on."""
    preflight.skip_drivers()
    return rasterio.Env(**GDAL_SETTINGS)


def read_scene(scene: Scene, band: Band, sensor: Sensor, geobox: GeoBox, rules: Rules) -> Reading:
    """The numbers of one band of a scene on `geobox`, from an address that is signed now.

    Raises KeyError where the scene does not offer the band, else what `read` raises.
    """
    if sensor.reader == "grid":
        from sco.gridded import read_grid

        return read_grid(signed(scene, band.name), band, geobox, scene.time, rules)
    return on_signed(scene, band.name, rules.hosts, lambda asset: read(asset, band, geobox, rules))


def overview(asset: Asset, most: tuple[int, int], rules: Rules) -> Numbers:
    """The whole asset in at most so many rows and columns: numbers as stored, the nearest ones of its overviews.

    Raises SceneError for an address that the rules refuse, UpstreamError when the file cannot be read.
    """
    where = preflight.address(asset.href, rules)
    try:
        with environment(), _lent(where, rules) as handle:
            shape = (min(most[0], handle.file.height), min(most[1], handle.file.width))
            numbers: Numbers = handle.file.read(1, out_shape=shape, resampling=Resampling.nearest)
            return numbers
    except (RasterioError, OSError) as error:
        raise UpstreamError(unsigned(f"{asset.href} cannot be read: {error}")) from error


def read(asset: Asset, band: Band, geobox: GeoBox, rules: Rules) -> Reading:
    """The numbers of one asset on `geobox`, without a resampling where the grids agree, through one warp elsewhere.

    Raises SceneError for an address or header that the rules refuse, UpstreamError when the file cannot be read.
    """
    where = preflight.address(asset.href, rules)
    if asset.checksum and where.startswith("/") and not where.startswith("/vsi"):
        require_intact(Path(where), asset.checksum)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with _lent(where, rules) as handle:
                trusted = _checked(handle, asset, rules)
                nodata = _nodata(handle.file, asset, band)
                numbers = _numbers(handle, band, geobox, nodata, rules)
                return Reading(numbers, nodata, trusted, _tags(handle.file))
        except (RasterioError, OSError) as error:
            if attempt == ATTEMPTS:
                raise UpstreamError(unsigned(f"{asset.href} cannot be read: {error}")) from error
            time.sleep(0.2 * attempt)
    raise AssertionError("unreachable")


@contextmanager
def _lent(where: str, rules: Rules) -> Iterator[Handle]:
    with HANDLES.lent(where, lambda: _opened(where, rules)) as handle, _honest(handle.web):
        yield handle


def _opened(where: str, rules: Rules) -> Handle:
    driver = preflight.driver_of(where)  # named, so that a VRT in disguise is not opened as the files that it lists
    if not where.startswith(("https://", "http://")):
        return Handle(rasterio.open(where, driver=driver), os.stat(where).st_size if where.startswith("/") else None)
    web = WebFile(where, rules.hosts)
    return _openers(os.getpid()).submit(_opened_from, web, driver).result()


def _opened_from(web: WebFile, driver: str) -> Handle:
    with environment(), _honest(web):
        return Handle(rasterio.open(vsi.name_of(web), driver=driver), web.size, web)


@lru_cache(maxsize=1)
def _openers(_: int) -> ThreadPoolExecutor:
    """The few threads of this process that open what many threads read."""
    return ThreadPoolExecutor(OPENERS, thread_name_prefix="opener")


@contextmanager
def _honest(web: WebFile | None) -> Iterator[None]:
    """Raises what GDAL was not told in the block: that bytes did not come, which it may take for the file's end."""
    try:
        yield
    except RasterioError as error:
        if web is None or web.failure is None:
            raise
        raise web.failure from error
    if web is not None and web.failure is not None:
        raise web.failure


def _checked(handle: Handle, asset: Asset, rules: Rules) -> tuple[str, ...]:
    """What `preflight.check` says of an open file, asked once for as long as it is open."""
    if (asset, rules) not in handle.known:
        handle.known[asset, rules] = preflight.check(handle.file, asset, rules, handle.length)
    trusted: tuple[str, ...] = handle.known[asset, rules]
    return trusted


def _tags(file: DatasetReader) -> tuple[float, float] | None:
    told = (float(file.scales[0]), float(file.offsets[0]))
    return None if told == (1.0, 0.0) else told


def _nodata(file: DatasetReader, asset: Asset, band: Band) -> float:
    for candidate in (file.nodata, asset.nodata, band.nodata):
        if candidate is not None:
            return float(candidate)
    return 0.0


def _numbers(handle: Handle, band: Band, geobox: GeoBox, nodata: float, rules: Rules) -> Numbers:
    file = handle.file
    if _same_crs(handle, geobox):
        step = handle.pixel_of @ geobox.transform
        factor = _whole_factor(step)
        if factor is not None:
            return _aligned(handle, band, geobox, nodata, step, factor, rules)
    return _warped(file, band, geobox, nodata)


def _same_crs(handle: Handle, geobox: GeoBox) -> bool:
    if handle.file.crs is None or geobox.crs is None:
        return False
    crs = str(geobox.crs)
    if crs not in handle.known:
        handle.known[crs] = _are_same(handle.file.crs.to_wkt(), geobox.crs)
    return bool(handle.known[crs])


@lru_cache(maxsize=256)
def _are_same(wkt: str, crs: CRS) -> bool:
    """Whether these are one CRS, which each thread that asks PROJ for it reads up anew."""
    return bool(rasterio.CRS.from_wkt(wkt) == crs)


def _whole_factor(step: Affine) -> float | None:
    """Source pixels a target pixel when the grids share their edges: 1, a whole number, or one over one."""
    if abs(step.b) > 1e-9 or abs(step.d) > 1e-9 or step.a <= 0 or abs(step.a - step.e) > 1e-9:
        return None
    ratio = step.a if step.a >= 1 else 1 / step.a
    whole = abs(ratio - round(ratio)) < 1e-6
    edges = all(abs(shift - round(shift)) < 1e-4 for shift in (step.c / min(step.a, 1), step.f / min(step.a, 1)))
    return step.a if whole and edges else None


def _aligned(
    handle: Handle, band: Band, geobox: GeoBox, nodata: float, step: Affine, factor: float, rules: Rules
) -> Numbers:
    """A window of a file on the same lattice, averaged down or repeated up by a whole factor."""
    file = handle.file
    rows = _overlap(step.f, factor, geobox.shape[0], file.height)
    columns = _overlap(step.c, factor, geobox.shape[1], file.width)
    if rows is None or columns is None:
        return np.full(geobox.shape, nodata, file.dtypes[0])
    if factor < 1:
        part = _repeated(file, rows, columns, round(1 / factor))
    else:
        part = _shrunk(handle, band, rows, columns, round(factor), nodata, rules)
    if part.shape == geobox.shape:
        return part
    result = np.full(geobox.shape, nodata, file.dtypes[0])
    result[rows.target, columns.target] = part
    return result


@dataclass(frozen=True)
class _Overlap:
    """Where a file and a grid meet along one axis: target pixels, and where they begin and end in source pixels."""

    target: slice
    begin: float
    end: float


def _overlap(shift: float, factor: float, target_length: int, source_length: int) -> _Overlap | None:
    first = max(0, int(np.ceil((0 - shift) / factor - 1e-6)))
    after = min(target_length, int(np.floor((source_length - shift) / factor + 1e-6)))
    if first >= after:
        return None
    return _Overlap(slice(first, after), shift + first * factor, shift + after * factor)


def _shrunk(
    handle: Handle, band: Band, rows: _Overlap, columns: _Overlap, factor: int, nodata: float, rules: Rules
) -> Numbers:
    window = Window(
        round(columns.begin), round(rows.begin), round(columns.end - columns.begin), round(rows.end - rows.begin)
    )
    if factor == 1:
        numbers: Numbers = handle.file.read(1, window=window)
        return numbers
    source = Source(window.row_off, window.col_off, window.height, window.width, factor)
    if rules.overviews == "any" and (band.resampling == "nearest" or handle.file.nodata == nodata):
        return shrink.glimpsed(handle, source, band.resampling)
    return shrink.central(handle, source) if band.resampling == "nearest" else shrink.averaged(handle, source, nodata)


def _repeated(file: DatasetReader, rows: _Overlap, columns: _Overlap, times: int) -> Numbers:
    top, left = int(np.floor(rows.begin + 1e-6)), int(np.floor(columns.begin + 1e-6))
    bottom, right = int(np.ceil(rows.end - 1e-6)), int(np.ceil(columns.end - 1e-6))
    coarse: Numbers = file.read(1, window=Window(left, top, right - left, bottom - top))
    shape = (rows.target.stop - rows.target.start, columns.target.stop - columns.target.start)
    fine: Numbers = np.empty(shape, coarse.dtype)
    kernels.repeat(coarse, times, round((rows.begin - top) * times), round((columns.begin - left) * times), fine)
    return fine


def _warped(file: DatasetReader, band: Band, geobox: GeoBox, nodata: float) -> Numbers:
    source = GeoBox(file.shape, file.transform, file.crs)
    overlap = compute_reproject_roi(source, geobox)
    if roi_is_empty(overlap.roi_src) or roi_is_empty(overlap.roi_dst):
        return np.full(geobox.shape, nodata, file.dtypes[0])
    with WarpedVRT(
        file,
        crs=str(geobox.crs),
        transform=geobox.transform,
        width=geobox.shape[1],
        height=geobox.shape[0],
        resampling=Resampling[band.resampling],
        src_nodata=nodata,
        nodata=nodata,
        tolerance=WARP_TOLERANCE,
        **_kernel(overlap.scale),
    ) as warped:
        numbers: Numbers = warped.read(1)
        return numbers


def _kernel(scale: float) -> dict[str, int]:
    """GDAL stretches its kernel by the ratio of the grids; near 1 that only moves pixels, by up to a tenth."""
    return {"XSCALE": 1, "YSCALE": 1} if scale < SHRINKS_FROM else {}
