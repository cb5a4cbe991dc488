"""Shares of area by class, of indicators whose values are classes: what is told of a zone in place of a mean."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from sco.model import Class, Indicator, Words
from sco.products import words
from sco.products.words import Language
from sco.zones import Zoning, pixel_areas_km2

PREFIX = "share:"
"""What the name of a class's statistic begins with in the long form."""
Shares = Sequence[float]
"""One for each class, in their order, of the area that has a value; NaN where nothing has."""


@dataclass(frozen=True)
class Parted:
    """A zone in one period, and how it is parted among the classes."""

    zone: Words
    shares: tuple[float, ...]
    """One for each class; none where too little of the zone was seen."""
    coverage: float


def has_mean(indicator: Indicator) -> bool:
    """Whether a mean of its values says something: of classes only where these are 0 and 1, for a share of area."""
    return not indicator.classes or indicator.is_share_of_area


def statistic(one: Class) -> str:
    """What the long form calls the share of a class: its meaning as the CF flags of the store have it."""
    return PREFIX + one.meaning


def of_zones(values: xr.DataArray, zoning: Zoning, classes: Sequence[Class]) -> list[Shares]:
    """The shares of each zone, of (y, x) values; a pixel that lies in a zone by a third counts for a third."""
    there = values.notnull()
    planes = ((values == one.value).astype("float32").where(there).expand_dims("time") for one in classes)
    means = [zoning.summarise(plane)["mean"].values[0] for plane in planes]
    found: list[Shares] = np.stack(means, axis=1).tolist()
    return found


def of_whole(values: xr.DataArray, zoning: Zoning, classes: Sequence[Class]) -> Shares:
    """The shares of the whole grid, of (y, x) values."""
    pixels, row_km2 = values.values, pixel_areas_km2(zoning.geobox)
    area = float(np.isfinite(pixels).sum(axis=1) @ row_km2)
    areas = [float((pixels == one.value).sum(axis=1) @ row_km2) for one in classes]
    return [km2 / area if area else math.nan for km2 in areas]


def dominant(shares: Shares) -> int | None:
    """The place of the class that most of the area has, the first of those alike; None where nothing is known."""
    known = [share for share in shares if math.isfinite(share)]
    return list(shares).index(max(known)) if known else None


def said(classes: Sequence[Class], shares: Shares, language: Language) -> str:
    """The dominant class and its share; a dash where nothing is known."""
    place = dominant(shares)
    if place is None:
        return "–"
    return words.labelled(words.of(classes[place].words, language), words.share(shares[place], language, 1), language)
