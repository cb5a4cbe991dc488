"""What a layer comes to: numbers over all of its pixels and over each zone, small enough to be kept beside it."""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sco.zones import Zoning

COUNTS = ("n_seen", "n_masked", "n_failed")
"""What is counted beside every indicator's values, as the store has it."""
ZONAL = ("mean", "area_km2", "coverage", "n")
CENSUS = ("valid", "lowest", "highest", *COUNTS)
WHOLE_NUMBERS = ("valid", *COUNTS)
T = TypeVar("T")
R = TypeVar("R")
Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Summary:
    """The numbers of one layer; NaN where there is none."""

    census: Mapping[str, float]
    """By the names in CENSUS."""
    zones: Rows
    """For each zone, in the order of ZONAL."""
    whole: Rows
    """The same for the whole area, one row."""

    def document(self) -> dict[str, Any]:
        """The same as JSON, null for NaN."""
        return {
            "census": {name: _nullable(number) for name, number in self.census.items()},
            "zones": [[_nullable(number) for number in row] for row in self.zones],
            "whole": [[_nullable(number) for number in row] for row in self.whole],
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """What `document` gave; equal to the last digit."""
        census = {name: _number(number) for name, number in document["census"].items()}
        zones, whole = ([[_number(n) for n in row] for row in document[part]] for part in ("zones", "whole"))
        return cls(census, zones, whole)


def of(frame: xr.Dataset, zoning: Zoning, whole: Zoning) -> Summary:
    """The summary of a layer's pixels and counts, (y, x)."""
    return Summary(_census(frame), _rows(frame["values"], zoning), _rows(frame["values"], whole))


def table(rows: Sequence[Rows | None], time: NDArray[Any], zones: Sequence[str]) -> xr.Dataset:
    """Rows of each period, None where it has no layer, as mean, area_km2, coverage and n over (time, zone)."""
    nothing = [[math.nan, math.nan, 0.0, 0.0]] * len(zones)
    numbers = np.array([row or nothing for row in rows], "float64").reshape(len(rows), len(zones), len(ZONAL))
    columns = {name: (("time", "zone"), numbers[:, :, place]) for place, name in enumerate(ZONAL)}
    found = xr.Dataset(columns, coords={"time": time, "zone": list(zones)})
    return found.assign(n=found["n"].astype("int64"))


def census(
    rows: Sequence[Sequence[Mapping[str, float] | None]], indicators: list[str], time: NDArray[Any]
) -> xr.Dataset:
    """The census of each indicator and period, None where there is no layer, over (indicator, time)."""
    nothing = {name: 0.0 if name in WHOLE_NUMBERS else math.nan for name in CENSUS}
    numbers = np.array([[[(one or nothing)[name] for name in CENSUS] for one in row] for row in rows], "float64")
    columns = {name: (("indicator", "time"), numbers[:, :, place]) for place, name in enumerate(CENSUS)}
    found = xr.Dataset(columns, coords={"indicator": indicators, "time": time})
    return found.assign({name: found[name].astype("int64") for name in WHOLE_NUMBERS})


def each(things: Iterable[T], work: Callable[[T], R]) -> list[R]:
    """What `work` gives for each thing, in their order; two or more at a time."""
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(work, things))


def _census(frame: xr.Dataset) -> dict[str, float]:
    values = frame["values"].values
    seen = values[np.isfinite(values)]
    extremes = (float(seen.min()), float(seen.max())) if seen.size else (math.nan, math.nan)
    counts = {name: float(frame[name].values.sum(dtype="int64")) for name in COUNTS}
    return {"valid": float(seen.size), "lowest": extremes[0], "highest": extremes[1], **counts}


def _rows(values: xr.DataArray, zoning: Zoning) -> list[list[float]]:
    found = zoning.summarise(values.expand_dims("time"))
    return [[float(found[name].values[0, place]) for name in ZONAL] for place in range(len(zoning.zones))]


def _nullable(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _number(found: float | None) -> float:
    return math.nan if found is None else float(found)
