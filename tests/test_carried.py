"""Standard errors carried through to derived indicators, from a small store of which every number is known."""

import hashlib
from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from flows.look import tell_inputs
from sco import library, uncertainty
from sco.derive import Derivation, derive
from sco.grid import Tiling
from sco.lineage import Calendar
from sco.model import Indicator
from sco.packing import pack
from sco.partition import Outcome, Partition, Pixels, Record
from sco.period import Slice, divide
from sco.store import Store
from sco.tile import Tile
from sco.zones import Zone, Zoning

SHAPE = (12, 10)
TILING = Tiling(GeoBox(SHAPE, Affine(20.0, 0.0, 500000.0, 0.0, -20.0, 4804000.0), "EPSG:32633"), 16)
MONTHS = divide(date(2019, 1, 1), date(2022, 12, 31), "month")
REFERENCE = (date(2019, 1, 1), date(2021, 12, 31))
CALENDAR = Calendar(MONTHS, "month", REFERENCE)
JULYS = tuple(one for one in MONTHS if one.start.month == 7)
ATTRS = {"title": "A place", "project": "place", "every": "month", "simulated": "true"}
LOW, HIGH = {"ndvi": (0.2, 0.8), "nbr": (0.1, 0.6), "lst": (10.0, 30.0), "hot_days_share": (0.0, 1.0)}, {"lst": 1.0}


def values_of(name: str, period: Slice) -> np.ndarray:
    random = np.random.default_rng([*name.encode(), period.start.toordinal()])
    return random.uniform(*LOW[name], SHAPE).astype(np.float32)


def errors_of(name: str, period: Slice) -> np.ndarray:
    random = np.random.default_rng([*name.encode(), period.start.toordinal(), 1])
    errors = random.uniform(0.01, 0.05, SHAPE).astype(np.float32) * HIGH.get(name, 0.5)
    errors[0, 0] = np.nan
    return errors


def outcome(indicator: Indicator, period: Slice) -> Outcome:
    counts = [np.full(SHAPE, number, np.uint16) for number in (4, 1, 0)]
    values = pack(values_of(indicator.id, period), indicator.packing)
    errors = pack(errors_of(indicator.id, period), uncertainty.packing_of(indicator))
    partition = Partition(period, Tile(0, 0), indicator.id)
    return Outcome(partition, Record("f" * 64, "run"), {"scenes": []}, Pixels(values, *counts, errors))


def derived(
    folder: object, name: str, period: Slice, rural: Zoning | None = None, asked: bool = True
) -> tuple[Outcome, Store]:
    indicator = library.indicators[name]
    inputs = [library.indicators[one] for one in sorted({one.indicator for one in indicator.inputs})]
    store = Store.lay_out(str(folder), TILING, MONTHS, [*inputs, indicator], ATTRS)
    store.commit([outcome(one, july) for one in inputs for july in JULYS], "run", "inputs")
    due = {period.label: "a" * 64}
    (found,) = derive(Derivation(name, Tile(0, 0), due, CALENDAR, rural, asked), "run", store.url, store.tip())
    return found, store


def error_in(found: Outcome) -> np.ndarray:
    assert found.pixels is not None
    assert found.pixels.error is not None
    packing = library.indicators[found.partition.indicator].packing
    packed = found.pixels.error
    return np.where(packed == packing.fill, np.nan, packed * packing.scale)


def test_an_anomaly_is_as_unsure_as_its_value_and_its_reference(tmp_path) -> None:
    found, store = derived(tmp_path / "store", "ndvi_anomaly", JULYS[-1])
    years = np.stack([values_of("ndvi", july) for july in JULYS[:3]])
    usual = years.std(axis=0, ddof=1) / np.sqrt(3)
    expected = np.hypot(errors_of("ndvi", JULYS[-1]), usual)
    np.testing.assert_allclose(error_in(found), expected, atol=1.5e-4)
    assert np.isnan(error_in(found)[0, 0])
    assert found.manifest["uncertainty"] == uncertainty.VERSION
    store.commit([found], "run", "anomaly")
    kept = store.dataset()["ndvi_anomaly_error"].sel(time="2022-07-01")
    np.testing.assert_allclose(kept, expected, atol=1.5e-4)
    assert store.verify() == []


def test_burn_severity_is_as_unsure_as_both_years(tmp_path) -> None:
    found, _ = derived(tmp_path / "store", "burn_severity", JULYS[1])
    expected = np.hypot(errors_of("nbr", JULYS[0]), errors_of("nbr", JULYS[1]))
    np.testing.assert_allclose(error_in(found), expected, atol=1.5e-4)


def test_the_first_year_has_no_burn_severity_and_no_error(tmp_path) -> None:
    found, _ = derived(tmp_path / "store", "burn_severity", JULYS[0])
    assert np.isnan(error_in(found)).all()


def test_a_heat_island_is_as_unsure_as_the_place_and_the_country_around(tmp_path) -> None:
    around = Zoning(
        (Zone("rural", box(500000, 4803880, 500100, 4804000)),), TILING.geobox
    )  # columns 0 to 4, rows 0 to 5
    found, _ = derived(tmp_path / "store", "heat_island", JULYS[2], around)
    errors = errors_of("lst", JULYS[2])
    expected = np.hypot(errors, np.nanmean(errors[:6, :5]))
    np.testing.assert_allclose(error_in(found), expected, atol=0.011)  # half a step of 0.01 K, and of the input's 0.005


def test_days_are_as_unsure_as_their_share_times_the_days_of_the_period(tmp_path) -> None:
    found, _ = derived(tmp_path / "store", "hot_days", JULYS[-1])
    np.testing.assert_allclose(error_in(found), 31 * errors_of("hot_days_share", JULYS[-1]), atol=0.013)


def test_the_rural_reference_of_a_heat_island_is_recorded_with_it_and_told(tmp_path, capsys) -> None:
    outline = box(500000, 4803880, 500100, 4804000)  # columns 0 to 4, rows 0 to 5
    around = Zoning((Zone("rural", outline),), TILING.geobox)
    found, _ = derived(tmp_path / "store", "heat_island", JULYS[2], around)
    mean = values_of("lst", JULYS[2])[:6, :5].mean()
    assert found.manifest["rural"] == {"lst": pytest.approx(mean, abs=0.003)}
    ground = found.manifest["rural_area"]
    assert ground["km2"] == pytest.approx(0.012, rel=1e-3)
    assert (ground["bounds"], ground["crs"]) == ([500000, 4803880, 500100, 4804000], "EPSG:32633")
    assert ground["sha256"] == hashlib.sha256(outline.wkb).hexdigest()
    tell_inputs(found.manifest)
    told = capsys.readouterr().err
    assert (
        f"the country around, 0.012 km2 within 500000 4803880 500100 4804000 (EPSG:32633), has lst {mean:.1f}" in told
    )
    other, _ = derived(tmp_path / "other", "ndvi_anomaly", JULYS[2])
    assert (other.manifest["rural"], other.manifest["rural_area"]) == ({}, None)
    tell_inputs(other.manifest)
    told = capsys.readouterr().err
    assert "country around" not in told
    assert f"measured against {' to '.join(other.manifest['reference'])}" in told


def test_others_and_those_who_want_none_have_no_error(tmp_path) -> None:
    vci, _ = derived(tmp_path / "vci", "vci", JULYS[-1])
    plain, _ = derived(tmp_path / "plain", "ndvi_anomaly", JULYS[-1], asked=False)
    for found in (vci, plain):
        assert found.pixels is not None
        assert found.pixels.error is None
        assert "uncertainty" not in found.manifest


@pytest.fixture
def _without_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    lay_out = Store.lay_out
    monkeypatch.setattr(Store, "lay_out", lambda *given: lay_out(*given, with_errors=False))
    return


@pytest.mark.usefixtures("_without_errors")
def test_inputs_of_before_there_were_errors_carry_none(tmp_path) -> None:
    found, store = derived(tmp_path / "store", "ndvi_anomaly", JULYS[-1])
    assert np.isnan(error_in(found)).all()
    assert np.isfinite(values_of("ndvi", JULYS[-1])).all()
    assert "ndvi_error" not in store.dataset()
