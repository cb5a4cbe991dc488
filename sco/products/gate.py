"""The gate: why a publication must not go out, told by its numbers before a file is written."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sco.choices import Publish
from sco.model import Class, Indicator
from sco.period import Slice
from sco.products.contents import Publication
from sco.products.shares import classes_of

NORMAL = 1.4826
"""Median absolute deviation -> standard deviation, of a normal distribution."""
LEAST_CHANGES = 6
"""Changes that a zone's series must have for their usual size to be known."""
LEAST_COVERAGE = 0.5
"""Share of a zone that must have a value in two periods for their difference to be a change of the zone."""
ROUNDING = 1e-9
"""What the shares of all classes may lack of one by the arithmetic alone."""
QUIET = 0.02
"""Share of an indicator's range: changes of less than this are never unusual, however still a series is."""
SHOWN = 5


def refusals(publication: Publication) -> list[str]:
    """Why this must not be published, one reason each; empty if it may.

    Nothing stored, too many failed reads, too few values, values out of range, or a zone that jumps for no reason.
    Of classes every value must be one of them; they may jump, since a small change is enough to leave a class.
    """
    if not publication.periods:
        return ["the store holds no period of the project: run an update first"]
    rules = publication.project.publish or Publish(to="")
    indicators = publication.project.resolved_indicators
    return [reason for one in indicators for reason in _refusals_of(publication, one, rules)]


def _refusals_of(publication: Publication, indicator: Indicator, rules: Publish) -> Iterator[str]:
    if not any(layer.indicator.id == indicator.id for layer in publication.layers):
        yield f"{indicator.id}: the store holds no period of it: run an update first"
        return
    yield from _failed(publication, indicator, rules)
    counted = publication.census.sel(indicator=indicator.id)
    if not int(counted["valid"].sum()):
        yield f"{indicator.id}: there is no value in any period: look at its plan for scenes and clouds"
        return
    yield from _coverage(publication, indicator, rules)
    if classes := classes_of(indicator):
        yield from _classes(publication, indicator, classes, rules)
        return
    lowest, highest = float(counted["lowest"].min()), float(counted["highest"].max())
    yield from _range(indicator, rules, lowest, highest)
    yield from _jumps(publication, indicator, rules)


def _failed(publication: Publication, indicator: Indicator, rules: Publish) -> Iterator[str]:
    failed = publication.failed_share(indicator.id)
    if failed > rules.failed_budget:
        yield (
            f"{indicator.id}: {failed:.2%} of the reads failed and the budget is {rules.failed_budget:.2%}: "
            "retry the failed partitions, or raise publish.failed_budget"
        )


def _coverage(publication: Publication, indicator: Indicator, rules: Publish) -> Iterator[str]:
    height, width = publication.geobox.shape
    layers = sum(layer.indicator.id == indicator.id for layer in publication.layers)
    valid = int(publication.census["valid"].sel(indicator=indicator.id).sum())
    share = valid / (layers * height * width)
    if share < rules.least_coverage:
        yield (
            f"{indicator.id}: {share:.2%} of the pixels have a value over {layers} periods and "
            f"{rules.least_coverage:.2%} must: look at its plan for scenes and clouds, or lower publish.least_coverage"
        )


def _range(indicator: Indicator, rules: Publish, lowest: float, highest: float) -> Iterator[str]:
    low, high = rules.ranges.get(indicator.id, indicator.valid_range)
    slack = indicator.packing.scale / 2
    if lowest < low - slack or highest > high + slack:
        verb = "is allowed by publish.ranges" if indicator.id in rules.ranges else "is possible"
        yield f"{indicator.id}: values run from {lowest:g} to {highest:g}, and {low:g} to {high:g} {verb}"


def _classes(
    publication: Publication, indicator: Indicator, classes: tuple[Class, ...], rules: Publish
) -> Iterator[str]:
    if indicator.id in rules.ranges:
        yield f"{indicator.id}: its values are classes, which have no range: take it out of publish.ranges"
    told = publication.overall[indicator.id]["share"].isel(zone=0).sum("class", skipna=False).values
    least = float(np.nanmin(told))
    if least < 1 - ROUNDING:
        period, known = publication.periods[int(np.nanargmin(told))], ", ".join(str(one.value) for one in classes)
        yield (
            f"{indicator.id}: {1 - least:.2%} of what was seen in {period.label} has values that are no class, and the "
            f"classes are {known}: compute its partitions again"
        )


def _jumps(publication: Publication, indicator: Indicator, rules: Publish) -> Iterator[str]:
    table = publication.series[indicator.id]
    means = np.where(table["coverage"].values >= LEAST_COVERAGE, table["mean"].values, np.nan)
    found = [
        (zone, publication.periods[place], score)
        for column, zone in enumerate(publication.zoning.names)
        for place, score in _unusual(means[:, column], indicator, rules.jump)
        if not _is_explained(rules, indicator, publication.periods[place - 1 : place + 1], zone)
    ]
    for zone, period, score in found[:SHOWN]:
        yield (
            f"{indicator.id}: {zone!r} changes in {period.label} by {score:.0f} times what is usual, and "
            f"{rules.jump:g} times is the bound: look at its scenes with `sco explain`; if the change is real, say why "
            "under [[publish.explained]]"
        )
    if len(found) > SHOWN:
        yield f"{indicator.id}: {len(found) - SHOWN} more changes beyond the bound"


def _unusual(means: NDArray[np.float64], indicator: Indicator, bound: float) -> Iterator[tuple[int, float]]:
    """Place and size, in robust standard deviations, of the changes beyond the bound."""
    changes = np.diff(means)
    known = changes[np.isfinite(changes)]
    if known.size < LEAST_CHANGES:
        return
    low, high = indicator.valid_range
    usual = float(np.median(known))
    spread = max(NORMAL * float(np.median(np.abs(known - usual))), QUIET * (high - low))
    for place, change in enumerate(changes.tolist(), start=1):
        score = abs(change - usual) / spread
        if score > bound:  # never for NaN
            yield place, score


def _is_explained(rules: Publish, indicator: Indicator, around: tuple[Slice, ...], zone: str) -> bool:
    """Whether the change is into a period that is explained, or back out of one."""
    labels = {period.label for period in around}
    return any(
        one.indicator == indicator.id and one.period in labels and one.zone in (None, zone) for one in rules.explained
    )
