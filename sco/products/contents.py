"""What a product is made of: the facts that every kind of output takes its own from."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import dask
import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from sco.model import Indicator, Sensor
from sco.partition import Partition, Record
from sco.period import Slice
from sco.project import Project
from sco.zones import Zoning, whole_area, zones_of

PRODUCT_VERSION = 1
"""Raised whenever the same inputs give other bytes."""
COUNTS = ("n_seen", "n_masked", "n_failed")


LEAST_SEEN = 0.2
"""Share of a zone below which its mean stands for the gaps in the clouds rather than for the zone."""


class Accuracy(Protocol):
    """How far an indicator is from a truth that is known."""

    @property
    def indicator(self) -> str:
        """The indicator's id."""

    @property
    def bias(self) -> float:
        """Mean difference from the truth."""

    @property
    def rmse(self) -> float:
        """Root of the mean squared difference."""

    @property
    def n(self) -> int:
        """Number of values compared."""

    @property
    def unit(self) -> str:
        """Unit of bias and rmse."""


@dataclass(frozen=True)
class Layer:
    """One indicator over one period."""

    indicator: Indicator
    period: Slice

    @property
    def name(self) -> str:
        """Its name in every path of the product."""
        return f"{self.indicator.id}_{self.period.label}"

    @property
    def cog(self) -> str:
        """Path of the values' COG."""
        return f"cog/{self.indicator.id}/{self.name}.tif"

    @property
    def counts(self) -> str:
        """Path of the counts' COG: n_seen, n_masked and n_failed, a band each."""
        return f"cog/{self.indicator.id}/{self.name}_counts.tif"

    @property
    def overlay(self) -> str:
        """Path of the small coloured picture."""
        return f"figures/overlays/{self.name}.png"

    @property
    def item(self) -> str:
        """Path of the STAC item."""
        return f"stac/items/{self.name}.json"


@dataclass(frozen=True)
class Publication:
    """Everything that one version of a product is made from; the same publication gives the same bytes."""

    project: Project
    data: xr.Dataset
    """As the store gives it, read from one snapshot; lazy."""
    snapshot: str
    records: Mapping[Partition, Record]
    manifests: Mapping[Partition, Mapping[str, Any]]
    accuracy: tuple[Accuracy, ...] = ()

    @cached_property
    def version(self) -> str:
        """Last period and ten hexadecimal digits that stand for all that was put in."""
        made_from = sorted((str(partition), record.fingerprint) for partition, record in self.records.items())
        digest = hashlib.sha256(json.dumps([PRODUCT_VERSION, made_from, self.codes, self._presentation()]).encode())
        return f"{self.periods[-1].label}-{digest.hexdigest()[:10]}"

    @property
    def tag(self) -> str:
        """The store's name for the snapshot that this version is made from; unlike its id, equal for equal content."""
        return f"product-{self.version}"

    @cached_property
    def periods(self) -> tuple[Slice, ...]:
        """The periods that the store holds something of, oldest first."""
        return tuple(sorted({partition.period for partition in self.records}))

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What was committed, by indicator in the project's order, oldest first."""
        made = {(partition.indicator, partition.period) for partition in self.records}
        indicators = self.project.resolved_indicators
        return tuple(
            Layer(indicator, period)
            for indicator in indicators
            for period in self.periods
            if (indicator.id, period) in made
        )

    @cached_property
    def dataset(self) -> xr.Dataset:
        """The data over `periods` alone; the store's axis reaches further. Lazy."""
        return self.data.sel(time=[np.datetime64(period.start, "ns") for period in self.periods])

    @property
    def geobox(self) -> GeoBox:
        """The grid of all rasters."""
        return self.project.geobox

    @cached_property
    def footprint(self) -> BaseGeometry:
        """The grid's outline in degrees, WGS84, right to a tenth of a pixel."""
        outline = self.geobox.geographic_extent.geom
        return outline.simplify(math.sqrt(outline.area / math.prod(self.geobox.shape)) / 10)

    @cached_property
    def zoning(self) -> Zoning:
        """The project's zones, or its whole area as one."""
        return zones_of(self.project)

    @cached_property
    def series(self) -> Mapping[str, xr.Dataset]:
        """Zonal statistics, (time, zone), by indicator id."""
        return {name: self.zoning.summarise(self.dataset[name]) for name in self.project.indicators}

    @cached_property
    def overall(self) -> Mapping[str, xr.Dataset]:
        """The same statistics of the whole area, (time, zone) with one zone."""
        if self.project.zones is None:
            return self.series
        whole = whole_area(self.project)
        return {name: whole.summarise(self.dataset[name]) for name in self.project.indicators}

    @cached_property
    def census(self) -> xr.Dataset:
        """valid, lowest, highest, n_seen, n_masked and n_failed over all pixels, (indicator, time)."""
        counted = [_count(self.dataset, name) for name in self.project.indicators]
        table: xr.Dataset = xr.concat(dask.compute(*counted), dim="indicator")
        return table.assign_coords(indicator=list(self.project.indicators))

    @cached_property
    def sensors(self) -> tuple[Sensor, ...]:
        """The sensors that the project reads, each once."""
        found = {source.sensor: source.resolved_sensor for source in self.project.sources}
        return tuple(found.values())

    @cached_property
    def scenes(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Every scene that was used, by (catalog, id)."""
        used = (scene for manifest in self.manifests.values() for scene in manifest["scenes"])
        return {(scene["catalog"], scene["id"]): scene for scene in used}

    def completeness(self, indicator: str) -> float | None:
        """Share of the acquisitions known in any catalog that could be used, over all partitions; None if none is."""
        told = [
            manifest["completeness"]
            for partition, manifest in self.manifests.items()
            if partition.indicator == indicator and "completeness" in manifest
        ]
        known = sum(one["known"] for one in told)
        return sum(one["used"] for one in told) / known if known else None

    @cached_property
    def rejected(self) -> Counter[str]:
        """Reasons for which scenes were left out, and how many scenes each."""
        seen = {
            (entry["catalog"], entry["id"], entry["reason"])
            for manifest in self.manifests.values()
            for entry in manifest["rejected"]
        }
        return Counter(reason for _, _, reason in seen)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The versions of the code that computed the partitions."""
        return tuple(sorted({str(manifest["code"]) for manifest in self.manifests.values()}))

    @cached_property
    def credits(self) -> tuple[str, ...]:
        """The credit lines that are owed; simulated scenes owe none."""
        catalogs = {catalog.id: catalog for source in self.project.sources for catalog in source.resolved_catalogs}
        years: dict[str, set[str]] = {}
        for scene in self.scenes.values():
            if scene["catalog"] not in catalogs or not catalogs[scene["catalog"]].simulated:
                years.setdefault(scene["sensor"], set()).add(str(scene["time"])[:4])
        return tuple(
            sensor.credit.replace("{year}", _stretch(years[sensor.id])) for sensor in self.sensors if sensor.id in years
        )

    @cached_property
    def newest(self) -> str:
        """The day of the newest scene, or the last day of the period where there is none: the product's date."""
        days = [str(scene["time"])[:10] for scene in self.scenes.values()]
        return max(days, default=self.project.period.start.isoformat())

    def latest(self, indicator: Indicator) -> Layer:
        """The newest layer of an indicator that holds a value; the newest of all where none does."""
        counted = self.census["valid"].sel(indicator=indicator.id)
        own = [layer for layer in self.layers if layer.indicator.id == indicator.id]
        full = [layer for layer in own if int(counted.isel(time=self.periods.index(layer.period)))]
        return (full or own)[-1]

    def failed_share(self, indicator: str) -> float:
        """Failed reads over all acquired observations of an indicator."""
        counted = self.census.sel(indicator=indicator)
        acquired = sum(int(counted[name].sum()) for name in COUNTS)
        return int(counted["n_failed"].sum()) / acquired if acquired else 0.0

    def frame(self, layer: Layer) -> xr.Dataset:
        """The pixels of a layer and its counts, (y, x), in memory; the names without the indicator's."""
        own = {f"{layer.indicator.id}_{count}": count for count in COUNTS}
        picked = self.dataset[[layer.indicator.id, *own]].rename({layer.indicator.id: "values", **own})
        return picked.sel(time=np.datetime64(layer.period.start, "ns")).load()

    def _presentation(self) -> Any:
        zones = self.project.zones_file
        chosen = self.project.model_dump(
            mode="json", include={"id", "title", "summary", "indicators", "area", "zones", "period"}
        )
        ours = [hashlib.sha256(zones.read_bytes()).hexdigest() if zones else "", self.project.simulated]
        return [chosen, ours, [[one.indicator, one.bias, one.rmse, one.n, one.unit] for one in self.accuracy]]


def well_seen(table: xr.Dataset) -> xr.Dataset:
    """Zonal statistics with mean and area_km2 kept only where at least LEAST_SEEN of the zone has a value."""
    enough = table["coverage"] >= LEAST_SEEN
    return table.assign(mean=table["mean"].where(enough), area_km2=table["area_km2"].where(enough))


def _count(data: xr.Dataset, indicator: str) -> xr.Dataset:
    values = data[indicator]
    counts = {name: data[f"{indicator}_{name}"].sum(("y", "x"), dtype="int64") for name in COUNTS}
    extremes = {"lowest": values.min(("y", "x")), "highest": values.max(("y", "x"))}
    return xr.Dataset({"valid": values.count(("y", "x")), **extremes, **counts}).drop_vars(
        "spatial_ref", errors="ignore"
    )


def _stretch(years: set[str]) -> str:
    first, last = min(years), max(years)
    return first if first == last else f"{first}-{last}"
