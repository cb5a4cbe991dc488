"""Water extent: how often a place was seen under water."""

from sco.model import DataArray, Indicator, Packing, Words


def mndwi(green: DataArray, swir16: DataArray) -> DataArray:
    """(green - swir16) / (green + swir16) of surface reflectance, unit 1. Xu 2006, doi:10.1080/01431160600589179."""
    return (green - swir16) / (green + swir16)


def water(green: DataArray, swir16: DataArray) -> DataArray:
    """1 where the MNDWI is above 0, else 0; NaN where a band is NaN."""
    index = mndwi(green, swir16)
    return (index > 0).astype("float32").where(index.notnull())


INDICATOR = Indicator(
    id="water_extent",
    version=1,
    title=Words("Water extent", "Étendue d'eau"),
    description=Words(
        "Share of the clear observations of the period in which the place was water (MNDWI above 0). "
        "Snow, which has the same colours, is left out.",
        "Part des observations claires de la période où le lieu était en eau (MNDWI supérieur à 0). "
        "La neige, qui a les mêmes couleurs, est écartée.",
    ),
    bands=("green", "swir16"),
    formula=water,
    composite="fraction",
    mask=frozenset({"snow"}),
    unit="1",
    valid_range=(0.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="Blues",
    references=("https://doi.org/10.1080/01431160600589179",),
    cell_methods="time: mean",
    is_share_of_area=True,
    ecv="Lakes",
    sdg="6.6.1",
)
