"""Grids whose value tells its own place, wherever their longitudes begin; and a real one, number by number."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from sco.errors import SceneError, UpstreamError
from sco.gridded import read_grid
from sco.model import Asset, Band
from sco.preflight import Rules

DAY = datetime(2023, 7, 2, tzinfo=UTC)
HEIGHT = Band("sla", 25_000, nodata=None, unit="m")
CLASS = Band("mask", 25_000, nodata=255, resampling="nearest")
GREENWICH_FIRST = np.arange(0.5, 360)
ANTIMERIDIAN_FIRST = np.arange(-179.5, 180)
NORTH_FIRST = np.arange(89.5, -90, -1)


def places(lat, lon) -> np.ndarray:
    """A value for every degree: 1000 x latitude + longitude from -180 to 180, which is linear but for one seam."""
    return 1000 * lat[:, None] + ((lon[None, :] + 180) % 360 - 180)


def grid_of(values, lat, lon, days=("2023-07-02",), **attrs) -> xr.Dataset:
    dims = ("time", "lat", "lon")
    variable = xr.Variable(dims, np.stack([values + day for day in range(len(days))]), {"units": "m", **attrs})
    return xr.Dataset({"sla": variable}, {"time": np.array(days, "datetime64[ns]"), "lat": lat, "lon": lon})


@pytest.fixture
def read(tmp_path):
    def read(dataset, geobox, band=HEIGHT, time=DAY, suffix=".nc", mismatch="reject", **asset):
        path = tmp_path / f"grid{suffix}"
        if suffix == ".zarr":
            dataset.to_zarr(path, mode="w", consolidated=False)
        else:
            dataset.to_netcdf(path)
        return read_grid(
            Asset(str(path), **{"variable": "sla", **asset}), band, geobox, time, Rules((tmp_path,), mismatch)
        )

    return read


def degrees(west: float, north: float, shape: tuple[int, int], step: float = 1.0) -> GeoBox:
    return GeoBox(shape, Affine(step, 0, west, 0, -step, north), "EPSG:4326")


@pytest.mark.parametrize("suffix", [".nc", ".zarr"])
@pytest.mark.parametrize("lat", [NORTH_FIRST, NORTH_FIRST[::-1]], ids=["falling", "rising"])
@pytest.mark.parametrize("lon", [GREENWICH_FIRST, ANTIMERIDIAN_FIRST], ids=["0..360", "-180..180"])
def test_every_pixel_lands_where_it_belongs(read, lat, lon, suffix):
    dataset = grid_of(places(lat, lon), lat, lon)
    over_greenwich = read(dataset, degrees(-3, 50, (4, 6)), suffix=suffix).numbers
    expected = 1000 * np.arange(49.5, 45, -1)[:4, None] + np.arange(-2.5, 3)
    np.testing.assert_array_equal(over_greenwich, expected)


@pytest.mark.parametrize("west", [177, -183], ids=["to 183", "from -183"])
@pytest.mark.parametrize("lon", [GREENWICH_FIRST, ANTIMERIDIAN_FIRST], ids=["0..360", "-180..180"])
def test_a_cut_over_the_antimeridian_has_no_seam(read, lon, west):
    found = read(grid_of(places(NORTH_FIRST, lon), NORTH_FIRST, lon), degrees(west, -10, (2, 6))).numbers
    row = np.array([177.5, 178.5, 179.5, -179.5, -178.5, -177.5])
    np.testing.assert_array_equal(found, [-10_500 + row, -11_500 + row])


@pytest.mark.parametrize("lon", [GREENWICH_FIRST, ANTIMERIDIAN_FIRST], ids=["0..360", "-180..180"])
def test_between_pixels_it_is_bilinear_over_every_edge(read, lon):
    """cos and sin of the longitude know no seam: between two middles their value is the mean of both."""
    values = np.cos(np.deg2rad(lon))[None, :] + NORTH_FIRST[:, None]
    dataset = grid_of(values, NORTH_FIRST, lon)
    for west in (-180.5, -2.5, 177.5, 357.5):
        found = read(dataset, degrees(west, 0.25, (1, 4))).numbers[0]
        edges = west + 0.5 + np.arange(4)
        mean = (np.cos(np.deg2rad(edges - 0.5)) + np.cos(np.deg2rad(edges + 0.5))) / 2
        np.testing.assert_allclose(found, mean - 0.25, atol=1e-12)


CORNERS = {"EPSG:32631": (400_000, 5_000_000), "EPSG:3832": (3_240_000, -1_000_000), "EPSG:3031": (-80_000, 2_100_000)}


@pytest.mark.parametrize("crs", CORNERS)
def test_projected_grids_are_sampled_in_the_middle_of_their_pixels(read, crs):
    """A plane in latitude is given back exactly. EPSG:3832 is cut over the antimeridian, EPSG:3031 over Greenwich."""
    west, north = CORNERS[crs]
    dataset = grid_of(places(NORTH_FIRST, 0 * GREENWICH_FIRST) / 1000, NORTH_FIRST, GREENWICH_FIRST)
    found = read(dataset, GeoBox((6, 8), Affine(20_000, 0, west, 0, -20_000, north), crs)).numbers
    x, y = np.meshgrid(west + 2e4 * (np.arange(8) + 0.5), north - 2e4 * (np.arange(6) + 0.5))
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    np.testing.assert_allclose(found, lat, atol=2e-3)
    assert crs == "EPSG:32631" or np.ptp(np.sign(lon)) == 2


def test_a_larger_pixel_is_the_mean_of_what_it_covers(read):
    lon = GREENWICH_FIRST
    dataset = grid_of(places(NORTH_FIRST, lon), NORTH_FIRST, lon)
    found = read(dataset, degrees(8, 44, (2, 2), step=4.0)).numbers
    np.testing.assert_allclose(found, [[42_010, 42_014], [38_010, 38_014]], rtol=1e-12)


def test_nothing_is_smeared_over_nodata_nor_out_of_it(read):
    lat, lon = np.array([2.5, 1.5, 0.5]), np.array([10.5, 11.5, 12.5])
    values = np.array([[1, 1, -9], [1, 1, -9], [-9, -9, -9]], np.int16)
    dataset = grid_of(values, lat, lon, _FillValue=np.int16(-9))
    whole = read(dataset, degrees(10, 3, (3, 3))).numbers
    np.testing.assert_array_equal(whole, [[1, 1, np.nan], [1, 1, np.nan], [np.nan] * 3])
    quarter = read(dataset, degrees(10.25, 2.75, (3, 3))).numbers
    np.testing.assert_array_equal(quarter, [[1, 1, np.nan], [1, 1, np.nan], [np.nan] * 3])
    edge = read(dataset, degrees(11.25, 2.75, (1, 2), step=0.5)).numbers
    np.testing.assert_array_equal(edge, [[1, 1]])


def test_a_grid_ends_where_it_ends(read):
    lat, lon = np.array([2.5, 1.5, 0.5]), np.array([358.5, 359.5, 360.5])
    found = read(grid_of(places(lat, lon), lat, lon), degrees(-3, 4, (5, 6))).numbers
    inside = np.array([[2498.5, 2499.5, 2500.5], [1498.5, 1499.5, 1500.5], [498.5, 499.5, 500.5]]) - [0, 0, 0]
    np.testing.assert_array_equal(found[1:4, 1:4], inside)
    outside = np.ones((5, 6), np.bool_)
    outside[1:4, 1:4] = False
    assert np.isnan(found[outside]).all()


def test_what_the_file_packs_is_unpacked(read):
    lat, lon = np.array([1.5, 0.5]), np.array([10.5, 11.5])
    packed = np.array([[100, -200], [300, -32768]], np.int16)
    attrs = {"scale_factor": 0.01, "add_offset": 2.0, "_FillValue": np.int16(-32768)}
    reading = read(grid_of(packed, lat, lon, **attrs), degrees(10, 2, (2, 2)))
    np.testing.assert_array_equal(reading.numbers, [[3.0, 0.0], [5.0, np.nan]])
    assert np.isnan(reading.nodata)
    unsigned = {"scale_factor": 0.5, "_Unsigned": "true", "_FillValue": np.int8(-1)}
    reading = read(grid_of(np.array([[-2, 0], [1, -1]], np.int8), lat, lon, **unsigned), degrees(10, 2, (2, 2)))
    np.testing.assert_array_equal(reading.numbers, [[127.0, 0.0], [0.5, np.nan]])


def test_classes_stay_as_they_are_stored(read):
    lat, lon = np.array([1.5, 0.5]), np.array([10.5, 11.5])
    dataset = grid_of(np.array([[3, 7], [9, 255]], np.uint8), lat, lon, units="1")
    reading = read(dataset, degrees(10, 2, (3, 6), step=0.5), CLASS)
    assert reading.numbers.dtype == np.uint8
    assert reading.numbers.tolist() == [[3, 3, 7, 7, 255, 255]] * 2 + [[9, 9, 255, 255, 255, 255]]
    assert reading.nodata == 255


def test_the_time_step_is_the_one_of_the_day(read):
    lat, lon = np.array([1.5, 0.5]), np.array([10.5, 11.5])
    days = ("2023-07-01", "2023-07-02T12:00", "2023-07-03", "2023-07-03T06:00")
    dataset = grid_of(places(lat, lon) * 0, lat, lon, days)
    assert (read(dataset, degrees(10, 2, (2, 2))).numbers == 1).all()
    assert (read(dataset, degrees(10, 2, (2, 2)), time=datetime(2023, 7, 3, 6, tzinfo=UTC)).numbers == 3).all()
    for time, steps in ((datetime(2023, 7, 3, 12, tzinfo=UTC), 2), (datetime(2023, 7, 9, tzinfo=UTC), 0)):
        with pytest.raises(SceneError, match=f"has {steps} time steps on .*its 4 steps go from 2023-07-01T00:00:00 to"):
            read(dataset, degrees(10, 2, (2, 2)), time=time)


def test_the_only_time_step_is_taken_and_told_when_it_is_of_another_day(read):
    lat, lon = np.array([1.5, 0.5]), np.array([10.5, 11.5])
    dataset = grid_of(places(lat, lon), lat, lon, ("2023-07-04",))
    reading = read(dataset, degrees(10, 2, (2, 2)))
    np.testing.assert_array_equal(reading.numbers, places(lat, lon))
    assert reading.trusted == ("item says 2023-07-02, the file's only time step is 2023-07-04",)


def test_another_unit_is_refused_or_recorded(read):
    lat, lon = np.array([1.5, 0.5]), np.array([10.5, 11.5])
    dataset = grid_of(places(lat, lon), lat, lon, units="cm")
    with pytest.raises(SceneError, match="sensor says sla is in m, file has cm"):
        read(dataset, degrees(10, 2, (2, 2)))
    trusting = read(dataset, degrees(10, 2, (2, 2)), mismatch="trust-file", shape=(4, 4))
    assert trusting.trusted == ("sensor says sla is in m, file has cm", "item says shape (4, 4), file has (2, 2)")


def test_what_is_no_regular_grid_of_degrees_is_refused(read):
    lat, lon = np.array([2.5, 1.5, 0.5]), np.array([10.5, 11.5, 13.0])
    with pytest.raises(SceneError, match=r"lon of .* is not evenly spaced"):
        read(grid_of(np.zeros((3, 3)), lat, lon), degrees(10, 2, (2, 2)))
    metres = grid_of(np.zeros((3, 3)), lat, lon).rename(lat="y", lon="x")
    with pytest.raises(SceneError, match="dimensions y, x, none of which is lat"):
        read(metres, degrees(10, 2, (2, 2)))
    deep = grid_of(np.zeros((3, 3)), lat, lon).expand_dims(depth=[0, 10])
    with pytest.raises(SceneError, match=r"has the dimensions \('depth', 'lat', 'lon'\)"):
        read(deep, degrees(10, 2, (2, 2)))


def test_a_missing_variable_is_named_with_what_there_is(read):
    lat, lon = np.array([1.5, 0.5]), np.array([10.5, 11.5])
    with pytest.raises(SceneError, match=r"has no variable 'adt'; it has: sla"):
        read(grid_of(places(lat, lon), lat, lon), degrees(10, 2, (2, 2)), variable="adt")


def test_only_local_files_under_the_named_folders_are_opened(tmp_path):
    rules = Rules((tmp_path,), hosts=("example.org",))
    for href, reason in (
        ("https://example.org/a.nc", "is not a local file"),
        ("/etc/passwd", "outside the folders"),
        ("/vsicurl/https://example.org/a.nc", "not a plain address"),
    ):
        with pytest.raises(SceneError, match=reason):
            read_grid(Asset(href, variable="sla"), HEIGHT, degrees(10, 2, (2, 2)), DAY, rules)


@pytest.mark.parametrize("name", ["absent.nc", "broken.nc", "absent.zarr", "broken.zarr"])
def test_a_file_that_cannot_be_read_is_said_to_be_so(tmp_path, name):
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"no grid at all")
    with pytest.raises(UpstreamError, match=f"{name} cannot be read"):
        read_grid(Asset(str(tmp_path / name), variable="sla"), HEIGHT, degrees(10, 2, (2, 2)), DAY, Rules((tmp_path,)))


def test_a_damaged_chunk_is_a_failed_read_and_not_nodata(tmp_path):
    path = tmp_path / "grid.nc"
    lat, lon = np.linspace(60, 0, 241), np.linspace(0, 60, 241)
    values = np.random.default_rng(1).normal(size=(241, 241))
    grid_of(values, lat, lon).to_netcdf(path, encoding={"sla": {"zlib": True, "fletcher32": True}})
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(512) + whole[middle + 512 :])
    with pytest.raises(UpstreamError, match="cannot be read"):
        read_grid(Asset(str(path), variable="sla"), HEIGHT, degrees(0, 60, (60, 60)), DAY, Rules((tmp_path,)))


def test_only_the_part_that_is_needed_is_read(read, monkeypatch):
    lat, lon = np.linspace(89.75, -89.75, 360), np.linspace(0.25, 359.75, 720)
    sizes = []
    plain = xr.DataArray.values.fget
    monkeypatch.setattr(xr.DataArray, "values", property(lambda self: sizes.append(self.size) or plain(self)))
    dataset = grid_of(np.zeros((360, 720)), lat, lon, ("2023-07-01", "2023-07-02"))
    sizes.clear()
    read(dataset, degrees(-2, 44, (8, 8), step=0.5))
    assert max(sizes) <= 720  # the longitudes themselves are the largest thing that is read


def test_many_threads_may_read_one_file(tmp_path):
    path = tmp_path / "grid.nc"
    grid_of(places(NORTH_FIRST, GREENWICH_FIRST), NORTH_FIRST, GREENWICH_FIRST).to_netcdf(path)

    def look(west: int) -> float:
        box = degrees(west, 10, (1, 1))
        reading = read_grid(Asset(str(path), variable="sla"), HEIGHT, box, DAY, Rules((tmp_path,)))
        return float(reading.numbers[0, 0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(look, range(40))) == [9500 + west + 0.5 for west in range(40)]


@pytest.fixture
def altimetry(data: Path) -> Path:
    return data / "sea_level_aviso"


ADT = Band("adt", 25_000, nodata=None, unit="m")
MEDITERRANEAN = GeoBox((128, 344), Affine(0.125, 0, -6, 0, -0.125, 46), "EPSG:4326")


def test_a_day_of_the_mediterranean_equals_what_the_file_holds(altimetry):
    import netCDF4

    path = altimetry / "dt_med_allsat_phy_l4_2005T2.nc"
    time = datetime(2005, 5, 3, tzinfo=UTC)
    reading = read_grid(Asset(str(path), variable="adt"), ADT, MEDITERRANEAN, time, Rules((altimetry,)))
    with xr.open_dataset(path) as dataset:
        decoded = dataset["adt"].sel(time="2005-05-03").values[::-1]
    np.testing.assert_array_equal(reading.numbers, decoded)
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        stored = file["adt"][32][::-1]  # 2 April is step 1, 3 May is step 32
    np.testing.assert_array_equal(np.isnan(reading.numbers), stored == -32767)
    np.testing.assert_allclose(reading.numbers[stored != -32767], stored[stored != -32767] * 1e-4, rtol=1e-12)


def test_a_shifted_grid_is_bilinear_by_hand(altimetry):
    path = altimetry / "dt_med_allsat_phy_l4_2005T2.nc"
    time = datetime(2005, 4, 1, tzinfo=UTC)
    west, north, row, column = 17.0, 36.0, (45.9375 - 36) / 0.125, (17 + 5.9375) / 0.125
    geobox = GeoBox((4, 4), Affine(0.125, 0, west + 0.03125, 0, -0.125, north - 0.015625), "EPSG:4326")
    found = read_grid(Asset(str(path), variable="adt"), ADT, geobox, time, Rules((altimetry,))).numbers
    with xr.open_dataset(path) as dataset:
        sea = dataset["adt"].sel(time="2005-04-01").values[::-1]
    top, left = int(row + 0.5), int(column + 0.5)
    for y in range(4):
        for x in range(4):
            corner = sea[top + y : top + y + 2, left + x : left + x + 2]
            by_hand = corner[0, 0] * 0.875 * 0.75 + corner[0, 1] * 0.875 * 0.25
            by_hand += corner[1, 0] * 0.125 * 0.75 + corner[1, 1] * 0.125 * 0.25
            assert found[y, x] == pytest.approx(by_hand, abs=1e-12)


def test_a_global_grid_from_greenwich_is_cut_over_the_dateline_and_over_greenwich(altimetry):
    path = altimetry / "NASA-SSH_alt_ref_simple_grid_v1_20240923.nc"
    asset, time = Asset(str(path), variable="SSHA"), datetime(2024, 9, 23, tzinfo=UTC)
    with xr.open_dataset(path) as dataset:
        sea = dataset["SSHA"].values[::-1]
    for west, columns in ((170.0, np.arange(340, 380)), (-10.0, np.arange(-20, 20))):
        geobox = GeoBox((40, 40), Affine(0.5, 0, west, 0, -0.5, -20), "EPSG:4326")
        found = read_grid(asset, HEIGHT, geobox, time, Rules((altimetry,))).numbers
        np.testing.assert_array_equal(found, sea[220:260][:, columns])
        assert np.isfinite(found).mean() > 0.5
