"""Shares of area of an indicator's classes: no mean is taken of what only names something."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sco.model import Class, Indicator, Words
from sco.products import words
from sco.products.words import Language
from sco.zones import Zoning

LEAST_TOLD = 0.0005
"""A share below this would be told as nothing."""


@dataclass(frozen=True)
class Share:
    """One class of an area, and how much of it, of what has a value, is of that class."""

    kind: Class
    share: float

    def told(self, language: Language) -> str:
        """Class and share in one language."""
        return f"{words.of(self.kind.words, language)} {words.share(self.share, language, 1)}"


@dataclass(frozen=True)
class Divided:
    """A zone in one period, and how much of it is of each class."""

    zone: Words
    shares: tuple[float, ...]
    """Of each class, in their order; nothing where too little of the zone was seen."""
    coverage: float

    @property
    def dominant(self) -> int | None:
        """The place of the class that most of it is of."""
        return self.shares.index(max(self.shares)) if self.shares else None


def classes_of(indicator: Indicator) -> tuple[Class, ...]:
    """The classes that shares are told of; none of an indicator that has a mean."""
    return indicator.classes if words.is_category(indicator) else ()


def of_zones(values: xr.DataArray, zoning: Zoning, classes: Sequence[Class]) -> list[list[float]]:
    """Of each zone, the share of each class in the area that has a value; NaN where none has. (y, x) values."""
    planes = ((values == one.value).where(values.notnull()).expand_dims("time") for one in classes)
    found: list[list[float]] = np.stack([zoning.summarise(plane)["mean"].values[0] for plane in planes], -1).tolist()
    return found


def of_whole(values: NDArray[Any], row_km2: NDArray[np.float64], classes: Sequence[Class]) -> list[float]:
    """The same of all pixels, whose areas are those of their rows."""
    area = float((np.isfinite(values).sum(axis=1) * row_km2).sum())
    return [float(((values == one.value).sum(axis=1) * row_km2).sum()) / area if area else np.nan for one in classes]


def ranked(indicator: Indicator, shares: Sequence[float]) -> tuple[Share, ...]:
    """What there is of each class, the most first; nothing where nothing is known."""
    told = [Share(one, share) for one, share in zip(classes_of(indicator), shares, strict=True) if share >= LEAST_TOLD]
    return tuple(sorted(told, key=lambda one: -one.share))


def listed(ranks: Sequence[Share]) -> Words:
    """Classes and shares in a line."""
    english, french = (", ".join(one.told(language) for one in ranks) for language in words.LANGUAGES[::-1])
    return Words(english, french)
