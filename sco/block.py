"""What one fused task computes, and how much of it there is to read and to hold; looked at without what computes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from odc.geo.geobox import GeoBox

from sco import library
from sco.model import Indicator
from sco.partition import Empty
from sco.period import Slice
from sco.preflight import Rules
from sco.solar import Observation
from sco.tile import Tile

AHEAD_BYTES = 256 * 2**20
"""Of pixels that one block has read ahead."""


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
    uncertainty: bool = True
    """Whether standard errors are computed beside the values."""
    nothing: Mapping[str, Empty] = field(default_factory=dict)
    """By id of the indicators that have no scene here, why, where it is not just that no satellite came by."""

    @property
    def first(self) -> Slice:
        """Its one period, which is the first and the last."""
        return self.period

    @property
    def last(self) -> Slice:
        """Its one period, which is the first and the last."""
        return self.period

    @property
    def size(self) -> int:
        """How many partitions it gives."""
        return len(self.fingerprints)

    @property
    def asset_count(self) -> int:
        """How many files the block opens."""
        indicators = [library.indicators[name] for name in self.fingerprints]
        scenes: Counter[str] = Counter()
        for one in self.observations:
            scenes[one.sensor] += len(one.scenes)
        return sum(len(_bands_read(indicators, sensor)) * number for sensor, number in scenes.items())


def layers_of(indicator: Indicator) -> int:
    """How many float32 an observation takes a pixel: its value, and its bands where they are needed to the end."""
    return 1 + (len(indicator.bands) if indicator.composite == "medoid" else 0)


def _bands_read(indicators: Sequence[Indicator], name: str) -> set[str]:
    sensor = library.sensors[name]
    usable = [indicator.bands for indicator in indicators if set(indicator.bands) <= sensor.band_names]
    return set().union(*usable, sensor.quality_bands) if usable else set()
