"""How sure a value is: the standard error that is stored beside it, in its own unit.

Which indicators have one, from what it is found, and how it is stored and described.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sco.model import Indicator, Packing

VERSION = 1
"""Raised when a change of a method changes its numbers; part of every fingerprint of what has a standard error."""
FEWEST = 2
"""Observations that a standard error needs."""
GUM = "https://doi.org/10.59161/JCGM100-2008E"
"""Guide to the expression of uncertainty in measurement, JCGM 100:2008."""


@dataclass(frozen=True)
class Method:
    """How a standard error is found."""

    words: str
    reference: str


EXTREME = Method(
    "s times the standard deviation of the extreme of n observations that count as independent and normal",
    "https://doi.org/10.2307/2332087",
)
ONE = Method("s, the standard deviation of the n observations of which it is one", GUM)
METHODS: Mapping[str, Method] = {
    "mean": Method("s / sqrt(n) of n observations that count as independent", GUM),
    "median": Method(
        "from the distance between the quartiles of n observations that count as independent and normal; "
        "1.2533 s / sqrt(n) for many",
        "https://doi.org/10.2307/2332422",
    ),
    "fraction": Method(
        "binomial, of n observations that count as independent, after two of each kind were added",
        "https://doi.org/10.1080/00031305.1998.10480550",
    ),
    "percentile": Method(
        "s sqrt(q (1 - q) / n) over the normal density at the quantile q, of n observations that count as independent",
        "https://doi.org/10.1214/aoms/1177730881",
    ),
    "min": EXTREME,
    "max": EXTREME,
    "first": ONE,
    "medoid": ONE,
}
"""By composite; a count and a sum of what was seen have none, as they are no sample of anything else."""
CARRIED = Method("from the standard errors of what it is made from, which count as independent", GUM)
NONE = "none is known of this indicator, and no pixel has a value"


def name_of(indicator: str) -> str:
    """What the standard errors of an indicator are called, in a store and in a Dataset."""
    return f"{indicator}_error"


def method_of(indicator: Indicator) -> Method | None:
    """How the standard error of an indicator is found; None where it has none."""
    if indicator.is_derived:
        return CARRIED if indicator.propagates else None
    return METHODS.get(str(indicator.composite))


def carried(formula: Callable[..., Any], arguments: Sequence[Any], errors: Sequence[Any]) -> Any:
    """The standard error of what a formula makes of arguments that are wrong by these, independently of one another.

    Half of what each argument's own error changes, up and down, in quadrature: right for a formula that is nearly
    straight over an error's width, exact for sums and differences. JCGM 100:2008, 5.1.3, note 2.
    """
    total: Any = 0.0
    for place, error in enumerate(errors):
        above, below = ([*arguments[:place], arguments[place] + s * error, *arguments[place + 1 :]] for s in (1, -1))
        total = total + ((formula(*above) - formula(*below)) / 2) ** 2
    return total**0.5


def packing_of(indicator: Indicator) -> Packing:
    """The integers of a standard error: those of the indicator, from 0."""
    return replace(indicator.packing, offset=0.0)


def attributes(indicator: Indicator) -> dict[str, Any]:
    """CF attributes of an indicator's packed standard errors.

    CF Conventions, appendix C, standard name modifiers: https://cfconventions.org/cf-conventions/cf-conventions.html
    """
    packing, method = packing_of(indicator), method_of(indicator)
    name = {"standard_name": f"{indicator.standard_name} standard_error"} if indicator.standard_name else {}
    return {
        "long_name": f"{indicator.title.en}: standard error",
        "units": indicator.unit,
        **({"units_metadata": "temperature: difference"} if indicator.unit in ("degC", "K") else {}),
        **name,
        "comment": method.words if method else NONE,
        **({"references": method.reference} if method else {}),
        "cell_methods": indicator.cell_methods,
        "grid_mapping": "spatial_ref",
        "valid_min": 0,
        "scale_factor": packing.scale,
        "add_offset": packing.offset,
        "_FillValue": packing.fill,
    }
