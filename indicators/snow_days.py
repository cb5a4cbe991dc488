"""Snow days: on what share of the days a place was under snow, as far as clear days can tell."""

from sco.model import DataArray, Indicator, Packing, Words


def snow(green: DataArray, red: DataArray, swir16: DataArray) -> DataArray:
    """1 where the NDSI is above 0.4 and red above 0.2, else 0; surface reflectance in, NaN where a band is.

    Gascoin et al. 2019, doi:10.5194/essd-11-493-2019.
    """
    ndsi = (green - swir16) / (green + swir16)
    snowy = ((ndsi > 0.4) & (red > 0.2)).astype("float32")
    return snowy.where(ndsi.notnull() & red.notnull())


INDICATOR = Indicator(
    id="snow_days",
    version=1,
    title=Words("Share of days under snow", "Part des jours sous la neige"),
    description=Words(
        "Share of the clear observations of the period in which the place was under snow. Times the days of the "
        "period it estimates the days under snow: a month of 0.5 is some 15 days.",
        "Part des observations claires de la période où le lieu était sous la neige. Multipliée par les jours de la "
        "période, elle estime les jours d'enneigement : un mois à 0,5 fait une quinzaine de jours.",
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
