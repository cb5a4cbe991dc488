"""Rasters of classes open in GDAL, and so in QGIS, with their colours and names; those of measures keep nodata."""

import errno
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import ColorInterp

from sco.library import indicators
from sco.period import slice_of
from sco.products import cog
from sco.products.contents import Layer
from sco.products.summary import COUNTS

SIDE = 600
GEOBOX = GeoBox((SIDE, SIDE), Affine(50, 0, 600_000, 0, -50, 4_820_000), "EPSG:32631")
AS_VRT = "import sys, rasterio.shutil; rasterio.shutil.copy(sys.argv[1], sys.argv[2], driver='VRT')"
WITH_CLASSES = sorted(name for name, one in indicators.items() if one.classes)


def written(folder: Path, name: str, values: np.ndarray) -> Path:
    layer = Layer(indicators[name], slice_of(date(2020, 7, 1), "month"))
    planes = {"values": values, **{count: np.full(values.shape, 2, "uint16") for count in COUNTS}}
    frame = xr.Dataset({key: (("y", "x"), plane) for key, plane in planes.items()})
    cog.write_values(frame, layer, GEOBOX, folder / layer.cog, {})
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == sorted(
        set(cog.files_of(layer)) - {layer.counts}
    )
    return folder / layer.cog


def classified(name: str) -> np.ndarray:
    """Of each square of two pixels three have the lowest class and one any other; a corner has none."""
    codes = [one.value for one in indicators[name].classes]
    values = np.full((SIDE, SIDE), float(codes[0]))
    values[::2, ::2] = np.resize(codes, SIDE // 2)
    values[:8, :8] = np.nan
    return values


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_classes_have_their_colours_names_and_no_others(name: str, tmp_path: Path) -> None:
    path, values, classes = written(tmp_path, name, classified(name)), classified(name), indicators[name].classes
    assert cog.faults(path, name) == []
    with rasterio.open(path) as raster:
        assert (raster.dtypes, raster.nodata) == (("uint8",), 255)
        assert raster.colorinterp == (ColorInterp.palette,)
        table, (offset,) = raster.colormap(1), raster.offsets
        read = raster.read(1, masked=True)
        assert np.array_equal((read + offset).filled(-99), np.nan_to_num(values, nan=-99))
        told = raster.tags(1)
        assert [int(code) + offset for code in told["flag_values"].split()] == [one.value for one in classes]
        assert raster.overviews(1)
    for one in classes:
        assert table[cog.code_of(indicators[name], one.value)] == (*bytes.fromhex(one.colour[1:]), 255)
    with rasterio.open(path, overview_level=0) as coarse:
        shrunk = coarse.read(1, masked=True)
        assert (shrunk.compressed() + offset == classes[0].value).all(), "the commonest class of each square"
        assert shrunk.mask[0, 0]
        assert coarse.colormap(1) == table


@pytest.mark.parametrize("name", WITH_CLASSES)
def test_gdal_reads_the_names_of_classes(name: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, classified(name))
    # in another process: reading takes the VRT driver of this one away
    subprocess.run([sys.executable, "-c", AS_VRT, str(path), str(tmp_path / "seen.vrt")], check=True)
    told = (tmp_path / "seen.vrt").read_text("utf-8")
    named = [line.split("Category>")[1].removesuffix("</") for line in told.splitlines() if "<Category>" in line]
    assert named == [f"{one.words.fr} · {one.words.en}" for one in indicators[name].classes]
    assert told.count("<Entry c1=") >= len(named)


def test_a_measure_has_its_nodata_and_means_of_what_was_seen(tmp_path: Path) -> None:
    values = np.full((SIDE, SIDE), 0.25)
    values[:, ::2], values[:8, :8] = 0.75, np.nan
    path = written(tmp_path, "ndvi", values)
    packing = indicators["ndvi"].packing
    assert cog.faults(path, "ndvi") == []
    with rasterio.open(path) as raster:
        assert (raster.dtypes, raster.nodata) == (("int16",), packing.fill)
        assert raster.colorinterp == (ColorInterp.gray,)
        read = raster.read(1, masked=True)
        assert np.array_equal(read.mask, np.isnan(values))
        assert np.allclose((read * packing.scale).filled(np.nan), values, atol=packing.scale / 2, equal_nan=True)
    with rasterio.open(path, overview_level=0) as coarse:
        shrunk = coarse.read(1, masked=True)
        assert shrunk.mask[:4, :4].all()
        assert not shrunk.mask[4:].any()
        assert np.allclose(shrunk.compressed() * packing.scale, 0.5, atol=packing.scale)


def test_a_full_disk_is_told_by_its_name(tmp_path: Path) -> None:
    layer = Layer(indicators["ndvi"], slice_of(date(2020, 7, 1), "month"))
    path = tmp_path / layer.cog
    path.parent.mkdir(parents=True)
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device") as told:
        written(tmp_path, "ndvi", np.full((SIDE, SIDE), 0.25))
    assert told.value.errno == errno.ENOSPC
