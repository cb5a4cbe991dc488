"""What the declarations say in CF's words, against CF's own table of names and list of methods."""

from importlib.resources import files
from xml.etree import ElementTree

import pytest
from cf_units import Unit

from sco import library
from sco.model import Indicator

TABLE = ElementTree.fromstring(files("compliance_checker").joinpath("data/cf-standard-name-table.xml").read_bytes())
CANONICAL = {entry.get("id"): entry.findtext("canonical_units") or "1" for entry in TABLE.iter("entry")}
"""Standard names -> canonical units; the names that are aliases of newer ones are not among them."""
METHODS = {
    *("point", "sum", "maximum", "maximum_absolute_value", "median", "mid_range", "minimum", "minimum_absolute_value"),
    *("mean", "mean_absolute_value", "mean_of_upper_decile", "mode", "range", "root_mean_square"),
    *("standard_deviation", "sum_of_squares", "variance"),
}
"""https://cfconventions.org/cf-conventions/cf-conventions.html, appendix E."""
COMPOSITES = {"median": "median", "mean": "mean", "fraction": "mean", "min": "minimum", "max": "maximum", "sum": "sum"}
"""What CF calls ours; one that is in no declaration yet is added with the first that is."""
NAMED = {
    "lst": "surface_temperature",
    "ndvi": "normalized_difference_vegetation_index",
    "precipitation": "lwe_thickness_of_precipitation_amount",
    "sea_level": "sea_surface_height_above_geoid",
    "sea_level_anomaly": "sea_surface_height_above_mean_sea_level",
    "sea_level_trend": "tendency_of_sea_surface_height_above_mean_sea_level",
    "snow_cover": "surface_snow_area_fraction",
    "sst": "sea_surface_temperature",
    "sst_anomaly": "sea_water_temperature_anomaly",
}
"""All that CF has a name for; it has none for other indices, classes, shares of days and events."""
every = pytest.mark.parametrize("indicator", library.indicators.values(), ids=lambda one: one.id)


def test_the_table_is_cfs() -> None:
    assert int(TABLE.findtext("version_number") or 0) >= 93
    assert CANONICAL["sea_surface_temperature"] == "K"
    assert "sea_surface_height_above_sea_level" not in CANONICAL  # an alias


def test_those_have_a_standard_name_that_cf_has_one_for() -> None:
    assert {one.id: one.standard_name for one in library.indicators.values() if one.standard_name} == NAMED


@every
def test_a_standard_name_is_in_the_table_and_its_units_are_of_that_kind(indicator: Indicator) -> None:
    # of the decibel, UDUNITS knows nothing, and CF's table makes use of it
    assert indicator.unit == "dB" or not Unit(indicator.unit).is_unknown()
    assert "dB" in CANONICAL.values()
    if indicator.standard_name:
        assert indicator.standard_name in CANONICAL
        assert Unit(indicator.unit).is_convertible(Unit(CANONICAL[indicator.standard_name]))


@every
def test_cell_methods_are_cfs_and_say_what_the_composite_does(indicator: Indicator) -> None:
    assert {word for word in indicator.cell_methods.split() if not word.endswith(":")} <= METHODS
    if indicator.composite:
        assert indicator.cell_methods == f"time: {COMPOSITES[indicator.composite]}"
