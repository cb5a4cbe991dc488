"""The formulas over stored indicators, against numbers worked out by hand."""

import numpy as np
import pytest
import xarray as xr

from indicators import burn_severity
from sco import library
from sco.packing import unpack

NAN = np.nan


def apply(name: str, *rows: list[float]) -> list[float]:
    """The formula over one row of pixels an input, as the engine gives them: float32, lazily, (time, y, x)."""
    series = [
        xr.DataArray(np.array(row, np.float32)[None, None], dims=("time", "y", "x")).chunk({"x": 2}) for row in rows
    ]
    result = library.indicators[name].formula(*series)
    assert result.chunks is not None
    assert result.dims == ("time", "y", "x")
    values: list[float] = result.astype("float64").compute().to_numpy()[0, 0].tolist()
    return values


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("ndvi_anomaly", ([0.5, 0.2, NAN, 0.4], [0.6, 0.2, 0.3, NAN]), [-0.1, 0.0, NAN, NAN]),
        ("sst_anomaly", ([25.5, 11.0, NAN], [24.25, 12.5, 20.0]), [1.25, -1.5, NAN]),
        # the third place is alike in all reference years, the fourth nearly so
        ("ndvi_z", ([0.5, 0.2, 0.3, 0.3], [0.6, 0.1, 0.2, 0.2], [0.05, 0.04, 0.0, 1e-4]), [-2.0, 2.5, NAN, NAN]),
        # worst year, best year, in between, worse than any, beyond what the range says, alike in all years
        (
            "vci",
            ([0.2, 0.8, 0.35, 0.1, 0.9, 0.5], [0.2, 0.2, 0.2, 0.2, 0.5, 0.5], [0.8, 0.8, 0.8, 0.8, 0.6, 0.5]),
            [0, 100, 25, -100 / 6, NAN, NAN],
        ),
        # hottest year, coolest year, in between, hotter than any, alike in all years
        (
            "tci",
            ([40.0, 20.0, 35.0, 42.0, 30.0], [20.0, 20.0, 20.0, 20.0, 30.0], [40.0, 40.0, 40.0, 40.0, 30.0]),
            [0, 100, 25, -10, NAN],
        ),
        ("vhi", ([0.0, 100.0, 30.0, NAN], [50.0, 100.0, 10.0, 10.0]), [25, 100, 20, NAN]),
        ("burn_severity", ([0.6, 0.3, NAN], [-0.2, 0.35, 0.1]), [0.8, -0.05, NAN]),
        # dNBR 0.8 over 1.601; 0.8 over 1.001 + -0.1; hardly anything there before
        ("rbr", ([0.6, -0.1, -0.99], [-0.2, -0.9, -1.0]), [0.8 / 1.601, 0.8 / 0.901, 0.01 / 0.011]),
        ("rbr", ([-1.0, NAN], [0.5, 0.5]), [NAN, NAN]),
    ],
)
def test_by_hand(name: str, rows: tuple[list[float], ...], expected: list[float]) -> None:
    found = apply(name, *rows)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)
    low, high = library.indicators[name].valid_range
    assert all(np.isnan(value) or low <= value <= high for value in found)


def test_heat_island_is_above_the_country_around_in_each_period() -> None:
    dims = ("time", "y", "x")
    lst = xr.DataArray(np.array([[[30.0, 24.0]], [[5.0, NAN]]], np.float32), dims=dims).chunk({"time": 1})
    rural = xr.DataArray(np.array([25.0, 6.5], np.float32), dims="time")
    found = library.indicators["heat_island"].formula(lst, rural)
    assert found.chunks is not None
    np.testing.assert_array_equal(found, [[[5.0, -1.0]], [[-1.5, NAN]]])


def test_a_reference_without_enough_years_gives_no_number() -> None:
    for name in ("ndvi_anomaly", "ndvi_z", "vci", "tci", "sst_anomaly"):
        indicator = library.indicators[name]
        rows = [[0.5, 0.5] if one.statistic == "value" else [NAN, NAN] for one in indicator.inputs]
        assert np.isnan(apply(name, *rows)).all()


def test_severity_is_one_of_the_seven_classes_of_key_and_benson() -> None:
    fall = np.array([-0.3, -0.25, -0.1, 0.0, 0.1, 0.27, 0.44, 0.66, 0.9, NAN])
    before = xr.zeros_like(xr.DataArray(fall, dims="x")).fillna(0).chunk({"x": 5})
    found = library.indicators["burn_severity_class"].formula(before, before - fall)
    assert found.chunks is not None
    np.testing.assert_array_equal(found, [0, 1, 2, 2, 3, 4, 5, 6, 6, NAN])
    assert len(burn_severity.MEANINGS) == len(burn_severity.CLASSES) + 1 == 7
    description = library.indicators["burn_severity_class"].description
    assert all(f"{code} " in description.en and f"{code} " in description.fr for code in range(7))


@pytest.mark.parametrize("place", range(len(burn_severity.CLASSES)))
def test_stored_ratios_whose_fall_is_on_an_edge_are_all_of_the_class_above(place: int) -> None:
    """Every two stored burn ratios that are apart by an edge, and by a step less."""
    packing = library.indicators["nbr"].packing
    edge = round(burn_severity.CLASSES[place] / packing.scale)
    steps = np.arange(-10_000, 10_001)
    after = steps[(steps + edge >= -10_000) & (steps + edge - 1 >= -10_000) & (steps + edge <= 10_000)]
    for fall, expected in ((edge, place + 1), (edge - 1, place)):
        pair = [xr.DataArray(unpack(one.astype(np.int16), packing), dims="x") for one in (after + fall, after)]
        found = library.indicators["burn_severity_class"].formula(*pair)
        assert (found == expected).all()
        assert found.size > 13_000


def test_temperature_is_in_celsius_and_hot_from_forty_on() -> None:
    kelvin = xr.DataArray(np.array([273.15, 313.0, 313.15, 330.0, 400.0, 150.0, NAN]), dims="x")
    celsius = library.indicators["lst"].formula(kelvin)
    np.testing.assert_allclose(celsius, [0, 39.85, 40, 56.85, NAN, NAN, NAN], atol=1e-9)
    np.testing.assert_array_equal(library.indicators["hot_days_share"].formula(kelvin), [0, 0, 1, 1, NAN, NAN, NAN])


def test_decibels() -> None:
    power = xr.DataArray(np.array([1.0, 0.1, 0.02, 1e-5, 1e-6, 0.0, -0.001, NAN]), dims="x").chunk({"x": 4})
    found = library.indicators["backscatter"].formula(power)
    assert found.chunks is not None
    np.testing.assert_allclose(found, [0, -10, -16.9897, -50, NAN, NAN, NAN, NAN], atol=1e-4)
