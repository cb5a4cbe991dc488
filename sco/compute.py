"""Cube to indicator for a period: the lazy way for notebooks, and the fused block that flows run.

Of a cube that masks what the indicator wants masked, both give the same numbers: observations are mosaicked by solar
day, masked, put through the formula and composited.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from sco import library
from sco.composite import compose
from sco.errors import CubeError
from sco.grid import Tile
from sco.model import Indicator, Packing, Scene
from sco.observation import Mosaic, Observation, Observer
from sco.partition import Empty, Outcome, Partition, Pixels, Record
from sco.period import Slice
from sco.preflight import Rules
from sco.quality import State
from sco.read import environment

VERSION = 1
"""Raised when a change here changes the numbers; part of every fingerprint."""


@dataclass(frozen=True)
class Block:
    """Everything that one fused task needs: one period and tile, the indicators due there, the scenes to see it by."""

    period: Slice
    tile: Tile
    geobox: GeoBox
    fingerprints: Mapping[str, str]
    """By id of the indicators that are due."""
    observations: tuple[Observation, ...]
    rejected: tuple[Mapping[str, str], ...]
    """Scenes that were found and not chosen: id, catalog, reason."""
    rules: Rules
    missing: Mapping[str, int] = field(default_factory=dict)
    """By sensor, the acquisitions that are known and cannot be used."""

    @property
    def asset_count(self) -> int:
        """How many files the block opens."""
        indicators = [library.indicators[name] for name in self.fingerprints]
        return sum(len(_bands_read(indicators, one)) * len(one.scenes) for one in self.observations)


def outcomes_of(blocks: Sequence[Block], run: str) -> list[Delayed]:
    """One lazy dask task a block; each gives the list of its outcomes."""
    fuse = delayed(compute_block, pure=False)
    return [fuse(block, run, dask_key_name=f"{block.period.label}-{block.tile}-{run}") for block in blocks]


def compute_block(block: Block, run: str) -> list[Outcome]:
    """Read, mask, formula, composite and pack, for every indicator that is due in the block."""
    indicators = [library.indicators[name] for name in block.fingerprints]
    most = len(block.observations)
    tallies = {indicator.id: _Tally(indicator, block.geobox.shape.yx, most) for indicator in indicators}
    observers: list[Observer] = []
    peers = [scene for observation in block.observations for scene in observation.scenes]
    with environment():
        for observation in block.observations:
            observer = Observer(observation, block.geobox, block.rules, peers)
            for indicator in indicators:
                if _can_see(observer, indicator):
                    masked = observer.sensor.masked_for(indicator)
                    tallies[indicator.id].add(observer.mosaic(indicator.bands, masked))
            observer.forget_pixels()
            observers.append(observer)
    return [_outcome(block, run, tallies[indicator.id], observers) for indicator in indicators]


def pack(values: NDArray[np.float32], packing: Packing) -> NDArray[np.integer[Any]]:
    """Physical values to stored integers; NaN becomes the fill, values beyond the type its nearest end."""
    kind = np.iinfo(packing.dtype)
    low = kind.min + 1 if packing.fill == kind.min else kind.min
    numbers = np.rint((values.astype(np.float64) - packing.offset) / packing.scale)
    packed = np.where(np.isnan(values), packing.fill, np.clip(numbers, low, kind.max))
    return packed.astype(packing.dtype)


def apply_formula(indicator: Indicator, mosaic: Mosaic) -> NDArray[np.float32]:
    """The indicator of one observation; (y, x), NaN where it was not seen or the formula gives no number."""
    bands = [xr.DataArray(mosaic.bands[name], dims=("y", "x"), name=name) for name in indicator.bands]
    values: NDArray[np.float32] = indicator.formula(*bands).to_numpy().astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return values


def indicate(cube: xr.Dataset, indicator: Indicator, every: str = "month") -> xr.Dataset:
    """An indicator of a lazy cube, one value a period; lazy. Raises CubeError for missing bands."""
    from sco.period import divide, slice_of

    missing = [band for band in indicator.bands if band not in cube]
    if missing:
        offered = ", ".join(map(str, cube.data_vars))
        raise CubeError(f"indicator {indicator.id!r} needs {', '.join(missing)}; the cube has: {offered}")
    seen = cube["quality"] == State.SEEN
    masked = indicator.formula(*(cube[band].where(seen) for band in indicator.bands)).astype("float32")
    days = [day.date() for day in cube["time"].to_index()]
    labels = xr.DataArray([slice_of(day, every).label for day in days], dims="time", name="period")  # type: ignore[arg-type]
    grouped = masked.chunk(time=-1).assign_coords(period=("time", labels.data)).groupby("period")
    composite = getattr(grouped, indicator.composite)(dim="time", skipna=True)
    starts = {one.label: one.start for one in divide(days[0], days[-1], every)}  # type: ignore[arg-type]
    times = np.array([starts[str(label)] for label in composite["period"].values], "datetime64[ns]")
    counted = seen.chunk(time=-1).assign_coords(period=("time", labels.data)).groupby("period").sum(dim="time")
    result = xr.Dataset({indicator.id: composite, f"{indicator.id}_n_seen": counted.astype("uint16")})
    result = result.assign_coords(time=("period", times)).swap_dims(period="time").drop_vars("period")
    result[indicator.id].attrs = {"units": indicator.unit, "long_name": indicator.title.en}
    return result.transpose("time", "y", "x")


class _Tally:
    """The observations of one indicator over one block, and the count of what became of every pixel."""

    def __init__(self, indicator: Indicator, shape: tuple[int, int], most: int) -> None:
        self.indicator = indicator
        self.shape = shape
        self.stack = np.empty((most, *shape), np.float32)
        self.taken = 0
        self.counts = {state: np.zeros(shape, np.uint16) for state in (State.SEEN, State.MASKED, State.FAILED)}

    def add(self, mosaic: Mosaic) -> None:
        states = mosaic.states.copy()
        if (states == State.SEEN).any():
            value = apply_formula(self.indicator, mosaic)
            states[(states == State.SEEN) & np.isnan(value)] = State.MASKED
            self.stack[self.taken] = value
            self.taken += 1
        for state, count in self.counts.items():
            count += states == state

    @property
    def acquired(self) -> bool:
        return any(count.any() for count in self.counts.values())

    def pixels(self) -> Pixels:
        composite = compose(self.stack[: self.taken], self.indicator.composite)
        return Pixels(
            values=pack(composite, self.indicator.packing),
            n_seen=self.counts[State.SEEN],
            n_masked=self.counts[State.MASKED],
            n_failed=self.counts[State.FAILED],
        )


def _can_see(observer: Observer, indicator: Indicator) -> bool:
    return set(indicator.bands) <= observer.sensor.band_names


def _bands_read(indicators: Sequence[Indicator], observation: Observation) -> set[str]:
    sensor = library.sensors[observation.sensor]
    usable = [indicator.bands for indicator in indicators if set(indicator.bands) <= sensor.band_names]
    return set().union(*usable, sensor.quality_bands) if usable else set()


def _outcome(block: Block, run: str, tally: _Tally, observers: Sequence[Observer]) -> Outcome:
    name = tally.indicator.id
    used = [observer for observer in observers if _can_see(observer, tally.indicator)]
    bands = {*tally.indicator.bands, *(band for observer in used for band in observer.sensor.quality_bands)}
    failed = sum(band in bands for observer in used for _, band in observer.failed)
    record = Record(
        fingerprint=block.fingerprints[name],
        run=run,
        empty=_emptiness(tally),
        failed_reads=failed,
    )
    manifest = _manifest(block, tally, used, bands)
    pixels = tally.pixels() if tally.acquired else None
    return Outcome(Partition(block.period, block.tile, name), record, manifest, pixels)


def _emptiness(tally: _Tally) -> Empty | None:
    if tally.counts[State.SEEN].any() or tally.counts[State.FAILED].any():
        return None
    return Empty.ALL_MASKED if tally.acquired else Empty.NO_ACQUISITION


def _manifest(block: Block, tally: _Tally, observers: Sequence[Observer], bands: set[str]) -> dict[str, Any]:
    return {
        "partition": {"indicator": tally.indicator.id, "period": block.period.label, "tile": str(block.tile)},
        "indicator_version": tally.indicator.version,
        "sensors": {observer.sensor.id: observer.sensor.version for observer in observers},
        "code": code_version(),
        "scenes": [
            _scene_entry(scene, observer, bands) for observer in observers for scene in observer.observation.scenes
        ],
        "rejected": [dict(rejected) for rejected in block.rejected],
        "completeness": _completeness(block, tally.indicator, observers, bands),
        "counts": {
            "seen": int(tally.counts[State.SEEN].sum()),
            "masked": int(tally.counts[State.MASKED].sum()),
            "failed": int(tally.counts[State.FAILED].sum()),
            "pixels": tally.shape[0] * tally.shape[1],
        },
    }


def _completeness(block: Block, indicator: Indicator, observers: Sequence[Observer], bands: set[str]) -> dict[str, int]:
    """Of the acquisitions that any catalog knows, how many were usable; those left out on purpose are no matter."""
    scenes = [(observer, scene) for observer in observers for scene in observer.observation.scenes]
    used = sum(all((scene.id, band) not in observer.failed for band in bands) for observer, scene in scenes)
    sensors = [name for name in block.missing if set(indicator.bands) <= library.sensors[name].band_names]
    return {"used": used, "known": len(scenes) + sum(block.missing[name] for name in sensors)}


def _scene_entry(scene: Scene, observer: Observer, bands: set[str]) -> dict[str, Any]:
    return {
        "id": scene.id,
        "sensor": scene.sensor,
        "catalog": scene.catalog,
        "collection": scene.collection,
        "time": scene.time.isoformat(),
        "updated": scene.updated,
        "baseline": scene.baseline,
        "cloud_percent": scene.cloud_percent,
        "vouched": scene.vouched,
        "assets": {band: scene.assets[band].href for band in sorted(bands) if band in scene.assets},
        "calibration": {
            band: {"scale": found.scale, "offset": found.offset, "evidence": list(found.evidence)}
            for (scene_id, band), found in sorted(observer.calibrations.items())
            if scene_id == scene.id and band in bands
        },
        "trusted": {
            band: list(told)
            for (scene_id, band), told in sorted(observer.trusted.items())
            if scene_id == scene.id and band in bands
        },
        "stand_ins": {
            band: told
            for (scene_id, band), told in sorted(observer.stand_ins.items())
            if scene_id == scene.id and band in bands
        },
        "failed": {
            band: reason
            for (scene_id, band), reason in sorted(observer.failed.items())
            if scene_id == scene.id and band in bands
        },
    }


@cache
def code_version() -> str:
    """The version of this application, with the commit where it runs from a checkout."""
    checkout = Path(__file__).parents[1]
    asked = ["git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD"]
    try:
        commit = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return version("sco-pipeline")
    return f"{version('sco-pipeline')}+{commit}"
