"""A folder of modules read as a Mapping; the folder is the registry, the file name is the id.

A file may declare several that are made by one definition: the id of each is the file name, or begins with it and an
underscore, so that one name still tells which single file to import.
"""

import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from pathlib import Path
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
        self._checked: dict[str, tuple[object, object, Mapping[str, T]]] = {}
        """By module, what it declares, and what was made of that."""

    def __getitem__(self, name: str) -> T:
        for module in self._homes(name):
            declared = self._declared(module)
            if name in declared:
                return declared[name]
        kind = self.noun.__name__.lower()
        raise ConfigurationError(unknown(kind, name, self, f"{self.folder}/"))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(name in self._declared(module) for module in self._homes(name))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(name for module in self._names for name in self._ids(module)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The names of the files."""
        return tuple(sorted(module.name for module in pkgutil.iter_modules(import_module(self.folder).__path__)))

    def _ids(self, module: str) -> Iterable[str]:
        """What a file declares; it is imported for that only where it says that it declares several."""
        file = Path(import_module(self.folder).__path__[0], f"{module}.py")
        several = re.compile(rf"^{self.noun.__name__.upper()}S\b", re.MULTILINE)
        return self._declared(module) if file.is_file() and several.search(file.read_text("utf-8")) else (module,)

    def _homes(self, name: str) -> Iterator[str]:
        """The modules that may declare this id, the likeliest first."""
        words = name.split("_")
        prefixes = ("_".join(words[:count]) for count in range(len(words), 0, -1))
        return (prefix for prefix in prefixes if prefix in self._names)

    def _declared(self, module: str) -> Mapping[str, T]:
        found, noun = import_module(f"{self.folder}.{module}"), self.noun.__name__.upper()
        one: object = getattr(found, noun, None)
        several: tuple[object, ...] = getattr(found, f"{noun}S", ())
        before = self._checked.get(module)
        if before is not None and before[0] is one and before[1] is several:
            return before[2]
        declared = {each.id: each for each in (one, *several) if isinstance(each, self.noun)}
        if set(declared) != {module} and (one is not None or not _belong(declared, module)):
            raise ConfigurationError(
                f"{self.folder}/{module}.py must declare {noun} = {self.noun.__name__}(id={module!r}, ...), "
                f"or {noun}S, a tuple of several whose ids are {module!r} or begin with {module + '_'!r}"
            )
        self._checked[module] = one, several, declared
        return declared


def _belong(names: Iterable[str], module: str) -> bool:
    ids = set(names)
    return bool(ids) and all(name == module or name.startswith(f"{module}_") for name in ids)


sensors: Library[Sensor] = Library("sensors", Sensor)
indicators: Library[Indicator] = Library("indicators", Indicator)
catalogs: Library[Catalog] = Library("catalogs", Catalog)
