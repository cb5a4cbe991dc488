"""NDVI anomaly: how much greener or less green than usual for the time of year."""

from sco.model import DataArray, Indicator, Input, Packing, Words


def difference(ndvi: DataArray, mean: DataArray) -> DataArray:
    """NDVI minus the reference mean of the same part of the year, unit 1."""
    return ndvi - mean


INDICATOR = Indicator(
    id="ndvi_anomaly",
    version=1,
    title=Words("NDVI, difference from usual", "NDVI, écart à l'habitude"),
    description=Words(
        "NDVI of the period minus the mean of the same part of the year in the reference years. Below 0 the ground is "
        "less green than usual, as in a drought or after a fire.",
        "NDVI de la période moins la moyenne de la même partie de l'année pendant les années de référence. Au-dessous "
        "de 0, le sol est moins vert que d'habitude, comme lors d'une sécheresse ou après un feu.",
    ),
    inputs=(Input("ndvi"), Input("ndvi", "mean")),
    formula=difference,
    propagates=True,
    unit="1",
    valid_range=(-2.0, 2.0),
    packing=Packing(scale=1e-4),
    colormap="RdYlGn",
    references=("https://ntrs.nasa.gov/citations/19740022614", "https://library.wmo.int/idurl/4/55797"),
    cell_methods="time: median",
    ecv="FAPAR",
    sdg="15.3.1",
)
