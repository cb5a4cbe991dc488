"""Sea level trend: by how much the sea rises in a year, and whether that is more than chance."""

from collections.abc import Callable

from xarray import DataArray, Dataset

from sco.climatology import step_of
from sco.harmonic import deseasoned
from sco.model import Indicator, Input, Packing, Words
from sco.season import aggregate
from sco.trend import trend

FEWEST = 36
"""Values that a trend is looked for in at least: three years of months."""
WAVES = {"month": 2, "season": 1, "year": 0}
"""Annual and semi-annual, as far as the periods can tell them."""
A_YEAR = {"month": 12, "season": 4, "year": 1}
STEEPEST = 300.0
"""Millimetres a year, far above any place on Earth."""


def measured(sea_level: DataArray) -> Dataset:
    """Theil-Sen slope in mm a year with its interval, Mann-Kendall after Hamed and Rao; see `sco.trend.trend`.

    Of `sea_level` in m, (time, ...), without its annual and semi-annual waves, which are fitted together with a line.
    Days and dekads become monthly means first, of months with no more than half missing. NaN where fewer than 36
    values are there (12 for years and seasons).
    """
    every = step_of(sea_level["time"])
    series = aggregate(sea_level, "month", "mean", "pct", tolerance=0.5) if every in ("day", "dekad") else sea_level
    every = step_of(series["time"])
    fewest = FEWEST if every == "month" else FEWEST // 3
    millimetres = deseasoned(series, WAVES[every]) * 1000
    return trend(millimetres, "hamed_rao", periods_per_unit=A_YEAR[every], fewest=fewest)


def rise(sea_level: DataArray) -> DataArray:
    """Millimetres a year; NaN beyond 300."""
    slope = measured(sea_level)["slope"]
    return slope.where(abs(slope) <= STEEPEST)


def chance(sea_level: DataArray) -> DataArray:
    """Probability of such a series without a trend, two-sided."""
    return measured(sea_level)["p"]


def uncertainty(sea_level: DataArray) -> DataArray:
    """Half the width of the 95 % interval of the slope, mm a year; NaN beyond 300."""
    found = measured(sea_level)
    half = (found["high"] - found["low"]) / 2
    return half.where(half <= STEEPEST)


def _map(
    name: str, title: Words, description: Words, formula: Callable[[DataArray], DataArray], unit: str, top: float
) -> Indicator:
    return Indicator(
        id=name,
        version=1,
        title=title,
        description=description,
        inputs=(Input("sea_level", "series"),),
        formula=formula,
        of_series=True,
        unit=unit,
        valid_range=(-top if name == "sea_level_trend" else 0.0, top),
        packing=Packing(scale=1e-4 if unit == "1" else 0.01),
        colormap="RdBu_r" if name == "sea_level_trend" else "viridis",
        references=(
            "https://doi.org/10.1080/01621459.1968.10480934",
            "https://doi.org/10.1016/S0022-1694(97)00125-X",
            "https://doi.org/10.48670/moi-00148",
        ),
        cell_methods="time: mean",
        standard_name="tendency_of_sea_surface_height_above_mean_sea_level" if name == "sea_level_trend" else None,
        ecv="Sea level",
    )


EN = (
    " Of the whole series, without its annual and semi-annual turn. Not corrected for the rise of the land after the "
    "ice ages (GIA), nor for the drift of the first altimeter (TOPEX-A, 1993 to 1998)."
)
FR = (
    " Sur toute la série, sans ses cycles annuel et semestriel. Sans correction du relèvement des terres après les "
    "glaciations (GIA), ni de la dérive du premier altimètre (TOPEX-A, 1993 à 1998)."
)
INDICATORS = (
    _map(
        "sea_level_trend",
        Words("Sea level trend", "Tendance du niveau de la mer"),
        Words(
            "Millimetres by which the sea rises in a year: the median of the slopes between all pairs of months." + EN,
            "De combien de millimètres la mer monte par an : médiane des pentes entre tous les couples de mois." + FR,
        ),
        rise,
        "mm year-1",
        STEEPEST,
    ),
    _map(
        "sea_level_trend_p",
        Words("Sea level trend, p-value", "Tendance du niveau de la mer, valeur p"),
        Words(
            "Probability that chance alone gives such a trend (Mann-Kendall, with the memory of the sea taken into "
            "account, Hamed and Rao). Small values speak for a trend." + EN,
            "Probabilité que le seul hasard donne une telle tendance (Mann-Kendall, en tenant compte de la mémoire de "
            "la mer, Hamed et Rao). De petites valeurs plaident pour une tendance." + FR,
        ),
        chance,
        "1",
        1.0,
    ),
    _map(
        "sea_level_trend_uncertainty",
        Words("Sea level trend, uncertainty", "Tendance du niveau de la mer, incertitude"),
        Words(
            "Half the width of the 95 % confidence interval of the trend (Sen). It tells of the scatter of the months, "
            "not of the errors of the instruments." + EN,
            "Demi-largeur de l'intervalle de confiance à 95 % de la tendance (Sen). Elle dit la dispersion des mois, "
            "non les erreurs des instruments." + FR,
        ),
        uncertainty,
        "mm year-1",
        STEEPEST,
    ),
)
