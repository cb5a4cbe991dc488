"""The spectral formulas against spyndex, which was written by others from the same papers."""

import numpy as np
import pytest
import spyndex
import xarray as xr

from sco import library

LETTERS = {"blue": "B", "green": "G", "red": "R", "nir": "N", "swir16": "S1", "swir22": "S2"}
CONSTANTS = {"EVI": {"g": 2.5, "C1": 6.0, "C2": 7.5, "L": 1.0}}
NAMES = {"ndvi": "NDVI", "evi": "EVI", "ndmi": "NDMI", "ndwi": "NDWI", "nbr": "NBR"}
EDGES = np.array([0.0, 1e-4, 1e-3, 0.2, 0.4, 0.5, 1.0, 1.6])
"""No light, one step of the packing, the thresholds of snow, white, and brighter than white as slopes in the sun."""


WORSE = np.array([-0.05, -1e-4, np.nan, np.inf])
"""What a bad correction leaves, and no value at all."""


def reflectances(bands: tuple[str, ...], among: np.ndarray = EDGES) -> list[xr.DataArray]:
    """100 000 random ones, and after them every combination of the edges."""
    random = np.random.default_rng(11).uniform(1e-4, 1.2, (len(bands), 100_000))
    edges = np.array(np.meshgrid(*[among] * len(bands))).reshape(len(bands), -1)
    return [
        xr.DataArray(values, dims="pixel", name=band)
        for band, values in zip(bands, np.hstack([random, edges]), strict=True)
    ]


def by_spyndex(name: str, bands: tuple[str, ...], values: list[xr.DataArray]) -> np.ndarray:
    numbers = {LETTERS[band]: one.to_numpy() for band, one in zip(bands, values, strict=True)}
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(spyndex.computeIndex(name, params={**numbers, **CONSTANTS.get(name, {})}))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["float64", "float32"])
def test_an_index_is_spyndex_within_its_range_and_nan_beyond(name: str, kind: str) -> None:
    indicator = library.indicators[name]
    values = reflectances(indicator.bands, np.append(EDGES, WORSE))
    theirs = by_spyndex(NAMES[name], indicator.bands, [one.astype(kind) for one in values])
    ours = indicator.formula(*(one.astype(kind) for one in values)).to_numpy()
    assert ours.dtype == kind
    low, high = indicator.valid_range
    inside = (theirs >= low) & (theirs <= high)
    np.testing.assert_allclose(ours[inside], theirs[inside], rtol=0, atol=1e-6)
    assert np.isnan(ours[~inside]).all()
    assert inside.mean() > (0.7 if name == "evi" else 0.99)


def test_water_is_where_the_index_of_xu_is_above_0() -> None:
    green, swir16 = reflectances(("green", "swir16"))
    index = by_spyndex("MNDWI", ("green", "swir16"), [green, swir16])
    known = np.isfinite(index)
    water = library.indicators["water_extent"].formula(green, swir16).to_numpy()
    np.testing.assert_array_equal(water[known], index[known] > 0)
    assert known.sum() == known.size - 1  # no light at all
    assert np.isnan(water[~known]).all()


def test_snow_is_where_ndsi_and_red_are_high_enough() -> None:
    bands = ("green", "red", "swir16")
    green, red, swir16 = reflectances(bands)
    ndsi = by_spyndex("NDSI", ("green", "swir16"), [green, swir16])
    known = np.isfinite(ndsi)
    snowy = (ndsi > 0.4) & (red.to_numpy() > 0.2)
    cover = library.indicators["snow_cover"].formula(green, red, swir16).to_numpy()
    days = library.indicators["snow_days_share"].formula(green, red, swir16).to_numpy()
    np.testing.assert_array_equal(days[known], snowy[known])
    gascoin = 0.5 * np.tanh(2.65 * ndsi - 1.42) + 0.5
    np.testing.assert_allclose(cover[known], np.where(snowy, gascoin, 0)[known], rtol=0, atol=1e-6)
    assert 0.1 < snowy.mean() < 0.3
    assert np.isnan(cover[~known]).all()
    assert np.isnan(days[~known]).all()


@pytest.mark.parametrize(
    ("green", "red", "swir16", "cover"),
    [
        (0.89, 0.87, 0.12, 0.7687),  # fresh snow: NDSI 0.7624, tanh 0.6003 is 0.5373
        (0.30, 0.25, 0.12, 0.3616),  # patchy snow: NDSI 0.4286, tanh -0.2843 is -0.2769
        (0.060, 0.030, 0.014, 0.0),  # water has a high NDSI, 0.62, and no red
        (0.40, 0.38, 0.35, 0.0),  # cloud is bright and has no NDSI, 0.07
        (0.10, 0.13, 0.25, 0.0),
    ],
    ids=["snow", "patchy snow", "water", "cloud", "bare ground"],
)
def test_snow_is_told_from_water_and_cloud(green: float, red: float, swir16: float, cover: float) -> None:
    values = [xr.DataArray(np.array([value])) for value in (green, red, swir16)]
    found = library.indicators["snow_cover"].formula(*values).item()
    assert found == pytest.approx(cover, abs=1e-4)
    assert library.indicators["snow_days_share"].formula(*values).item() == (cover > 0)


def test_beyond_the_range_there_is_no_number() -> None:
    def one(name: str, *values: float) -> float:
        return float(library.indicators[name].formula(*(xr.DataArray(np.array([value])) for value in values)).item())

    assert np.isnan(one("evi", 0.88, 0.87, 0.70))  # snow: 2.5 x -0.17 / 0.32 is -1.33
    assert np.isnan(one("evi", 0.80, 0.60, 1.40))  # haze: the denominator is 0, but for the rounding
    assert one("evi", 0.03, 0.04, 0.40) == pytest.approx(0.63604, abs=1e-5)  # a meadow: 0.9 / 1.415
    assert np.isnan(one("ndvi", -0.05, 0.1))  # a reflectance below 0, as a bad correction leaves: 3
    assert np.isnan(one("nbr", 0.0, 0.0))
