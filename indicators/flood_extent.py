"""Flood extent: ground that has turned as dark to the radar as only open water is.

The threshold belongs to the scene. In each tile and period, squares of BLOCK pixels are looked for in which the change
from the reference falls apart into two groups, one of them darker by LEAST_DROP or more; Otsu's threshold over all
those squares together divides ground that changed from ground that did not. Where no square falls apart nothing is
flooded, rather than half of the tile, which is what Otsu's threshold alone would say. A tile that is flooded wholly
gives no such square either. Squares: Chini et al. 2017, doi:10.1109/TGRS.2017.2737664; threshold: Otsu 1979,
doi:10.1109/TSMC.1979.4310076.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sco.model import Class, DataArray, Indicator, Input, Packing, Words

Decibels = NDArray[np.float32]
BLOCK = 32
"""Pixels a side of the squares in which two groups are looked for."""
BINS = 256
LEAST_SHARE = 0.1
"""Of a square's pixels that each of its groups must hold."""
LEAST_SEPARATION = 0.7
"""Of a square's variance that must lie between its groups: cut in the middle, one normal distribution has 0.64."""
LEAST_DROP = 3.0
"""dB that the darker group must have fallen below the reference: half of the power."""
PERMANENT_WATER = -18.0
"""dB of the reference below which a place is dark in any year."""

CLASSES = (
    Class(0, Words("Not flooded", "Non inondé"), "#f0efe6"),
    Class(1, Words("Flooded", "Inondé"), "#2171b5"),
)


def flood(backscatter: DataArray, usual: DataArray) -> DataArray:
    """1 where the backscatter has dropped as open water does, else 0; dB in. NaN where either is.

    Takes whole tiles: `y` and `x` are not to be cut, because the threshold is drawn from all of them.
    """
    import xarray as xr

    plane = [["y", "x"], ["y", "x"]]
    flooded: DataArray = xr.apply_ufunc(
        _flooded,
        backscatter,
        usual,
        input_core_dims=plane,
        output_core_dims=[["y", "x"]],
        vectorize=True,
        dask="parallelized",
        dask_gufunc_kwargs={"allow_rechunk": True},
        output_dtypes=[np.float32],
    )
    return flooded


def _flooded(backscatter: Decibels, usual: Decibels) -> Decibels:
    change = backscatter - usual
    land = usual >= PERMANENT_WATER
    flooded = (change < threshold(np.where(land, change, np.nan))) & land
    return np.where(np.isnan(change), np.nan, flooded).astype(np.float32)


def threshold(change: Decibels) -> float:
    """The change in dB below which ground is flooded; minus infinity where nothing shows two groups. (y, x) in."""
    split = [values for values in _squares(change) if _falls_apart(values)]
    return otsu(np.concatenate(split)) if split else -np.inf


def otsu(values: Decibels) -> float:
    """The value that divides a histogram of BINS steps into the two groups that differ most."""
    counts, edges = np.histogram(values, BINS)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = values.size - below
    total = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = total[:-1] / below - (total[-1] - total[:-1]) / above
        between = np.nan_to_num(below * above * apart**2)
    best = np.flatnonzero(between == between.max())  # several where the histogram is empty between the groups
    return float(edges[1:-1][best].mean())


def _squares(change: Decibels) -> Iterator[Decibels]:
    """The known values of each square of which at least half is known."""
    for top in range(0, change.shape[0], BLOCK):
        for left in range(0, change.shape[1], BLOCK):
            square = change[top : top + BLOCK, left : left + BLOCK]
            known = square[np.isfinite(square)]
            if 2 * known.size >= square.size:
                yield known


def _falls_apart(values: Decibels) -> bool:
    variance = float(values.var())
    if variance == 0:
        return False
    dark = values < otsu(values)
    share = float(dark.mean())
    if not LEAST_SHARE <= share <= 1 - LEAST_SHARE:
        return False
    drop, rest = float(values[dark].mean()), float(values[~dark].mean())
    return share * (1 - share) * (rest - drop) ** 2 >= LEAST_SEPARATION * variance and drop <= -LEAST_DROP


INDICATOR = Indicator(
    id="flood_extent",
    version=1,
    title=Words("Flood extent", "Étendue inondée"),
    description=Words(
        "Ground that turned dark to the radar, as open water is, against the mean of the same part of the year in the "
        "reference years. Lakes and rivers that are always there do not count. Water under trees and between houses "
        "is not seen, and smooth sand or wet snow can look the same.",
        "Sols devenus sombres au radar, comme l'est l'eau libre, par rapport à la moyenne de la même partie de l'année "
        "pendant les années de référence. Les lacs et rivières permanents ne comptent pas. L'eau sous les arbres et "
        "entre les maisons n'est pas vue ; un sable lisse ou une neige humide peuvent y ressembler.",
    ),
    inputs=(Input("backscatter"), Input("backscatter", "mean")),
    formula=flood,
    unit="1",
    valid_range=(0.0, 1.0),
    packing=Packing(scale=1),
    colormap="Blues",
    classes=CLASSES,
    references=(
        "https://doi.org/10.1109/TGRS.2017.2737664",
        "https://doi.org/10.1109/TSMC.1979.4310076",
        "https://doi.org/10.3390/rs13234899",
    ),
    cell_methods="time: minimum",
    is_share_of_area=True,
)
