"""What a layer comes to: numbers over all of its pixels and over each zone, small enough to be kept beside it."""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
import xarray as xr
from numba import njit
from numpy.typing import NDArray

from sco.model import Class
from sco.products import shares
from sco.zones import LEAST_KNOWN, Zoning, pixel_areas_km2

COUNTS = ("n_seen", "n_masked", "n_failed")
"""What is counted beside every indicator's values, as the store has it."""
ERROR = "error"
"""The standard error of a value, where the store has one."""
ZONAL = ("mean", "area_km2", "coverage", "n", ERROR)
CENSUS = ("valid", "blank", "lowest", "highest", *COUNTS)
"""`blank` are the pixels that were seen and have no value all the same."""
WHOLE_NUMBERS = ("valid", "blank", *COUNTS)
T = TypeVar("T")
R = TypeVar("R")
Rows = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Summary:
    """The numbers of one layer; NaN where there is none."""

    census: Mapping[str, float]
    """By the names in CENSUS."""
    zones: Rows
    """For each zone, in the order of ZONAL; of classes their shares after that, and neither mean nor area nor error."""
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


def of(frame: xr.Dataset, zoning: Zoning, classes: Sequence[Class] = ()) -> Summary:
    """The summary of a layer's pixels, counts, and errors if any, (y, x); of values that name classes by these."""
    errors = frame[ERROR].values if ERROR in frame else np.full((1, 1), np.nan)
    found = _overall(frame["values"].values, errors, pixel_areas_km2(zoning.geobox))
    counts = {name: float(frame[name].values.sum(dtype="int64")) for name in COUNTS}
    valid, lowest, highest, area, total, known, wrong = (float(number) for number in found)
    blank = float(np.count_nonzero(np.isnan(frame["values"].values) & (frame["n_seen"].values > 0)))
    census = {"valid": valid, "blank": blank, "lowest": lowest, "highest": highest, **counts}
    km2 = float(pixel_areas_km2(zoning.geobox).sum() * frame.sizes["x"])
    error = wrong / known if known and known >= LEAST_KNOWN * area else math.nan
    nothing = [math.nan, math.nan, 0.0, 0.0, math.nan]
    whole = [total / area, total, min(area / km2, 1.0), valid, error] if valid else nothing
    if not classes:
        return Summary(census, _rows(frame, zoning), [whole])
    of_whole = shares.of_whole(frame["values"].values, pixel_areas_km2(zoning.geobox), classes)
    of_zones = shares.of_zones(frame["values"], zoning, classes)
    return Summary(census, _shared(_rows(frame, zoning), of_zones), _shared([whole], [of_whole]))


def table(
    rows: Sequence[Rows | None], time: NDArray[Any], zones: Sequence[str], classes: Sequence[Class] = ()
) -> xr.Dataset:
    """Rows of each period, None where it has no layer, as mean, area_km2, coverage, n and error over (time, zone).

    Of classes also share, (time, zone, class).
    """
    nothing = [[math.nan, math.nan, 0.0, 0.0, math.nan, *[math.nan] * len(classes)]] * len(zones)
    width = len(ZONAL) + len(classes)
    numbers = np.array([row or nothing for row in rows], "float64").reshape(len(rows), len(zones), width)
    columns = {name: (("time", "zone"), numbers[:, :, place]) for place, name in enumerate(ZONAL)}
    found = xr.Dataset(columns, coords={"time": time, "zone": list(zones)})
    found = found.assign(n=found["n"].astype("int64"))
    if not classes:
        return found
    coords = {"class": [one.value for one in classes]}
    return found.assign(share=(("time", "zone", "class"), numbers[:, :, len(ZONAL) :])).assign_coords(coords)


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


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _overall(values: Any, errors: Any, row_km2: Any) -> Any:
    """Number of values, lowest, highest, their area, sum of value x area; area with an error, sum of error x area."""
    valid, lowest, highest = 0, np.inf, -np.inf
    area, total, known, wrong = 0.0, 0.0, 0.0, 0.0
    has_errors = errors.shape == values.shape
    for row in range(values.shape[0]):
        seen, added, sure, missed = 0, 0.0, 0, 0.0
        for column in range(values.shape[1]):
            value = values[row, column]
            if value == value:
                seen += 1
                added += value
                lowest, highest = min(lowest, value), max(highest, value)
                if has_errors and errors[row, column] == errors[row, column]:
                    sure += 1
                    missed += errors[row, column]
        valid += seen
        area, total = area + seen * row_km2[row], total + added * row_km2[row]
        known, wrong = known + sure * row_km2[row], wrong + missed * row_km2[row]
    if not valid:
        lowest, highest = np.nan, np.nan
    return valid, lowest, highest, area, total, known, wrong


def _rows(frame: xr.Dataset, zoning: Zoning) -> list[list[float]]:
    errors = frame[ERROR].expand_dims("time") if ERROR in frame else None
    found = zoning.summarise(frame["values"].expand_dims("time"), errors)
    columns = [found[name].values[0] if name in found else np.full(len(zoning.zones), np.nan) for name in ZONAL]
    rows: list[list[float]] = np.stack(columns, axis=1).tolist()
    return rows


def _shared(rows: Rows, of_classes: Rows) -> Rows:
    """The rows with the shares of classes after them, and nothing that is no number of classes."""
    blank = {"mean", "area_km2", ERROR}
    kept = [[math.nan if name in blank else row[place] for place, name in enumerate(ZONAL)] for row in rows]
    return [[*row, *own] for row, own in zip(kept, of_classes, strict=True)]


def _nullable(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _number(found: float | None) -> float:
    return math.nan if found is None else float(found)
