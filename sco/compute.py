"""Cube to indicator for a period: the lazy way for notebooks, and the fused block that flows run.

Of a cube that masks what the indicator wants masked, both give the same numbers: observations are mosaicked by solar
day, masked, put through the formula and composited.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from dask.delayed import Delayed, delayed
from numpy.typing import NDArray

from sco import library, lookahead, scratch, uncertainty
from sco.block import Block, layers_of
from sco.composite import compose
from sco.engine import code_version
from sco.errors import CubeError
from sco.failure import worst
from sco.model import Indicator, Scene
from sco.observation import Observer
from sco.partition import Empty, Outcome, Partition, Record
from sco.quality import State
from sco.read import environment
from sco.tally import Tally

CORES = os.cpu_count() or 1
VALUES = "values of the formula"


Around = Callable[[Callable[[], list[Outcome]]], Any]
"""Calls what makes outcomes, in its own way."""


def plainly(make: Callable[[], list[Outcome]]) -> list[Outcome]:
    """What it makes, or raises."""
    return make()


def outcomes_of(blocks: Sequence[Block], run: str, around: Around = plainly) -> list[Delayed]:
    """One lazy dask task a block; each gives the list of its outcomes, or what `around` makes of that."""
    idle = max(1, CORES // max(1, len(blocks)))
    return [_task(block, run, idle, around) for block in blocks]


def _task(block: Block, run: str, idle: int, around: Around) -> Delayed:
    # bound beforehand: dask searches its tasks' arguments for other tasks, scene by scene, field by field
    fused = delayed(partial(around, partial(compute_block, block, run, idle)), pure=False, traverse=False)
    # on a cluster a task that is lost stays lost under its name, and its parts need names of their own
    part = f"{next(iter(block.fingerprints))}-{block.size}"
    # dask begins with the last name: small blocks are left for the end, where one core waits for the other
    pixels = block.geobox.shape[0] * block.geobox.shape[1]
    task: Delayed = fused(dask_key_name=f"{pixels:09}-{block.period.label}-{block.tile}-{part}-{run}")
    return task


def compute_block(block: Block, run: str, idle: int = 1) -> list[Outcome]:
    """Read, mask, formula, composite and pack, for every indicator that is due in the block, on `idle` cores."""
    indicators = [library.indicators[name] for name in block.fingerprints]
    shape, most = block.geobox.shape.yx, len(block.observations)
    peers = [scene for observation in block.observations for scene in observation.scenes]
    ahead = lookahead.reads_of(block.observations, indicators, shape, idle)
    with ExitStack() as held:
        held.enter_context(environment())
        stacks = {one.id: held.enter_context(scratch.lent((layers_of(one), most, *shape))) for one in indicators}
        tallies = {one.id: Tally(one, shape, stacks[one.id], block.uncertainty) for one in indicators}
        observers = (Observer(one, block.geobox, block.rules, peers) for one in block.observations)
        used: dict[str, list[Observer]] = {one.id: [] for one in indicators}
        for look in lookahead.looks(observers, partial(_wanting, tallies), ahead):
            if not tallies[look.indicator.id].is_full:
                tallies[look.indicator.id].add(look.sighting)
                used[look.indicator.id].append(look.observer)
        return [_outcome(block, run, tallies[one.id], used[one.id]) for one in indicators]


def _wanting(tallies: Mapping[str, Tally], observer: Observer) -> Iterator[Indicator]:
    """The indicators that an observer can tell something of, and that can still take it in."""
    for tally in tallies.values():
        if _can_see(observer, tally.indicator) and not tally.is_full:
            yield tally.indicator


def indicate(cube: xr.Dataset, indicator: Indicator, every: str = "month", with_error: bool = True) -> xr.Dataset:
    """An indicator of a lazy cube, one value a period, oldest first; lazy. Raises CubeError for missing bands.

    Beside it `<id>_n_seen`, the observations behind each value, and `<id>_error`, its standard error, where the
    composite has one and unless it is not wanted: it is found with the value, and costs a tenth of the composite.
    """
    from sco.period import divide, slice_of

    if indicator.is_derived:
        names = ", ".join(dict.fromkeys(one.indicator for one in indicator.inputs))
        raise CubeError(f"indicator {indicator.id!r} is made from {names}, not from bands: apply its formula to these")
    missing = [band for band in indicator.bands if band not in cube]
    if missing:
        offered = ", ".join(map(str, cube.data_vars))
        raise CubeError(f"indicator {indicator.id!r} needs {', '.join(missing)}; the cube has: {offered}")
    seen = cube["quality"] == State.SEEN
    bands = {band: cube[band].where(seen) for band in indicator.bands}
    masked = indicator.formula(*bands.values()).astype("float32")
    days = [day.date() for day in cube["time"].to_index()]
    labels = xr.DataArray([slice_of(day, every).label for day in days], dims="time", name="period")  # type: ignore[arg-type]
    observed = xr.Dataset({VALUES: masked, **(bands if layers_of(indicator) > 1 else {})})
    grouped = observed.chunk(time=-1).assign_coords(period=("time", labels.data)).groupby("period")
    has_error = with_error and uncertainty.method_of(indicator) is not None
    composite = grouped.map(partial(_composed, indicator=indicator, has_error=has_error))
    starts = {one.label: one.start for one in divide(days[0], days[-1], every)}  # type: ignore[arg-type]
    times = np.array([starts[str(label)] for label in composite["period"].values], "datetime64[ns]")
    counted = seen.chunk(time=-1).assign_coords(period=("time", labels.data)).groupby("period").sum(dim="time")
    result = composite.assign({f"{indicator.id}_n_seen": counted.astype("uint16")})
    result = result.assign_coords(time=("period", times)).swap_dims(period="time").drop_vars("period")
    result[indicator.id].attrs = {"units": indicator.unit, "long_name": indicator.title.en}
    if has_error:
        error, told = result[uncertainty.name_of(indicator.id)], uncertainty.attributes(indicator)
        error.attrs = {name: told[name] for name in ("units", "long_name", "comment")}
    return result.sortby("time").transpose("time", "y", "x")


def _composed(observed: xr.Dataset, indicator: Indicator, has_error: bool) -> xr.Dataset:
    """The composite of one period, and its standard error if it has one; lazy."""

    def over_time(*stacks: NDArray[np.float32]) -> Any:
        values, *bands = (np.ascontiguousarray(np.moveaxis(stack, -1, 0)) for stack in stacks)
        found = compose(values, str(indicator.composite), indicator.quantile, bands, with_error=has_error)
        return found.values if found.uncertainty is None else (found.values, found.uncertainty)

    names = [VALUES, *(str(name) for name in observed.data_vars if name != VALUES)]
    made = [indicator.id, *([uncertainty.name_of(indicator.id)] if has_error else [])]
    found = xr.apply_ufunc(
        over_time,
        *(observed[name] for name in names),
        input_core_dims=[["time"]] * len(names),
        output_core_dims=[[]] * len(made),
        dask="parallelized",
        output_dtypes=[np.float32] * len(made),
    )
    return xr.Dataset(dict(zip(made, found if has_error else (found,), strict=True)))


def _can_see(observer: Observer, indicator: Indicator) -> bool:
    return set(indicator.bands) <= observer.sensor.band_names


def _outcome(block: Block, run: str, tally: Tally, observers: Sequence[Observer]) -> Outcome:
    name = tally.indicator.id
    bands = {*tally.indicator.bands, *(band for observer in observers for band in observer.sensor.quality_bands)}
    failed = [(observer, read) for observer in observers for read in observer.failed if read[1] in bands]
    record = Record(
        fingerprint=block.fingerprints[name],
        run=run,
        empty=_emptiness(tally, block.nothing.get(name, Empty.NO_ACQUISITION)),
        failed_reads=len(failed),
        failure=worst(observer.failures[read] for observer, read in failed) if failed else None,
    )
    manifest = _manifest(block, tally, observers, bands)
    pixels = tally.pixels() if tally.acquired else None
    return Outcome(Partition(block.period, block.tile, name), record, manifest, pixels)


def _emptiness(tally: Tally, nothing: Empty) -> Empty | None:
    """Why there is no value at all, which is `nothing` where nothing was acquired; None where there may be one."""
    if tally.counts[State.SEEN].any() or tally.counts[State.FAILED].any():
        return None
    return Empty.ALL_MASKED if tally.acquired else nothing


def _manifest(block: Block, tally: Tally, observers: Sequence[Observer], bands: set[str]) -> dict[str, Any]:
    return {
        "partition": {"indicator": tally.indicator.id, "period": block.period.label, "tile": str(block.tile)},
        "indicator_version": tally.indicator.version,
        "sensors": {observer.sensor.id: observer.sensor.version for observer in observers},
        "code": code_version(),
        **({"uncertainty": uncertainty.VERSION} if tally.has_error else {}),
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
        "failure": {
            band: str(observer.failures[scene_id, band])
            for scene_id, band in sorted(observer.failed)
            if scene_id == scene.id and band in bands
        },
    }
