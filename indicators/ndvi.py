"""Normalised difference vegetation index: how green the ground is."""

from sco.model import DataArray, Indicator, Packing, Words


def ndvi(red: DataArray, nir: DataArray) -> DataArray:
    """(nir - red) / (nir + red) of surface reflectance, unit 1; NaN beyond -1 to 1.

    Rouse et al. 1974, NASA NTRS 19740022614.
    """
    index = (nir - red) / (nir + red)
    return index.where(abs(index) <= 1)


INDICATOR = Indicator(
    id="ndvi",
    version=1,
    title=Words("Vegetation index (NDVI)", "Indice de végétation (NDVI)"),
    description=Words(
        "Median of the clear observations of the period; bare ground is near 0.1, dense green vegetation near 0.9. "
        "Snow is left out.",
        "Médiane des observations claires de la période ; un sol nu est proche de 0,1, une végétation dense et verte "
        "proche de 0,9. La neige est écartée.",
    ),
    bands=("red", "nir"),
    formula=ndvi,
    composite="median",
    mask=frozenset({"snow"}),
    unit="1",
    valid_range=(-1.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="RdYlGn",
    references=("https://ntrs.nasa.gov/citations/19740022614",),
    standard_name="normalized_difference_vegetation_index",
    cell_methods="time: median",
    ecv="FAPAR",
    sdg="15.3.1",
)
