"""Three-state quality: seen, masked or not acquired, with a failed read told apart from all of them."""

from collections.abc import Iterable
from dataclasses import replace
from enum import IntEnum
from functools import lru_cache
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sco import kernels
from sco.model import Quality, Sensor


class State(IntEnum):
    """What became of one pixel in one observation.

    Where scenes of one observation overlap, the lower state holds: a pixel that one scene saw was seen, and a read
    that failed is not excused by a cloud in the neighbouring scene.
    """

    SEEN = 0
    FAILED = 1
    MASKED = 2
    NOT_ACQUIRED = 3


States = NDArray[np.uint8]
TABLED: dict[np.dtype[Any], NDArray[Any]] = {
    np.dtype(kind): np.arange(np.iinfo(kind).max + 1, dtype=kind) for kind in (np.uint8, np.uint16)
}
"""All codes of the types that have few enough of them to decode each code once."""


def decode(codes: NDArray[np.integer[Any]], quality: Quality, masked: Iterable[str], pixel_m: float = 0.0) -> States:
    """The state of every pixel from a sensor's quality codes; `masked` names the meanings to mask; same shape.

    Meanings that the sensor widens are widened by whole pixels of `pixel_m` metres; not at all where that is 0.
    """
    if codes.dtype not in TABLED or codes.size < len(TABLED[codes.dtype]) or (pixel_m and quality.dilated_m):
        return _decoded(codes, quality, masked, pixel_m)
    states: States = np.empty(codes.shape, np.uint8)
    by_code = _by_code(codes.dtype, quality, frozenset(masked))
    kernels.look_up(np.atleast_2d(codes), by_code, np.atleast_2d(states))
    return states


def let_go(states: States, numbers: NDArray[Any], nodata: float, valid: tuple[float, float] | None) -> None:
    """In place, of the pixels seen: those without a number were not acquired, what is no measurement is masked."""
    low, high = (np.nan, np.nan) if valid is None else valid
    kernels.let_go(states, numbers, _stored(nodata, numbers.dtype), float(low), float(high))


def widened(mask: NDArray[np.bool_], reach: float) -> NDArray[np.bool_]:
    """True wherever a pixel of `mask` is at most `reach` pixels away, centre to centre; same shape."""
    if reach < 1 or not mask.any():
        return mask
    result = np.zeros_like(mask)
    rows = mask.shape[0]
    for down in range(-int(reach), int(reach) + 1):
        spread = _widened_along_rows(mask, int(sqrt(reach**2 - down**2)))
        target = slice(max(down, 0), rows + min(down, 0))
        source = slice(max(-down, 0), rows + min(-down, 0))
        result[target] |= spread[source]
    return result


def margin(sensor: Sensor, pixel_m: float) -> int:
    """Pixels beyond a grid that can reach into it by the sensor's widening."""
    reach = max((metres for quality in sensor.qualities for metres in quality.dilated_m.values()), default=0.0)
    return ceil(reach / pixel_m) if pixel_m else 0


def widening(sensor: Sensor, rules: Iterable[tuple[str, str, float]]) -> Sensor:
    """The sensor with its meanings widened as these rules (sensor, meaning, metres) want it; others leave it alone."""
    metres = {meaning: reach for name, meaning, reach in rules if name == sensor.id}
    if not metres:
        return sensor
    qualities = (
        replace(one, dilated_m={**one.dilated_m, **{name: metres[name] for name in one.flags if name in metres}})
        for one in sensor.qualities
    )
    return replace(sensor, qualities=tuple(qualities))


def everywhere(state: State, shape: tuple[int, int]) -> States:
    """A whole grid in one state."""
    return np.full(shape, state, np.uint8)


@lru_cache(maxsize=256)
def _stored(nodata: float, kind: np.dtype[Any]) -> Any:
    """`nodata` as the stored numbers can be compared with it; NaN, which no integer equals, where they cannot be it."""
    if kind.kind == "f":
        return kind.type(nodata)
    whole = np.isfinite(nodata) and nodata == int(nodata) and np.iinfo(kind).min <= nodata <= np.iinfo(kind).max
    return kind.type(nodata) if whole else np.nan


@lru_cache(maxsize=64)
def _by_code(kind: np.dtype[Any], quality: Quality, masked: frozenset[str]) -> States:
    """The state of every code that the type has, without any widening; (code,)."""
    return _decoded(TABLED[kind], quality, masked, 0.0)


def _decoded(codes: NDArray[np.integer[Any]], quality: Quality, masked: Iterable[str], pixel_m: float) -> States:
    states = np.full(codes.shape, State.SEEN, np.uint8)
    for meaning in masked:
        flag = quality.flags.get(meaning)
        if flag is not None:
            reach = quality.dilated_m.get(meaning, 0.0) / pixel_m if pixel_m else 0.0
            states[widened(flag.raised(codes), reach)] = State.MASKED
    if quality.not_acquired is not None:
        states[quality.not_acquired.raised(codes)] = State.NOT_ACQUIRED
    return states


def _widened_along_rows(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    width = mask.shape[1]
    sums = np.cumsum(np.pad(mask, ((0, 0), (reach + 1, reach))), axis=1, dtype=np.int32)
    raised: NDArray[np.bool_] = sums[:, 2 * reach + 1 :] > sums[:, :width]
    return raised
