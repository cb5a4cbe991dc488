"""The page of all indicators is what their declarations say.

`python -m tests.indicators.test_definitions` writes the first table of docs/indicators.md again; the second one comes
from `benchmarks/truth.py`.
"""

import inspect
from functools import partial
from pathlib import Path

import matplotlib
import pytest

from sco import library
from sco.model import Indicator, Input

PAGE = Path(__file__).parents[2] / "docs" / "indicators.md"
DEFINED = "<!-- definitions -->\n", "<!-- /definitions -->\n"
ACCURATE = "<!-- accuracy -->\n", "<!-- /accuracy -->\n"
ESSENTIAL = {
    "FAPAR",
    "Fire",
    "Lakes",
    "Land cover",
    "Land-surface temperature",
    "Precipitation",
    "Sea level",
    "Sea-surface temperature",
    "Snow",
    "Above-ground biomass",
}
"""Essential Climate Variables that these indicators are about, by the names of GCOS-245 (2022)."""
GOALS = {
    "6.6.1": "Change in the extent of water-related ecosystems over time",
    "15.1.1": "Forest area as a proportion of total land area",
    "15.3.1": "Proportion of land that is degraded over total land area",
    "11": "Sustainable cities and communities",
    "14": "Life below water",
}
"""Of the United Nations' global indicator framework, A/RES/71/313, those that these are about; goals where none is."""


def definitions() -> str:
    lines = [
        "| indicator | what it says | definition | unit | made from | reference | ECV | SDG |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(row(one) for one in library.indicators.values())]) + "\n"


def row(one: Indicator) -> str:
    cells = (
        f"`{one.id}`",
        one.title.en,
        definition(one).replace("|", "/").replace("<", "&lt;").replace(">", "&gt;"),
        one.unit,
        made_from(one),
        "<br>".join(f"[{link.removeprefix('https://').removeprefix('doi.org/')}]({link})" for link in one.references),
        one.ecv or "–",
        one.sdg or "–",
    )
    return f"| {' | '.join(cells)} |"


def definition(one: Indicator) -> str:
    """The first paragraph of what the formula says of itself."""
    formula = one.formula
    while isinstance(formula, partial):
        formula = formula.func
    told = inspect.getdoc(formula) or inspect.getmodule(formula).__doc__
    return " ".join(told.split("\n\n")[0].split())


def made_from(one: Indicator) -> str:
    if one.is_derived:
        return ", ".join(map(spelled, one.inputs))
    how = f"{one.composite} of the period" + (f", {one.quantile:g}" if one.quantile is not None else "")
    return f"{', '.join(one.bands)}; {how}"


def spelled(one: Input) -> str:
    return (
        f"`{one.indicator}`" if one.statistic == "value" else f"`{one.indicator}` ({one.statistic.replace('_', ' ')})"
    )


def between(marks: tuple[str, str]) -> str:
    return PAGE.read_text("utf-8").split(marks[0])[1].split(marks[1])[0]


def test_the_page_is_what_the_declarations_say() -> None:
    again = "write it again with: python -m tests.indicators.test_definitions"
    assert between(DEFINED) == definitions(), again


def test_every_indicator_has_its_bias_and_rmse() -> None:
    again = "write it again with: benchmarks/truth.py every FOLDER"
    rows = [line.split(" | ") for line in between(ACCURATE).splitlines()[2:]]
    assert [cells[0].strip("|` ") for cells in rows] == list(library.indicators), again
    measured = {cells[0].strip("|` "): abs(float(cells[2])) for cells in rows}
    assert all(abs(float(cells[2])) <= float(cells[3]) for cells in rows)
    assert measured["ndvi"] < 0.01
    assert measured["lst"] < 0.5


@pytest.mark.parametrize("indicator", library.indicators.values(), ids=lambda one: one.id)
def test_what_is_declared_is_known_elsewhere(indicator: Indicator) -> None:
    assert indicator.colormap in matplotlib.colormaps
    assert indicator.ecv is None or indicator.ecv in ESSENTIAL
    assert indicator.sdg is None or indicator.sdg in GOALS
    assert indicator.packing.dtype == "int16"
    assert indicator.cell_methods.split(": ")[0] == "time"
    assert definition(indicator)


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    before, after = text.split(DEFINED[0])[0], text.split(DEFINED[1])[1]
    PAGE.write_text(f"{before}{DEFINED[0]}{definitions()}{DEFINED[1]}{after}", "utf-8")
