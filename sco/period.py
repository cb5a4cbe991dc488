"""A stretch of days divided into the slices that an indicator is computed for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

Every = Literal["day", "dekad", "month", "season", "year"]


@dataclass(frozen=True, order=True)
class Slice:
    """One period: whole days in UTC, from `start` up to, and without, `end`."""

    start: date
    end: date
    label: str
    """The period as people write it: 2023-07-14, 2023-07-D2, 2023-07, 2023-JJA, 2023."""

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day < self.end

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """First and last instant, UTC; the last is excluded."""
        return _midnight(self.start), _midnight(self.end)


def divide(start: date, end: date, every: Every) -> tuple[Slice, ...]:
    """The whole slices that touch any day from `start` to `end`, both included, oldest first."""
    return tuple(_walk(start, end, every))


def slice_of(day: date, every: Every) -> Slice:
    """The slice that `day` belongs to."""
    first = _first_day(day, every)
    after = _first_day_after(first, every)
    return Slice(first, after, _label(first, every))


def part_of(period: Slice, every: Every) -> int:
    """The place of a period in its year, from 1; days are numbered as in a leap year, seasons from December on."""
    day = period.start
    match every:
        case "day":
            return (date(2000, day.month, day.day) - date(1999, 12, 31)).days
        case "dekad":
            return (day.month - 1) * 3 + min((day.day - 1) // 10, 2) + 1
        case "month":
            return day.month
        case "season":
            return day.month % 12 // 3 + 1
        case "year":
            return 1


def months_of(period: Slice) -> frozenset[int]:
    """The months of the year, from 1 to 12, that a period has any day of."""
    first = period.start.replace(day=1)
    last = period.end - timedelta(days=1)
    count = min(12, (last.year - first.year) * 12 + last.month - first.month + 1)
    return frozenset(_months_after(first, place).month for place in range(count))


def year_before(period: Slice, every: Every) -> Slice:
    """The same part of the year before; the 28th for a 29th of February."""
    day = period.start
    leap_day = (day.month, day.day) == (2, 29)
    return slice_of(day.replace(year=day.year - 1, day=28 if leap_day else day.day), every)


def _walk(start: date, end: date, every: Every) -> Iterator[Slice]:
    day = start
    while day <= end:
        current = slice_of(day, every)
        yield current
        day = current.end


def _first_day(day: date, every: Every) -> date:
    match every:
        case "day":
            return day
        case "dekad":
            return day.replace(day=min(1 + (day.day - 1) // 10 * 10, 21))
        case "month":
            return day.replace(day=1)
        case "season":
            return _months_after(day.replace(day=1), -(day.month % 3))
        case "year":
            return date(day.year, 1, 1)


def _first_day_after(first: date, every: Every) -> date:
    match every:
        case "day":
            return first + timedelta(days=1)
        case "dekad":
            return first + timedelta(days=10) if first.day < 21 else _months_after(first.replace(day=1), 1)
        case "month":
            return _months_after(first, 1)
        case "season":
            return _months_after(first, 3)
        case "year":
            return date(first.year + 1, 1, 1)


def _months_after(first: date, months: int) -> date:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _label(first: date, every: Every) -> str:
    match every:
        case "day":
            return first.isoformat()
        case "dekad":
            return f"{first:%Y-%m}-D{1 + first.day // 10}"
        case "month":
            return f"{first:%Y-%m}"
        case "season":
            season = {12: "DJF", 3: "MAM", 6: "JJA", 9: "SON"}[first.month]
            return f"{first.year + (first.month == 12)}-{season}"
        case "year":
            return f"{first:%Y}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
