"""Sea level anomaly: how far the sea stands above or below its own mean."""

from sco.model import DataArray, Indicator, Packing, Words


def above_mean(sla: DataArray) -> DataArray:
    """Height above the mean sea surface in metres, as it comes; NaN beyond -10 to 10."""
    return sla.where(abs(sla) <= 10)


INDICATOR = Indicator(
    id="sea_level_anomaly",
    version=1,
    title=Words("Sea level anomaly", "Anomalie du niveau de la mer"),
    description=Words(
        "Height of the sea above its mean of 1993 to 2012, which comes with the grids and not from the project's "
        "reference; mean of the days of the period. The seasons are in it: warm water stands "
        "higher. Neither the sinking of the ground nor the drift of the first altimeter is taken out.",
        "Hauteur de la mer au-dessus de sa moyenne de 1993 à 2012, qui vient avec les grilles et non de la référence "
        "du projet ; moyenne des jours de la période. Les saisons y sont : une eau chaude est plus "
        "haute. Ni les mouvements du sol ni la dérive du premier altimètre ne sont corrigés.",
    ),
    bands=("sla",),
    formula=above_mean,
    composite="mean",
    unit="m",
    valid_range=(-10.0, 10.0),
    packing=Packing(scale=5e-4),
    colormap="RdBu_r",
    references=("https://doi.org/10.48670/moi-00148", "https://doi.org/10.5067/NSREF-SG0V1"),
    standard_name="sea_surface_height_above_mean_sea_level",
    cell_methods="time: mean",
    ecv="Sea level",
)
