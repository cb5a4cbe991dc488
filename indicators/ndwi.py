"""Normalised difference water index of McFeeters: open water, for sensors that have no short-wave infrared."""

from sco.model import DataArray, Indicator, Packing, Words


def ndwi(green: DataArray, nir: DataArray) -> DataArray:
    """(green - nir) / (green + nir) of surface reflectance, unit 1; NaN beyond -1 to 1.

    McFeeters 1996, doi:10.1080/01431169608948714. Not the NDWI of Gao, which is the NDMI.
    """
    index = (green - nir) / (green + nir)
    return index.where(abs(index) <= 1)


INDICATOR = Indicator(
    id="ndwi",
    version=1,
    title=Words("Water index (NDWI)", "Indice d'eau (NDWI)"),
    description=Words(
        "Median of the clear observations of the period; open water is above 0, land below. Towns can be above 0 too: "
        "for areas take the water extent. Snow is left out.",
        "Médiane des observations claires de la période ; l'eau libre est au-dessus de 0, la terre au-dessous. Les "
        "villes peuvent dépasser 0 : pour des surfaces, prendre l'étendue d'eau. La neige est écartée.",
    ),
    bands=("green", "nir"),
    formula=ndwi,
    composite="median",
    mask=frozenset({"snow"}),
    unit="1",
    valid_range=(-1.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="BrBG",
    references=("https://doi.org/10.1080/01431169608948714",),
    cell_methods="time: median",
    ecv="Lakes",
)
