"""Vegetation condition index: where the greenness is between the worst and the best year."""

from sco.model import DataArray, Indicator, Input, Packing, Words


def vci(ndvi: DataArray, least: DataArray, most: DataArray) -> DataArray:
    """100 (NDVI - min) / (max - min) of the same part of the year in the reference, percent.

    Below 0 and above 100 for a year outside the reference that is worse or better than any in it. NaN where the
    reference years are all alike, and beyond -100 to 200, where they nearly are. Kogan 1995,
    doi:10.1016/0273-1177(95)00079-T.
    """
    condition = 100 * (ndvi - least) / (most - least)
    return condition.where((most > least) & (condition >= -100) & (condition <= 200))


INDICATOR = Indicator(
    id="vci",
    version=1,
    title=Words("Vegetation condition index (VCI)", "Indice de condition de la végétation (VCI)"),
    description=Words(
        "0 is the least green that the place was in the same part of the year in the reference years, 100 the "
        "greenest. Below 40 the vegetation suffers. Below 0 it is worse than in any reference year.",
        "0 est le moins vert que le lieu ait été à la même partie de l'année pendant les années de référence, 100 le "
        "plus vert. Au-dessous de 40, la végétation souffre. Au-dessous de 0, c'est pire que toutes les années de "
        "référence.",
    ),
    inputs=(Input("ndvi"), Input("ndvi", "min"), Input("ndvi", "max")),
    formula=vci,
    unit="percent",
    valid_range=(-100.0, 200.0),
    packing=Packing(scale=0.01),
    colormap="RdYlGn",
    references=("https://doi.org/10.1016/0273-1177(95)00079-T",),
    cell_methods="time: median",
    ecv="FAPAR",
    sdg="15.3.1",
)
