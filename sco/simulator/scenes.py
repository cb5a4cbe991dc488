"""The passes of the satellites over the territory, and the files that they leave: real COGs of raw integers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from sco.simulator.ground import BANDS, Day, Ground
from sco.simulator.sky import Sky, Swath, View, swath
from sco.simulator.world import Flags, Floats, Grid, Tile, World

OFFSET_DAY = date(2022, 1, 25)
"""First day of Sentinel-2 baseline 04.00, whose integers are 1000 higher."""
FINE = ("blue", "green", "red", "nir")
COARSE = ("swir16", "swir22")
REFLECTANCE_NOISE, KELVIN_NOISE = 0.001, 0.15
SHADOW = 0.55
"""Share of the light that the shadow of a thick cloud takes."""
CLOUD_TOP_K = 252.0
LABEL = "Simulated by the SCO observatory: no satellite took this image"

Codes = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True)
class Pass:
    """One acquisition by one satellite; all its tiles share it."""

    sensor: Literal["sentinel2", "landsat"]
    index: int
    time: datetime
    """UTC, aware."""
    platform: str
    """As product names spell it: S2A, LC08."""
    orbit: int
    baseline: str
    raw_offset: int
    """What the integers hold on top of reflectance x 10,000."""
    corrected: bool
    """Whether the archive took the baseline's offset from the integers."""
    swath: Swath

    @property
    def announced_offset(self) -> float:
        """The offset of the baseline, which Earth Search announces even where it was taken already."""
        return -0.1 if self.baseline >= "04.00" else 0.0


@dataclass(frozen=True)
class Asset:
    """One file of a scene, by the band's common name."""

    band: str
    grid: Grid
    values: Codes
    nodata: int | None


@dataclass(frozen=True)
class Written:
    """What was written for one asset."""

    band: str
    grid: Grid
    dtype: str
    nodata: int | None
    path: Path
    size: int
    sha256: str


class Scenery:
    """One tile of the archive, with ground and sky at the centres of its fine and its coarse pixels."""

    def __init__(self, world: World, tile: Tile) -> None:
        self.world = world
        self.tile = tile

    @cached_property
    def fine(self) -> tuple[Grid, Ground, Sky]:
        """Grid, ground and sky at the resolution of the tile."""
        return self._at(self.tile.grid)

    @cached_property
    def coarse(self) -> tuple[Grid, Ground, Sky]:
        """Grid, ground and sky in pixels twice as wide."""
        return self._at(self.tile.grid.coarser)

    def laid_out(self, coarse: bool = True) -> "Scenery":
        """Itself, with all that stays worked out, so that threads can share it."""
        _ = self.fine, self.coarse if coarse else None
        return self

    def _at(self, grid: Grid) -> tuple[Grid, Ground, Sky]:
        x, y = grid.centres()
        ground = Ground(self.world, x, y)
        _ = ground.bare, ground.slope, ground.texture
        return grid, ground, Sky(self.world, x, y)


def sentinel2_passes(world: World) -> Iterator[Pass]:
    """The passes of Sentinel-2 A and B, one in three with a partial swath.

    Earth Search has baseline 03.01 first, then 05.09 raw, every fifth of those corrected. The Planetary Computer
    has everything reprocessed to 05.09 and raw.
    """
    late = 0
    for index, day in enumerate(_days(world, world.revisit_days)):
        old = day < OFFSET_DAY and world.spelling == "earth_search"
        corrected = not old and world.spelling == "earth_search" and late % 5 == 4
        late += not old
        yield Pass(
            sensor="sentinel2",
            index=index,
            time=datetime(day.year, day.month, day.day, 10, 30, 21, tzinfo=UTC),
            platform="S2A" if index % 2 == 0 else "S2B",
            orbit=28_900 + 143 * index,
            baseline="03.01" if old else "05.09",
            raw_offset=0 if old or corrected else 1000,
            corrected=corrected,
            swath=swath(world, "sentinel2", index, every=3),
        )


def landsat_passes(world: World) -> Iterator[Pass]:
    """The passes of Landsat 8, and of Landsat 9 in turn with it from 2022 on; one in four with a partial swath."""
    for index, day in enumerate(_days(world, world.landsat_revisit_days, first=3)):
        yield Pass(
            sensor="landsat",
            index=index,
            time=datetime(day.year, day.month, day.day, 10, 17, 42, tzinfo=UTC),
            platform="LC09" if day.year >= 2022 and index % 2 else "LC08",
            orbit=0,
            baseline="02",
            raw_offset=0,
            corrected=False,
            swath=swath(world, "landsat", index, every=4),
        )


def sentinel2_assets(scenery: Scenery, acquisition: Pass) -> Iterator[Asset]:
    """The bands and the scene classification that one pass leaves of one tile."""
    grid, ground, sky = scenery.fine
    fine, view = ground.on(acquisition.time.date()), sky.at(acquisition.time, acquisition.swath)
    for band in FINE:
        yield Asset(band, grid, _sentinel2_integers(scenery, acquisition, band, fine, view), 0)
    grid, ground, sky = scenery.coarse
    coarse, view = ground.on(acquisition.time.date()), sky.at(acquisition.time, acquisition.swath)
    for band in COARSE:
        yield Asset(band, grid, _sentinel2_integers(scenery, acquisition, band, coarse, view), 0)
    yield Asset("scl", grid, scene_classes(coarse, view), 0)


def landsat_assets(scenery: Scenery, acquisition: Pass) -> Iterator[Asset]:
    """The bands, the temperature and the quality bits that one pass leaves."""
    grid, ground, sky = scenery.fine
    day, view = ground.on(acquisition.time.date()), sky.at(acquisition.time, acquisition.swath)
    for band in BANDS:
        seen = observed(day, view, band) + _noise(scenery, acquisition, band, REFLECTANCE_NOISE, grid)
        name = "nir08" if band == "nir" else band
        yield Asset(name, grid, _integers(seen, 2.75e-5, -0.2, view.acquired), 0)
    kelvin = observed_temperature(day, view) + _noise(scenery, acquisition, "lwir11", KELVIN_NOISE, grid)
    yield Asset("lwir11", grid, _integers(kelvin, 0.00341802, 149.0, view.acquired), 0)
    yield Asset("qa_pixel", grid, quality_bits(day, view), 1)
    yield Asset("qa_radsat", grid, np.zeros(grid.shape, np.uint16), None)


def observed(day: Day, view: View, band: str) -> Floats:
    """Reflectance as a sensor without noise sees it: shaded ground under cirrus under clouds."""
    seen = day.reflectance(band) * (1 - np.float32(SHADOW) * view.shade)
    seen += view.cirrus * (np.float32(0.30) - seen)
    seen += view.opacity * (view.brightness - seen)
    return seen


def observed_temperature(day: Day, view: View) -> Floats:
    """Temperature as a sensor without noise sees it, in kelvin: clouds are cold, and so is the ground under them."""
    seen = day.temperature - 3 * view.shade
    seen += np.maximum(view.opacity, 0.5 * view.cirrus) * (np.float32(CLOUD_TOP_K) - seen)
    return seen


def scene_classes(day: Day, view: View) -> NDArray[np.uint8]:
    """The scene classification (SCL): https://sentiwiki.copernicus.eu/web/s2-products."""
    cases = [
        (~view.acquired, 0),
        (view.opacity > 0.6, 9),
        (view.cloudy, 8),
        (view.veiled, 10),
        (view.shaded, 3),
        (day.snowy, 11),
        (day.water > 0.5, 6),
        (day.light < 0.55, 2),
        ((day.burnt > 0.15) & (day.ndvi < 0.3), 7),
        (day.ndvi > 0.4, 4),
    ]
    return np.select([flags for flags, _ in cases], [code for _, code in cases], 5).astype(np.uint8)


def quality_bits(day: Day, view: View) -> NDArray[np.uint16]:
    """The `qa_pixel` of Landsat Collection 2: clear land is 21824, clear water 21952, fill 1.

    https://www.usgs.gov/landsat-missions/landsat-collection-2-quality-assessment-bands
    """
    cloud = view.opacity > 0.3
    dilated = view.cloudy & ~cloud
    cirrus = view.veiled & ~view.cloudy
    shadow = view.shaded & ~view.cloudy
    snow = day.snowy & ~view.cloudy & ~view.shaded
    water = (day.water > 0.5) & ~cloud
    flags = {1: dilated, 2: cirrus, 3: cloud, 4: shadow, 5: snow, 6: ~view.cloudy, 7: water}
    bits = sum(np.left_shift(flag.astype(np.uint16), number) for number, flag in flags.items())
    for number, high in {8: cloud, 10: shadow, 12: snow, 14: cirrus}.items():
        bits = bits + np.left_shift(np.where(high, np.uint16(3), np.uint16(1)), number)
    return np.where(view.acquired, bits, 1).astype(np.uint16)


def write_cog(path: Path, asset: Asset) -> Written:
    """Write one asset as a cloud-optimised GeoTIFF that says that it is simulated."""
    averaged = asset.nodata == 0 and asset.band != "scl"
    profile: dict[str, Any] = {
        "driver": "COG",
        "height": asset.grid.shape[0],
        "width": asset.grid.shape[1],
        "count": 1,
        "dtype": asset.values.dtype.name,
        "crs": asset.grid.crs,
        "transform": Affine(*asset.grid.transform),
        "nodata": asset.nodata,
        "compress": "DEFLATE",
        "level": 5,
        "predictor": "STANDARD" if averaged else "NO",
        "blocksize": 256,
        "overview_resampling": "average" if averaged else "nearest",
    }
    with rasterio.open(path, "w", **profile) as file:
        file.update_tags(TIFFTAG_IMAGEDESCRIPTION=LABEL)
        file.write(asset.values, 1)
    content = path.read_bytes()
    return Written(
        asset.band,
        asset.grid,
        asset.values.dtype.name,
        asset.nodata,
        path,
        len(content),
        sha256(content).hexdigest(),
    )


def class_shares(classes: NDArray[np.uint8]) -> Mapping[int, float]:
    """Percentage of each SCL class among the acquired pixels; of class 0 among all pixels."""
    counts = np.bincount(classes.ravel(), minlength=12)
    acquired = max(int(counts[1:].sum()), 1)
    return {0: 100 * counts[0] / classes.size, **{code: 100 * counts[code] / acquired for code in range(1, 12)}}


def _sentinel2_integers(scenery: Scenery, acquisition: Pass, band: str, day: Day, view: View) -> NDArray[np.uint16]:
    grid = scenery.fine[0] if band in FINE else scenery.coarse[0]
    seen = observed(day, view, band) + _noise(scenery, acquisition, band, REFLECTANCE_NOISE, grid)
    return _integers(np.maximum(seen, 1e-4), 1e-4, -1e-4 * acquisition.raw_offset, view.acquired)


def _integers(values: Floats, scale: float, offset: float, acquired: Flags) -> NDArray[np.uint16]:
    integers = np.clip(np.rint((values - np.float32(offset)) / np.float32(scale)), 1, 65_535)
    return np.where(acquired, integers, 0).astype(np.uint16)


def _noise(scenery: Scenery, acquisition: Pass, band: str, size: float, grid: Grid) -> Floats:
    day = acquisition.time.date().toordinal()
    random = scenery.world.random("noise", acquisition.sensor, scenery.tile.code, day, band)
    return random.standard_normal(grid.shape, np.float32) * np.float32(size)


def _days(world: World, step: int, first: int = 0) -> Iterator[date]:
    day = world.start + timedelta(days=first)
    while day <= world.end:
        yield day
        day += timedelta(days=step)
