"""Standardised precipitation index: how unusual the rain of the last months is for the time of year."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammainc, ndtri, polygamma
from xarray import DataArray

from sco.climatology import parts, step_of
from sco.model import Every, Indicator, Input, Packing, Words
from sco.series import Columns, series_of

FEWEST = 3
"""Years with rain that a distribution is fitted to at least; thirty and more make a climate."""
ENDS = 8.21
"""Beyond, the probability is 0 or 1 in double precision. https://doi.org/10.21105/joss.05415"""
PERIODS: dict[Every, int] = {"month": 12, "season": 4, "year": 1}
"""By kind of period, how many make a year."""


def spi(precipitation: DataArray, in_reference: DataArray, months: int) -> DataArray:
    """The rain of `months` months up to each period, as a normal deviate; unit 1, from -8.21 to 8.21.

    Sums of each part of the year in the reference follow a gamma distribution (two parameters, maximum likelihood),
    with the share of dry ones beside it; the probability of each sum becomes the normal deviate of the same
    probability. NaN where a month is missing, or fewer than 3 reference sums are above 0. `precipitation` is
    (time, ...) of monthly, seasonal or yearly sums. McKee, Doesken and Kleist 1993; Stagge et al. 2015,
    doi:10.1002/joc.4267.
    """
    every = step_of(precipitation["time"])
    if every not in PERIODS or months * PERIODS[every] % 12:
        raise ValueError(f"an SPI of {months} months is a sum of whole periods; the series has a {every} a step")
    kernel = partial(
        _deviates,
        codes=parts(precipitation["time"], every).values,
        held=np.asarray(in_reference, bool),
        window=months * PERIODS[every] // 12,
    )
    return series_of(precipitation, kernel)


def _deviates(columns: Columns, codes: NDArray[Any], held: NDArray[np.bool_], window: int) -> Columns:
    sums = _running(columns.astype(np.float64), window)
    result = np.full(columns.shape, np.nan)
    for code in np.unique(codes):
        here = np.flatnonzero(codes == code)
        result[here] = _deviate(sums[here], sums[here[held[here]]])
    clipped: Columns = np.clip(result, -ENDS, ENDS)
    return clipped


def _running(columns: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Sums of each period and those before it; NaN where one of them is missing."""
    sums = np.full(columns.shape, np.nan)
    if len(columns) >= window:
        sums[window - 1 :] = sum(columns[lag : len(columns) - window + 1 + lag] for lag in range(window))
    return sums


def _deviate(sums: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.maximum((~np.isnan(reference)).sum(0), 1)
    dry = (reference == 0).sum(0) / known
    shape, scale = _gamma(np.where(reference > 0, reference, np.nan))
    wet = dry + (1 - dry) * gammainc(shape, sums / scale)
    probability = np.where(sums > 0, wet, np.where(np.isnan(shape) | np.isnan(sums), np.nan, dry))
    deviate: NDArray[np.float64] = ndtri(probability)
    return deviate


def _gamma(amounts: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shape and scale of maximum likelihood, one a column; NaN where fewer than FEWEST amounts are there, or all equal.

    Newton's method for log(a) - digamma(a) = s, from Greenwood and Durand 1960, https://doi.org/10.2307/1266232.
    """
    count = (~np.isnan(amounts)).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nansum(amounts, 0) / count
        s = np.log(mean) - np.nansum(np.log(amounts), 0) / count
        s = np.where((count >= FEWEST) & (s > 1e-12), s, np.nan)
        shape = (3 - s + np.sqrt((s - 3) ** 2 + 24 * s)) / (12 * s)
        for _ in range(6):
            shape = shape - (np.log(shape) - digamma(shape) - s) / (1 / shape - polygamma(1, shape))
    return shape, mean / shape


def spi_1(precipitation: DataArray, in_reference: DataArray) -> DataArray:
    """Of one month."""
    return spi(precipitation, in_reference, 1)


def spi_3(precipitation: DataArray, in_reference: DataArray) -> DataArray:
    """Of three months."""
    return spi(precipitation, in_reference, 3)


def spi_6(precipitation: DataArray, in_reference: DataArray) -> DataArray:
    """Of six months."""
    return spi(precipitation, in_reference, 6)


def spi_12(precipitation: DataArray, in_reference: DataArray) -> DataArray:
    """Of twelve months."""
    return spi(precipitation, in_reference, 12)


def _over(months: int, formula: Callable[[DataArray, DataArray], DataArray]) -> Indicator:
    en = "the month" if months == 1 else f"the {months} months up to its end"
    fr = "du mois" if months == 1 else f"des {months} mois jusqu'à sa fin"
    return Indicator(
        id=f"spi_{months}",
        version=2,
        title=Words(
            f"Standardised precipitation index, {months} months" if months > 1 else "Standardised precipitation index",
            f"Indice de précipitation standardisé, {months} mois",
        ),
        description=Words(
            f"How unusual the rain of {en} is for the time of year: 0 is usual, -1 and below moderately dry, -1.5 "
            "severely, -2 extremely; above 0 it is wetter than usual. A reference of 30 years and more is advised.",
            f"À quel point la pluie {fr} est inhabituelle pour la saison : 0 est habituel, -1 et moins modérément sec, "
            "-1,5 sévèrement, -2 extrêmement ; au-dessus de 0, il a plu plus que d'habitude. Une référence de 30 ans "
            "ou plus est conseillée.",
        ),
        inputs=(Input("precipitation", "series"), Input("precipitation", "in_reference")),
        formula=formula,
        around=(months - 1, 0),
        every=tuple(every for every, number in PERIODS.items() if months * number % 12 == 0),
        unit="1",
        valid_range=(-8.25, 8.25),
        packing=Packing(scale=0.001),
        colormap="BrBG",
        references=(
            "https://library.wmo.int/idurl/4/39629",
            "https://doi.org/10.1002/joc.4267",
        ),
        cell_methods="time: sum",
        ecv="Precipitation",
    )


INDICATORS = (_over(1, spi_1), _over(3, spi_3), _over(6, spi_6), _over(12, spi_12))
