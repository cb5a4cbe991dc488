from datetime import date

import numpy as np
import pytest
import xarray as xr

from sco.period import Every, slice_of
from sco.products.contents import well_seen
from sco.products.web import safe_link
from sco.products.words import named


@pytest.mark.parametrize(
    ("every", "english", "french"),
    [
        ("day", "14 February 2024", "14 février 2024"),
        ("dekad", "11 to 20 February 2024", "11 au 20 février 2024"),
        ("month", "February 2024", "février 2024"),
        ("season", "winter 2024", "hiver 2024"),
        ("year", "2024", "2024"),
    ],
)
def test_periods_are_named_as_people_say_them(every: Every, english: str, french: str) -> None:
    words = named(slice_of(date(2024, 2, 14), every), every)
    assert (words.en, words.fr) == (english, french)


def test_a_mean_of_a_few_pixels_does_not_stand_for_a_zone() -> None:
    columns = {"mean": [0.94, 0.1], "area_km2": [0.5, 9.0], "coverage": [0.01, 0.2], "n": [3, 90]}
    table = well_seen(xr.Dataset({name: ("time", values) for name, values in columns.items()}))
    assert np.isnan(table["mean"][0])
    assert np.isnan(table["area_km2"][0])
    assert (float(table["mean"][1]), float(table["area_km2"][1])) == (0.1, 9.0)
    assert table["coverage"].values.tolist() == [0.01, 0.2]


def test_only_web_links_are_links() -> None:
    assert safe_link("https://doi.org/10.1/x") == "https://doi.org/10.1/x"
    assert safe_link("javascript:alert(1)") is None
    assert safe_link("file:///etc/passwd") is None
