"""Normalised difference moisture index: how much water the leaves hold."""

from sco.model import DataArray, Indicator, Packing, Words


def ndmi(nir: DataArray, swir16: DataArray) -> DataArray:
    """(nir - swir16) / (nir + swir16) of surface reflectance, unit 1; NaN beyond -1 to 1.

    Wilson and Sader 2002, doi:10.1016/S0034-4257(01)00318-2. Gao's index of 1996, which he called NDWI, is the same.
    """
    index = (nir - swir16) / (nir + swir16)
    return index.where(abs(index) <= 1)


INDICATOR = Indicator(
    id="ndmi",
    version=1,
    title=Words("Vegetation moisture index (NDMI)", "Indice d'humidité de la végétation (NDMI)"),
    description=Words(
        "Median of the clear observations of the period; the more water the leaves hold, the higher. Below 0 the "
        "ground is bare or the plants lack water. Snow is left out.",
        "Médiane des observations claires de la période ; plus les feuilles contiennent d'eau, plus il est élevé. "
        "Au-dessous de 0, le sol est nu ou les plantes manquent d'eau. La neige est écartée.",
    ),
    bands=("nir", "swir16"),
    formula=ndmi,
    composite="median",
    mask=frozenset({"snow"}),
    unit="1",
    valid_range=(-1.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="BrBG",
    references=("https://doi.org/10.1016/S0034-4257(01)00318-2",),
    cell_methods="time: median",
)
