"""Sea level: how high the sea stands above the geoid."""

from sco.model import DataArray, Indicator, Packing, Words


def height(adt: DataArray) -> DataArray:
    """Absolute dynamic topography in metres, as it comes; NaN beyond -10 to 10."""
    return adt.where(abs(adt) <= 10)


INDICATOR = Indicator(
    id="sea_level",
    version=1,
    title=Words("Sea level above the geoid", "Niveau de la mer au-dessus du géoïde"),
    description=Words(
        "Height of the sea above the level that it would have at rest (the geoid), mean of the days of the period; "
        "tides and the load of the air are taken out. Near the coast altimetry is less sure.",
        "Hauteur de la mer au-dessus du niveau qu'elle aurait au repos (le géoïde), moyenne des jours de la période ; "
        "marées et effet de la pression de l'air sont retirés. Près des côtes, l'altimétrie est moins sûre.",
    ),
    bands=("adt",),
    formula=height,
    composite="mean",
    unit="m",
    valid_range=(-10.0, 10.0),
    packing=Packing(scale=5e-4),
    colormap="viridis",
    references=("https://doi.org/10.48670/moi-00148",),
    standard_name="sea_surface_height_above_geoid",
    cell_methods="time: mean",
    ecv="Sea level",
)
