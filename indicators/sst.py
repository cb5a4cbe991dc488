"""Sea surface temperature."""

from sco.model import DataArray, Indicator, Packing, Words


def degrees(sst: DataArray) -> DataArray:
    """Degrees Celsius as they come; NaN beyond -3 to 45, where the sea is ice or it is not the sea."""
    return sst.where((sst >= -3) & (sst <= 45))


INDICATOR = Indicator(
    id="sst",
    version=1,
    title=Words("Sea surface temperature", "Température de surface de la mer"),
    description=Words(
        "Temperature of the uppermost water, mean of the days of the period.",
        "Température de l'eau en surface, moyenne des jours de la période.",
    ),
    bands=("sst",),
    formula=degrees,
    composite="mean",
    unit="degC",
    valid_range=(-3.0, 45.0),
    packing=Packing(scale=0.002),
    colormap="inferno",
    references=("https://doi.org/10.1175/JCLI-D-20-0166.1",),
    standard_name="sea_surface_temperature",
    cell_methods="time: mean",
    ecv="Sea-surface temperature",
)
