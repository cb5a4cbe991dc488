"""Forest loss: when the radar echo of a place fell for good, and how sure that is."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from xarray import DataArray, Dataset

from sco.climatology import anomaly, reference, step_of
from sco.model import Class, Indicator, Input, Packing, Words
from sco.series import Columns, maps_of

SHUFFLES = 499
"""Orders of the same values that a series is held against; always the same ones."""
SURE = 0.95
SMALLEST_DROP = 1.0
"""dB; Sentinel-1 itself is stable to that. Torres et al. 2012, https://doi.org/10.1016/j.rse.2011.05.028."""
FEWEST = 24
"""Values: two years of months, so that the seasons can be taken out."""
CLASSES = (
    Class(0, Words("No loss", "Pas de perte"), "#e5f0e0"),
    Class(1, Words("Loss", "Perte"), "#cb181d"),
)
NAMES = ("date", "confidence", "drop")


def breaks(backscatter: DataArray) -> Dataset:
    """`date` (year and fraction) of the lasting drop, `confidence` that there is one (0 to 1), `drop` in dB.

    Cumulative sums of what is left when the mean of each part of the year is taken away: where they are highest, the
    series goes from above its mean to below it. Confidence is the share of 499 random orders of the same values whose
    cumulative sums reach less far; 0 where the sums reach further down than up, which is a rise. Values that depend
    on those before them make it too high. NaN where fewer than 24 values are there. Ygorra et al. 2021,
    doi:10.1016/j.jag.2021.102532.
    """
    every = step_of(backscatter["time"])
    days = backscatter.indexes["time"]
    usual = reference(backscatter, days[0].date(), days[-1].date(), every, minimum_years=1)
    years = days.year + (days.dayofyear - 1) / np.where(days.is_leap_year, 366, 365)
    return maps_of(anomaly(backscatter, usual, every), partial(_breaks, years=np.asarray(years, np.float64)), NAMES)


def confidence(backscatter: DataArray) -> DataArray:
    """That there is a lasting drop, 0 to 1."""
    return breaks(backscatter)["confidence"]


def lost(backscatter: DataArray) -> DataArray:
    """1 where there is a drop of at least 1 dB, at 95 % confidence; 0 where there is none."""
    found = breaks(backscatter)
    return _sure(found).astype(found["drop"].dtype).where(found["confidence"].notnull())


def date_of_loss(backscatter: DataArray) -> DataArray:
    """Year and fraction of the first period after the drop; NaN where nothing was lost."""
    found = breaks(backscatter)
    return found["date"].where(_sure(found))


def _sure(found: Dataset) -> DataArray:
    return (found["confidence"] >= SURE) & (found["drop"] >= SMALLEST_DROP)


def _breaks(columns: Columns, years: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full((len(NAMES), columns.shape[1]), np.nan)
    for pixel in np.flatnonzero((~np.isnan(columns)).sum(0) >= FEWEST):
        there = np.flatnonzero(~np.isnan(columns[:, pixel]))
        values = columns[there, pixel].astype(np.float64)
        values -= values.mean()
        place, reach, falls = _excursion(values)
        # a rise has no drop, and no value after the last can be lower
        sure = _share_reaching_less(values.copy(), reach, SHUFFLES) if falls else 0.0
        after = min(place + 1, len(there) - 1)
        result[:, pixel] = years[there[after]], sure, values[:after].mean() - values[after:].mean()
    return result


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _excursion(values: Any) -> Any:
    """Where the cumulative sum is highest, how far it reaches from its lowest, and whether it is a fall."""
    total = 0.0
    highest = 0.0
    lowest = 0.0
    place = 0
    for i in range(values.size):
        total += values[i]
        if total > highest:
            highest = total
            place = i
        lowest = min(lowest, total)
    return place, highest - lowest, highest >= -lowest


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _share_reaching_less(values: Any, reach: Any, shuffles: Any) -> Any:
    """Fisher and Yates's shuffle; numbers by Marsaglia 2003, https://doi.org/10.18637/jss.v008.i14."""
    state = np.uint64(88172645463325252)
    less = 0
    for _ in range(shuffles):
        for i in range(values.size - 1, 0, -1):
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            j = np.int64((state >> np.uint64(32)) * np.uint64(i + 1) >> np.uint64(32))
            values[i], values[j] = values[j], values[i]
        less += _excursion(values)[1] < reach
    return less / shuffles


def _map(
    name: str, title: Words, description: Words, formula: Callable[[DataArray], DataArray], unit: str, **facts: Any
) -> Indicator:
    return Indicator(
        id=name,
        version=1,
        title=title,
        description=description,
        inputs=(Input("backscatter", "series"),),
        formula=formula,
        of_series=True,
        unit=unit,
        references=("https://doi.org/10.1016/j.jag.2021.102532", "https://doi.org/10.3389/frsen.2024.1416550"),
        cell_methods="time: mean",
        ecv="Land cover",
        sdg="15.1.1",
        **facts,
    )


EN = (
    " From cumulative sums of the radar backscatter over the whole series (CuSum), its seasons taken out. It does not "
    "know what is forest: read it where there was some. Floods that stay and harvests look the same."
)
FR = (
    " D'après les sommes cumulées de la rétrodiffusion radar sur toute la série (CuSum), saisons retirées. La méthode "
    "ne sait pas ce qui est forêt : à lire là où il y en avait. Inondations durables et récoltes ont le même aspect."
)
INDICATORS = (
    _map(
        "forest_loss",
        Words("Forest loss", "Perte de forêt"),
        Words(
            "1 where the backscatter fell for good by 1 dB or more, at 95 % confidence; 0 where it did not." + EN,
            "1 là où la rétrodiffusion a baissé durablement d'au moins 1 dB, à 95 % de confiance ; 0 ailleurs." + FR,
        ),
        lost,
        "1",
        valid_range=(0.0, 1.0),
        packing=Packing(scale=1),
        colormap="Reds",
        classes=CLASSES,
        is_share_of_area=True,
    ),
    _map(
        "forest_loss_date",
        Words("Forest loss, date", "Perte de forêt, date"),
        Words(
            "Year, and fraction of it, of the first period after the drop; nothing where there was none." + EN,
            "Année et fraction d'année de la première période après la baisse ; rien là où il n'y en a pas." + FR,
        ),
        date_of_loss,
        "year",
        valid_range=(1970.0, 2070.0),
        packing=Packing(scale=0.002, offset=2020.0),
        colormap="viridis",
    ),
    _map(
        "forest_loss_confidence",
        Words("Forest loss, confidence", "Perte de forêt, confiance"),
        Words(
            "Share of random orders of the same values that show less of a drop, from 0 to 1." + EN,
            "Part des ordres aléatoires des mêmes valeurs qui montrent une moindre baisse, de 0 à 1." + FR,
        ),
        confidence,
        "1",
        valid_range=(0.0, 1.0),
        packing=Packing(scale=1e-4),
        colormap="viridis",
    ),
)
