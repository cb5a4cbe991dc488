"""A project: configs/*.toml as a checked, frozen object."""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from sco import library
from sco.errors import ConfigurationError, unknown
from sco.model import REFERENCE, Catalog, Collection, Indicator, Sensor
from sco.period import Every, Slice, divide

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from sco.grid import Tiling

CONFIGS = Path(__file__).parents[1] / "configs"
NOWHERE = "file:"
REMOTE = ("s3://", "gs://", "az://")


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
        sensor = _require(self.sensor, library.sensors)
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


class Project(Frozen):
    """One territory, its indicators and its choices. Made by `Project.load`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    title: Title
    summary: Title | None = None
    indicators: Annotated[tuple[str, ...], Field(min_length=1)]
    store: Annotated[str, Field(min_length=1)]
    period: Period
    area: Area
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    access: Access = Access()
    zones: Zones | None = None
    rural: Rural | None = None
    sheet: Sheet = Sheet()
    publish: Publish | None = None
    _file: Path = PrivateAttr(default=Path("project.toml"))

    @model_validator(mode="after")
    def _computable(self) -> Self:
        for name in self.indicators:
            indicator = _require(name, library.indicators)
            if indicator.is_derived:
                self._require_inputs(indicator)
            elif not self.sources_of(indicator):
                offered = {source.sensor: sorted(source.offered) for source in self.sources}
                raise ValueError(f"indicator {name!r} needs {', '.join(indicator.bands)}; the sources have: {offered}")
        return self

    @model_validator(mode="after")
    def _widened_in_metres(self) -> Self:
        from pyproj import CRS

        if self.widened and CRS.from_user_input(self.area.crs).is_geographic:
            raise ValueError(
                f"sources.widen is in metres, and the area's {self.area.crs} is in degrees: choose a CRS in metres"
            )
        return self

    def _require_inputs(self, indicator: Indicator) -> None:
        lacking = sorted({one.indicator for one in indicator.inputs} - set(self.indicators))
        if lacking:
            raise ValueError(f"indicator {indicator.id!r} is made from {', '.join(lacking)}: add it to `indicators`")
        statistics = {one.statistic for one in indicator.inputs}
        if statistics & REFERENCE and self.period.reference is None:
            raise ValueError(
                f"indicator {indicator.id!r} is measured against a reference: say which years, as in "
                "reference = [1991-01-01, 2020-12-31] under [period]"
            )
        if "rural" in statistics and self.rural is None:
            raise ValueError(
                f"indicator {indicator.id!r} is measured against the country around: give its polygons, as in "
                '[rural] file = "rural.geojson"'
            )

    @classmethod
    def load(cls, name_or_path: str | Path) -> Self:
        """The project of this name in configs/, or of this TOML file.

        Raises ConfigurationError for a missing file, bad TOML, an unknown key or name, or a value out of range.
        """
        path = _find(name_or_path)
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} is not TOML: {error}") from error
        return cls.check(content, path)

    @classmethod
    def check(cls, content: dict[str, Any], path: Path) -> Self:
        """The project in this parsed TOML, read from `path`. Raises ConfigurationError."""
        try:
            project = cls.model_validate(content, context={"folder": path.resolve().parent})
        except ValidationError as error:
            raise ConfigurationError(_complaint(error, path)) from error
        project._file = path.resolve()
        project.geobox  # noqa: B018 - an area that cannot be laid out must be refused here
        return project

    @property
    def file(self) -> Path:
        """The TOML file that the project was read from."""
        return self._file

    @property
    def root(self) -> Path:
        """The folder that `store` and `publish.to` are relative to: the one above configs/, or the file's own."""
        folder = self._file.parent
        return folder.parent if folder.name == "configs" else folder

    @property
    def store_url(self) -> str:
        """Where the store is: an absolute path or an object-store address."""
        return self.store if self.store.startswith(REMOTE) else str((self.root / self.store).resolve())

    @property
    def workspace(self) -> Path:
        """The local folder beside the store for journal, locks and kept catalog answers."""
        if self.store.startswith(REMOTE):
            return Path.home() / ".local" / "state" / "sco" / self.id
        return Path(self.store_url + ".work")

    @property
    def product_root(self) -> Path:
        """The folder that product versions go to. Raises ConfigurationError if the project does not publish."""
        if self.publish is None:
            raise ConfigurationError(f'{self._file} has no [publish] table: add one with to = "products/{self.id}"')
        return (self.root / self.publish.to).resolve()

    @property
    def file_roots(self) -> tuple[Path, ...]:
        """The local folders that assets may be read from."""
        return tuple((self._file.parent / folder).resolve() for folder in self.access.files)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The web hosts that assets may be read from: those of its catalogs, and those that it names itself."""
        from sco.landing import host_of

        catalogs = [catalog for source in self.sources for catalog in source.resolved_catalogs]
        own = {host_of(catalog.url) for catalog in catalogs if catalog.url.startswith("http")}
        return tuple(sorted(own.union(self.access.hosts, *(catalog.hosts for catalog in catalogs))))

    @property
    def widened(self) -> tuple[tuple[str, str, float], ...]:
        """Sensor, flag and metres of what the project wants widened."""
        return tuple((one.sensor, *wider) for one in self.sources for wider in sorted(one.widen.items()))

    @property
    def zones_file(self) -> Path | None:
        """The polygons' file, if the project has zones."""
        return (self._file.parent / self.zones.file).resolve() if self.zones else None

    @property
    def rural_file(self) -> Path | None:
        """The rural area's file, if the project has one."""
        return (self._file.parent / self.rural.file).resolve() if self.rural else None

    @property
    def rural_digest(self) -> str:
        """SHA-256 of the rural area's file, hexadecimal; empty where the project has none."""
        return hashlib.sha256(self.rural_file.read_bytes()).hexdigest() if self.rural_file else ""

    @property
    def resolved_indicators(self) -> tuple[Indicator, ...]:
        """The declarations behind the indicators' names, in the project's order."""
        return tuple(library.indicators[name] for name in self.indicators)

    @property
    def simulated(self) -> bool:
        """Whether any of the project's catalogs is made up."""
        return any(catalog.simulated for source in self.sources for catalog in source.resolved_catalogs)

    def sources_of(self, indicator: Indicator) -> tuple[Source, ...]:
        """The sources that the indicator is made from: those with a catalog that offers every band that it needs.

        A derived indicator has those of its inputs.
        """
        if indicator.is_derived:
            inputs = [library.indicators[one.indicator] for one in indicator.inputs]
            found = [source for one in inputs for source in self.sources_of(one)]
            return tuple(source for source in self.sources if source in found)
        return tuple(source for source in self.sources if source.offers(indicator.bands))

    @cached_property
    def geobox(self) -> "GeoBox":
        """The grid: CRS, transform and shape. Bounds are kept as given, boxes in degrees grow to whole pixels."""
        from sco.grid import lay_grid

        return lay_grid(self.area, self._file.parent)

    @property
    def tiling(self) -> "Tiling":
        """The grid, cut into tiles."""
        from sco.grid import Tiling

        return Tiling(self.geobox, self.area.tile)


def schema() -> dict[str, Any]:
    """The JSON Schema of a project file, for editors that complete and check TOML."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Project.model_json_schema()}


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise ConfigurationError(f"no file {path}: give a TOML file, or the name of one in {CONFIGS}")
        return path
    named = CONFIGS / f"{path}.toml"
    if not named.is_file():
        names = (config.stem for config in CONFIGS.glob("*.toml"))
        raise ConfigurationError(unknown("project", str(name_or_path), names, "configs/"))
    return named


def _catalog(entry: str | CatalogAt) -> Catalog:
    from dataclasses import replace

    if isinstance(entry, CatalogAt):
        return replace(_require(entry.id, library.catalogs), url=entry.address)
    catalog = _require(entry, library.catalogs)
    if catalog.url == NOWHERE:
        raise ValueError(f'catalog {entry!r} is nowhere by itself: write {{ id = "{entry}", file = "items.json" }}')
    return catalog


def _require(name: str, names: "library.Library[library.T]") -> "library.T":
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
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        CRS.from_user_input(crs)
    except CRSError as error:
        raise ValueError(f"no CRS {crs!r}: use an EPSG code, as in EPSG:32631") from error


def _complaint(error: ValidationError, path: Path) -> str:
    lines = [_one_complaint(detail["type"], detail["loc"], detail["msg"]) for detail in error.errors()]
    return "\n".join(f"{path}: {line}" for line in lines)


def _one_complaint(kind: str, loc: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in loc if part not in ("CatalogAt", "str", "date"))
    if kind == "extra_forbidden":
        return unknown("key", str(loc[-1]), _keys_beside(loc), _table(loc))
    return f"{where}: {message.removeprefix('Value error, ')}".removeprefix(": ")


def _table(loc: tuple[int | str, ...]) -> str:
    names = [str(part) for part in loc[:-1] if isinstance(part, str)]
    return f"[{'.'.join(names)}]" if names else "a project"


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "title": Title,
        "summary": Title,
        "period": Period,
        "area": Area,
        "sources": Source,
        "CatalogAt": CatalogAt,
        "rural": Rural,
        "access": Access,
        "zones": Zones,
        "sheet": Sheet,
        **dict.fromkeys(("status", "territory", "context", "purpose", "audience"), Text),
        "publish": Publish,
        "explained": Explained,
    }
    owners = [tables[part] for part in loc[:-1] if isinstance(part, str) and part in tables]
    return list((owners[-1] if owners else Project).model_fields)
