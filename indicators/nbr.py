"""Normalised burn ratio: high over green plants, low over char and bare soil."""

from sco.model import DataArray, Indicator, Packing, Words


def nbr(nir: DataArray, swir22: DataArray) -> DataArray:
    """(nir - swir22) / (nir + swir22) of surface reflectance, unit 1; NaN beyond -1 to 1.

    Key and Benson, in USGS Open-File Report 02-11, doi:10.3133/ofr0211.
    """
    index = (nir - swir22) / (nir + swir22)
    return index.where(abs(index) <= 1)


INDICATOR = Indicator(
    id="nbr",
    version=1,
    title=Words("Burn ratio (NBR)", "Indice de brûlure (NBR)"),
    description=Words(
        "Median of the clear observations of the period; green vegetation is near 0.6, burnt ground below 0. What a "
        "fire did is in its fall from the year before: see burn severity. Snow is left out.",
        "Médiane des observations claires de la période ; une végétation verte est proche de 0,6, un sol brûlé "
        "au-dessous de 0. L'effet d'un feu se lit dans sa baisse depuis l'année précédente : voir la sévérité des "
        "brûlures. La neige est écartée.",
    ),
    bands=("nir", "swir22"),
    formula=nbr,
    composite="median",
    mask=frozenset({"snow"}),
    unit="1",
    valid_range=(-1.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="RdYlGn",
    references=("https://doi.org/10.3133/ofr0211",),
    cell_methods="time: median",
    ecv="Fire",
)
