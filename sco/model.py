"""The nouns: what a sensor, a catalog, a scene and an indicator are. Frozen, picklable, no I/O."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

from sco.period import Every as Every

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from xarray import DataArray as DataArray
else:
    DataArray = "xarray.DataArray"
    """What formulas are annotated with; a declaration is read without xarray, which takes long to import."""

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
    valid: tuple[float, float] | None = None
    """Stored numbers outside are no measurements, as for saturation or codes that share the band; both ends valid."""


@dataclass(frozen=True)
class Classes:
    """A quality flag that is raised where the quality band has one of these values."""

    values: tuple[int, ...]

    def raised(self, codes: "NDArray[np.integer[Any]]") -> "NDArray[np.bool_]":
        """True where `codes` raise this flag; same shape."""
        return reduce(or_, (codes == value for value in self.values))


@dataclass(frozen=True)
class Bits:
    """A quality flag that is raised where the quality band has any of these bits set."""

    numbers: tuple[int, ...]

    def raised(self, codes: "NDArray[np.integer[Any]]") -> "NDArray[np.bool_]":
        """True where `codes` raise this flag; same shape."""
        mask = sum(1 << number for number in self.numbers)
        raised: NDArray[np.bool_] = (codes & codes.dtype.type(mask)) != 0
        return raised


@dataclass(frozen=True)
class BitField:
    """A quality flag that is raised where a field of neighbouring bits holds one of these values."""

    first: int
    width: int
    values: tuple[int, ...]

    def raised(self, codes: "NDArray[np.integer[Any]]") -> "NDArray[np.bool_]":
        """True where `codes` raise this flag; same shape."""
        field = (codes >> codes.dtype.type(self.first)) & codes.dtype.type((1 << self.width) - 1)
        return reduce(or_, (field == value for value in self.values))


Flag = Classes | Bits | BitField


@dataclass(frozen=True)
class Quality:
    """One band in which a sensor says, pixel by pixel, what was seen."""

    band: str
    flags: Mapping[str, Flag] = field(hash=False)
    """By meaning: cloud, cirrus, shadow, snow, water, defective."""
    masked: frozenset[str]
    """The meanings that the sensor masks unless an indicator keeps them."""
    not_acquired: Flag | None = None
    dilated_m: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Metres by which a masked meaning is widened, as for cloud whose edges are not flagged."""
    bands: tuple[str, ...] = ()
    """The bands that it speaks for; all of them where it names none."""

    def speaks_for(self, bands: Iterable[str]) -> bool:
        """Whether it has a say in any of these bands."""
        return not self.bands or not set(self.bands).isdisjoint(bands)


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
    witness: str
    """The band whose numbers show whether the offset is still in them."""
    dark: tuple[str, ...]
    """Flags of the first quality band under which the witness is dark."""
    dark_below: float
    """Physical value that the witness stays below where it is dark."""


@dataclass(frozen=True)
class Revisit:
    """How often a sensor looks at every place of those that it looks at."""

    days: float
    """From one look to the next, at most, when nothing is wrong."""
    since: date
    by_daylight: bool = True
    """It does not look where the sun is low."""


@dataclass(frozen=True)
class Sensor:
    """One instrument, or several that are read as one."""

    id: str
    version: int
    title: str
    bands: tuple[Band, ...]
    qualities: tuple[Quality, ...]
    """Every one of them can mask a pixel; none for a sensor whose bands tell by their nodata alone."""
    identify: Callable[[str, Mapping[str, Any]], Identity]
    """(item id, item properties) -> identity of the acquisition."""
    credit: str
    """The credit line that products owe; {year} stands for the years of the scenes."""
    licence: str
    offset: Offset | None = None
    """Applies to the `positive` bands."""
    whole_days: bool = False
    """Its scenes stand for whole UTC days, whatever the hour that they are dated, as daily products do."""
    reader: Literal["raster", "grid"] = "raster"
    """How its assets are read: as rasters through GDAL, or as NetCDF and Zarr grids through xarray."""
    revisit: Revisit | None = None
    """None where it does not look at every place alike, so that nothing can be concluded from its silence."""

    def band(self, name: str) -> Band:
        """The band of this common name; KeyError if the sensor has none."""
        return {band.name: band for band in self.bands}[name]

    @property
    def band_names(self) -> frozenset[str]:
        """Common names of all bands, the quality bands among them."""
        return frozenset(band.name for band in self.bands)

    @property
    def quality_bands(self) -> tuple[str, ...]:
        """Common names of the quality bands."""
        return tuple(quality.band for quality in self.qualities)

    @property
    def masked(self) -> frozenset[str]:
        """The meanings that it masks by its own choice."""
        return frozenset().union(*(quality.masked for quality in self.qualities))

    @property
    def flagged(self) -> frozenset[str]:
        """All meanings that it tells apart."""
        return frozenset().union(*(quality.flags.keys() for quality in self.qualities))

    def masked_for(self, indicator: "Indicator") -> frozenset[str]:
        """The meanings to mask for this indicator."""
        return (self.masked | indicator.mask) - indicator.keep


@dataclass(frozen=True)
class Collection:
    """How one catalog spells the scenes of one sensor."""

    id: str
    assets: Mapping[str, str | tuple[str, ...]]
    """Band common name -> the catalog's asset key, or several of which an item offers the first that it has."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Band common name -> variable inside the asset, for sensors that are read as grids."""
    baseline: str | None = None
    """Property that holds the processing baseline."""
    offset_applied: str | None = None
    """Property that says whether the sensor's offset was already taken from the pixels."""
    announces: bool = True
    """Whether scale and offset that its items announce are to be believed at all."""
    votes: bool = False
    """What it says of the offset is known to be wrong at times, so that the pixels are asked as well."""


@dataclass(frozen=True)
class Catalog:
    """One STAC service."""

    id: str
    title: str
    url: str
    collections: Mapping[str, tuple[Collection, ...]]
    """By sensor id; every one is asked, and of the same acquisition the first one's scene is taken."""
    page_limit: int = 100
    requests_per_second: float = 4.0
    """What it may be asked by all workers of a machine together."""
    retried: tuple[int, ...] = (429, 500, 502, 503, 504)
    """HTTP statuses after which asking again may help."""
    hosts: tuple[str, ...] = ()
    """Hosts, beside its own, that its assets may lie on; a leading dot stands for all hosts under a domain."""
    simulated: bool = False
    """Its scenes are made up, and whatever is made of them must say so."""
    sign: Callable[[str], str] | None = None
    """Address as found -> address that can be read; called in the worker, at read time."""
    renew: Callable[[str], str] | None = None
    """Signed address that was refused -> the same signed anew."""
    normalise: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    """An item as it came -> the same in STAC's own words, where the catalog has words of its own."""
    pages: Callable[[str, BBox, str, int], Mapping[str, Any]] | None = None
    """(collection id, bbox, interval, page number from 1) -> body of the POST that asks for that page, where the
    catalog turns pages in a way of its own; it has answered when a page comes that is not full."""


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
    variable: str | None = None
    """The variable inside a file that holds several."""
    checksum: str | None = None
    size: int | None = None
    """Of the file, in bytes."""


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
    orbit: Literal["ascending", "descending"] | None = None
    mirrors: tuple["Scene", ...] = ()
    """The same acquisition as later catalogs of the source offer it."""
    vouched: str | None = None
    """For a scene that the source's first catalog lacks: what shows that this catalog holds the same pixels."""


@dataclass(frozen=True)
class Packing:
    """How an indicator's values become integers in the store."""

    scale: float
    offset: float = 0.0
    dtype: str = "int16"
    fill: int = -32768


Statistic = Literal[
    "value", "mean", "std", "min", "max", "p10", "p90", "n_years", "year_before", "rural", "series", "in_reference"
]

REFERENCE: frozenset[Statistic] = frozenset({"mean", "std", "min", "max", "p10", "p90", "n_years", "in_reference"})
"""The statistics that only a project with a reference has."""


@dataclass(frozen=True)
class Input:
    """One argument of a derived indicator's formula: something of another indicator that is stored.

    `value` is the period's own; `mean` to `n_years` are over the reference years, of the same part of the year;
    `year_before` is the same part of the year before; `rural` the period's mean over the project's rural area, (time,)
    alone; `series` all periods, so that the formula sees the whole of time; `in_reference`, (time,) of bool, which
    of them are in the reference. The times of what is dated by a project's periods say in an attribute, `every`, what
    these are, which `sco.climatology.step_of` knows to read.
    """

    indicator: str
    statistic: Statistic = "value"


@dataclass(frozen=True)
class Class:
    """What one value of an indicator stands for, where its values are classes and no measure."""

    value: int
    words: Words
    colour: str
    """As #rrggbb."""

    @property
    def meaning(self) -> str:
        """The English words as CF's `flag_meanings` has them: small letters, joined by underscores."""
        return self.words.en.lower().replace(" ", "_")


Composite = Literal["median", "mean", "min", "max", "first", "sum", "count", "fraction", "percentile", "medoid"]


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """A formula over bands, composited over a period, or over indicators that are stored; and what to know of it."""

    id: str
    version: int
    title: Words
    description: Words
    bands: tuple[str, ...] = ()
    """What it is computed from, observation by observation; none for an indicator that is derived."""
    inputs: tuple[Input, ...] = ()
    """What it is derived from, period by period; none for an indicator that is computed from bands."""
    formula: Callable[..., Any]
    """(one DataArray a band or input, in their order) -> DataArray; lazy in, lazy out."""
    composite: Composite | None = None
    """How the observations of a period become one value; None for an indicator that is derived."""
    quantile: float | None = None
    """Of a percentile composite, from 0 to 1."""
    of_series: bool = False
    """One map for the whole series, as a trend is: stored at the last period."""
    around: tuple[int, int] | None = None
    """Periods before and after its own that a value of a series depends on beside the reference's; None for all."""
    minimum_years: int = 3
    """Years of the reference that must have a value for its statistics to stand, where the project does not say."""
    takes_every_day: bool = False
    """A value is whole only where every day of its period was seen, as a sum is: what is derived leaves others out."""
    propagates: bool = False
    """Of one that is derived: whether the standard errors of its inputs are carried through its formula, which is
    smooth and takes values, those of the year before, and means alone."""
    every: tuple[Every, ...] = ()
    """The periods that it is defined for; any where it names none."""
    unit: str
    valid_range: tuple[float, float]
    packing: Packing
    colormap: str
    classes: tuple[Class, ...] = ()
    """What its values stand for, lowest first, where they are classes; packed as they are, with a scale of 1."""
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
    """Sustainable Development Goal indicator, or the goal alone where none of its indicators is this."""

    @property
    def is_derived(self) -> bool:
        """Whether it is made from indicators that are stored, rather than from scenes."""
        return bool(self.inputs)
