"""Temperature condition index: where the heat of the surface is between the hottest and the coolest year."""

from sco.model import DataArray, Indicator, Input, Packing, Words


def tci(lst: DataArray, coolest: DataArray, hottest: DataArray) -> DataArray:
    """100 (max - LST) / (max - min) of the same part of the year in the reference, percent; hot is low.

    Below 0 and above 100 for a year outside the reference that is hotter or cooler than any in it. NaN where the
    reference years are all alike, and beyond -100 to 200, where they nearly are. Kogan 1995,
    doi:10.1016/0273-1177(95)00079-T.
    """
    condition = 100 * (hottest - lst) / (hottest - coolest)
    return condition.where((hottest > coolest) & (condition >= -100) & (condition <= 200))


INDICATOR = Indicator(
    id="tci",
    version=1,
    title=Words("Temperature condition index (TCI)", "Indice de condition de température (TCI)"),
    description=Words(
        "0 is the hottest that the surface was in the same part of the year in the reference years, 100 the coolest. "
        "Below 40 plants are under heat stress. Below 0 it is hotter than in any reference year.",
        "0 est le plus chaud que la surface ait été à la même partie de l'année pendant les années de référence, 100 "
        "le plus frais. Au-dessous de 40, les plantes souffrent de la chaleur. Au-dessous de 0, il fait plus chaud que "
        "toutes les années de référence.",
    ),
    inputs=(Input("lst"), Input("lst", "min"), Input("lst", "max")),
    formula=tci,
    unit="percent",
    valid_range=(-100.0, 200.0),
    packing=Packing(scale=0.01),
    colormap="RdYlBu",
    references=("https://doi.org/10.1016/0273-1177(95)00079-T",),
    cell_methods="time: mean",
    ecv="Land-surface temperature",
)
