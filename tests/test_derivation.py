"""Every derived indicator through the machinery, from a store of which every number is known: what counts, what not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from sco import library
from sco.chain import _basis, calendar_of
from sco.climatology import short_record_warning
from sco.derive import Derivation, derive
from sco.grid import Tiling
from sco.layout import attributes
from sco.lineage import Calendar
from sco.model import Indicator
from sco.packing import pack, unpack
from sco.partition import Empty, Outcome, Partition, Pixels, Record
from sco.period import Slice, divide
from sco.project import Project
from sco.store import Store
from sco.tile import Tile
from sco.zones import Zone, Zoning

SHAPE = (6, 8)
TILE = Tile(0, 0)
TILING = Tiling(GeoBox(SHAPE, Affine(20.0, 0.0, 500000.0, 0.0, -20.0, 4804000.0), "EPSG:32633"), 16)
MONTHS = divide(date(2018, 1, 1), date(2022, 12, 31), "month")
REFERENCE = (date(2018, 1, 1), date(2021, 12, 31))
CALENDAR = Calendar(MONTHS, "month", REFERENCE)
RURAL = Zoning((Zone("rural", box(500040, 4803900, 500160, 4803980)),), TILING.geobox)
DERIVED = [one for one in library.indicators.values() if one.is_derived]
INPUTS = [library.indicators[name] for name in sorted({put.indicator for one in DERIVED for put in one.inputs})]
ATTRS = {"title": "A place", "project": "place", "every": "month", "simulated": "true"}
LIKELY = {"precipitation": (10, 300), "sst": (5, 25), "backscatter": (-16, -8)}
NEVER, NOT_NOW = (0, 0), (0, 1)
"""A pixel that was never seen, and one that was not seen in the last month."""


@cache
def values_of(name: str, period: Slice) -> np.ndarray:
    low, high = LIKELY.get(name, tuple(end / 2 for end in library.indicators[name].valid_range))
    random = np.random.default_rng([*name.encode(), period.start.toordinal()])
    values = random.uniform(low, high, SHAPE).astype(np.float32)
    values[NEVER] = np.nan
    values[NOT_NOW] = np.nan if period == MONTHS[-1] else values[NOT_NOW]
    return values


def seen_of(name: str, period: Slice) -> np.ndarray:
    every_day = library.indicators[name].takes_every_day
    number = (period.end - period.start).days if every_day else 3
    return np.where(np.isnan(values_of(name, period)), 0, number).astype(np.uint16)


def outcome(name: str, period: Slice, seen: np.ndarray | None = None) -> Outcome:
    values = pack(values_of(name, period), library.indicators[name].packing)
    counts = [seen_of(name, period) if seen is None else seen, *(np.zeros(SHAPE, np.uint16) for _ in range(2))]
    partition = Partition(period, TILE, name)
    return Outcome(partition, Record("f" * 64, "run"), {"scenes": []}, Pixels(values, *counts, None))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Five years of months of all that anything is derived from."""
    folder = tmp_path_factory.mktemp("derivation") / "store"
    laid = Store.lay_out(str(folder), TILING, MONTHS, [*INPUTS, *DERIVED], ATTRS, with_errors=False)
    laid.commit([outcome(one.id, month) for one in INPUTS for month in MONTHS], "run", "inputs")
    return laid


def outcomes(store: Store, name: str, periods: tuple[Slice, ...], calendar: Calendar = CALENDAR) -> list[Outcome]:
    due = {period.label: "a" * 64 for period in periods}
    return derive(Derivation(name, TILE, due, calendar, RURAL, uncertainty=False), "run", store.url, store.tip())


def derived(store: Store, name: str, periods: tuple[Slice, ...] = MONTHS, calendar: Calendar = CALENDAR) -> xr.Dataset:
    """Values and n_seen of these periods."""
    found = outcomes(store, name, periods, calendar)
    assert all(one.pixels is not None for one in found)
    packing = library.indicators[name].packing
    layers = {
        "values": np.stack([unpack(one.pixels.values, packing) for one in found]),
        "n_seen": np.stack([one.pixels.n_seen for one in found]),
    }
    dims = ("time", "y", "x")
    times = np.array([period.start for period in periods], "datetime64[ns]")
    empty = ("time", [one.record.empty for one in found])
    return xr.Dataset({"empty": empty, **{name: (dims, one) for name, one in layers.items()}}, {"time": times})


@pytest.fixture(params=DERIVED, ids=lambda one: one.id)
def indicator(request: pytest.FixtureRequest) -> Indicator:
    return request.param


def test_no_observation_is_nan_and_count_0_and_units_are_kept(store: Store, indicator: Indicator) -> None:
    periods = MONTHS[-1:] if indicator.of_series else MONTHS[-2:]
    found = derived(store, indicator.id, periods)
    assert int(found["values"].notnull().sum()) > 0
    never = found.isel(y=NEVER[0], x=NEVER[1])
    assert never["values"].isnull().all()
    assert (never["n_seen"] == 0).all()
    last = found.isel(time=-1, y=NOT_NOW[0], x=NOT_NOW[1])
    if not indicator.of_series:
        assert np.isnan(last["values"])
        assert int(last["n_seen"]) == 0
    low, high = indicator.valid_range
    step = indicator.packing.scale
    assert low - step <= float(found["values"].min()) <= float(found["values"].max()) <= high + step
    assert attributes(indicator)["units"] == indicator.unit


def test_what_is_counted_is_the_input_that_was_seen_least(store: Store) -> None:
    assert (derived(store, "ndvi_anomaly", MONTHS[:1])["n_seen"].values.ravel()[1:] == 3).all()
    whole = derived(store, "sea_level_trend", MONTHS[-1:])["n_seen"][0].values
    assert whole[2, 2] == 3 * 60
    assert whole[NOT_NOW] == 3 * 59


@pytest.mark.parametrize("name", ["snow_days", "hot_days"])
@pytest.mark.parametrize(("label", "length"), [("2020-02", 29), ("2021-02", 28), ("2021-07", 31)])
def test_days_are_the_share_times_the_days_of_the_period(store: Store, name: str, label: str, length: int) -> None:
    found = derived(store, name, (month(label),))["values"][0]
    np.testing.assert_allclose(found, length * values_of(f"{name}_share", month(label)), atol=0.0125)


@pytest.mark.parametrize("name", ["vci", "ndvi_anomaly", "spi_3", "marine_heatwave", "rbr", "sea_level_trend"])
def test_a_short_reference_is_told_with_every_value_that_rests_on_one(store: Store, name: str) -> None:
    (found,) = outcomes(store, name, MONTHS[-1:])
    words = short_record_warning(*REFERENCE)
    assert words is not None
    rests = name not in ("rbr", "sea_level_trend")
    assert found.manifest["warning"] == ({"en": words.en, "fr": words.fr} if rests else None)
    assert found.manifest["reference"] == (["2018-01-01", "2021-12-31"] if rests else None)
    thirty = replace(CALENDAR, reference=(date(1992, 1, 1), date(2021, 12, 31)))
    assert outcomes(store, name, MONTHS[-1:], thirty)[0].manifest["warning"] is None


def month(label: str) -> Slice:
    return next(one for one in MONTHS if one.label == label)


def with_seen(tmp_path, name: str, dependent: str, seen: Mapping[str, int]) -> Store:
    """A store of one input, of which so many observations made the values of some months."""
    indicators = [library.indicators[one] for one in (name, dependent)]
    laid = Store.lay_out(str(tmp_path / "store"), TILING, MONTHS, indicators, ATTRS, with_errors=False)
    counts = {label: np.full(SHAPE, number, np.uint16) for label, number in seen.items()}
    laid.commit([outcome(name, one, counts.get(one.label)) for one in MONTHS], "run", "inputs")
    return laid


def test_a_sum_that_lacks_a_day_makes_no_index_and_no_reference(tmp_path) -> None:
    """June 2020 was seen on 29 days of 30, August 2022 on 30 of 31, as a month that is not over is."""
    holed = with_seen(tmp_path, "precipitation", "spi_3", {"2020-06": 29, "2022-08": 30})
    index = derived(holed, "spi_3")
    missing = index["values"].isnull().all(("y", "x"))
    labels = [str(time)[:7] for time in index["time"].values[missing.values]]
    assert labels == ["2018-01", "2018-02", "2020-06", "2020-07", "2020-08", "2022-08", "2022-09", "2022-10"]
    assert index["empty"].sel(time="2022-08-01").item() == Empty.NO_COMPARISON
    # and the other Junes to Augusts are measured against three years instead of four
    rain = np.stack([values_of("precipitation", one) for one in MONTHS])
    rain[[MONTHS.index(month(label)) for label in ("2020-06", "2022-08")]] = np.nan
    times = index["time"]
    series = xr.DataArray(np.round(rain / 0.2) * 0.2, {"time": times}, ("time", "y", "x"))
    held = times < np.datetime64("2022-01-01")
    expected = library.indicators["spi_3"].formula(series, held)
    np.testing.assert_allclose(index["values"], expected, atol=1.5e-3)


def test_a_year_of_too_few_observations_is_no_part_of_the_reference(tmp_path) -> None:
    few = with_seen(tmp_path, "ndvi", "ndvi_anomaly", {"2019-07": 1, "2020-07": 2})
    july = (month("2022-07"),)
    years = {year: values_of("ndvi", month(f"{year}-07")) for year in (2018, 2019, 2020, 2021, 2022)}

    def departure(*kept: int) -> np.ndarray:
        return years[2022] - np.mean([years[one] for one in kept], axis=0)

    for least, kept in ((1, (2018, 2019, 2020, 2021)), (2, (2018, 2020, 2021))):
        found = derived(few, "ndvi_anomaly", july, replace(CALENDAR, minimum_seen=least))
        np.testing.assert_allclose(found["values"][0], departure(*kept), atol=2e-4)
    three = replace(CALENDAR, minimum_seen=3)
    assert derived(few, "ndvi_anomaly", july, three)["values"].isnull().all()  # two years, and three are asked for
    two = derived(few, "ndvi_anomaly", july, replace(three, minimum_years=2))
    np.testing.assert_allclose(two["values"][0], departure(2018, 2021), atol=2e-4)
    assert derived(few, "ndvi_anomaly", july, replace(CALENDAR, minimum_years=5))["values"].isnull().all()


def test_what_a_project_demands_of_its_reference_is_in_the_fingerprint_if_it_demands_anything(make_project) -> None:
    period = {"start": date(2021, 11, 1), "end": date(2022, 3, 31), "reference": [date(2021, 11, 1), date(2022, 3, 31)]}
    indicators = ["ndvi", "ndvi_anomaly"]

    def basis(**demands: int) -> dict[str, object]:
        project = Project.load(make_project(indicators=indicators, period=period | demands))
        calendar = calendar_of(project)
        assert (calendar.minimum_years, calendar.minimum_seen) == (
            demands.get("minimum_years"),
            demands.get("minimum_seen", 1),
        )
        return _basis(library.indicators["ndvi_anomaly"], project, ())

    plain = basis()
    assert "minimum_seen" not in plain
    assert basis(minimum_seen=1) == plain
    assert basis(minimum_seen=2) == plain | {"minimum_seen": 2, "minimum_years": None}
    assert basis(minimum_years=4) == plain | {"minimum_seen": 1, "minimum_years": 4}
