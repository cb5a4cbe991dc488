"""The peers' contenders: items to a median NDVI in Zarr. `peers.py PEER FOLDER OUT --resolution R --chunk N`.

Runs in the peers' own environment and imports nothing of ours. Each peer is used as its own documentation shows;
`stackstac_float32` is stackstac with half the bytes that it takes by default, which its documentation does not do.
"""

import argparse
import json
import shutil
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import dask
import numpy as np
import odc.geo.xr
import odc.stac
import pystac
import stackstac
import xarray as xr
from odc.geo.geobox import GeoBox

CLEAR = (4, 5, 6)


def by_odc(items: list[pystac.Item], geobox: GeoBox, chunk: int) -> xr.DataArray:
    """The median NDVI of the clear observations, solar days mosaicked."""
    cube = odc.stac.load(
        items,
        bands=["red", "nir", "scl"],
        geobox=geobox,
        chunks={"x": chunk, "y": chunk},
        groupby="solar_day",
        resampling={"scl": "nearest", "*": "average" if geobox.resolution.x > 10 else "bilinear"},
    )
    clear = cube["scl"].isin(CLEAR)
    red, nir = (cube[name].where(clear).astype("float32") for name in ("red", "nir"))
    return _median((nir - red) / (nir + red))


def by_stackstac(items: list[pystac.Item], geobox: GeoBox, chunk: int, dtype: str = "float64") -> xr.DataArray:
    """The same; scenes of one day are mosaicked where several tiles are asked for."""
    from rasterio.enums import Resampling

    def stack(assets: list[str], resampling: Resampling) -> xr.DataArray:
        return stackstac.stack(
            items,
            assets=assets,
            epsg=geobox.crs.epsg,
            resolution=geobox.resolution.x,
            bounds=tuple(geobox.boundingbox),
            snap_bounds=False,
            chunksize=chunk,
            dtype=np.dtype(dtype),
            fill_value=np.dtype(dtype).type(np.nan),
            rescale=False,
            resampling=resampling,
        )

    bands = stack(["red", "nir"], Resampling.average if geobox.resolution.x > 10 else Resampling.bilinear)
    codes = stack(["scl"], Resampling.nearest)
    if len({item.datetime.date() for item in items}) < len(items):
        bands, codes = (_mosaic(one) for one in (bands, codes))
    clear = codes.sel(band="scl", drop=True).isin(CLEAR)
    red, nir = (bands.sel(band=name, drop=True).where(clear) for name in ("red", "nir"))
    return _median((nir - red) / (nir + red))


def _mosaic(stack: xr.DataArray) -> xr.DataArray:
    return stack.groupby("time.date").map(lambda day: stackstac.mosaic(day, dim="time")).rename(date="time")


def _median(values: xr.DataArray) -> xr.DataArray:
    return values.chunk(time=-1).median("time").astype("float32")


PEERS = {"odc": by_odc, "stackstac": by_stackstac, "stackstac_float32": partial(by_stackstac, dtype="float32")}


def main() -> None:
    """Run one peer, and print the seconds from reading the items to the last chunk written."""
    warnings.simplefilter("ignore")
    told = _arguments()
    shutil.rmtree(told.out, ignore_errors=True)
    with dask.config.set(scheduler="threads", num_workers=told.workers):
        began = time.monotonic()
        found = json.loads((told.folder / told.items).read_text())["features"]
        items = [pystac.Item.from_dict(item) for item in found]
        result = PEERS[told.peer](items, _geobox(told.folder, told.resolution), told.chunk)
        _write(result, told.out)
        print(json.dumps({"work_s": time.monotonic() - began}))


def _write(result: xr.DataArray, out: Path) -> None:
    plain: Any = xr.DataArray(result.data, dims=("y", "x"), coords={"y": result.y.values, "x": result.x.values})
    plain.to_dataset(name="ndvi").to_zarr(out, mode="w")


def _geobox(folder: Path, resolution: float) -> GeoBox:
    recipe = json.loads((folder / "recipe.json").read_text())
    rows, columns = recipe["tiles"]
    left, top, side = 600_000, 4_900_000, recipe["size"] * 10
    bounds = (left, top - rows * side, left + columns * side, top)
    return GeoBox.from_bbox(bounds, crs="EPSG:32631", resolution=resolution, tight=True)


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("peer", choices=sorted(PEERS))
    asked.add_argument("folder", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--items", default="items.json")
    asked.add_argument("--resolution", type=float, default=10)
    asked.add_argument("--chunk", type=int, default=1024)
    asked.add_argument("--workers", type=int, default=2)
    return asked.parse_args()


if __name__ == "__main__":
    main()
