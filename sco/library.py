"""A folder of modules read as a Mapping; the folder is the registry, the file name is the id."""

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Generic, TypeVar

from sco.errors import ConfigurationError, unknown
from sco.model import Catalog, Indicator, Sensor

T = TypeVar("T", Sensor, Indicator, Catalog)


class Library(Mapping[str, T], Generic[T]):
    """The declarations of one folder, each imported when it is first asked for.

    A missing name raises ConfigurationError with the nearest known one.
    """

    def __init__(self, folder: str, noun: type[T]) -> None:
        self.folder = folder
        self.noun: type[T] = noun

    def __getitem__(self, name: str) -> T:
        if name not in self._names:
            kind = self.noun.__name__.lower()
            raise ConfigurationError(unknown(kind, name, self, f"{self.folder}/"))
        return self._declared(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(module.name for module in pkgutil.iter_modules(import_module(self.folder).__path__)))

    def _declared(self, name: str) -> T:
        module = import_module(f"{self.folder}.{name}")
        declared = getattr(module, self.noun.__name__.upper(), None)
        if not isinstance(declared, self.noun) or declared.id != name:
            raise ConfigurationError(
                f"{self.folder}/{name}.py must declare {self.noun.__name__.upper()} = "
                f"{self.noun.__name__}(id={name!r}, ...)"
            )
        return declared


sensors: Library[Sensor] = Library("sensors", Sensor)
indicators: Library[Indicator] = Library("indicators", Indicator)
catalogs: Library[Catalog] = Library("catalogs", Catalog)
