"""Radar backscatter: how much of the radar's pulse comes back; smooth water sends it away and is dark."""

import numpy as np

from sco.model import DataArray, Indicator, Packing, Words


def decibels(vv: DataArray) -> DataArray:
    """10 log10 of linear gamma nought, dB; NaN where there is no power, and beyond -50 to 30."""
    import xarray as xr

    power = vv.where(vv > 0)
    level: DataArray = 10 * xr.apply_ufunc(np.log10, power, dask="allowed")
    return level.where(abs(level + 10) <= 40)


INDICATOR = Indicator(
    id="backscatter",
    version=1,
    title=Words("Radar backscatter (VV)", "Rétrodiffusion radar (VV)"),
    description=Words(
        "Darkest radar observation of the period, so that a short flood is not averaged away. Radar sees through "
        "cloud. Open water is mostly below -17 dB, fields and forest between -15 and -7, towns above.",
        "Observation radar la plus sombre de la période, pour qu'une crue brève ne soit pas noyée dans une moyenne. Le "
        "radar voit à travers les nuages. L'eau libre est le plus souvent au-dessous de -17 dB, les champs et les "
        "forêts entre -15 et -7, les villes au-dessus.",
    ),
    bands=("vv",),
    formula=decibels,
    composite="min",
    unit="dB",
    valid_range=(-50.0, 30.0),
    packing=Packing(scale=0.01),
    colormap="gray",
    references=("https://doi.org/10.1109/TGRS.2011.2120616",),
    cell_methods="time: minimum",
)
