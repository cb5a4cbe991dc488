"""Precipitation: how much rain and melted snow fell in the period."""

from sco.model import DataArray, Indicator, Packing, Words


def rain(precipitation: DataArray) -> DataArray:
    """Millimetres of each day, as they come; NaN below 0 and above 6500, which no day has had."""
    return precipitation.where((precipitation >= 0) & (precipitation <= 6500))


INDICATOR = Indicator(
    id="precipitation",
    version=1,
    title=Words("Precipitation", "Précipitations"),
    description=Words(
        "Sum over the days of the period that have a value. A day without one counts as dry: where the number of days "
        "seen is below the length of the period, the sum is too low, and no index of drought is made of it.",
        "Somme sur les jours de la période qui ont une valeur. Un jour sans valeur compte comme sec : là où le nombre "
        "de jours vus est inférieur à la durée de la période, la somme est trop basse, et aucun indice de sécheresse "
        "n'en est tiré.",
    ),
    bands=("precipitation",),
    formula=rain,
    composite="sum",
    takes_every_day=True,
    unit="mm",
    valid_range=(0.0, 6500.0),
    packing=Packing(scale=0.2),  # and no offset, so that a dry month is exactly 0
    colormap="YlGnBu",
    references=("https://doi.org/10.1038/sdata.2015.66",),
    standard_name="lwe_thickness_of_precipitation_amount",
    cell_methods="time: sum",
    ecv="Precipitation",
)
