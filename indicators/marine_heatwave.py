"""Marine heatwaves: days on which the sea is unusually warm for the time of year, and stays so."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from xarray import DataArray, Dataset

from sco.climatology import days_of, parts, step_of
from sco.model import Class, Indicator, Input, Packing, Words
from sco.series import Columns, several_of

LEAP_DAY = 60
"""Number of 29 February, days being numbered as in a leap year."""


@dataclass(frozen=True)
class Definition:
    """What an event is, in periods of the series."""

    half_window: int
    """Values so many periods before and after count for the climate of a day as well."""
    smoothing: int
    """Width of the moving average over the threshold and the climate."""
    shortest: int
    longest_gap: int
    """Events with a gap of so many periods between them are one."""


DAYS = Definition(half_window=5, smoothing=31, shortest=5, longest_gap=2)
"""Hobday et al. 2016, https://doi.org/10.1016/j.pocean.2015.12.014."""
MONTHS = Definition(half_window=0, smoothing=1, shortest=1, longest_gap=0)
"""Of longer periods, each stands for itself: Jacox et al. 2022, https://doi.org/10.1038/s41586-022-04573-9."""
FEWEST = 3
"""Years of the reference that must have a value on the day, or on one of those that count for it."""
LONGEST = 366
"""Days up to which the length of a heatwave is counted."""
REACH = 6
"""Days before and after that decide whether a day is in a heatwave: a gap of two, and five that are warm."""
HAPPENING = (
    Class(0, Words("No heatwave", "Pas de canicule"), "#f0f4f8"),
    Class(1, Words("Heatwave", "Canicule"), "#d7301f"),
)
CATEGORIES = (
    Class(0, Words("None", "Aucune"), "#f0f4f8"),
    Class(1, Words("Moderate", "Modérée"), "#ffc866"),
    Class(2, Words("Strong", "Forte"), "#ff6900"),
    Class(3, Words("Severe", "Sévère"), "#9e0000"),
    Class(4, Words("Extreme", "Extrême"), "#2d0000"),
)
"""Colours after Hobday et al. 2018, https://doi.org/10.5670/oceanog.2018.205."""
NAMES = ("climate", "threshold", "days", "intensity", "category")


def heatwaves(sst: DataArray, in_reference: DataArray) -> Dataset:
    """`climate` and `threshold` (90th percentile) of each day; `days` its event has lasted, `intensity`, `category`.

    Of a daily series as Hobday et al. 2016 define it, with the leap day between its neighbours; of longer periods,
    those above the 90th percentile of the same part of the year. Outside of events `days`, `intensity` (K above the
    climate) and `category` are 0; so is the category of a day below the threshold that bridges a gap. NaN where there
    is no value, or no reference. Categories, 1 moderate to 4 extreme: Hobday et al. 2018, doi:10.5670/oceanog.2018.205.
    """
    every = step_of(sst["time"])
    kernel = partial(
        _detected,
        codes=parts(sst["time"], every).values,
        held=np.asarray(in_reference, bool),
        lengths=days_of(sst["time"], every),
        definition=DAYS if every == "day" else MONTHS,
    )
    return several_of(sst, kernel, NAMES)


def happening(sst: DataArray, in_reference: DataArray) -> DataArray:
    """1 in a heatwave, 0 outside."""
    days = heatwaves(sst, in_reference)["days"]
    return (days > 0).astype(days.dtype).where(days.notnull())


def duration(sst: DataArray, in_reference: DataArray) -> DataArray:
    """Days that the heatwave has lasted, the day itself included, up to 366; 0 outside."""
    return heatwaves(sst, in_reference)["days"]


def intensity(sst: DataArray, in_reference: DataArray) -> DataArray:
    """K above what is usual, in a heatwave; 0 outside. NaN beyond 30, which no sea is."""
    above = heatwaves(sst, in_reference)["intensity"]
    return above.where(abs(above) <= 30)


def category(sst: DataArray, in_reference: DataArray) -> DataArray:
    """0 none, 1 moderate, 2 strong, 3 severe, 4 extreme."""
    return heatwaves(sst, in_reference)["category"]


def _detected(
    columns: Columns,
    codes: NDArray[Any],
    held: NDArray[np.bool_],
    lengths: NDArray[np.float64],
    definition: Definition,
) -> NDArray[np.float64]:
    values = columns.astype(np.float64)
    climate, threshold = (usual[codes - 1] for usual in _usual(values, codes, held, definition))
    lasted = _lasted(values, threshold, lengths, definition.shortest, definition.longest_gap)
    above = values - climate
    with np.errstate(divide="ignore", invalid="ignore"):
        grade = np.clip(np.floor(above / (threshold - climate)), 0, 4)
    outside = lasted == 0
    known = ~np.isnan(lasted)
    result = np.stack([climate, threshold, lasted, np.where(outside, 0, above), np.where(outside, 0, grade)])
    result[3:, ~known] = np.nan
    return result


def _usual(
    values: NDArray[np.float64], codes: NDArray[Any], held: NDArray[np.bool_], definition: Definition
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and 90th percentile, (part of the year, pixel)."""
    count = 366 if definition is DAYS else int(codes.max())
    climate, threshold = np.full((2, count, values.shape[1]), np.nan)
    series = np.ascontiguousarray(values.T)
    for part in range(count):
        years = np.flatnonzero((codes == part + 1) & held)
        _pooled(series, _pool(years, held, definition), climate[part], threshold[part])
    if definition is DAYS:
        for usual in (climate, threshold):
            usual[LEAP_DAY - 1] = 0.5 * (usual[LEAP_DAY - 2] + usual[LEAP_DAY])
    return _smoothed(climate, definition.smoothing), _smoothed(threshold, definition.smoothing)


def _pool(years: NDArray[np.int64], held: NDArray[np.bool_], definition: Definition) -> NDArray[np.int64]:
    """(year, value) of the places whose values count for a day, those of the reference around it; -1 for no place."""
    reach = np.arange(-definition.half_window, definition.half_window + 1)
    around: NDArray[np.int64] = years[:, None] + reach
    there = (around >= 0) & (around < len(held))
    there[there] = held[around[there]]
    return np.where(there, around, -1)


def _smoothed(usual: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Moving average around the year, which has no end."""
    around = np.concatenate([usual[len(usual) - width // 2 :], usual, usual[: width // 2]])
    total = np.zeros_like(usual)
    for place in range(width):
        total += around[place : place + len(usual)]
    return total / width


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _pooled(series: Any, pool: Any, climate: Any, threshold: Any) -> None:
    """Mean and 90th percentile of what is pooled; left as they are where fewer than FEWEST years have a value."""
    kept = np.empty(pool.size)
    for pixel in range(series.shape[0]):
        count = 0
        years = 0
        total = 0.0
        for year in pool:
            before = count
            for place in year:
                value = series[pixel, place] if place >= 0 else np.nan
                if not np.isnan(value):
                    kept[count] = value
                    total += value
                    count += 1
            years += count > before
        if years < FEWEST:
            continue
        rank = 0.9 * (count - 1)
        below = min(int(rank), count - 2)
        ordered = np.partition(kept[:count], below)
        low = ordered[below]
        climate[pixel] = total / count
        threshold[pixel] = low + (ordered[below + 1 :].min() - low) * (rank - below)


@njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _lasted(values: Any, threshold: Any, lengths: Any, shortest: Any, longest_gap: Any) -> Any:
    """Days that each event has lasted; one that is too short is none, and joins no others."""
    size, pixels = values.shape
    lasted = np.zeros((size, pixels))
    for pixel in range(pixels):
        first = -1  # of the days in a row that are warm
        event = -1  # first of the last event
        end = -longest_gap - 2  # and its last
        for place in range(size + 1):
            warm = place < size and values[place, pixel] > threshold[place, pixel]
            if warm and first < 0:
                first = place
            if not warm and first >= 0:
                if place - first >= shortest:
                    event = event if first - end - 1 <= longest_gap else first
                    end = place - 1
                    total = 0.0
                    for day in range(event, place):
                        total += lengths[day]
                        lasted[day, pixel] = min(total, LONGEST)
                first = -1
        for place in range(size):
            if np.isnan(values[place, pixel]) or np.isnan(threshold[place, pixel]):
                lasted[place, pixel] = np.nan
    return lasted


def _map(
    name: str, title: Words, description: Words, formula: Callable[..., DataArray], unit: str, **facts: Any
) -> Indicator:
    return Indicator(
        id=name,
        version=2,
        title=title,
        description=description,
        inputs=(Input("sst", "series"), Input("sst", "in_reference")),
        formula=formula,
        unit=unit,
        colormap="YlOrRd",
        references=("https://doi.org/10.1016/j.pocean.2015.12.014", "https://doi.org/10.5670/oceanog.2018.205"),
        ecv="Sea-surface temperature",
        sdg="14",
        **facts,
    )


EN = (
    " A heatwave is five days or more above the 90th percentile of the time of year, gaps of up to two days included; "
    "of monthly or longer periods, each that is above it."
)
FR = (
    " Une canicule marine, ce sont cinq jours ou plus au-dessus du 90e centile de la saison, interruptions de deux "
    "jours au plus comprises ; pour des mois ou des périodes plus longues, chacune qui le dépasse."
)
INDICATORS = (
    _map(
        "marine_heatwave",
        Words("Marine heatwave", "Canicule marine"),
        Words("1 where there is a marine heatwave, 0 where there is none." + EN, "1 en canicule, 0 sinon." + FR),
        happening,
        "1",
        around=(REACH, REACH),
        valid_range=(0.0, 1.0),
        packing=Packing(scale=1.0),
        classes=HAPPENING,
        cell_methods="time: mean",
        is_share_of_area=True,
    ),
    _map(
        "marine_heatwave_days",
        Words("Marine heatwave, length", "Canicule marine, durée"),
        Words(
            "How many days the heatwave has lasted on that day, itself included; 366 is a year or more, 0 is none."
            + EN,
            "Depuis combien de jours dure la canicule, jour compris ; 366 pour un an ou plus, 0 sans canicule." + FR,
        ),
        duration,
        "day",
        around=(LONGEST + REACH, REACH),
        valid_range=(0.0, float(LONGEST)),
        packing=Packing(scale=1.0),
        cell_methods="time: sum",
    ),
    _map(
        "marine_heatwave_intensity",
        Words("Marine heatwave, intensity", "Canicule marine, intensité"),
        Words(
            "How many degrees the sea is above what is usual for the time of year, in a heatwave; 0 outside." + EN,
            "De combien de degrés la mer dépasse ce qui est habituel pour la saison, en canicule ; 0 en dehors." + FR,
        ),
        intensity,
        "K",
        around=(REACH, REACH),
        valid_range=(-30.0, 30.0),
        packing=Packing(scale=0.001),
        cell_methods="time: mean",
    ),
    _map(
        "marine_heatwave_category",
        Words("Marine heatwave, category", "Canicule marine, catégorie"),
        Words(
            "0 none, 1 moderate, 2 strong, 3 severe, 4 extreme: by how many times the sea exceeds the distance from "
            "what is usual to the 90th percentile." + EN,
            "0 aucune, 1 modérée, 2 forte, 3 sévère, 4 extrême : selon le multiple de la distance entre l'habituel et "
            "le 90e centile que la mer dépasse." + FR,
        ),
        category,
        "1",
        around=(REACH, REACH),
        valid_range=(0.0, 4.0),
        packing=Packing(scale=1.0),
        classes=CATEGORIES,
        cell_methods="time: mean",
    ),
)
