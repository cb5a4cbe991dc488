"""What a product is made of: the facts that every kind of output takes its own from."""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from threading import local
from typing import Any, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from sco import uncertainty
from sco.model import Indicator, Sensor
from sco.partition import Empty, Partition, Record
from sco.period import Slice
from sco.products import frames, summary
from sco.products.accuracy import Accuracy
from sco.products.pieces import Earlier
from sco.products.shares import classes_of
from sco.products.summary import COUNTS, ERROR, Summary
from sco.project import Project
from sco.store import Store
from sco.zones import Zoning, zones_of

PRODUCT_VERSION = 5
"""Raised whenever the same inputs give other bytes."""
LEAST_SEEN = 0.2
"""Share of a zone below which its mean stands for the gaps in the clouds rather than for the zone."""


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
    def record(self) -> str:
        """Path of what it was made from, and its statistics."""
        return f"provenance/{self.indicator.id}/{self.name}.json"

    @property
    def item(self) -> str:
        """Path of the STAC item."""
        return f"stac/items/{self.name}.json"


@dataclass(frozen=True)
class Publication:
    """Everything that one version of a product is made from; the same publication gives the same bytes."""

    project: Project
    data: xr.Dataset
    """As the store gives it, read from one snapshot, decoded or packed as it is stored; lazy."""
    snapshot: str
    records: Mapping[Partition, Record]
    manifests: Mapping[Partition, Mapping[str, Any]]
    accuracy: tuple[Accuracy, ...] = ()
    signer: str = ""
    """Id of the key that seals it; empty for a product that is not signed."""
    earlier: Earlier | None = None
    """A version that was published before, whose files are taken over where they would be the same."""

    @classmethod
    def of(
        cls, project: Project, store: Store, snapshot: str, accuracy: tuple[Accuracy, ...] = (), signer: str = ""
    ) -> Self:
        """What one version of a store holds."""
        data = frames.opened(store, snapshot)
        return cls(project, data, snapshot, store.records(snapshot), store.manifests(snapshot), accuracy, signer)

    @cached_property
    def version(self) -> str:
        """Last period and ten hexadecimal digits that stand for all that was put in."""
        made_from = [(layer.name, self.made_from(layer)) for layer in self.layers]
        told = [PRODUCT_VERSION, made_from, self.codes, self._presentation(), self.signer]
        return f"{self.periods[-1].label}-{digest(told)[:10]}"

    @property
    def tag(self) -> str:
        """The store's name for the snapshot that this version is made from; unlike its id, equal for equal content."""
        return f"product-{self.version}"

    @cached_property
    def periods(self) -> tuple[Slice, ...]:
        """The periods that the store holds something of, oldest first, without those that the project leaves out."""
        return tuple(sorted({partition.period for partition in self._wanted}))

    @cached_property
    def _wanted(self) -> list[Partition]:
        """What was committed in the project's season, in order."""
        return sorted(one for one, record in self.records.items() if record.empty is not Empty.OUTSIDE_SEASON)

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """What was committed, by indicator in the project's order, oldest first; of a whole series only the newest."""
        return tuple(layer for one in self.project.resolved_indicators for layer in self._layers_of(one))

    def _layers_of(self, indicator: Indicator) -> list[Layer]:
        found = [Layer(indicator, period) for period in self.periods if (indicator.id, period) in self._partitions]
        return found[-1:] if indicator.of_series else found

    @cached_property
    def _partitions(self) -> Mapping[tuple[str, Slice], list[Partition]]:
        found: dict[tuple[str, Slice], list[Partition]] = defaultdict(list)
        for partition in self._wanted:
            found[partition.indicator, partition.period].append(partition)
        return found

    def partitions_of(self, layer: Layer) -> list[Partition]:
        """The partitions that a layer is put together from, in order."""
        return self._partitions[layer.indicator.id, layer.period]

    def place_of(self, layer: Layer) -> int:
        """The layer's step on the time axis of `dataset`."""
        return self.periods.index(layer.period)

    def made_from(self, layer: Layer) -> str:
        """SHA-256, hexadecimal, over all that the layer's files are made from."""
        return self._made_from[layer.name]

    @cached_property
    def _made_from(self) -> Mapping[str, str]:
        return {layer.name: digest([self._frame_facts, *self._layer_facts(layer)]) for layer in self.layers}

    def _layer_facts(self, layer: Layer) -> list[Any]:
        one = layer.indicator
        declared = [
            one.id,
            one.version,
            one.title.en,
            one.description.en,
            one.unit,
            one.standard_name,
            one.cell_methods,
        ]
        partitions = self.partitions_of(layer)
        stored = [(str(partition), self.records[partition].fingerprint) for partition in partitions]
        return [
            [*declared, vars(one.packing), list(one.valid_range), self.has_error(one)],
            *([[kind.value, kind.meaning] for kind in one.classes] if classes_of(one) else []),
            [layer.period.label, self.place_of(layer)],
            [*stored, digest([self.manifests[partition] for partition in partitions])],
        ]

    @cached_property
    def _frame_facts(self) -> Any:
        """What every layer depends on: the grid, the zones and the project's names."""
        box, zones = self.geobox, self.project.zones_file
        grid = [str(box.crs), list(box.transform)[:6], list(box.shape), self.project.area.tile]
        chosen = self.project.model_dump(mode="json", include={"id", "title", "zones"})
        sums = hashlib.sha256(zones.read_bytes()).hexdigest() if zones else ""
        return [PRODUCT_VERSION, grid, chosen, sums, self.project.simulated, self.periods[0].label]

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
    def summaries(self) -> Mapping[str, Summary]:
        """What each layer comes to, by its name; taken over from the earlier version where it is the same."""
        kept = {layer.name: self._kept_summary(layer) for layer in self.layers}
        fresh = [layer for layer in self.layers if kept[layer.name] is None]
        self.zoning.weights, self._last  # noqa: B018 - found once, before several ask at once
        made = summary.each(
            fresh, lambda layer: summary.of(self._read(layer), self.zoning, classes_of(layer.indicator))
        )
        found = kept | {layer.name: one for layer, one in zip(fresh, made, strict=True)}
        return {name: one for name, one in found.items() if one is not None}

    def _kept_summary(self, layer: Layer) -> Summary | None:
        if self.earlier is None:
            return None
        text = self.earlier.read(layer.name, self.made_from(layer), layer.record)
        return Summary.parse(json.loads(text)["summary"]) if text else None

    @cached_property
    def series(self) -> Mapping[str, xr.Dataset]:
        """Zonal statistics, (time, zone), by indicator id; a period without a layer is NaN."""
        return {name: self._table(name, "zones", self.zoning.names) for name in self.project.indicators}

    @cached_property
    def overall(self) -> Mapping[str, xr.Dataset]:
        """The same statistics of the whole area, (time, zone) with one zone."""
        return {name: self._table(name, "whole", (self.project.id,)) for name in self.project.indicators}

    def _table(self, indicator: str, part: str, names: tuple[str, ...]) -> xr.Dataset:
        own = {layer.period: self.summaries[layer.name] for layer in self.layers if layer.indicator.id == indicator}
        rows = [getattr(own[period], part) if period in own else None for period in self.periods]
        (declared,) = (one for one in self.project.resolved_indicators if one.id == indicator)
        return summary.table(rows, self.dataset["time"].values, names, classes_of(declared))

    @cached_property
    def census(self) -> xr.Dataset:
        """valid, lowest, highest, n_seen, n_masked and n_failed over all pixels, (indicator, time)."""
        layers = {(layer.indicator.id, layer.period): self.summaries[layer.name].census for layer in self.layers}
        rows = [[layers.get((name, period)) for period in self.periods] for name in self.project.indicators]
        return summary.census(rows, list(self.project.indicators), self.dataset["time"].values)

    @cached_property
    def sensors(self) -> tuple[Sensor, ...]:
        """The sensors that the project reads, each once."""
        found = {source.sensor: source.resolved_sensor for source in self.project.sources}
        return tuple(found.values())

    @cached_property
    def scenes(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Every scene that was used, by (catalog, id)."""
        used = (scene for manifest in self.manifests.values() for scene in manifest.get("scenes", ()))
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
    def rejected(self) -> list[tuple[str, str]]:
        """Id of each scene that was left out, and why."""
        seen = {
            (str(entry["catalog"]), str(entry["id"]), str(entry["reason"]))
            for manifest in self.manifests.values()
            for entry in manifest.get("rejected", ())
        }
        return sorted((name, reason) for _, name, reason in seen)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The versions of the code that computed the partitions."""
        return tuple(sorted({str(manifest["code"]) for manifest in self.manifests.values() if "code" in manifest}))

    @cached_property
    def credits(self) -> tuple[str, ...]:
        """The credit lines that are owed; simulated scenes owe none."""
        return self._credits_for(self.scenes.values())

    def credits_of(self, layer: Layer) -> tuple[str, ...]:
        """The credit lines that are owed for one layer, with the years of its own scenes."""
        manifests = (self.manifests[partition] for partition in self.partitions_of(layer))
        return self._credits_for(scene for manifest in manifests for scene in manifest.get("scenes", ()))

    def _credits_for(self, scenes: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
        catalogs = {catalog.id: catalog for source in self.project.sources for catalog in source.resolved_catalogs}
        years: dict[str, set[str]] = {}
        for scene in scenes:
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
        full = [layer for layer in own if int(counted.isel(time=self.place_of(layer)))]
        return (full or own)[-1]

    def failed_share(self, indicator: str) -> float:
        """Failed reads over all acquired observations of an indicator."""
        counted = self.census.sel(indicator=indicator)
        acquired = sum(int(counted[name].sum()) for name in COUNTS)
        return int(counted["n_failed"].sum()) / acquired if acquired else 0.0

    def frame(self, layer: Layer) -> xr.Dataset:
        """The pixels of a layer, counts, and errors if any, (y, x), in memory; the names without the indicator's.

        A thread that asks for the same layer again is given the same, until it asks for another one or `forget`s.
        """
        if self._last.__dict__.get("name") != layer.name:
            self._last.__dict__.update(name=layer.name, frame=self._read(layer))
        frame: xr.Dataset = self._last.frame
        return frame

    def values(self, layer: Layer) -> NDArray[np.float64]:
        """The values of a layer alone, (y, x)."""
        found = frames.read(self.dataset, self.place_of(layer), {layer.indicator.id: "values"})
        return np.asarray(found["values"].values, "float64")

    def forget(self) -> None:
        """Let go of the layer that this thread read last."""
        self._last.__dict__.clear()

    @cached_property
    def _last(self) -> local:
        return local()

    def _read(self, layer: Layer) -> xr.Dataset:
        name = layer.indicator.id
        own = {name: "values", **{f"{name}_{count}": count for count in COUNTS}}
        own |= {uncertainty.name_of(name): ERROR} if self.has_error(layer.indicator) else {}
        return frames.read(self.dataset, self.place_of(layer), own)

    def has_error(self, indicator: Indicator) -> bool:
        """Whether the store has room for standard errors of an indicator, and there is a way to find them."""
        return uncertainty.name_of(indicator.id) in self.data and uncertainty.method_of(indicator) is not None

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What is computed from it under this name, by whoever asks first."""
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    @cached_property
    def _kept(self) -> dict[str, Any]:
        return {}

    def _presentation(self) -> Any:
        chosen = self.project.model_dump(mode="json", exclude={"store", "access", "sources"})
        published = chosen.get("publish") or {}
        published.pop("to", None)
        accuracy = [[one.indicator, one.bias, one.rmse, one.n, one.unit] for one in self.accuracy]
        return [chosen, self._frame_facts, accuracy]


def well_seen(table: xr.Dataset) -> xr.Dataset:
    """Zonal statistics with means, areas and shares kept only where at least LEAST_SEEN of the zone has a value."""
    enough = table["coverage"] >= LEAST_SEEN
    return table.assign({name: table[name].where(enough) for name in ("mean", "area_km2", "share") if name in table})


def digest(told: Any) -> str:
    """SHA-256, hexadecimal, of JSON."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _stretch(years: set[str]) -> str:
    first, last = min(years), max(years)
    return first if first == last else f"{first}-{last}"
