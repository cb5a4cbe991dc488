"""A radar over the world: backscatter by what covers the ground, with speckle, a flood around the lake and a clearing.

It is no part of the demonstration. Scenes are one frame on the world's own grid, as Sentinel-1's terrain corrected
product: linear gamma nought in VV, every REVISIT days, under the names and in the words of the Planetary Computer.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from affine import Affine
from shapely.geometry import Polygon, mapping

from sco.period import divide
from sco.simulator.ground import Day, Ground
from sco.simulator.world import Flags, Floats, World

REVISIT = 12
LOOKS = 12
"""Of each pixel: those of a scene at 10 m, averaged over some pixels, as neighbours share much of their speckle."""
DECIBELS = {
    "forest": -10.5,
    "winter_crop": -12.0,
    "summer_crop": -12.5,
    "grassland": -13.0,
    "rock": -11.0,
    "town": -4.0,
    "lake_bed": -13.5,
}
"""By land cover; plausible for VV, and of no place in particular."""
WATER = -21.0
FLOOD = (date(2023, 11, 5), date(2023, 11, 25))
"""First and last day."""
CLEARED_ON = date(2021, 6, 10)
CLEARED = (0.42, -0.24)
"""Middle of the forest that is cleared, and for good, in sizes of the world from its middle."""
CLEARED_RADIUS = 0.06
STUBBLE = -14.5
"""dB of cleared ground."""
REACH_M = 9.0
"""How far below the lake's own ground, by its depth, the flood reaches."""


def flooded(day: Day) -> Flags:
    """Where the ground is under the flood; nowhere on other days, and not where the lake is anyway."""
    first, last = FLOOD
    around = (day.ground.depth > -REACH_M) & (day.water < 0.5)
    return around & (first <= day.day <= last)


def cleared(ground: Ground) -> Flags:
    """Where forest is cleared on CLEARED_ON: what is mostly forest, in a circle."""
    near = np.hypot(ground.u - CLEARED[0], ground.v - CLEARED[1]) < CLEARED_RADIUS
    return np.asarray(near & (ground.covers["forest"] > 0.5))


def power(day: Day) -> Floats:
    """Linear gamma nought as a radar without speckle sees it."""
    land = sum(share * np.float32(10 ** (DECIBELS[cover] / 10)) for cover, share in day.ground.covers.items())
    if day.day >= CLEARED_ON:
        land = np.where(cleared(day.ground), np.float32(10 ** (STUBBLE / 10)), land)
    wet = np.maximum(day.water, flooded(day))
    return np.asarray(land + wet * (np.float32(10 ** (WATER / 10)) - land), np.float32)


def passes(world: World) -> Iterator[date]:
    """The days on which the radar passes."""
    day = world.start + timedelta(days=4)
    while day <= world.end:
        yield day
        day += timedelta(days=REVISIT)


def write_radar(world: World, folder: Path) -> Path:
    """Write the scenes under `folder`/scenes and the items of all of them beside; the items' file."""
    ground = Ground(world, *world.grid.centres())
    items = [
        _write_scene(world, ground.on(day), folder / "scenes" / "radar", at) for at, day in enumerate(passes(world))
    ]
    file = folder / "radar.json"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": items}), "utf-8")
    return file


def monthly_radar(world: World) -> xr.Dataset:
    """The truth, (time, y, x): `backscatter` of the darkest pass of the month, dB, and `flood_extent`, 0 or 1.

    At the last month also `forest_loss`, 0 or 1, and its date in years. A month without a pass is left out.
    """
    ground = Ground(world, *world.grid.centres())
    months = divide(world.start, world.end, "month")
    seen = {month: [ground.on(day) for day in passes(world) if month.start <= day < month.end] for month in months}
    months = tuple(month for month in months if seen[month])
    dark = [10 * np.log10(np.min([power(day) for day in seen[month]], axis=0)) for month in months]
    wet = [np.any([flooded(day) for day in seen[month]], axis=0).astype(np.float32) for month in months]
    lost = np.where(cleared(ground) & (world.start < CLEARED_ON <= world.end), np.float32(1), np.float32(0))
    year = CLEARED_ON.year + (CLEARED_ON.timetuple().tm_yday - 1) / 365
    once = {"forest_loss": lost, "forest_loss_date": np.where(lost > 0, np.float32(year), np.float32(np.nan))}
    never = np.full((len(months) - 1, *lost.shape), np.nan, np.float32)
    layers = {"backscatter": np.stack(dark), "flood_extent": np.stack(wet)}
    layers |= {name: np.concatenate([never, last[None]]) for name, last in once.items()}
    x, y = world.grid.axes()
    times = np.array([month.start for month in months], "datetime64[ns]")
    return xr.Dataset(
        {name: (("time", "y", "x"), values) for name, values in layers.items()}, {"time": times, "y": y, "x": x}
    )


def _write_scene(world: World, day: Day, folder: Path, number: int) -> dict[str, Any]:
    time = datetime(day.day.year, day.day.month, day.day.day, 5, 44, 42, tzinfo=UTC)
    name = f"S1A_IW_GRDH_1SDV_{time:%Y%m%dT%H%M%S}_{time:%Y%m%dT%H%M%S}_{40_000 + number:06d}_{number:06X}_rtc"
    speckle = world.random("speckle", day.day.toordinal()).gamma(LOOKS, 1 / LOOKS, world.grid.shape)
    path = folder / name / "iw-vv.rtc.tiff"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = world.grid.shape
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "float32", "nodata": -32768}
    place = {"crs": world.grid.crs, "transform": Affine(*world.grid.transform)}
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write((power(day) * speckle).astype(np.float32), 1)
    return _item(world, name, time, path)


def _item(world: World, name: str, time: datetime, path: Path) -> dict[str, Any]:
    u, v = np.array([-0.5, 0.5, 0.5, -0.5]), np.array([-0.5, -0.5, 0.5, 0.5])
    outline = Polygon(np.column_stack(world.degrees(u, v)))
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": name,
        "collection": "sentinel-1-rtc",
        "geometry": mapping(outline),
        "bbox": list(outline.bounds),
        "properties": {"datetime": f"{time:%Y-%m-%dT%H:%M:%SZ}", "sat:orbit_state": "descending", "simulated": True},
        "assets": {"vv": {"href": str(path), "raster:bands": [{"nodata": -32768, "data_type": "float32"}]}},
        "links": [],
    }
