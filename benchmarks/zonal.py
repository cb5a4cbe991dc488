"""One contender of the zones: `zonal.py ours|rasterstats|xvec OUT.npy [blocky]` prints the seconds of its work.

Ours runs in our environment, the peers in theirs, each as its own documentation shows.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polygons
from numpy.typing import NDArray

Frames = NDArray[np.float32]
Rings = list[list[tuple[float, float]]]


def ours(frames: Frames, rings: Rings) -> NDArray[np.float64]:
    """By `sco.zones`."""
    import pandas as pd
    import xarray as xr
    from affine import Affine
    from odc.geo.geobox import GeoBox
    from shapely import make_valid
    from shapely.geometry import Polygon

    from sco.zones import Zone, Zoning

    transform = Affine(polygons.PIXEL, 0, polygons.LEFT, 0, -polygons.PIXEL, polygons.TOP)
    grid = GeoBox(frames.shape[1:], transform, polygons.CRS)
    zones = tuple(Zone(str(place), make_valid(Polygon(ring))) for place, ring in enumerate(rings))
    series = xr.DataArray(frames, {"time": pd.date_range("2015-01-01", periods=len(frames))}, ("time", "y", "x"))
    return Zoning(zones, grid).summarise(series)["mean"].values


def rasterstats(frames: Frames, rings: Rings) -> NDArray[np.float64]:
    """By `rasterstats.zonal_stats`, frame by frame."""
    from affine import Affine
    from rasterstats import zonal_stats
    from shapely import make_valid
    from shapely.geometry import Polygon

    shapes = [make_valid(Polygon(ring)) for ring in rings]
    transform = Affine(polygons.PIXEL, 0, polygons.LEFT, 0, -polygons.PIXEL, polygons.TOP)
    rows = [zonal_stats(shapes, frame, affine=transform, stats=["mean"], nodata=-9999) for frame in frames]
    means = [[np.nan if one["mean"] is None else one["mean"] for one in row] for row in rows]
    return np.array(means, np.float64)


def xvec(frames: Frames, rings: Rings) -> NDArray[np.float64]:
    """By `xvec`'s zonal_stats with exactextract, all frames at once."""
    import geopandas
    import rioxarray  # noqa: F401 - gives every DataArray its .rio
    import xarray as xr
    import xvec  # noqa: F401 - gives every DataArray its .xvec
    from shapely import make_valid
    from shapely.geometry import Polygon

    shapes = geopandas.GeoSeries([make_valid(Polygon(ring)) for ring in rings], crs=polygons.CRS)
    x = polygons.LEFT + polygons.PIXEL * (np.arange(frames.shape[2]) + 0.5)
    y = polygons.TOP - polygons.PIXEL * (np.arange(frames.shape[1]) + 0.5)
    cube = xr.DataArray(frames, {"time": np.arange(len(frames)), "y": y, "x": x}, ("time", "y", "x"), name="value")
    found = cube.rio.write_crs(polygons.CRS).xvec.zonal_stats(shapes, "x", "y", stats="mean", method="exactextract")
    return found.transpose("time", "geometry").values


CONTENDERS: dict[str, Callable[[Frames, Rings], NDArray[np.float64]]] = {
    "ours": ours,
    "rasterstats": rasterstats,
    "xvec": xvec,
}

SLOW = {"rasterstats": 10}
"""Who sees but every so many frames; the seconds are scaled to all of them."""
SQUARE = [(polygons.LEFT + x, polygons.TOP - y) for x, y in ((50, 50), (250, 50), (250, 250), (50, 250))]


def main(who: str, out: Path, blocky: bool) -> None:
    """Sum up the frames over all polygons, and keep the means."""
    warnings.simplefilter("ignore")
    compute, frames, rings = CONTENDERS[who], polygons.frames()[:: SLOW.get(who, 1)], polygons.rings(blocky)
    compute(frames[:1, :50, :50], [SQUARE])  # imports and what is compiled are not in what is measured
    began = time.monotonic()
    means = compute(frames, rings)
    work = (time.monotonic() - began) * SLOW.get(who, 1)
    polygons.keep(means, out)
    print(json.dumps({"work_s": work}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), "blocky" in sys.argv[3:])
