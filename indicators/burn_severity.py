"""Burn severity: how much the burn ratio has fallen since the year before (dNBR), and what that means."""

from dataclasses import replace

from sco.model import Class, DataArray, Indicator, Input, Packing, Words

CLASSES = (-0.25, -0.1, 0.1, 0.27, 0.44, 0.66)
"""dNBR between the classes below. Key and Benson 2006, https://doi.org/10.2737/RMRS-GTR-164."""
ROUNDING = 1e-6
"""What a difference of two numbers near 1 is off by in single precision: 0.4 - 0.3 is on the edge, and not below it."""
MEANINGS = (
    Class(0, Words("High regrowth", "Forte repousse"), "#1a9850"),
    Class(1, Words("Low regrowth", "Faible repousse"), "#91cf60"),
    Class(2, Words("Not burned", "Non brûlé"), "#e6e6e6"),
    Class(3, Words("Low severity", "Sévérité faible"), "#fee08b"),
    Class(4, Words("Moderate to low severity", "Sévérité modérée à faible"), "#fdae61"),
    Class(5, Words("Moderate to high severity", "Sévérité modérée à forte"), "#f46d43"),
    Class(6, Words("High severity", "Sévérité forte"), "#a50026"),
)


def dnbr(before: DataArray, after: DataArray) -> DataArray:
    """NBR of the same part of the year before, minus NBR of now, unit 1; above 0 where something burned."""
    return before - after


def severity(before: DataArray, after: DataArray) -> DataArray:
    """The place in MEANINGS, from 0, of the dNBR; one on an edge is of the class above. NaN where it is NaN."""
    fall = dnbr(before, after)
    above = [(fall >= edge - ROUNDING).astype("float32") for edge in CLASSES]
    classes: DataArray = sum(above[1:], above[0])
    return classes.where(fall.notnull())


DNBR = Indicator(
    id="burn_severity",
    version=1,
    title=Words("Burn severity (dNBR)", "Sévérité des brûlures (dNBR)"),
    description=Words(
        "Fall of the burn ratio since the same part of the year before. 0.10 to 0.27: low severity; to 0.44: moderate "
        "to low; to 0.66: moderate to high; above: high; within -0.1 to 0.1: not burned; below: regrowth. Harvests and "
        "drought lower the burn ratio as well.",
        "Baisse de l'indice de brûlure depuis la même partie de l'année précédente. De 0,10 à 0,27 : sévérité faible ; "
        "jusqu'à 0,44 : modérée à faible ; jusqu'à 0,66 : modérée à forte ; au-dessus : forte ; entre -0,1 et 0,1 : "
        "non brûlé ; au-dessous : repousse. Les récoltes et la sécheresse abaissent aussi l'indice.",
    ),
    inputs=(Input("nbr", "year_before"), Input("nbr")),
    formula=dnbr,
    propagates=True,
    unit="1",
    valid_range=(-2.0, 2.0),
    packing=Packing(scale=1e-4),
    colormap="RdYlGn_r",
    references=("https://doi.org/10.2737/RMRS-GTR-164", "https://doi.org/10.3133/ofr0211"),
    cell_methods="time: median",
    ecv="Fire",
)
CLASS = replace(
    DNBR,
    id="burn_severity_class",
    version=2,
    title=Words("Class of burn severity", "Classe de sévérité des brûlures"),
    description=Words(
        "0 high regrowth, 1 low regrowth, 2 not burned, 3 low severity, 4 moderate to low, 5 moderate to high, 6 high "
        "severity: the fall of the burn ratio since the same part of the year before, in the classes of Key and "
        "Benson. Harvests and drought look like low severity.",
        "0 forte repousse, 1 faible repousse, 2 non brûlé, 3 sévérité faible, 4 modérée à faible, 5 modérée à forte, "
        "6 forte : la baisse de l'indice de brûlure depuis la même partie de l'année précédente, dans les classes de "
        "Key et Benson. Les récoltes et la sécheresse ressemblent à une sévérité faible.",
    ),
    formula=severity,
    propagates=False,
    valid_range=(0.0, 6.0),
    packing=Packing(scale=1),
    classes=MEANINGS,
)
INDICATORS = (DNBR, CLASS)
