"""Snow days: on how many days a place was under snow, and on what share of the clear days it was seen to be."""

from xarray import DataArray

from sco.climatology import days_of, step_of
from sco.model import Indicator, Input, Packing, Words


def snow(green: DataArray, red: DataArray, swir16: DataArray) -> DataArray:
    """1 where the NDSI is above 0.4 and red above 0.2, else 0; surface reflectance in, NaN where a band is.

    Gascoin et al. 2019, doi:10.5194/essd-11-493-2019.
    """
    ndsi = (green - swir16) / (green + swir16)
    snowy = ((ndsi > 0.4) & (red > 0.2)).astype("float32")
    return snowy.where(ndsi.notnull() & red.notnull())


def days(share: DataArray) -> DataArray:
    """Share of the clear observations under snow x days of the period: cloudy days count as the clear ones."""
    time = share["time"]
    return share * DataArray(days_of(time, step_of(time)).astype(share.dtype), {"time": time}, ("time",))


SHARE = Indicator(
    id="snow_days_share",
    version=1,
    title=Words("Share of days under snow", "Part des jours sous la neige"),
    description=Words(
        "Share of the clear observations of the period in which the place was under snow.",
        "Part des observations claires de la période où le lieu était sous la neige.",
    ),
    bands=("green", "red", "swir16"),
    formula=snow,
    composite="fraction",
    keep=frozenset({"snow"}),
    unit="1",
    valid_range=(0.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="Blues_r",
    references=("https://doi.org/10.5194/essd-11-493-2019",),
    cell_methods="time: mean",
    ecv="Snow",
)
DAYS = Indicator(
    id="snow_days",
    version=2,
    title=Words("Days under snow", "Jours sous la neige"),
    description=Words(
        "Days of the period under snow, estimated: the share of the clear observations with snow, times the days of "
        "the period. The fewer clear observations, the less sure: see the standard error.",
        "Jours de la période sous la neige, estimés : la part des observations claires enneigées, multipliée par les "
        "jours de la période. Moins il y a d'observations claires, moins c'est sûr : voir l'erreur type.",
    ),
    inputs=(Input("snow_days_share"),),
    formula=days,
    propagates=True,
    unit="day",
    valid_range=(0.0, 366.0),
    packing=Packing(scale=0.02),
    colormap="Blues_r",
    references=("https://doi.org/10.5194/essd-11-493-2019",),
    cell_methods="time: sum",
    ecv="Snow",
)
INDICATORS = (SHARE, DAYS)
