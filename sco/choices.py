"""The tables of a project's file, each with its checks."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from sco import library
from sco.errors import ConfigurationError, unknown
from sco.model import Catalog, Collection, Sensor
from sco.period import Every, Slice, divide, months_of

NOWHERE = "file:"
UTM = re.compile("EPSG:32[67](0[1-9]|[1-5][0-9]|60)")
"""Codes of CRS that need not be looked up: PROJ has every one of them."""


class Frozen(BaseModel):
    """A table of the file: no key that we do not know, no change after it is read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Title(Frozen):
    """The same words in both languages of the project."""

    en: Annotated[str, Field(min_length=1, max_length=200)]
    fr: Annotated[str, Field(min_length=1, max_length=200)]


class Period(Frozen):
    """What days the project covers, and how they are divided."""

    start: date
    end: date | Literal["now"] = "now"
    every: Every = "month"
    reference: tuple[date, date] | None = None
    minimum_years: Annotated[int, Field(ge=1)] | None = None
    """Years of the reference that must have a value for its statistics to stand; what each indicator says if None."""
    minimum_seen: Annotated[int, Field(ge=1)] = 1
    """Clear observations that the value of a reference year must be made of to count."""
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()
    """The only months of the year that are looked at, where not all are: [5, 6, 7, 8, 9]."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.start:
            raise ValueError(f"the period ends on {self.last_day}, before it starts on {self.start}: swap them")
        if self.reference and self.reference[1] < self.reference[0]:
            raise ValueError(f"the reference ends on {self.reference[1]}, before it starts: swap its two dates")
        return self

    @property
    def last_day(self) -> date:
        """The last day that the period covers, which is today for an open one."""
        return datetime.now(UTC).date() if self.end == "now" else self.end

    def is_in_season(self, period: Slice) -> bool:
        """Whether any day of this period is looked at."""
        return not self.months or not months_of(period).isdisjoint(self.months)

    def looks_at(self, day: date) -> bool:
        """Whether scenes of this day are used."""
        return not self.months or day.month in self.months

    def slices(self, start: date | None = None, end: date | None = None) -> tuple[Slice, ...]:
        """The slices of the period that touch the days from `start` to `end`; all of them by default."""
        first = max(start or self.start, self.start)
        last = min(end or self.last_day, self.last_day)
        return divide(first, last, self.every)


class Area(Frozen):
    """Where the project is: one grid of square pixels in one CRS."""

    bbox: tuple[float, float, float, float] | None = None
    bounds: tuple[float, float, float, float] | None = None
    file: str | None = None
    crs: str
    resolution: Annotated[float, Field(gt=0)]
    tile: Annotated[int, Field(ge=16, le=8192)] = 1024

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [name for name in ("bbox", "bounds", "file") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"say where the area is by one of bbox, bounds, file; there is: {given or 'none'}")
        if self.bbox:
            _check_bbox(self.bbox)
        if self.bounds:
            _check_order(self.bounds, "bounds")
        _check_crs(self.crs)
        return self


class CatalogAt(Frozen):
    """A known catalog's conventions at another address: a service, or a file or folder beside the project's file."""

    id: str
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    file: Annotated[str, Field(min_length=1)] | None = None
    _folder: Path = PrivateAttr(default=Path())

    def model_post_init(self, context: Any, /) -> None:
        """Keep the folder that `file` is relative to. Raises ValueError unless there is one of url and file."""
        if (self.url is None) == (self.file is None):
            raise ValueError(f"say where catalog {self.id!r} is by one of url, file")
        self._folder = (context or {}).get("folder", Path())

    @property
    def address(self) -> str:
        """Its URL, which for a file is its absolute one."""
        return self.url or (self._folder / str(self.file)).resolve().as_uri()


class Source(Frozen):
    """A sensor and the catalogs to take its scenes from, the preferred one first."""

    sensor: str
    catalogs: Annotated[tuple[str | CatalogAt, ...], Field(min_length=1)]
    max_cloud: Annotated[float, Field(ge=0, le=100)] = 100
    orbit: Literal["ascending", "descending"] | None = None
    widen: dict[str, Annotated[float, Field(gt=0, le=5000)]] = {}
    """Metres by which what the sensor flags is widened before it is masked, by the flag's name."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        sensor = require(self.sensor, library.sensors)
        for name in sorted(self.widen.keys() - sensor.flagged):
            raise ValueError(unknown("flag", name, sensor.flagged, sensor.id))
        for catalog in self.resolved_catalogs:
            if self.sensor not in catalog.collections:
                raise ValueError(
                    f"catalog {catalog.id!r} has no {self.sensor!r}; it has: {', '.join(sorted(catalog.collections))}"
                )
        return self

    @property
    def resolved_sensor(self) -> Sensor:
        """The declaration behind the sensor's name."""
        return library.sensors[self.sensor]

    @property
    def offered(self) -> frozenset[str]:
        """The bands that any of its catalogs offers."""
        return frozenset(band for collection in self._collections for band in collection.assets)

    def offers(self, bands: Iterable[str]) -> bool:
        """Whether one collection has all these bands, and the quality bands that they need."""
        needed = {*bands, *self.resolved_sensor.quality_bands}
        return any(needed <= collection.assets.keys() for collection in self._collections)

    @property
    def _collections(self) -> Iterator[Collection]:
        return (one for catalog in self.resolved_catalogs for one in catalog.collections[self.sensor])

    @property
    def resolved_catalogs(self) -> tuple[Catalog, ...]:
        """The declarations behind the catalogs' names, at the addresses that the project gives."""
        return tuple(_catalog(entry) for entry in self.catalogs)


class Access(Frozen):
    """What may be read, and what to do where descriptions and files disagree."""

    files: tuple[str, ...] = ()
    hosts: tuple[Annotated[str, Field(pattern=r"^[a-z0-9.-]+(:[0-9]+)?$")], ...] = ()
    mismatch: Literal["reject", "trust-file", "warn"] = "reject"
    contradiction: Literal["quarantine", "pixels"] = "quarantine"
    overviews: Literal["means", "any"] = "means"
    """Which overviews may stand for finer pixels: those that hold their means, or whatever a file has."""


class Zones(Frozen):
    """Polygons to sum the indicators up over."""

    file: str
    name: str


class Rural(Frozen):
    """The country around a city, whose mean the city's heat is measured against."""

    file: str


class Text(Frozen):
    """A few sentences in both languages of the project."""

    en: Annotated[str, Field(min_length=1, max_length=2000)]
    fr: Annotated[str, Field(min_length=1, max_length=2000)]


class Sheet(Frozen):
    """What the product's page says of the project in its own words; what is left out is not on the page."""

    status: Text | None = None
    territory: Text | None = None
    context: Text | None = None
    purpose: Text | None = None
    """What is observed, and why."""
    audience: Text | None = None
    """Who it is for."""
    contact: Annotated[str, Field(max_length=300)] | None = None
    """An address of the web or of mail."""


class Deadline(Frozen):
    """How old a project may become before `sco doctor --fresh` complains."""

    days: Annotated[int, Field(ge=1)]
    """Since the last update that ended well."""
    values_days: Annotated[int, Field(ge=1)] | None = None
    """Since the end of the newest period that has a value; not looked at where it is left out."""


class Explained(Frozen):
    """A jump of a zone's series that is real, and why."""

    indicator: str
    period: str
    """As the product writes it: 2023-07."""
    zone: str | None = None
    """All zones where it is left out."""
    reason: Annotated[str, Field(min_length=3, max_length=500)]


class Publish(Frozen):
    """Where the product goes, who answers for it, and when it must not go out."""

    to: str
    failed_budget: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of the reads of an indicator that may have failed."""
    least_coverage: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Share of the pixels, over all periods of an indicator, that must have a value."""
    ranges: dict[str, tuple[float, float]] = {}
    """By indicator, what its values must lie between, where that is narrower than what is possible at all."""
    jump: Annotated[float, Field(gt=0)] = 10.0
    """How far from usual, in robust standard deviations, a zone may change from one period to the next."""
    explained: tuple[Explained, ...] = ()
    """Jumps beyond that which are known to be real."""
    publisher: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    licence: Annotated[str, Field(pattern=r"^[A-Za-z0-9.+-]{1,64}$")] | None = None
    """SPDX identifier of the product's own licence; the licences of its inputs are told beside it."""
    doi: Annotated[str, Field(pattern=r"^10\.[0-9]{4,9}/[^\s\"<>]{1,200}$")] | None = None


def _catalog(entry: str | CatalogAt) -> Catalog:
    from dataclasses import replace

    if isinstance(entry, CatalogAt):
        return replace(require(entry.id, library.catalogs), url=entry.address)
    catalog = require(entry, library.catalogs)
    if catalog.url == NOWHERE:
        raise ValueError(f'catalog {entry!r} is nowhere by itself: write {{ id = "{entry}", file = "items.json" }}')
    return catalog


def require(name: str, names: "library.Library[library.T]") -> "library.T":
    """The declaration of this name. Raises ValueError, which pydantic turns into a complaint, where there is none."""
    try:
        return names[name]
    except ConfigurationError as error:
        raise ValueError(str(error)) from error


def _check_bbox(bbox: tuple[float, float, float, float]) -> None:
    west, south, east, north = bbox
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= 90 and -90 <= north <= 90):
        raise ValueError(f"bbox {list(bbox)} is outside the world: west, south, east, north in degrees")
    _check_order(bbox, "bbox")


def _check_order(box: tuple[float, float, float, float], name: str) -> None:
    if not (box[0] < box[2] and box[1] < box[3]):
        raise ValueError(f"{name} {list(box)} is empty: it must be west < east and south < north")


def _check_crs(crs: str) -> None:
    if UTM.fullmatch(crs):
        return
    from pyproj import CRS  # which takes as long to import as a look at the records takes
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(crs)
    except CRSError as error:
        raise ValueError(f"no CRS {crs!r}: use an EPSG code, as in EPSG:32631") from error
