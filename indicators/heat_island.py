"""Surface urban heat island: how much hotter a place is than the countryside around it."""

from sco.model import DataArray, Indicator, Input, Packing, Words


def excess(lst: DataArray, rural: DataArray) -> DataArray:
    """Land surface temperature minus the period's mean over the project's rural area, K."""
    return lst - rural


INDICATOR = Indicator(
    id="heat_island",
    version=1,
    title=Words("Surface urban heat island", "Îlot de chaleur urbain de surface"),
    description=Words(
        "Temperature of the ground and roofs minus the mean of the project's rural area in the same period. Which area "
        "that is decides the numbers: it is recorded with them, and it should have neither water nor other heights.",
        "Température du sol et des toits moins la moyenne de la zone rurale du projet à la même période. Le choix de "
        "cette zone décide des valeurs : il est enregistré avec elles ; ni eau, ni autres altitudes ne doivent y être.",
    ),
    inputs=(Input("lst"), Input("lst", "rural")),
    formula=excess,
    propagates=True,
    unit="K",
    valid_range=(-190.0, 190.0),
    packing=Packing(scale=0.01),
    colormap="RdYlBu_r",
    references=("https://doi.org/10.3390/rs11010048",),
    cell_methods="time: mean",
    ecv="Land-surface temperature",
    sdg="11",
)
