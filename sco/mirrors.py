"""Whether two catalogs hold the same pixels, asked of overviews before one stands in for the other.

Mirrors differ in their processing and in what they did with the offset, so that equal names prove nothing. They may
also differ in how their overviews were made, so that windows of the pixels themselves decide where overviews differ.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from sco import library, radiometry, witness
from sco.errors import SceneError, UpstreamError
from sco.model import Asset, Band, Scene, Sensor
from sco.preflight import Rules
from sco.radiometry import Calibration
from sco.read import environment, overview, read
from sco.signing import on_signed, signed

SIDE = 256
SHARE = 0.99
"""Of the pixels that are valid in both, the share that must lie within one step of the scale."""
SLACK = 1.01  # of a step, for the roundings of float32
CLOSE_UP = 64
"""Rows and columns of each of the four windows that decide where overviews differ."""
FEWEST = 100
"""Pixels, valid in both, that a comparison needs."""
BANDS, PAIRS = 2, 2
"""How many are compared, of a scene and of two catalogs."""
TRIED = 4
"""How many are tried until so many could be compared."""

Key = tuple[object, ...]
Values = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """Whether two scenes of one acquisition, or two catalogs, have equal pixels, and what that rests on."""

    equal: bool
    evidence: str
    compared: bool = True
    """False where nothing could be compared."""


Compare = Callable[[Scene, Scene], Agreement]


def agreement(scene: Scene, mirror: Scene, sensor: Sensor, rules: Rules) -> Agreement:
    """Whether `mirror` may stand in for `scene`: equal physical values, within a step of the scale, on overviews."""
    return _compared(_Pair(key_of(scene), key_of(mirror), scene, mirror), sensor.id, rules)


def on_shared(catalogs: tuple[str, str], moment: datetime, scenes: Iterable[Scene], compare: Compare) -> Agreement:
    """Whether the second catalog has the pixels of the first, by the scenes of both that are nearest to `moment`."""
    told: list[str] = []
    for scene, mirror in _shared(catalogs, moment, scenes)[:TRIED]:
        found = compare(scene, mirror)
        if not found.compared:
            continue
        told.append(f"as for {scene.id}: {found.evidence}")
        if not found.equal:
            return Agreement(False, told[-1])
        if len(told) == PAIRS:
            break
    if not told:
        return Agreement(False, f"no scene that {catalogs[0]} has as well could be compared", compared=False)
    return Agreement(True, "; ".join(told))


def key_of(scene: Scene) -> Key:
    """What tells a scene's pixels and their calibration from another's; hashable, and plain enough for JSON."""
    files = tuple((band, asset.href, asset.checksum) for band, asset in sorted(scene.assets.items()))
    return scene.catalog, scene.collection, scene.id, scene.baseline, scene.offset_applied, scene.updated, files


def _shared(catalogs: tuple[str, str], moment: datetime, scenes: Iterable[Scene]) -> list[tuple[Scene, Scene]]:
    first, later = catalogs
    pairs = (
        (scene, mirror)
        for scene in scenes
        if scene.catalog == first
        for mirror in scene.mirrors
        if mirror.catalog == later
    )
    return sorted(pairs, key=lambda pair: (abs(pair[0].time - moment), pair[0].id))


@dataclass(frozen=True)
class _Pair:
    """Two scenes, equal to another two where their keys are."""

    key: Key
    mirror_key: Key
    scene: Scene = field(compare=False)
    mirror: Scene = field(compare=False)


@lru_cache(maxsize=1024)
def _compared(pair: _Pair, sensor: str, rules: Rules) -> Agreement:
    told, unread = [], []
    for band in _candidates(pair, library.sensors[sensor]):
        try:
            found = _on_band(pair, band, library.sensors[sensor], rules)
        except (SceneError, UpstreamError, OSError) as error:
            unread.append(str(error))
            continue
        if not found.compared:
            unread.append(found.evidence)
            continue
        if not found.equal:
            return found
        told.append(found.evidence)
        if len(told) == BANDS:
            break
    if not told:
        return Agreement(False, f"nothing could be compared: {unread[0] if unread else 'no band is in both'}", False)
    return Agreement(True, ", ".join(told))


def _candidates(pair: _Pair, sensor: Sensor) -> Iterator[Band]:
    """The measured bands that both scenes offer, the one that shows an offset first; at most as many as are tried."""
    offered = pair.scene.assets.keys() & pair.mirror.assets.keys()
    bands = [one for one in sensor.bands if one.name in offered and one.name not in sensor.quality_bands]
    witness_name = sensor.offset.witness if sensor.offset else ""
    return iter(sorted(bands, key=lambda band: band.name != witness_name)[:TRIED])


def _on_band(pair: _Pair, band: Band, sensor: Sensor, rules: Rules) -> Agreement:
    return (_on_grid if sensor.reader == "grid" else _on_raster)(pair, band, sensor, rules)


def _on_grid(pair: _Pair, band: Band, sensor: Sensor, rules: Rules) -> Agreement:
    """By pixels of the scene's own grid, and what the mirror has in their places; a grid tells its own steps."""
    from sco.gridded import overview as thinned

    one = thinned(signed(pair.scene, band.name), band, SIDE, pair.scene.time, rules)
    two = thinned(signed(pair.mirror, band.name), band, SIDE, pair.mirror.time, rules, like=one)
    if one.day != two.day:
        return Agreement(False, f"{band.name}: time step {one.day} against {two.day}")
    calibrations = [_calibration(scene, band, sensor, rules) for scene in (pair.scene, pair.mirror)]
    step = max(abs(by.scale) * found.step for by, found in zip(calibrations, (one, two), strict=True))
    values, others = (
        _physical(found.values, band, scene.assets[band.name], by)
        for found, scene, by in zip((one, two), (pair.scene, pair.mirror), calibrations, strict=True)
    )
    return _judge(values, others, step, band.name)


def _on_raster(pair: _Pair, band: Band, sensor: Sensor, rules: Rules) -> Agreement:
    ground = _other_ground(pair.scene.assets[band.name], pair.mirror.assets[band.name])
    if ground:
        return Agreement(False, f"{band.name}: {ground}")
    calibrations = [_calibration(scene, band, sensor, rules) for scene in (pair.scene, pair.mirror)]
    step = max(abs(found.scale) for found in calibrations)

    def compare(read: Callable[[Asset], NDArray[np.generic]], name: str) -> Agreement:
        def values(scene: Scene, by: Calibration) -> Values:
            return on_signed(scene, band.name, rules.hosts, lambda asset: _physical(read(asset), band, asset, by))

        one, two = map(values, (pair.scene, pair.mirror), calibrations)
        return _judge(one, two, step, name)

    found = compare(lambda asset: overview(asset, (SIDE, SIDE), rules), band.name)
    windows = _windows(pair.scene.assets[band.name])
    if found.equal or not found.compared or not windows or windows != _windows(pair.mirror.assets[band.name]):
        return found
    try:
        close_up = compare(lambda asset: _close_up(asset, band, windows, rules), f"{band.name} at full resolution")
    except (SceneError, UpstreamError, OSError):
        return found
    return close_up if close_up.equal else found


def _windows(asset: Asset) -> list[GeoBox]:
    """Four windows of the file's own pixels, one in the middle of each quarter; none where the item hides its grid."""
    if asset.crs is None or asset.shape is None or asset.transform is None:
        return []
    whole = GeoBox(asset.shape, Affine(*asset.transform), asset.crs)
    height, width = (min(CLOSE_UP, side // 2) for side in asset.shape)
    rows, columns = (
        [side * part // 4 - length // 2 for part in (1, 3)]
        for side, length in ((asset.shape[0], height), (asset.shape[1], width))
    )
    return [whole[row : row + height, column : column + width] for row in rows for column in columns]


def _close_up(asset: Asset, band: Band, windows: Iterable[GeoBox], rules: Rules) -> NDArray[np.generic]:
    with environment():
        return np.concatenate([read(asset, band, window, rules).numbers for window in windows])


def _judge(one: Values, two: Values, step: float, name: str) -> Agreement:
    if one.shape != two.shape:
        return Agreement(False, f"{name}: {one.shape} pixels against {two.shape}")
    valid = ~(np.isnan(one) | np.isnan(two))
    count = int(valid.sum())
    if count < FEWEST:
        return Agreement(False, f"{name}: only {count} pixels are in both", compared=False)
    apart = np.abs(one[valid] - two[valid])
    share = float((apart <= step * SLACK).mean())
    evidence = f"{name}: {100 * share:.4g} % of {count} pixels within {step:g}, at most {float(apart.max()):.4g} apart"
    return Agreement(share >= SHARE, evidence)


def _calibration(scene: Scene, band: Band, sensor: Sensor, rules: Rules) -> Calibration:
    vote = witness.ask(scene, sensor, rules)
    return radiometry.calibration_of(scene, band, sensor, vote, rules.contradiction)


def _physical(numbers: NDArray[np.generic], band: Band, asset: Asset, calibration: Calibration) -> Values:
    """Physical values of stored numbers, NaN where there are none; same shape."""
    values = radiometry.apply(numbers, band, calibration)
    values[_invalid(numbers, band, asset)] = np.nan
    return values


def _invalid(numbers: NDArray[np.generic], band: Band, asset: Asset) -> NDArray[np.bool_]:
    nodata = band.nodata if asset.nodata is None else asset.nodata
    invalid: NDArray[np.bool_] = np.isnan(numbers) if nodata is None or np.isnan(nodata) else numbers == nodata
    if band.valid is not None:
        invalid |= (numbers < band.valid[0]) | (numbers > band.valid[1])  # type: ignore[operator]
    return invalid


def _other_ground(asset: Asset, other: Asset) -> str | None:
    """How two files lie on other ground, as far as their items tell."""
    if asset.crs and other.crs and asset.crs != other.crs:
        return f"{asset.crs} against {other.crs}"
    if asset.shape and other.shape and asset.shape != other.shape:
        return f"{asset.shape} pixels against {other.shape}"
    if asset.transform and other.transform:
        step = abs(asset.transform[0])
        if any(abs(a - b) > 1e-3 * step for a, b in zip(asset.transform, other.transform, strict=True)):
            return f"grid {asset.transform} against {other.transform}"
    return None
