"""Land productivity: whether the land becomes greener or less green, year after year."""

from collections.abc import Callable

from xarray import DataArray

from sco.climatology import expected, reference, step_of
from sco.model import Class, Indicator, Input, Packing, Words
from sco.season import aggregate
from sco.trend import trend

FEWEST = 3
"""Years: with fewer than 4 no change can be significant, and the class is 0."""
MISSING = 0.25
"""Share of a year's periods from which on it does not count."""
LIMITS = (1.28, 1.96)
"""Of z, for 80 and 95 percent confidence: the classes of the Good Practice Guidance."""

CLASSES = (
    Class(-2, Words("Declining", "En baisse"), "#a6611a"),
    Class(-1, Words("Likely declining", "Probablement en baisse"), "#dfc27d"),
    Class(0, Words("No significant change", "Sans changement significatif"), "#f5f5f5"),
    Class(1, Words("Likely improving", "Probablement en hausse"), "#80cdc1"),
    Class(2, Words("Improving", "En hausse"), "#018571"),
)


def annual(ndvi: DataArray) -> DataArray:
    """Mean NDVI of each whole year: its integral over the year, per year.

    A missing period is filled with the mean of its part of the year, which pulls to no trend; a year that lacks a
    quarter of its periods or more is NaN.
    """
    every = step_of(ndvi["time"])
    days = ndvi.indexes["time"]
    usual = expected(ndvi["time"], reference(ndvi, days[0].date(), days[-1].date(), every, 1), every)["mean"]
    known = aggregate(ndvi, "year", "mean", "pct", tolerance=MISSING).notnull()
    return aggregate(ndvi.fillna(usual), "year", "mean").where(known)


def z_score(ndvi: DataArray) -> DataArray:
    """Mann-Kendall's z of the annual values; below 0 the land becomes less green."""
    return trend(annual(ndvi), fewest=FEWEST)["z"]


def productivity(ndvi: DataArray) -> DataArray:
    """-2 declining, -1 likely declining, 0 no significant change, 1 likely improving, 2 improving."""
    z = z_score(ndvi)
    likely, sure = ((abs(z) > limit).astype(z.dtype) for limit in LIMITS)
    steps = likely + sure
    return (steps.where(z > 0, -steps) + 0).where(z.notnull())  # and no -0


def _map(
    name: str,
    title: Words,
    description: Words,
    formula: Callable[[DataArray], DataArray],
    top: float,
    packing: Packing,
    classes: tuple[Class, ...] = (),
) -> Indicator:
    return Indicator(
        id=name,
        version=1,
        title=title,
        description=description,
        inputs=(Input("ndvi", "series"),),
        formula=formula,
        of_series=True,
        every=("day", "dekad", "month", "year"),  # a calendar year is not made of whole seasons
        unit="1",
        valid_range=(-top, top),
        packing=packing,
        colormap="BrBG",
        classes=classes,
        references=(
            "https://www.unccd.int/resources/manuals-and-guides/good-practice-guidance-sdg-indicator-1531-proportion-land",
            "https://doi.org/10.2307/1907187",
        ),
        cell_methods="time: mean",
        ecv="FAPAR",
        sdg="15.3.1",
    )


EN = (
    " Trend of the yearly mean of NDVI, tested with Mann-Kendall, as in the trajectory of SDG 15.3.1. The effect of "
    "rain is not taken out. Eight whole years and more are advised; with fewer, hardly any change can be shown."
)
FR = (
    " Tendance de la moyenne annuelle du NDVI, test de Mann-Kendall, comme dans la trajectoire de l'ODD 15.3.1. "
    "L'effet de la pluie n'est pas retiré. Huit années entières ou plus sont conseillées ; avec moins, presque aucun "
    "changement ne peut être démontré."
)
INDICATORS = (
    _map(
        "land_productivity",
        Words("Land productivity", "Productivité des terres"),
        Words(
            "-2 declining, -1 likely declining, 0 no significant change, 1 likely improving, 2 improving." + EN,
            "-2 en baisse, -1 probablement en baisse, 0 sans changement significatif, 1 probablement en hausse, 2 en "
            "hausse." + FR,
        ),
        productivity,
        2.0,
        Packing(scale=1),
        CLASSES,
    ),
    _map(
        "land_productivity_z",
        Words("Land productivity, strength of the trend", "Productivité des terres, force de la tendance"),
        Words(
            "z of the test: below -1.96 a decline, above 1.96 an improvement, at 95 % confidence." + EN,
            "z du test : au-dessous de -1,96 une baisse, au-dessus de 1,96 une hausse, à 95 % de confiance." + FR,
        ),
        z_score,
        32.0,
        Packing(scale=1e-3),
    ),
)
