"""Sea surface temperature anomaly: how much warmer or colder than usual for the time of year."""

from sco.model import DataArray, Indicator, Input, Packing, Words


def difference(sst: DataArray, mean: DataArray) -> DataArray:
    """Sea surface temperature minus the reference mean of the same part of the year, K."""
    return sst - mean


INDICATOR = Indicator(
    id="sst_anomaly",
    version=1,
    title=Words("Sea surface temperature, difference from usual", "Température de la mer, écart à l'habitude"),
    description=Words(
        "Temperature of the sea surface minus the mean of the same part of the year in the reference years.",
        "Température de surface de la mer moins la moyenne de la même partie de l'année pendant les années de "
        "référence.",
    ),
    inputs=(Input("sst"), Input("sst", "mean")),
    formula=difference,
    propagates=True,
    unit="K",
    valid_range=(-48.0, 48.0),
    packing=Packing(scale=0.002),
    colormap="RdBu_r",
    references=("https://doi.org/10.1175/JCLI-D-20-0166.1", "https://library.wmo.int/idurl/4/55797"),
    standard_name="sea_water_temperature_anomaly",
    cell_methods="time: mean",
    ecv="Sea-surface temperature",
    sdg="14",
)
