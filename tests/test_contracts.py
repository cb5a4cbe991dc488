"""What every file of sensors/, indicators/, catalogs/ and configs/ must keep; a new file is tested as it appears."""

import pickle
import sys
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray as xr

from sco import library
from sco.composite import KERNELS
from sco.compute import apply_formula
from sco.errors import ConfigurationError
from sco.observation import Mosaic
from sco.project import CONFIGS, NOWHERE, Project
from sco.quality import everywhere

ROOT = Path(__file__).parents[1]
FOLDERS = {"sensors": library.sensors, "indicators": library.indicators, "catalogs": library.catalogs}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folder_is_the_registry(folder):
    files = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
    assert set(FOLDERS[folder]) == files
    for name in files:
        declared = FOLDERS[folder][name]
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


def random_bands(indicator) -> list[xr.DataArray]:
    random = np.random.default_rng(3)
    return [
        xr.DataArray(random.uniform(0.0001, 0.9, (20, 30)).astype("float32"), dims=("y", "x")) for _ in indicator.bands
    ]


def test_indicator_is_documented_in_both_languages(indicator):
    for words in (indicator.title, indicator.description):
        assert words.en
        assert words.fr
        assert words.en != words.fr
    assert all(one.startswith("https://") for one in indicator.references)
    assert indicator.references
    assert indicator.cell_methods
    assert indicator.version >= 1
    assert indicator.composite in KERNELS


def test_indicator_some_sensor_has_its_bands(indicator):
    assert any(set(indicator.bands) <= sensor.band_names for sensor in library.sensors.values())


def test_indicator_respects_its_valid_range_and_packs_it(indicator):
    values = indicator.formula(*random_bands(indicator))
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
    lazy = [band.chunk() for band in random_bands(indicator)]
    result = indicator.formula(*lazy)
    assert isinstance(result.data, da.Array)
    xr.testing.assert_allclose(result.compute(), indicator.formula(*[band.compute() for band in lazy]))


def test_indicator_gives_nan_where_nothing_was_seen(indicator):
    bands = {name: band.to_numpy().copy() for name, band in zip(indicator.bands, random_bands(indicator), strict=True)}
    for values in bands.values():
        values[0, 0] = np.nan
    result = apply_formula(indicator, Mosaic(bands, everywhere(0, (20, 30))))
    assert np.isnan(result[0, 0])
    assert np.isfinite(result).sum() == 20 * 30 - 1
    assert result.dtype == np.float32


@pytest.mark.parametrize("config", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.stem)
def test_config_loads_and_is_named_as_its_file(config):
    project = Project.load(config)
    assert project.id == config.stem
    assert project.publish is not None
    assert 1 <= project.geobox.shape[0] * project.geobox.shape[1] < 2**32
