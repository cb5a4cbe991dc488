"""Enhanced vegetation index: how green the ground is, where the NDVI no longer tells dense from denser."""

from sco.model import DataArray, Indicator, Packing, Words


def evi(blue: DataArray, red: DataArray, nir: DataArray) -> DataArray:
    """2.5 (nir - red) / (nir + 6 red - 7.5 blue + 1) of surface reflectance, unit 1.

    Over snow and haze the denominator comes near 0; what is beyond -1 to 1 is NaN.
    Huete et al. 1997, doi:10.1016/S0034-4257(96)00112-5.
    """
    index = 2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)
    return index.where(abs(index) <= 1)


INDICATOR = Indicator(
    id="evi",
    version=1,
    title=Words("Enhanced vegetation index (EVI)", "Indice de végétation amélioré (EVI)"),
    description=Words(
        "Median of the clear observations of the period; bare ground is near 0.1, dense green vegetation near 0.6. "
        "It tells dense vegetation apart where the NDVI is at its limit. Snow is left out.",
        "Médiane des observations claires de la période ; un sol nu est proche de 0,1, une végétation dense et verte "
        "proche de 0,6. Il distingue les végétations denses là où le NDVI sature. La neige est écartée.",
    ),
    bands=("blue", "red", "nir"),
    formula=evi,
    composite="median",
    mask=frozenset({"snow"}),
    unit="1",
    valid_range=(-1.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="RdYlGn",
    references=("https://doi.org/10.1016/S0034-4257(96)00112-5",),
    cell_methods="time: median",
    ecv="FAPAR",
    sdg="15.3.1",
)
