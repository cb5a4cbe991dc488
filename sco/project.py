"""A project: configs/*.toml as a checked, frozen object."""

import hashlib
import tomllib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, Field, PrivateAttr, ValidationError, model_validator

from sco import library
from sco.choices import (
    Access,
    Area,
    CatalogAt,
    Deadline,
    Explained,
    Frozen,
    Period,
    Publish,
    Rural,
    Sheet,
    Source,
    Text,
    Title,
    Zones,
    require,
)
from sco.errors import ConfigurationError, unknown
from sco.model import REFERENCE, Indicator

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from sco.grid import Tiling

CONFIGS = Path(__file__).parents[1] / "configs"
REMOTE = ("s3://", "gs://", "az://")


class Project(Frozen):
    """One territory, its indicators and its choices. Made by `Project.load`."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    title: Title
    summary: Title | None = None
    indicators: Annotated[tuple[str, ...], Field(min_length=1)]
    store: Annotated[str, Field(min_length=1)]
    uncertainty: bool = True
    """Whether the standard error of every value is stored beside it."""
    period: Period
    area: Area
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    access: Access = Access()
    zones: Zones | None = None
    rural: Rural | None = None
    sheet: Sheet = Sheet()
    publish: Publish | None = None
    freshness: Deadline | None = None
    _file: Path = PrivateAttr(default=Path("project.toml"))

    @model_validator(mode="after")
    def _computable(self) -> Self:
        for name in self.indicators:
            indicator = require(name, library.indicators)
            if indicator.every and self.period.every not in indicator.every:
                choices = " or ".join(f'every = "{one}"' for one in indicator.every)
                raise ValueError(
                    f"indicator {name!r} is not defined for every {self.period.every}: "
                    f"set {choices} under [period], or take it out of `indicators`"
                )
            if indicator.is_derived:
                self._require_inputs(indicator)
            elif not self.sources_of(indicator):
                offered = {source.sensor: sorted(source.offered) for source in self.sources}
                raise ValueError(f"indicator {name!r} needs {', '.join(indicator.bands)}; the sources have: {offered}")
        return self

    @model_validator(mode="after")
    def _widened_in_metres(self) -> Self:
        if not self.widened:
            return self
        from pyproj import CRS

        if CRS.from_user_input(self.area.crs).is_geographic:
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
    def load(cls, name_or_path: str | Path, *, lay: bool = True) -> Self:
        """The project of this name in configs/, or of this TOML file; with `lay` its grid is laid and thereby checked.

        Raises ConfigurationError for a missing file, bad TOML, an unknown key or name, or a value out of range.
        """
        path = _find(name_or_path)
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} is not TOML: {error}") from error
        return cls.check(content, path, lay=lay)

    @classmethod
    def check(cls, content: dict[str, Any], path: Path, *, lay: bool = True) -> Self:
        """The project in this parsed TOML, read from `path`. Raises ConfigurationError."""
        try:
            project = cls.model_validate(content, context={"folder": path.resolve().parent})
        except ValidationError as error:
            raise ConfigurationError(_complaint(error, path)) from error
        project._file = path.resolve()
        if lay:
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
        "freshness": Deadline,
        "explained": Explained,
    }
    owners = [tables[part] for part in loc[:-1] if isinstance(part, str) and part in tables]
    return list((owners[-1] if owners else Project).model_fields)
