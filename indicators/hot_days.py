"""Hot days: on how many days the ground was hotter than 40 degrees, and on what share of the clear days it was."""

from xarray import DataArray

from sco.climatology import days_of, step_of
from sco.model import Indicator, Input, Packing, Words

THRESHOLD = 313.15
"""Kelvin, 40 degrees Celsius of the surface. A choice of ours, not a norm: the same day's air is cooler by far."""


def hot(lst: DataArray) -> DataArray:
    """1 where the surface is at or above THRESHOLD, else 0; kelvin in, NaN beyond 173.15 to 363.15, as for LST."""
    return (lst >= THRESHOLD).astype("float32").where((lst >= 173.15) & (lst <= 363.15))


def days(share: DataArray) -> DataArray:
    """Share of the clear observations that were hot x days of the period: cloudy days count as the clear ones."""
    time = share["time"]
    return share * DataArray(days_of(time, step_of(time)).astype(share.dtype), {"time": time}, ("time",))


SHARE = Indicator(
    id="hot_days_share",
    version=1,
    title=Words("Share of hot days", "Part des jours chauds"),
    description=Words(
        "Share of the clear observations of the period in which the surface had 40 °C or more at the satellite's "
        "passage by day. The temperature is that of ground and roofs, not of the air, and cloudy days are not in it.",
        "Part des observations claires de la période où la surface atteignait 40 °C au passage du satellite de jour. "
        "C'est la température du sol et des toits, non celle de l'air, et les jours nuageux n'y sont pas.",
    ),
    bands=("lst",),
    formula=hot,
    composite="fraction",
    unit="1",
    valid_range=(0.0, 1.0),
    packing=Packing(scale=1e-4),
    colormap="OrRd",
    references=("https://doi.org/10.1002/2017JD026880",),
    cell_methods="time: mean",
    ecv="Land-surface temperature",
)
DAYS = Indicator(
    id="hot_days",
    version=2,
    title=Words("Hot days", "Jours chauds"),
    description=Words(
        "Days of the period on which the surface had 40 °C or more at the satellite's passage by day, estimated: their "
        "share of the clear observations, times the days of the period. Clear days are hotter than cloudy ones, so "
        "that the number is rather too high. The temperature is that of ground and roofs, not of the air.",
        "Jours de la période où la surface atteignait 40 °C au passage du satellite de jour, estimés : leur part des "
        "observations claires, multipliée par les jours de la période. Les jours clairs sont plus chauds que les jours "
        "nuageux : le nombre est plutôt trop élevé. C'est la température du sol et des toits, non celle de l'air.",
    ),
    inputs=(Input("hot_days_share"),),
    formula=days,
    propagates=True,
    unit="day",
    valid_range=(0.0, 366.0),
    packing=Packing(scale=0.02),
    colormap="OrRd",
    references=("https://doi.org/10.1002/2017JD026880",),
    cell_methods="time: sum",
    ecv="Land-surface temperature",
)
INDICATORS = (SHARE, DAYS)
