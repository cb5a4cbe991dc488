"""Cloud-optimised GeoTIFFs: packed values in one file, the three-state counts in another.

Classes are bytes with a colour table, so that GDAL and QGIS show them in their colours; the names of the classes are in
a small file beside the raster, which GDAL reads with it (its "PAM": https://gdal.org/en/stable/user/raster_data_model.html).
"""

import xml.etree.ElementTree as ET
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

from sco.model import Indicator, Packing
from sco.packing import pack
from sco.products.contents import Layer
from sco.products.summary import COUNTS

Plane = NDArray[np.integer[Any]]
COUNT_WORDS = {
    "n_seen": "observations seen and used",
    "n_masked": "observations acquired but masked (cloud, shadow, ...)",
    "n_failed": "observations acquired but not read",
}
NO_CLASS = 255
"""The code of no class, in bytes."""
NAMES = ".aux.xml"
"""What the file with the names of classes is called after its raster."""


def packing_of(indicator: Indicator) -> Packing:
    """How a raster holds an indicator's values: as the store does, but of classes, bytes that count from the lowest."""
    if not indicator.classes:
        return indicator.packing
    return Packing(1.0, float(min(one.value for one in indicator.classes)), "uint8", NO_CLASS)


def code_of(indicator: Indicator, value: int) -> int:
    """The byte that a class has in a raster."""
    return value - int(packing_of(indicator).offset)


def files_of(layer: Layer) -> tuple[str, ...]:
    """Paths of a layer's rasters, and of the names of its classes."""
    return layer.cog, layer.counts, *([layer.cog + NAMES] if layer.indicator.classes else [])


def write_values(frame: xr.Dataset, layer: Layer, geobox: GeoBox, path: Path, tags: Mapping[str, str]) -> None:
    """One band: the packed values, with scale, offset, unit, nodata and overviews, and the colours of classes."""
    indicator, packing = layer.indicator, packing_of(layer.indicator)
    packed = pack(frame["values"].values, packing)
    with MemoryFile() as memory:
        with _raster(memory, [packed], geobox, packing.fill) as raster:
            raster.scales, raster.offsets = (packing.scale,), (packing.offset,)
            raster.units = (indicator.unit,)
            raster.set_band_description(1, indicator.title.en)
            raster.update_tags(1, **_cf(indicator))
            raster.update_tags(**_facts(indicator, layer.period.label), **tags)
            if indicator.classes:
                raster.write_colormap(1, colour_table(indicator))
        _save(memory, path, overview_resampling="mode" if indicator.classes else "average")
    if indicator.classes:
        _write_names(indicator, path.with_name(path.name + NAMES))


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


def colour_table(indicator: Indicator) -> dict[int, tuple[int, int, int, int]]:
    """Red, green, blue, alpha by code."""
    colours = {code_of(indicator, one.value): bytes.fromhex(one.colour[1:]) for one in indicator.classes}
    return {code: (red, green, blue, 255) for code, (red, green, blue) in colours.items()}


def _write_names(indicator: Indicator, path: Path) -> None:
    """The names of the classes, in French and English, in the order of their codes."""
    names = {code_of(indicator, one.value): f"{one.words.fr} · {one.words.en}" for one in indicator.classes}
    root = ET.Element("PAMDataset")
    listed = ET.SubElement(ET.SubElement(root, "PAMRasterBand", band="1"), "CategoryNames")
    for code in range(max(names) + 1):
        ET.SubElement(listed, "Category").text = names.get(code, "")
    ET.indent(root)
    path.write_bytes(ET.tostring(root, "utf-8"))


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
    """Made in memory and written by us: of a full disk GDAL says anything but that it is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with memory.open() as raster, MemoryFile(ext=".tif") as made:
        side = 512 if max(raster.shape) > 1024 else 128
        rasterio.shutil.copy(
            raster,
            made.name,
            driver="COG",
            blocksize=side,
            compress="DEFLATE",
            predictor="YES",
            overview_resampling=overview_resampling,
            num_threads=1,
        )
        path.write_bytes(made.getbuffer())


def _cf(indicator: Indicator) -> dict[str, str]:
    """The band as CF describes it."""
    told = {"units": indicator.unit, "long_name": indicator.title.en, "cell_methods": indicator.cell_methods}
    named = {"standard_name": indicator.standard_name} if indicator.standard_name else {}
    flags = {
        "flag_values": " ".join(str(code_of(indicator, one.value)) for one in indicator.classes),
        "flag_meanings": " ".join(one.meaning for one in indicator.classes),
    }
    return told | named | (flags if indicator.classes else {})


def _facts(indicator: Indicator, period: str) -> dict[str, str]:
    return {
        "INDICATOR": f"{indicator.id} v{indicator.version}",
        "PERIOD": period,
        "TIFFTAG_IMAGEDESCRIPTION": f"{indicator.title.en}, {period}. {indicator.description.en}",
    }
