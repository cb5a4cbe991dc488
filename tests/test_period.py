from datetime import UTC, date, datetime
from typing import get_args

import numpy as np
import pytest
import xarray as xr

from sco.climatology import parts
from sco.period import Every, divide, part_of, slice_of


def test_months_cover_every_touched_month_whole():
    months = divide(date(2023, 1, 15), date(2023, 3, 2), "month")
    assert [one.label for one in months] == ["2023-01", "2023-02", "2023-03"]
    assert (months[0].start, months[-1].end) == (date(2023, 1, 1), date(2023, 4, 1))


def test_dekads_are_ten_ten_and_the_rest():
    february = divide(date(2024, 2, 1), date(2024, 2, 29), "dekad")
    assert [(one.end - one.start).days for one in february] == [10, 10, 9]
    assert [one.label for one in february] == ["2024-02-D1", "2024-02-D2", "2024-02-D3"]


def test_winter_belongs_to_the_year_of_its_january():
    winter = slice_of(date(2023, 12, 31), "season")
    assert (winter.label, winter.start, winter.end) == ("2024-DJF", date(2023, 12, 1), date(2024, 3, 1))
    assert slice_of(date(2024, 1, 1), "season") == winter


def test_days_and_years():
    assert [one.label for one in divide(date(2023, 12, 30), date(2024, 1, 1), "day")] == [
        "2023-12-30",
        "2023-12-31",
        "2024-01-01",
    ]
    assert slice_of(date(2024, 2, 29), "year").end == date(2025, 1, 1)


def test_bounds_are_utc_midnights():
    assert slice_of(date(2023, 7, 14), "month").bounds == (
        datetime(2023, 7, 1, tzinfo=UTC),
        datetime(2023, 8, 1, tzinfo=UTC),
    )


def test_the_last_instant_is_not_in_the_slice():
    july = slice_of(date(2023, 7, 14), "month")
    assert date(2023, 7, 31) in july
    assert date(2023, 8, 1) not in july


@pytest.mark.parametrize("every", get_args(Every))
@pytest.mark.parametrize("first", [1899, 1999, 2021])
def test_the_part_of_the_year_is_what_climatologies_count(every, first):
    # a century without its leap day, one with it, and years of our own
    periods = divide(date(first, 1, 1), date(first + 9, 12, 31), every)
    time = xr.DataArray(np.array([one.start for one in periods], "datetime64[ns]"), dims="time")
    assert [part_of(one, every) for one in periods] == parts(time, every).values.tolist()
