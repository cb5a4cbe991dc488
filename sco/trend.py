"""Whether there is a trend, how steep it is, and where on a map one may say so. Lazy in, lazy out."""

from functools import partial
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from xarray import DataArray, Dataset, apply_ufunc

from sco.mann_kendall import MEASURES, tested
from sco.series import maps_of

Variant = Literal["original", "hamed_rao"]
"""`original`: Mann 1945, https://doi.org/10.2307/1907187, Kendall 1975; for values that do not depend on one another.
`hamed_rao`: its variance corrected for the autocorrelation of the detrended ranks, at all lags where that is
significant. Hamed and Rao 1998, https://doi.org/10.1016/S0022-1694(97)00125-X."""

FEWEST = 8
"""Values below which the normal approximation of S is not good enough. Mann 1945."""


def trend(
    series: DataArray,
    variant: Variant = "original",
    *,
    periods_per_unit: float = 1.0,
    confidence: float = 0.95,
    fewest: int = FEWEST,
) -> Dataset:
    """Theil-Sen slope with its confidence interval, and the Mann-Kendall test, of evenly spaced values.

    `slope`, `low` and `high` are a period's change x `periods_per_unit` (12 makes a year's change of months); `p` is
    two-sided; `z`, Kendall's `tau`, `n` values used. NaN values keep their place in time; where fewer than `fewest`
    values are there, all but `n` is NaN. Sen 1968, https://doi.org/10.1080/01621459.1968.10480934. Ties reduce the
    variance, and may make `tau` less than 1 for a series that never falls.
    """
    critical = NormalDist().inv_cdf(0.5 + confidence / 2)
    kernel = partial(tested, corrected=variant == "hamed_rao", critical=critical, fewest=fewest)
    found = maps_of(series, kernel, MEASURES)
    for name in ("slope", "low", "high"):
        found[name] = found[name] * np.asarray(periods_per_unit, found[name].dtype)
    return found.assign_attrs(test=f"Mann-Kendall, {variant}", confidence=confidence)


def significant(p: DataArray, level: float = 0.1) -> DataArray:
    """Where a map of p-values may be called significant, no more than `level` of it being false discoveries.

    Benjamini and Hochberg 1995, https://doi.org/10.1111/j.2517-6161.1995.tb02031.x; a level of twice the wanted
    significance of the whole field suits fields that are correlated in space: Wilks 2016,
    https://doi.org/10.1175/BAMS-D-15-00267.1. Over all dimensions of `p`; NaN is no test, and is False.
    """
    whole = p if p.chunks is None else p.chunk(-1)
    dims = list(p.dims)
    return apply_ufunc(  # type: ignore[no-any-return, unused-ignore]
        partial(_discoveries, level=level),
        whole,
        input_core_dims=[dims],
        output_core_dims=[dims],
        dask="parallelized",
        output_dtypes=[bool],
    )


def _discoveries(p: NDArray[np.floating[Any]], level: float) -> NDArray[np.bool_]:
    ordered = np.sort(p[~np.isnan(p)])
    passing = ordered[ordered <= level * np.arange(1, ordered.size + 1) / max(ordered.size, 1)]
    return np.asarray(p <= passing[-1]) if passing.size else np.zeros(p.shape, bool)
