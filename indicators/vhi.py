"""Vegetation health index: drought as the plants feel it, from their greenness and from the heat of the surface."""

from sco.model import DataArray, Indicator, Input, Packing, Words

ALPHA = 0.5
"""Weight of the VCI; the rest is the TCI's. Equal weights are FAO's choice where nothing tells which matters more."""


def vhi(vci: DataArray, tci: DataArray) -> DataArray:
    """0.5 VCI + 0.5 TCI, percent. Kogan 1997, doi:10.1175/1520-0477(1997)078<0621:GDWFS>2.0.CO;2."""
    return ALPHA * vci + (1 - ALPHA) * tci


INDICATOR = Indicator(
    id="vhi",
    version=1,
    title=Words("Vegetation health index (VHI)", "Indice de santé de la végétation (VHI)"),
    description=Words(
        "Mean of the vegetation and the temperature condition indices: 0 is as brown and as hot as in the worst of the "
        "reference years, 100 as green and as cool as in the best. Below 40 is read as drought.",
        "Moyenne des indices de condition de la végétation et de température : 0, aussi sec et aussi chaud que la pire "
        "des années de référence ; 100, aussi vert et aussi frais que la meilleure. Au-dessous de 40, on parle de "
        "sécheresse.",
    ),
    inputs=(Input("vci"), Input("tci")),
    formula=vhi,
    unit="percent",
    valid_range=(-100.0, 200.0),
    packing=Packing(scale=0.01),
    colormap="RdYlGn",
    references=(
        "https://doi.org/10.1175/1520-0477(1997)078%3C0621:GDWFS%3E2.0.CO;2",
        "https://doi.org/10.1016/0273-1177(95)00079-T",
    ),
    cell_methods="time: mean",
)
