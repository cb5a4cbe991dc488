"""The nouns: what a sensor, a catalog, a scene and an indicator are. Frozen, picklable, no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

BBox = tuple[float, float, float, float]
"""West, south, east, north in degrees, WGS84."""


@dataclass(frozen=True)
class Words:
    """The same words in English and in French."""

    en: str
    fr: str


@dataclass(frozen=True)
class Band:
    """One band of a sensor, by its STAC common name."""

    name: str
    resolution_m: float
    scale: float = 1.0
    offset: float = 0.0
    """Physical value = stored integer x scale + offset, unless a scene's own evidence says otherwise."""
    nodata: float | None = 0
    unit: str = "1"
    resampling: Literal["nearest", "bilinear", "average"] = "bilinear"
    positive: bool = False
    """Physical values cannot be below one step of the scale, as for reflectance."""


@dataclass(frozen=True)
class Classes:
    """A quality flag that is raised where the quality band has one of these values."""

    values: tuple[int, ...]

    def raised(self, codes: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """True where `codes` raise this flag; same shape."""
        raised: NDArray[np.bool_] = np.isin(codes, self.values)
        return raised


@dataclass(frozen=True)
class Bits:
    """A quality flag that is raised where the quality band has any of these bits set."""

    numbers: tuple[int, ...]

    def raised(self, codes: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """True where `codes` raise this flag; same shape."""
        mask = sum(1 << number for number in self.numbers)
        raised: NDArray[np.bool_] = (codes & codes.dtype.type(mask)) != 0
        return raised


@dataclass(frozen=True)
class Quality:
    """How a sensor says, pixel by pixel, what was seen."""

    band: str
    not_acquired: Classes | Bits
    flags: Mapping[str, Classes | Bits]
    """By meaning: cloud, cirrus, shadow, snow, water, defective."""
    masked: frozenset[str]
    """The meanings that the sensor masks unless an indicator keeps them."""

    def masked_for(self, indicator: "Indicator") -> frozenset[str]:
        """The meanings to mask for this indicator."""
        return (self.masked | indicator.mask) - indicator.keep


@dataclass(frozen=True, order=True)
class Identity:
    """What makes two catalog entries the same acquisition."""

    platform: str
    datatake: str
    tile: str
    datastrip: str


@dataclass(frozen=True)
class Offset:
    """An additive offset that a sensor's products carry from one processing baseline on."""

    value: float
    from_baseline: str


@dataclass(frozen=True)
class Sensor:
    """One instrument, or several that are read as one."""

    id: str
    version: int
    title: str
    bands: tuple[Band, ...]
    quality: Quality
    identify: Callable[[str, Mapping[str, Any]], Identity]
    """(item id, item properties) -> identity of the acquisition."""
    credit: str
    """The credit line that products owe; {year} stands for the years of the scenes."""
    licence: str
    offset: Offset | None = None
    """Applies to the `positive` bands."""

    def band(self, name: str) -> Band:
        """The band of this common name; KeyError if the sensor has none."""
        return {band.name: band for band in self.bands}[name]

    @property
    def band_names(self) -> frozenset[str]:
        """Common names of all bands, the quality band among them."""
        return frozenset(band.name for band in self.bands)


@dataclass(frozen=True)
class Collection:
    """How one catalog spells the scenes of one sensor."""

    id: str
    assets: Mapping[str, str]
    """Band common name -> the catalog's asset key."""
    baseline: str | None = None
    """Property that holds the processing baseline."""
    offset_applied: str | None = None
    """Property that says whether the sensor's offset was already taken from the pixels."""


@dataclass(frozen=True)
class Catalog:
    """One STAC service."""

    id: str
    title: str
    url: str
    collections: Mapping[str, Collection]
    """By sensor id."""
    page_limit: int = 100
    simulated: bool = False
    """Its scenes are made up, and whatever is made of them must say so."""
    sign: Callable[[str], str] | None = None
    """Address as found -> address that can be read; called in the worker, at read time."""


@dataclass(frozen=True)
class Asset:
    """One file of a scene, as its catalog item describes it; None where the item is silent."""

    href: str
    crs: str | None = None
    shape: tuple[int, int] | None = None
    transform: tuple[float, ...] | None = None
    """Six numbers in the order of STAC `proj:transform`."""
    dtype: str | None = None
    nodata: float | None = None
    scale: float | None = None
    offset: float | None = None
    checksum: str | None = None


@dataclass(frozen=True)
class Scene:
    """One acquisition of one tile, as one catalog offers it. Addresses are unsigned."""

    id: str
    sensor: str
    catalog: str
    collection: str
    identity: Identity
    time: datetime
    """UTC, aware."""
    footprint: str
    """WKT, WGS84."""
    bbox: BBox
    assets: Mapping[str, Asset]
    """By band common name; only bands that the item offers."""
    cloud_percent: float | None = None
    baseline: str | None = None
    offset_applied: bool | None = None
    updated: str | None = None


@dataclass(frozen=True)
class Packing:
    """How an indicator's values become integers in the store."""

    scale: float
    offset: float = 0.0
    dtype: str = "int16"
    fill: int = -32768


@dataclass(frozen=True)
class Indicator:
    """A formula over bands, composited over a period, with what a reader must know of it."""

    id: str
    version: int
    title: Words
    description: Words
    bands: tuple[str, ...]
    formula: Callable[..., Any]
    """(one DataArray a band, in the order of `bands`) -> DataArray; lazy in, lazy out."""
    composite: Literal["median", "mean", "min", "max"]
    """How the observations of a period become one value."""
    unit: str
    valid_range: tuple[float, float]
    packing: Packing
    colormap: str
    references: tuple[str, ...]
    """DOI or URL of the definition."""
    cell_methods: str
    standard_name: str | None = None
    keep: frozenset[str] = field(default_factory=frozenset)
    """Quality meanings that the sensor masks and this indicator wants."""
    mask: frozenset[str] = field(default_factory=frozenset)
    """Quality meanings that this indicator masks beside the sensor's own."""
    is_share_of_area: bool = False
    """Values are shares of a pixel's area, so that they add up to square kilometres."""
    ecv: str | None = None
    """GCOS Essential Climate Variable."""
    sdg: str | None = None
    """Sustainable Development Goal indicator."""
