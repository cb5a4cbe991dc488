"""What every file of sensors/, indicators/, catalogs/ and configs/ must keep; a new file is tested as it appears."""

import pickle
import re
import sys
from datetime import date
from pathlib import Path
from typing import get_args

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sighted import sighted

from sco import library
from sco.choices import NOWHERE
from sco.composite import KERNELS
from sco.compute import indicate
from sco.errors import ConfigurationError, CubeError
from sco.formula import Formula
from sco.layout import attributes
from sco.period import Every, divide
from sco.project import CONFIGS, Project
from sco.quality import State, everywhere

ROOT = Path(__file__).parents[1]
SEEN = everywhere(0, (20, 30))
FOLDERS = {"sensors": library.sensors, "indicators": library.indicators, "catalogs": library.catalogs}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folder_is_the_registry(folder):
    files = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
    homes = {name: max((one for one in files if f"{name}_".startswith(f"{one}_")), key=len) for name in FOLDERS[folder]}
    assert set(homes.values()) == files
    for name, declared in FOLDERS[folder].items():
        assert declared.id == name
        assert pickle.loads(pickle.dumps(declared)) == declared


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_missing_name_tells_the_nearest(folder):
    known = next(iter(FOLDERS[folder]))
    with pytest.raises(ConfigurationError, match=f"did you mean {known!r}"):
        FOLDERS[folder][known + "x"]


@pytest.mark.parametrize("sensor", library.sensors.values(), ids=lambda one: one.id)
def test_sensor(sensor):
    names = [band.name for band in sensor.bands]
    assert len(set(names)) == len(names)
    for quality in sensor.qualities:
        assert quality.band in names
        assert sensor.band(quality.band).resampling == "nearest"
        assert quality.masked <= quality.flags.keys()
        assert quality.dilated_m.keys() <= quality.masked
    if sensor.offset is not None:
        assert sensor.offset.witness in names
        assert set(sensor.offset.dark) <= sensor.qualities[0].flags.keys()
    assert "{year}" in sensor.credit
    assert sensor.licence.startswith("https://")
    assert all(band.resolution_m > 0 and band.scale > 0 for band in sensor.bands)
    assert sensor.identify("nothing-known", {}).platform == ""


@pytest.mark.parametrize("catalog", library.catalogs.values(), ids=lambda one: one.id)
def test_catalog(catalog):
    assert catalog.url.startswith(("https://", "http://127.0.0.1")) or catalog.url == NOWHERE
    assert 1 <= catalog.page_limit <= 1000
    why = str(sys.modules[f"catalogs.{catalog.id}"].__doc__)
    assert catalog.collections or "nothing yet that our sensors can read" in why
    for sensor_id, collections in catalog.collections.items():
        sensor = library.sensors[sensor_id]
        assert len({collection.id for collection in collections}) == len(collections) >= 1
        for collection in collections:
            assert collection.assets.keys() <= sensor.band_names
            assert set(sensor.quality_bands) <= collection.assets.keys()
            assert collection.variables.keys() <= collection.assets.keys()
            assert bool(collection.variables) == (sensor.reader == "grid")


@pytest.fixture(params=library.indicators.values(), ids=lambda one: one.id)
def indicator(request):
    return request.param


PLAUSIBLE = {"1": (0.0001, 0.9), "K": (250, 320), "degC": (-2, 30), "mm/day": (0, 80), "m": (-1, 1)}
"""By unit of a band, values that occur."""
TIMES = pd.date_range("2018-01-01", periods=40, freq="MS")


def arguments(indicator, times=TIMES) -> list[xr.DataArray]:
    """Plausible random values for a formula: bands over (y, x), inputs over (time, y, x) or (time,)."""
    random = np.random.default_rng(3)
    if indicator.is_derived:
        return [input_series(one, random, times) for one in indicator.inputs]
    sensor = next(one for one in library.sensors.values() if set(indicator.bands) <= one.band_names)
    ranges = [PLAUSIBLE[sensor.band(name).unit] for name in indicator.bands]
    return [xr.DataArray(random.uniform(*ends, (20, 30)).astype("float32"), dims=("y", "x")) for ends in ranges]


def input_series(one, random, times) -> xr.DataArray:
    if one.statistic == "in_reference":
        return xr.DataArray(np.arange(len(times)) < 0.9 * len(times), {"time": times}, ("time",))
    low, high = library.indicators[one.indicator].valid_range
    low, high = {"precipitation": (0, 300), "sst": (5, 25)}.get(one.indicator, (low / 2, high / 2))
    if one.statistic in ("std", "n_years"):
        low, high = (high - low) / 20, (high - low) / 10
    if one.statistic in ("min", "max"):
        low, high = (low, (low + high) / 2) if one.statistic == "min" else ((low + high) / 2, high)
    shape = (len(times),) if one.statistic == "rural" else (len(times), 4, 5)
    values = random.uniform(low, high, shape).astype("float32")
    return xr.DataArray(values, {"time": times}, ("time", "y", "x")[: len(shape)])


def test_indicator_is_documented_in_both_languages(indicator):
    for words in (indicator.title, indicator.description):
        assert words.en
        assert words.fr
        assert words.en != words.fr
    assert all(one.startswith("https://") for one in indicator.references)
    assert indicator.references
    assert indicator.cell_methods
    assert indicator.version >= 1


def test_indicator_is_computed_from_bands_or_derived_from_indicators(indicator):
    assert bool(indicator.bands) != indicator.is_derived
    if indicator.is_derived:
        assert indicator.composite is None
        assert {one.indicator for one in indicator.inputs} <= set(library.indicators) - {indicator.id}
        assert any(one.statistic in ("value", "series") for one in indicator.inputs)
    else:
        assert indicator.composite in KERNELS
        assert any(set(indicator.bands) <= sensor.band_names for sensor in library.sensors.values())


def test_indicator_respects_its_valid_range_and_packs_it(indicator):
    values = indicator.formula(*arguments(indicator))
    low, high = indicator.valid_range
    assert float(values.min()) >= low
    assert float(values.max()) <= high
    packing = indicator.packing
    kind = np.iinfo(packing.dtype)
    for end in (low, high):
        number = round((end - packing.offset) / packing.scale)
        assert kind.min <= number <= kind.max
        assert number != packing.fill


def test_indicator_is_lazy_in_lazy_out(indicator):
    lazy = [one.chunk() for one in arguments(indicator)]
    result = indicator.formula(*lazy)
    assert isinstance(result.data, da.Array)
    xr.testing.assert_allclose(result.compute(), indicator.formula(*[one.compute() for one in lazy]))


def test_indicator_gives_nan_where_nothing_was_seen(indicator):
    whole = arguments(indicator)
    holed = [one.copy() for one in whole]
    for one in holed:
        if {"y", "x"} <= set(one.dims):
            one.loc[{"y": 0, "x": 0}] = np.nan
    before, after = indicator.formula(*whole), indicator.formula(*holed)
    assert bool(after.isel(y=0, x=0).isnull().all())
    assert int(before.notnull().sum()) > 0
    if not indicator.is_derived:
        computed = np.empty(before.shape, np.float32)
        Formula(indicator)(sighted(indicator, [one.to_numpy() for one in holed], SEEN), computed)
        assert np.isnan(computed[0, 0])
        np.testing.assert_allclose(computed.ravel()[1:], before.values.ravel()[1:], rtol=1e-6)


def a_cube(indicator) -> xr.Dataset:
    """Three dates of plausible bands, lazily; the pixel at the upper left was masked, not acquired and not read."""
    named = zip(indicator.bands, arguments(indicator), strict=True)
    bands = {name: xr.concat([one] * 3, "time").chunk() for name, one in named}
    quality = xr.full_like(next(iter(bands.values())), State.SEEN, np.uint8).compute()
    quality[:, 0, 0] = [State.MASKED, State.NOT_ACQUIRED, State.FAILED]
    times = pd.to_datetime(["2023-07-02", "2023-07-12", "2023-07-22"])
    return xr.Dataset({**bands, "quality": quality.chunk()}, {"time": times, "spatial_ref": 0})


OF_BANDS = [one for one in library.indicators.values() if not one.is_derived]
"""Those that are derived are held to the same in `tests/test_derivation.py`, from a store."""


@pytest.mark.parametrize("indicator", OF_BANDS, ids=lambda one: one.id)
def test_indicator_keeps_its_unit_and_gives_nan_and_count_0_for_no_observation(indicator):
    found = indicate(a_cube(indicator), indicator)
    assert found[indicator.id].chunks is not None
    values, seen = found[indicator.id][0].compute(), found[f"{indicator.id}_n_seen"][0].compute()
    assert found[indicator.id].attrs["units"] == indicator.unit == attributes(indicator)["units"]
    assert np.isnan(values[0, 0])
    assert int(seen[0, 0]) == 0
    unknown = indicator.formula(*arguments(indicator)).isnull()
    assert not unknown.all()
    unknown[0, 0] = True
    assert (values.isnull().values == unknown.values).all()
    assert (seen.values.ravel()[1:] == 3).all()


def test_indicator_refuses_what_lacks_its_bands_or_inputs_and_names_them(indicator, tmp_path):
    project = {
        "id": "lacking",
        "title": {"en": "Lacking", "fr": "Manque"},
        "indicators": [indicator.id],
        "store": "store",
        "period": {"start": "2022-01-01", "end": "2023-12-31"},
        "area": {"bounds": [0.0, 0.0, 1.0, 1.0], "crs": "EPSG:4326", "resolution": 0.1},
        "sources": [
            {
                "sensor": "chirps" if "sst" in indicator.bands else "oisst",
                "catalogs": [{"id": "local", "file": "items.json"}],
            }
        ],
    }
    names = ", ".join(sorted({one.indicator for one in indicator.inputs})) or ", ".join(indicator.bands)
    said = "is made from" if indicator.is_derived else "needs"
    with pytest.raises(ConfigurationError, match=f"'{indicator.id}' {said} {names}"):
        Project.check(project, tmp_path / "lacking.toml")
    if indicator.is_derived:
        with pytest.raises(CubeError, match=f"'{indicator.id}' is made from .*, not from bands"):
            indicate(xr.Dataset(), indicator)
    else:
        for band in indicator.bands:
            with pytest.raises(CubeError, match=f"'{indicator.id}' needs {band}; the cube has"):
                indicate(a_cube(indicator).drop_vars(band), indicator)


def test_indicator_whose_values_are_classes_says_what_they_stand_for(indicator):
    values = indicator.formula(*arguments(indicator)).values
    there = set(values[np.isfinite(values)].tolist())
    whole = indicator.is_derived and indicator.unit == "1" and all(value.is_integer() for value in there)
    assert bool(indicator.classes) == whole
    if indicator.classes:
        numbers = [one.value for one in indicator.classes]
        assert there <= set(numbers)
        assert numbers == sorted(set(numbers))
        assert (numbers[0], numbers[-1]) == indicator.valid_range
        assert (indicator.packing.scale, indicator.packing.offset) == (1, 0)
        assert all(re.fullmatch("#[0-9a-f]{6}", one.colour) for one in indicator.classes)
        assert len({one.colour for one in indicator.classes}) == len(numbers)
        assert all(one.words.en and one.words.fr and one.words.en != one.words.fr for one in indicator.classes)


def test_classes_are_flags_of_the_store_as_cf_has_them(indicator):
    told = attributes(indicator)
    assert ("flag_values" in told) == ("flag_meanings" in told) == bool(indicator.classes)
    if indicator.classes:
        meanings = told["flag_meanings"].split(" ")
        assert told["flag_values"] == [one.value for one in indicator.classes]
        assert len(meanings) == len(set(meanings)) == len(told["flag_values"])
        assert all(re.fullmatch("[a-z][a-z0-9_]*", meaning) for meaning in meanings)


FIVE_YEARS = {"day": date(2018, 3, 31), "year": date(2037, 12, 31)}
"""By kind of period, until when a series goes that a formula is tried on."""


@pytest.mark.parametrize("every", get_args(Every))
def test_indicator_is_computed_for_every_period_that_it_allows_and_refuses_the_others(indicator, every):
    periods = divide(date(2018, 1, 1), FIVE_YEARS.get(every, date(2022, 12, 31)), every)
    values = arguments(indicator, pd.DatetimeIndex([period.start for period in periods]))
    assert set(indicator.every) <= set(get_args(Every))
    if indicator.every and every not in indicator.every:
        with pytest.raises((ValueError, CubeError), match=every):
            indicator.formula(*values)
    else:
        assert indicator.formula(*values).dtype == np.float32


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_config_loads_and_is_named_as_its_file(config):
    project = Project.load(config)
    assert project.id == config.stem
    assert project.publish is not None
    assert project.title.en != project.title.fr
    assert project.summary is None or project.summary.en != project.summary.fr
    assert all(file is None or file.is_file() for file in (project.zones_file, project.rural_file))
    assert 1 <= project.geobox.shape[0] * project.geobox.shape[1] < 2**32


def test_every_kind_of_indicator_has_a_project_that_shows_it():
    shown = {name for path in CONFIGS.glob("*.toml") for name in Project.load(path).indicators}
    assert {"spi_3", "sst_anomaly", "marine_heatwave", "sea_level_trend", "land_productivity", "vci"} <= shown
    assert {
        "heat_island",
        "hot_days",
        "burn_severity",
        "flood_extent",
        "forest_loss",
        "snow_days",
        "water_extent",
    } <= shown
