"""Cloud-optimised GeoTIFFs: packed values in one file, the three-state counts in another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.io import DatasetWriter, MemoryFile
from rio_cogeo import cog_validate

from sco.model import Indicator
from sco.packing import pack
from sco.products.contents import Layer
from sco.products.summary import COUNTS

Plane = NDArray[np.integer[Any]]
COUNT_WORDS = {
    "n_seen": "observations seen and used",
    "n_masked": "observations acquired but masked (cloud, shadow, ...)",
    "n_failed": "observations acquired but not read",
}


def write_values(frame: xr.Dataset, layer: Layer, geobox: GeoBox, path: Path, tags: Mapping[str, str]) -> None:
    """One band: the values packed as the indicator declares, with scale, offset, unit, nodata and overviews."""
    indicator, packing = layer.indicator, layer.indicator.packing
    packed = pack(frame["values"].values, packing)
    with MemoryFile() as memory:
        with _raster(memory, [packed], geobox, packing.fill) as raster:
            raster.scales, raster.offsets = (packing.scale,), (packing.offset,)
            raster.units = (indicator.unit,)
            raster.set_band_description(1, indicator.title.en)
            raster.update_tags(1, **_cf(indicator))
            raster.update_tags(**_facts(indicator, layer.period.label), **tags)
        _save(memory, path, overview_resampling="mode" if indicator.classes else "average")


def write_counts(frame: xr.Dataset, layer: Layer, geobox: GeoBox, path: Path, tags: Mapping[str, str]) -> None:
    """A band of uint16 for each count: n_seen, n_masked, n_failed. Zero is a count, so there is no nodata."""
    counts = [frame[name].values.astype("uint16", copy=False) for name in COUNTS]
    with MemoryFile() as memory:
        with _raster(memory, counts, geobox, None) as raster:
            raster.units = ("1",) * len(COUNTS)
            for place, name in enumerate(COUNTS, start=1):
                raster.set_band_description(place, f"{name}: {COUNT_WORDS[name]}")
            raster.update_tags(**_facts(layer.indicator, layer.period.label), **tags)
        _save(memory, path, overview_resampling="nearest")


def faults(path: Path, name: str) -> list[str]:
    """Why the file is not a valid COG, by rio-cogeo, warnings among them; empty for a valid one."""
    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    found = [*errors, *warnings] or ([] if valid else ["not valid"])
    return [f"{name}: {fault}" for fault in found]


def _raster(memory: MemoryFile, bands: Sequence[Plane], geobox: GeoBox, nodata: int | None) -> DatasetWriter:
    height, width = bands[0].shape
    raster: DatasetWriter = memory.open(
        driver="GTiff",
        count=len(bands),
        height=height,
        width=width,
        dtype=bands[0].dtype.name,
        crs=str(geobox.crs),
        transform=geobox.transform,
        nodata=nodata,
    )
    for place, band in enumerate(bands, start=1):
        raster.write(band, place)
    return raster


def _save(memory: MemoryFile, path: Path, overview_resampling: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with memory.open() as raster:
        side = 512 if max(raster.shape) > 1024 else 128
        rasterio.shutil.copy(
            raster,
            path,
            driver="COG",
            blocksize=side,
            compress="DEFLATE",
            predictor="YES",
            overview_resampling=overview_resampling,
            num_threads=1,
        )


def _cf(indicator: Indicator) -> dict[str, str]:
    """The band as CF describes it."""
    told = {"units": indicator.unit, "long_name": indicator.title.en, "cell_methods": indicator.cell_methods}
    named = {"standard_name": indicator.standard_name} if indicator.standard_name else {}
    flags = {
        "flag_values": " ".join(str(one.value) for one in indicator.classes),
        "flag_meanings": " ".join(one.meaning for one in indicator.classes),
    }
    return told | named | (flags if indicator.classes else {})


def _facts(indicator: Indicator, period: str) -> dict[str, str]:
    return {
        "INDICATOR": f"{indicator.id} v{indicator.version}",
        "PERIOD": period,
        "TIFFTAG_IMAGEDESCRIPTION": f"{indicator.title.en}, {period}. {indicator.description.en}",
    }
