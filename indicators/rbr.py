"""Relativised burn ratio: burn severity that can be compared between dense and sparse vegetation."""

from sco.model import DataArray, Indicator, Input, Packing, Words


def rbr(before: DataArray, after: DataArray) -> DataArray:
    """Fall of the NBR / (NBR before + 1.001), unit 1. Parks et al. 2014, doi:10.3390/rs6031827.

    NaN beyond -2 to 2, which is where hardly anything green was there to burn.
    """
    ratio = (before - after) / (before + 1.001)
    return ratio.where(abs(ratio) <= 2)


INDICATOR = Indicator(
    id="rbr",
    version=1,
    title=Words("Relativised burn ratio (RBR)", "Indice de brûlure relatif (RBR)"),
    description=Words(
        "Fall of the burn ratio since the same part of the year before, relative to what was there to burn. 0 where "
        "nothing changed; the higher, the more of the vegetation is gone.",
        "Baisse de l'indice de brûlure depuis la même partie de l'année précédente, rapportée à ce qui pouvait brûler. "
        "0 là où rien n'a changé ; plus il est élevé, plus la végétation a disparu.",
    ),
    inputs=(Input("nbr", "year_before"), Input("nbr")),
    formula=rbr,
    propagates=True,
    unit="1",
    valid_range=(-2.0, 2.0),
    packing=Packing(scale=1e-4),
    colormap="RdYlGn_r",
    references=("https://doi.org/10.3390/rs6031827",),
    cell_methods="time: median",
    ecv="Fire",
)
