"""Land surface temperature: how hot the ground itself is by day, which is not how hot the air is."""

from sco.model import DataArray, Indicator, Packing, Words


def celsius(lst: DataArray) -> DataArray:
    """Kelvin to degrees Celsius; NaN beyond -100 to 90, outside which no ground was ever measured."""
    degrees = lst - 273.15
    return degrees.where((degrees >= -100) & (degrees <= 90))


INDICATOR = Indicator(
    id="lst",
    version=1,
    title=Words("Land surface temperature", "Température de surface du sol"),
    description=Words(
        "Temperature of the ground, roofs and leaves at the satellite's passage by day; mean of the clear observations "
        "of the period. On a sunny day it is far above that of the air. Cloudy days are not in it.",
        "Température du sol, des toits et des feuilles au passage du satellite de jour ; moyenne des observations "
        "claires de la période. Par beau temps, elle dépasse de loin celle de l'air. Les jours nuageux n'y sont pas.",
    ),
    bands=("lst",),
    formula=celsius,
    composite="mean",
    unit="degC",
    valid_range=(-100.0, 90.0),
    packing=Packing(scale=0.005),
    colormap="inferno",
    references=("https://doi.org/10.1109/TGRS.2018.2824828", "https://doi.org/10.5067/MODIS/MOD11A1.061"),
    standard_name="surface_temperature",
    cell_methods="time: mean",
    ecv="Land-surface temperature",
)
