"""The lines of the charts: each zone's series, what is usual, how far from it, and whether there is a trend."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sco import climatology
from sco.model import REFERENCE, Indicator, Words
from sco.period import Slice, part_of
from sco.products import shares, words
from sco.products.contents import Layer, Publication, well_seen

GOOD_COVERAGE = 0.6
"""Share of the area that a period must have seen for the page to open with it."""
FEW_YEARS = 5
"""Fewer years than these say too little of a spread to call a difference large, or of a change to call it a trend."""
CERTAIN = 0.05
"""Probability, of no trend at all, below which a trend is called significant."""
SHARE_DIGITS = 4
"""Decimals of the shares of classes."""
IN_A_YEAR = {"day": 365.25, "dekad": 36.0, "month": 12.0, "season": 4.0, "year": 1.0}


@dataclass(frozen=True)
class Standing:
    """How one zone stood in one period, beside what is usual for it at that time of year."""

    zone: Words
    value: float
    usual: float
    spread: float | None
    years: int
    coverage: float

    @property
    def anomaly(self) -> float:
        """How far the value is from usual."""
        return self.value - self.usual

    @property
    def is_far(self) -> bool:
        """Whether that is farther than the usual spread, of enough years."""
        return self.spread is not None and self.years >= FEW_YEARS and abs(self.anomaly) > self.spread


@dataclass(frozen=True)
class Chronicle:
    """One indicator over all periods: of the whole area, and of each zone. What is computed of it is computed once."""

    publication: Publication
    indicator: Indicator

    @property
    def layers(self) -> list[Layer]:
        """Its layers, oldest first."""
        return [layer for layer in self.publication.layers if layer.indicator.id == self.indicator.id]

    @cached_property
    def featured(self) -> Slice:
        """The newest period of which enough of the area was seen; the best seen one where none was."""
        coverage = self.publication.overall[self.indicator.id]["coverage"].values[:, 0]
        places = [self.publication.place_of(layer) for layer in self.layers]
        good = [place for place in places if coverage[place] >= GOOD_COVERAGE]
        best = good[-1] if good else max(places, key=lambda place: (coverage[place], place))
        return self.publication.periods[best]

    @cached_property
    def whole(self) -> "Strand":
        """The whole area, as one zone."""
        table = self.publication.overall[self.indicator.id]
        return Strand(self.publication, table, (words.WHOLE_AREA,), has_nothing_usual(self.indicator))

    @cached_property
    def zonal(self) -> "Strand":
        """The zones of the project; the whole area where it has none."""
        if self.publication.project.zones is None:
            return self.whole
        names = tuple(Words(name, name) for name in self.publication.zoning.names)
        table = self.publication.series[self.indicator.id]
        return Strand(self.publication, table, names, has_nothing_usual(self.indicator))

    def standing(self, period: Slice) -> Standing | None:
        """How the whole area stood; None where too little was seen or there is no reference."""
        return next(self.whole.standings(period), None)

    def standings(self, period: Slice) -> list[Standing]:
        """Every zone of which enough was seen and which has a reference, the farthest from usual first.

        Of an indicator that is a difference from usual itself, by its own values.
        """
        found = self.zonal.differences if is_difference(self.indicator) else self.zonal.standings
        return sorted(found(period), key=lambda one: -abs(one.anomaly))

    def class_shares(self, period: Slice) -> tuple[shares.Share, ...]:
        """What there is of each class in the whole area, the most first; nothing of what is no classes."""
        if self.whole.class_shares is None:
            return ()
        found: list[float] = self.whole.class_shares.values[self.publication.periods.index(period), 0].tolist()
        return shares.ranked(self.indicator, found)

    def divided(self, period: Slice) -> list[shares.Divided]:
        """How much of the whole area, and of each zone after it, is of each class; empty for what is no classes."""
        return [one for strand in self.strands for one in strand.divided(period)]

    @property
    def strands(self) -> "list[Strand]":
        """The whole area, and the zones after it if there are any."""
        return [self.whole] if self.zonal is self.whole else [self.whole, self.zonal]

    def lines(self) -> list[dict[str, Any]]:
        """The whole area's line and each zone's after it: value, coverage, error if any, usual by part, and trend."""
        return [line for strand in self.strands for line in strand.lines(self.digits)]

    def row(self, period: Slice) -> dict[str, list[Any]]:
        """Value, coverage, error if any, difference from usual, and whether that is far, of the area and each zone.

        Of classes also the shares of each.
        """
        rows = [strand.row(period, self.digits) for strand in self.strands]
        return {name: [value for row in rows for value in row[name]] for name in rows[0]}

    @property
    def digits(self) -> int:
        """Decimals of what the page shows of it."""
        return words.exact_digits_of(self.indicator)


@dataclass(frozen=True)
class Strand:
    """The statistics of some zones, (time, zone)."""

    publication: Publication
    table: xr.Dataset
    names: tuple[Words, ...]
    is_comparison: bool = False
    """Nothing is usual for the values: they are differences from that themselves, or classes."""

    @cached_property
    def seen(self) -> xr.DataArray:
        """Means, (time, zone), where enough of the zone was seen."""
        return well_seen(self.table)["mean"]

    @cached_property
    def class_shares(self) -> xr.DataArray | None:
        """Shares of the classes, (time, zone, class), where enough of the zone was seen; None of what is no classes."""
        return well_seen(self.table)["share"] if "share" in self.table else None

    def divided(self, period: Slice) -> Iterator[shares.Divided]:
        """How much of each zone is of each class."""
        if self.class_shares is None:
            return
        place = self.publication.periods.index(period)
        told = zip(self.names, self.class_shares.values[place], self.table["coverage"].values[place], strict=True)
        for name, own, seen in told:
            yield shares.Divided(name, tuple(own.tolist()) if np.isfinite(own).all() else (), float(seen))

    @cached_property
    def normal(self) -> xr.Dataset | None:
        """mean, std, min, max and n_years of the reference, (part, zone), from the first part of the year on."""
        period = self.publication.project.period
        if period.reference is None or self.is_comparison:
            return None
        normal = climatology.reference(self.seen, *period.reference, period.every)
        whole = normal.reindex(part=range(1, max(parts(self.publication)) + 1))
        return whole.assign(n_years=whole["n_years"].fillna(0))

    @cached_property
    def _usual(self) -> dict[str, Any]:
        """The same as arrays, (part, zone)."""
        assert self.normal is not None  # noqa: S101 - asked for where there is one
        return {str(name): self.normal[name].transpose("part", "zone").values for name in self.normal.data_vars}

    def standings(self, period: Slice) -> Iterator[Standing]:
        """Of each zone that can be told, in their order."""
        if self.normal is None:
            return
        place = self.publication.periods.index(period)
        part = part_of(period, self.publication.project.period.every) - 1
        usual = {name: values[part] for name, values in self._usual.items()}
        values, coverage = self.seen.values[place], self.table["coverage"].values[place]
        for column in np.flatnonzero(np.isfinite(values - usual["mean"])):
            spread, years = usual["std"][column], int(usual["n_years"][column])
            kept = float(spread) if np.isfinite(spread) else None
            told = (float(values[column]), float(usual["mean"][column]), kept, years, float(coverage[column]))
            yield Standing(self.names[column], *told)

    def differences(self, period: Slice) -> Iterator[Standing]:
        """The same where the values are differences from usual, and nothing is known of their spread."""
        place = self.publication.periods.index(period)
        values, coverage = self.seen.values[place], self.table["coverage"].values[place]
        for column in np.flatnonzero(np.isfinite(values)):
            yield Standing(self.names[column], float(values[column]), 0.0, None, 0, float(coverage[column]))

    @cached_property
    def error(self) -> NDArray[np.float64] | None:
        """Standard errors of the means, (time, zone), where these are told; None where none is known."""
        found: NDArray[np.float64] = np.where(np.isfinite(self.seen.values), self.table["error"].values, np.nan)
        return found if np.isfinite(found).any() else None

    def lines(self, digits: int) -> Iterator[dict[str, Any]]:
        """One for each zone, its values with so many digits."""
        found = trends(self.publication, self.seen) if self.class_shares is None else [None] * len(self.names)
        for column in range(len(self.names)):
            line: dict[str, Any] = {
                "value": _rounded(self.seen.values[:, column], digits),
                "coverage": _rounded(self.table["coverage"].values[:, column], 2),
                **({} if self.error is None else {"error": _rounded(self.error[:, column], digits)}),
                "trend": found[column],
                **({} if self.class_shares is None else {"shares": _parts(self.class_shares.values[:, column])}),
            }
            yield line | self._told_usual(column, digits)

    def row(self, period: Slice, digits: int) -> dict[str, list[Any]]:
        """What `Chronicle.row` tells, of these zones."""
        place = self.publication.periods.index(period)
        value, coverage = self.seen.values[place], self.table["coverage"].values[place]
        away, far = self._away(period, value)
        return {
            "value": _rounded(value, digits),
            "coverage": _rounded(coverage, 2),
            "away": _rounded(away, digits),
            "far": far.astype(int).tolist(),
            "error": _rounded(np.full_like(value, np.nan) if self.error is None else self.error[place], digits),
            **({} if self.class_shares is None else {"shares": _parts(self.class_shares.values[place])}),
        }

    def _away(self, period: Slice, value: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """How far from usual each zone is, and whether that is more than the spread of enough years."""
        if self.normal is None:
            return np.full_like(value, np.nan), np.zeros(value.shape, bool)
        part = part_of(period, self.publication.project.period.every) - 1
        mean, spread, years = (self._usual[name][part] for name in ("mean", "std", "n_years"))
        away = value - mean
        return away, (np.abs(away) > spread) & (years >= FEW_YEARS)

    def _told_usual(self, column: int, digits: int) -> dict[str, Any]:
        if self.normal is None:
            return {}
        own = {name: values[:, column] for name, values in self._usual.items()}
        names = {"mean": "mean", "low": "min", "high": "max"}
        told: dict[str, Any] = {name: _rounded(own[statistic], digits) for name, statistic in names.items()}
        return {"usual": told | {"years": [int(count) for count in own["n_years"]]}}


def is_comparison(indicator: Indicator) -> bool:
    """Whether an indicator is already measured against the reference."""
    return any(one.statistic in REFERENCE for one in indicator.inputs)


def has_nothing_usual(indicator: Indicator) -> bool:
    """Whether there is no usual value of it: a comparison is not compared again, and classes have no mean."""
    return is_comparison(indicator) or words.is_category(indicator)


def is_difference(indicator: Indicator) -> bool:
    """Whether its values are differences from usual, above and below 0 alike."""
    return is_comparison(indicator) and words.is_signed(indicator)


def chronicles(publication: Publication) -> dict[str, Chronicle]:
    """One for each indicator, by its id; what one of them found out is known to all who ask."""
    found: dict[str, Chronicle] = publication.once(
        "chronicles", lambda: {one.id: Chronicle(publication, one) for one in publication.project.resolved_indicators}
    )
    return found


def reference_warning(publication: Publication) -> Words | None:
    """What to know of the project's reference; None where it has none, or a long one."""
    reference = publication.project.period.reference
    return climatology.short_record_warning(*reference) if reference else None


def parts(publication: Publication) -> list[int]:
    """The place of each period in its year."""
    return [part_of(period, publication.project.period.every) for period in publication.periods]


def trends(publication: Publication, series: xr.DataArray) -> list[dict[str, Any] | None]:
    """Of each zone of (time, zone), the change in a year and how sure it is; None where the record is too short.

    Theil-Sen slope and Mann-Kendall test, its variance corrected for autocorrelation (Hamed and Rao 1998), of the
    differences from the mean of each part of the year over the whole record.
    """
    from sco.trend import trend

    every = publication.project.period.every
    first, last = publication.periods[0], publication.periods[-1]
    if (last.end - first.start).days < FEW_YEARS * 365:
        return [None] * series.sizes["zone"]
    mean = climatology.reference(series, first.start, last.end, every)
    found = trend(climatology.anomaly(series, mean, every), "hamed_rao", periods_per_unit=IN_A_YEAR[every])
    return [_trend(found.isel(zone=column)) for column in range(series.sizes["zone"])]


def _trend(found: xr.Dataset) -> dict[str, Any] | None:
    slope, low, high, p = (float(found[name]) for name in ("slope", "low", "high", "p"))
    if not np.isfinite(slope) or not np.isfinite(p):
        return None
    told = {"slope": slope, "low": low, "high": high}
    return {name: float(f"{value:.4g}") for name, value in told.items()} | {"p": round(p, 4), "certain": p < CERTAIN}


def _parts(known: NDArray[np.float64]) -> list[Any]:
    """Shares of classes, (any, class), a list each; None where nothing is known."""
    return [_rounded(each, SHARE_DIGITS) if np.isfinite(each).all() else None for each in known]


def _rounded(series: NDArray[np.float64], digits: int) -> list[float | None]:
    return [round(value, digits) if np.isfinite(value) else None for value in series.tolist()]
