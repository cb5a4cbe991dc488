"""The turn of the seasons as a few waves: fitted by least squares to whatever values there are. Lazy in, lazy out."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from xarray import DataArray, Dataset

from sco.series import Columns, maps_of, series_of

YEAR_DAYS = 365.2425


def harmonics(series: DataArray, waves: int = 2) -> Dataset:
    """Waves of a year, half a year and so on, together with a straight line, as they fit each pixel best.

    `mean` of the fitted series, `slope` a year, `amplitude_1` and `day_1` of the annual wave (the day of the year, from
    0, on which it is highest), `amplitude_2` and `day_2` of the semi-annual one; `residual`, the standard deviation of
    what is left; `standard_error` of the mean. All fitted at once, so that gaps and a trend do not leak into the waves.
    NaN where there are not more values than numbers to fit.
    """
    names = [name for wave in range(1, waves + 1) for name in (f"amplitude_{wave}", f"day_{wave}")]
    kernel = partial(_describe, design=_design(series["time"], waves))
    return maps_of(series, kernel, ["mean", "slope", *names, "residual", "standard_error"])


def deseasoned(series: DataArray, waves: int = 2) -> DataArray:
    """The series without its fitted waves; mean, trend and gaps stay. NaN where there are too few values to fit."""
    return series_of(series, partial(_without_waves, design=_design(series["time"], waves))).assign_attrs(series.attrs)


def _design(time: DataArray, waves: int) -> NDArray[np.float64]:
    """(time, 2 + 2 waves): 1, years from the middle, then a cosine and a sine a wave, of the time of the year."""
    years = (time.values - np.datetime64("2000-01-01")) / np.timedelta64(1, "D") / YEAR_DAYS
    angles = 2 * np.pi * years
    columns = [np.ones_like(years), years - years.mean() if years.size else years]
    for wave in range(1, waves + 1):
        columns += [np.cos(wave * angles), np.sin(wave * angles)]
    return np.stack(columns, axis=1)


def _describe(columns: Columns, design: NDArray[np.float64]) -> Columns:
    fitted, deviation, error = _fit(columns, design)
    described = [fitted[0], fitted[1]]
    for wave in range(1, design.shape[1] // 2):
        cosine, sine = fitted[2 * wave], fitted[2 * wave + 1]
        described += [np.hypot(cosine, sine), np.arctan2(sine, cosine) % (2 * np.pi) / (2 * np.pi * wave) * YEAR_DAYS]
    return np.stack([*described, deviation, error])


def _without_waves(columns: Columns, design: NDArray[np.float64]) -> Columns:
    fitted, _, _ = _fit(columns, design)
    return np.asarray(columns - design[:, 2:] @ fitted[2:])


def _fit(columns: Columns, design: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """(term, pixel) of the best fit; (pixel,) of what is left over, and the standard error of the first term."""
    there = (~np.isnan(columns)).astype(np.float64)
    values = np.where(there > 0, columns, 0.0)
    terms = design.shape[1]
    normal = np.einsum("tp,ti,tj->pij", there, design, design, optimize=True)
    count = there.sum(0)
    enough = (count > terms) & (np.linalg.matrix_rank(normal, hermitian=True) == terms)
    normal[~enough] = np.eye(terms)
    inverse = np.linalg.inv(normal)
    fitted = np.einsum("pij,jp->ip", inverse, design.T @ values)
    left = np.where(there > 0, values - design @ fitted, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt((left**2).sum(0) / (count - terms))
        error = deviation * np.sqrt(inverse[:, 0, 0])
    for one in (fitted, deviation, error):
        one[..., ~enough] = np.nan
    return fitted, deviation, error
