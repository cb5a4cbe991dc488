"""Snow cover: how much of a place is under snow."""

import numpy as np

from sco.model import DataArray, Indicator, Packing, Words


def snow_fraction(green: DataArray, red: DataArray, swir16: DataArray) -> DataArray:
    """Share of the ground under snow, 0 to 1, from surface reflectance; NaN where a band is.

    Snow is where the NDSI is above 0.4 and red above 0.2, the first pass of Theia's snow product (Gascoin et al. 2019,
    doi:10.5194/essd-11-493-2019); its second pass, above the snow line, takes a height model and is left out. There
    the share is 0.5 tanh(2.65 NDSI - 1.42) + 0.5 (Gascoin et al. 2020, doi:10.3390/rs12182904), which is 0.92 for the
    highest NDSI; elsewhere it is 0.
    """
    import xarray as xr

    ndsi = (green - swir16) / (green + swir16)
    share: DataArray = 0.5 * xr.apply_ufunc(np.tanh, 2.65 * ndsi - 1.42, dask="allowed") + 0.5
    snow = (ndsi > 0.4) & (red > 0.2)
    return share.where(snow, 0.0).where(ndsi.notnull() & red.notnull())


INDICATOR = Indicator(
    id="snow_cover",
    version=1,
    title=Words("Snow cover", "Couverture de neige"),
    description=Words(
        "Share of the place under snow, mean of the clear observations of the period. Thin snow, snow under trees and "
        "snow in deep shade are seen badly.",
        "Part du lieu sous la neige, moyenne des observations claires de la période. La neige mince, sous les arbres "
        "ou dans une ombre profonde est mal vue.",
    ),
    bands=("green", "red", "swir16"),
    formula=snow_fraction,
    composite="mean",
    keep=frozenset({"snow"}),
    unit="1",
    valid_range=(0.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="Blues_r",
    references=("https://doi.org/10.5194/essd-11-493-2019", "https://doi.org/10.3390/rs12182904"),
    standard_name="surface_snow_area_fraction",
    cell_methods="time: mean",
    is_share_of_area=True,
    ecv="Snow",
)
