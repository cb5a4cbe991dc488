"""Standardised NDVI anomaly: how unusual the greenness is, in standard deviations."""

from sco.model import DataArray, Indicator, Input, Packing, Words


def z_score(ndvi: DataArray, mean: DataArray, std: DataArray) -> DataArray:
    """(NDVI - mean) / standard deviation of the same part of the year in the reference, unit 1.

    NaN where the reference years are all alike, and beyond -30 to 30, where they nearly are.
    """
    score = (ndvi - mean) / std
    return score.where((std > 0) & (abs(score) <= 30))


INDICATOR = Indicator(
    id="ndvi_z",
    version=1,
    title=Words("NDVI, standardised difference from usual", "NDVI, écart normalisé à l'habitude"),
    description=Words(
        "Difference from the mean of the same part of the year in the reference years, divided by how much those years "
        "differ (their standard deviation). Within -1 to 1 is common; below -2 is rare.",
        "Écart à la moyenne de la même partie de l'année pendant les années de référence, divisé par la dispersion de "
        "ces années (leur écart type). Entre -1 et 1, rien d'inhabituel ; au-dessous de -2, c'est rare.",
    ),
    inputs=(Input("ndvi"), Input("ndvi", "mean"), Input("ndvi", "std")),
    formula=z_score,
    unit="1",
    valid_range=(-30.0, 30.0),
    packing=Packing(scale=1e-3),
    colormap="RdYlGn",
    references=("https://ntrs.nasa.gov/citations/19740022614", "https://library.wmo.int/idurl/4/55797"),
    cell_methods="time: median",
    ecv="FAPAR",
    sdg="15.3.1",
)
