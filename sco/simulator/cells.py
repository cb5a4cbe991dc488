"""Grids in degrees, as rain gauges and the sea are mapped on, and the items that tell of their days.

They are no part of the demonstration: `sco.simulator.rain` and `sco.simulator.sea` write them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from shapely.geometry import box, mapping

from sco.period import Slice


@dataclass(frozen=True)
class Cells:
    """North-up cells in longitude and latitude."""

    west: float
    north: float
    step: float
    shape: tuple[int, int]
    """Rows, columns."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        rows, columns = self.shape
        return self.west, self.north - rows * self.step, self.west + columns * self.step, self.north

    @property
    def transform(self) -> Affine:
        """From cells to degrees."""
        return Affine(self.step, 0, self.west, 0, -self.step, self.north)

    @property
    def axes(self) -> dict[str, NDArray[np.float64]]:
        """Latitudes `y` of the rows and longitudes `x` of the columns, at the middle of the cells."""
        rows, columns = self.shape
        y = self.north - (np.arange(rows, dtype=np.float64) + 0.5) * self.step
        return {"y": y, "x": self.west + (np.arange(columns, dtype=np.float64) + 0.5) * self.step}

    def item(self, name: str, collection: str, day: date, assets: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """A day's STAC item over all cells."""
        return {
            "type": "Feature",
            "stac_version": "1.1.0",
            "id": name,
            "collection": collection,
            "geometry": mapping(box(*self.bounds)),
            "bbox": list(self.bounds),
            "properties": {"datetime": f"{day}T00:00:00Z", "simulated": True},
            "assets": dict(assets),
            "links": [],
        }


def days_of(first: date, last: date, step: int = 1) -> list[date]:
    """The days from `first` to `last`, both included where the step meets it."""
    return [first + timedelta(days=count) for count in range(0, (last - first).days + 1, step)]


def times_of(periods: Iterable[Slice] | Iterable[date]) -> NDArray[np.datetime64]:
    """Their first days, as a time axis."""
    return np.array([one.start if isinstance(one, Slice) else one for one in periods], "datetime64[ns]")


def write_items(items: Iterable[Mapping[str, Any]], file: Path) -> Path:
    """Write items as one collection of features; the file."""
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(items)}), "utf-8")
    return file
