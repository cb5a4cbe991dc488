"""The coarse sensors: what their codes mean, and the whole way from a real file to an indicator in degrees."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from sco import library
from sco.block import Block
from sco.choices import Source
from sco.compute import compute_block
from sco.item import read_item
from sco.model import Asset, Collection, Identity, Indicator, Packing, Scene, Words
from sco.observation import Observer
from sco.period import slice_of
from sco.preflight import Rules
from sco.quality import State, decode
from sco.radiometry import calibration_of
from sco.read import read_scene
from sco.search import search
from sco.solar import Observation, observations
from sco.tile import Tile

DAY = datetime(2023, 7, 12, tzinfo=UTC)
DEGREES = GeoBox((2, 4), Affine(0.25, 0, 5, 0, -0.25, 44), "EPSG:4326")
SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"
STEP = 926.625433138333
PIXELS = GeoBox((2, 4), Affine(STEP, 0, 500 * STEP, 0, -STEP, 5000 * STEP), SINUSOIDAL)


def a_scene(sensor: str, assets, footprint: GeoBox = DEGREES, time: datetime = DAY, name: str = "one") -> Scene:
    outline = footprint.geographic_extent
    return Scene(
        id=name,
        sensor=sensor,
        catalog="simulated",
        collection="made-up",
        identity=Identity("", name, "", ""),
        time=time,
        footprint=outline.geom.wkt,
        bbox=outline.boundingbox.bbox,
        assets=assets,
    )


@pytest.fixture
def look(tmp_path, write_raster):
    """Writes bands on a sinusoidal grid and looks at some of them: look("modis_vi", {"ndvi": numbers}, ("ndvi",))."""

    def look(sensor: str, bands, wanted, masked=None, nodata=None):
        paths = {
            name: write_raster(f"{name}.tif", numbers, PIXELS.affine, SINUSOIDAL, nodata)
            for name, numbers in bands.items()
        }
        scene = a_scene(sensor, {name: Asset(str(path)) for name, path in paths.items()}, PIXELS)
        observer = Observer(Observation(DAY.date(), sensor, (scene,)), PIXELS, Rules((tmp_path,)))
        mosaic = observer.mosaic(wanted, library.sensors[sensor].masked if masked is None else masked)
        assert observer.failed == {}
        return mosaic

    return look


def an_indicator(name: str, scale: float, unit: str, low: float, high: float) -> Indicator:
    return Indicator(
        id=name,
        version=1,
        title=Words(name, name),
        description=Words(name, name),
        bands=(name,),
        formula=lambda band: band * 1,
        composite="mean",
        unit=unit,
        valid_range=(low, high),
        packing=Packing(scale=scale),
        colormap="viridis",
        references=("https://example.org",),
        cell_methods="time: mean",
    )


def the_block(scenes, geobox: GeoBox, indicator: str, root: Path, day: date) -> Block:
    return Block(
        period=slice_of(day, "month"),
        tile=Tile(0, 0),
        geobox=geobox,
        fingerprints={indicator: "f" * 64},
        observations=observations(scenes, 0.0),
        rejected=(),
        rules=Rules((root,)),
    )


SEEN, MASKED, NOTHING = State.SEEN, State.MASKED, State.NOT_ACQUIRED


@pytest.mark.parametrize("fill", [np.int8(-1), np.uint8(255)], ids=["int8", "uint8"])
def test_modis_vi_masks_by_its_reliability(look, fill):
    reliability = np.array([[0, 1, 2, 3], [fill, 0, 0, 7]], fill.dtype)
    ndvi = np.array([[4321, -1999, 5000, 5000], [5000, -3000, 10001, 5000]], np.int16)
    mosaic = look("modis_vi", {"ndvi": ndvi, "pixel_reliability": reliability}, ("ndvi",))
    assert mosaic.states.tolist() == [[SEEN, SEEN, MASKED, MASKED], [NOTHING, NOTHING, MASKED, MASKED]]
    np.testing.assert_allclose(mosaic.bands["ndvi"][0, :2], [0.4321, -0.1999], atol=1e-7)
    assert np.isnan(mosaic.bands["ndvi"][mosaic.states != SEEN]).all()


def test_modis_vi_gives_snow_to_an_indicator_that_wants_it(look):
    bands = {
        "evi": np.full((2, 4), 2000, np.int16),
        "pixel_reliability": np.array([[0, 1, 2, 3]] * 2, np.int8),
    }
    mosaic = look("modis_vi", bands, ("evi",), library.sensors["modis_vi"].masked - {"snow"})
    assert mosaic.states[0].tolist() == [SEEN, SEEN, SEEN, MASKED]


def test_modis_lst_each_half_of_the_day_is_masked_by_its_own_quality(look):
    clear, cloud, other, vague, worst = 0b00, 0b10, 0b11, 0b10_00_00_01, 0b11_00_00_01
    bands = {
        "lst": np.array([[15000, 15000, 15000, 15000], [15000, 0, 7499, 15000]], np.uint16),
        "lst_night": np.array([[14000] * 4] * 2, np.uint16),
        "qc_day": np.array([[clear, cloud, other, vague], [worst, clear, clear, clear]], np.uint8),
        "qc_night": np.array([[cloud, clear, clear, clear]] * 2, np.uint8),
    }
    day = look("modis_lst", bands, ("lst",))
    assert day.states.tolist() == [[SEEN, MASKED, NOTHING, SEEN], [MASKED, NOTHING, MASKED, SEEN]]
    np.testing.assert_allclose(day.bands["lst"][day.states == SEEN], 300.0, atol=1e-4)
    night = look("modis_lst", bands, ("lst_night",))
    assert night.states.tolist() == [[MASKED, SEEN, SEEN, SEEN]] * 2
    np.testing.assert_allclose(night.bands["lst_night"][night.states == SEEN], 280.0, atol=1e-4)
    both = look("modis_lst", bands, ("lst", "lst_night"))
    np.testing.assert_array_equal(both.states, np.maximum(day.states, night.states))


def test_modis_lst_reads_only_the_quality_that_speaks_for_the_band(look):
    bands = {"lst_night": np.full((2, 4), 14000, np.uint16), "qc_night": np.zeros((2, 4), np.uint8)}
    assert (look("modis_lst", bands, ("lst_night",)).states == SEEN).all()


@pytest.mark.parametrize(
    ("flag", "raised"),
    [("error_over_1k", [0, 1, 1, 1]), ("error_over_2k", [0, 0, 1, 1]), ("error_over_3k", [0, 0, 0, 1])],
)
def test_modis_lst_errors_are_told_apart(flag, raised):
    quality = library.sensors["modis_lst"].qualities[0]
    codes = np.array([0b00_000001, 0b01_000001, 0b10_000001, 0b11_000001], np.uint8)
    assert quality.flags[flag].raised(codes).tolist() == [bool(one) for one in raised]
    assert quality.flags["unsure"].raised(codes).all()


def test_modis_snow_is_its_own_quality_band(look):
    snow = np.array([[0, 40, 100, 250], [237, 239, 255, 101]], np.uint8)
    mosaic = look("modis_snow", {"ndsi_snow_cover": snow}, ("ndsi_snow_cover",))
    assert mosaic.states.tolist() == [[SEEN, SEEN, SEEN, MASKED], [MASKED, MASKED, NOTHING, MASKED]]
    np.testing.assert_allclose(mosaic.bands["ndsi_snow_cover"][0, :3], [0, 0.4, 1], atol=1e-6)


def test_the_snow_extent_of_eight_days_is_snow_or_none_and_nothing_else(look):
    extent = np.array([[25, 200, 50, 100], [37, 39, 255, 60]], np.uint8)
    mosaic = look("modis_snow_8day", {"snow_extent": extent}, ("snow_extent",))
    assert mosaic.bands["snow_extent"][0, :2].tolist() == [25, 200]
    assert np.isnan(mosaic.bands["snow_extent"]).sum() == 6
    assert mosaic.states[1, 2] == State.NOT_ACQUIRED
    reasons = np.array([[0, 1, 11, 254], [2, 24, 201, 250]], np.uint8)
    assert np.isnan(look("modis_snow_8day", {"snow_extent": reasons}, ("snow_extent",)).bands["snow_extent"]).all()


def test_modis_snow_codes_never_become_an_index_whatever_is_kept(look):
    snow = np.array([[237, 239, 250, 211], [200, 201, 254, 101]], np.uint8)
    mosaic = look("modis_snow", {"ndsi_snow_cover": snow}, ("ndsi_snow_cover",), frozenset())
    assert (mosaic.states == MASKED).all()
    assert np.isnan(mosaic.bands["ndsi_snow_cover"]).all()


def test_modis_snow_every_code_has_one_meaning():
    (quality,) = library.sensors["modis_snow"].qualities
    codes = np.arange(256, dtype=np.uint8)
    meanings = sum(flag.raised(codes).astype(int) for flag in quality.flags.values())
    assert (meanings[101:255] == 1).all()
    assert (meanings[:101] == 0).all()
    states = decode(codes, quality, quality.masked)
    assert (states[:101] == SEEN).all()
    assert (states[101:255] == MASKED).all()
    assert states[255] == NOTHING


@pytest.mark.parametrize(
    ("sensor", "item", "identity"),
    [
        ("modis_vi", "MOD13Q1.A2025049.h35v10.061.2025070114834", Identity("terra", "2025049", "h35v10", "")),
        ("modis_vi", "MYD13A1.A2025041.h18v04.061.2025070114721", Identity("aqua", "2025041", "h18v04", "")),
        ("modis_lst", "MYD11A1.A2025068.h35v10.061.2025070002721", Identity("aqua", "2025068", "h35v10", "")),
        ("modis_snow", "MOD10A1.A2025067.h35v10.061.2025069032950", Identity("terra", "2025067", "h35v10", "")),
        ("oisst", "oisst-avhrr-v02r01.20220913", Identity("oisst-avhrr-v02r01", "20220913", "global", "final")),
        ("sea_level", "dt_med_allsat_phy_l4_20050401_20180601", Identity("allsat", "20050401", "med", "dt")),
        (
            "sea_level",
            "NASA-SSH_alt_ref_simple_grid_v1_20240923",
            Identity("NASA-SSH", "20240923", "alt_ref_simple_grid", "v1"),
        ),
    ],
)
def test_an_id_tells_the_acquisition(sensor, item, identity):
    assert library.sensors[sensor].identify(item, {}) == identity


OISST = Collection(
    "noaa-cdr-sea-surface-temperature-optimum-interpolation", {n: n for n in ("sst", "anom", "err", "ice")}
)


@pytest.fixture
def analysis(data) -> Scene:
    """The real analysis of 2022-09-13 from its own item, whose addresses are made absolute."""
    folder = data / "sst" / "oisst_cog_20220913" / "oisst-avhrr-v02r01.20220913"
    item = json.loads((folder / "oisst-avhrr-v02r01.20220913.json").read_text("utf-8"))
    for asset in item["assets"].values():
        asset["href"] = str(folder / asset["href"])
    return read_item(item, library.sensors["oisst"], library.catalogs["simulated"], OISST)


def test_oisst_reads_its_real_item(analysis):
    assert analysis.identity == Identity("oisst-avhrr-v02r01", "20220913", "global", "final")
    assert analysis.time == datetime(2022, 9, 13, tzinfo=UTC)
    assert (analysis.assets["sst"].crs, analysis.assets["sst"].nodata) == ("EPSG:4326", -999)
    assert analysis.assets["sst"].scale == pytest.approx(0.01, rel=1e-7)


def test_oisst_is_the_same_through_the_chain_as_through_rasterio(analysis, monkeypatch):
    monkeypatch.setattr(library, "indicators", {"sst": an_indicator("sst", 0.01, "degC", -3, 45)})
    geobox = GeoBox((40, 60), Affine(0.25, 0, -5, 0, -0.25, 45), "EPSG:4326")
    path = analysis.assets["sst"].href
    (outcome,) = compute_block(the_block([analysis], geobox, "sst", Path(path).parent, date(2022, 9, 13)), "run")
    with rasterio.open(path) as file:
        stored = file.read(1, window=((180, 220), (700, 760)))
    sea = stored != -999
    assert 0.3 < sea.mean() < 0.8
    np.testing.assert_array_equal(outcome.pixels.values, np.where(sea, stored, -32768))
    np.testing.assert_array_equal(outcome.pixels.n_seen, sea)
    assert outcome.record.empty is None
    assert 14 < stored[sea].min() * 0.01 < stored[sea].max() * 0.01 < 31


def test_oisst_is_physical_everywhere_and_its_bands_share_their_sea(analysis):
    world = GeoBox((720, 1440), Affine(0.25, 0, -180, 0, -0.25, 90), "EPSG:4326")
    root = Path(analysis.assets["sst"].href).parent
    observer = Observer(Observation(analysis.time.date(), "oisst", (analysis,)), world, Rules((root,)))
    found = {name: observer.mosaic((name,), frozenset()) for name in ("sst", "anom", "err", "ice")}
    sea = found["sst"].states == SEEN
    assert sea.sum() == 691_150
    for name in ("anom", "err"):
        np.testing.assert_array_equal(found[name].states, found["sst"].states)
    sst, anom, ice = (found[name].bands[name] for name in ("sst", "anom", "ice"))
    assert (np.nanmin(sst), np.nanmax(sst)) == (pytest.approx(-1.8), pytest.approx(34.69))
    assert abs(np.nanmean(anom)) < 1
    assert (np.nanmin(ice), np.nanmax(ice)) == (pytest.approx(0.15), pytest.approx(1.0))
    assert not (found["ice"].states == SEEN)[~sea].any()
    assert np.nanmean(sst[np.isfinite(ice)]) < 1


@pytest.fixture
def altimetry(data) -> tuple[Path, list[Scene]]:
    path = data / "sea_level_aviso" / "dt_med_allsat_phy_l4_2005T2.nc"
    whole = GeoBox((128, 344), Affine(0.125, 0, -6, 0, -0.125, 46), "EPSG:4326")
    days = [datetime(2005, 4, day, tzinfo=UTC) for day in range(1, 31)]
    asset = Asset(str(path), variable="adt")
    return path, [a_scene("sea_level", {"adt": asset}, whole, day, f"day{day:%d}") for day in days]


def test_sea_level_of_a_month_is_the_mean_of_its_days(altimetry, monkeypatch):
    path, scenes = altimetry
    monkeypatch.setattr(library, "indicators", {"adt": an_indicator("adt", 1e-4, "m", -3, 3)})
    geobox = GeoBox((24, 40), Affine(0.125, 0, 12, 0, -0.125, 38), "EPSG:4326")
    (outcome,) = compute_block(the_block(scenes, geobox, "adt", path.parent, date(2005, 4, 1)), "run")
    with xr.open_dataset(path) as dataset:
        days = dataset["adt"].sel(time="2005-04").values[:, ::-1][:, 64:88, 144:184]
    assert days.shape == (30, 24, 40)
    np.testing.assert_array_equal(outcome.pixels.n_seen, np.isfinite(days).sum(axis=0))
    sea = np.isfinite(days).all(axis=0)
    assert 0.3 < sea.mean() < 1
    stored = np.where(outcome.pixels.values == -32768, np.nan, outcome.pixels.values * 1e-4)
    np.testing.assert_allclose(stored[sea], days.mean(axis=0)[sea], atol=0.5e-4 + 1e-6)
    assert np.isnan(stored[np.isnan(days).all(axis=0)]).all()
    assert outcome.record.failed_reads == 0
    assert outcome.manifest["scenes"][0]["calibration"]["adt"]["scale"] == 1


def test_sea_level_of_a_day_that_the_file_lacks_is_a_failed_read(altimetry, monkeypatch):
    path, (first, *_) = altimetry
    monkeypatch.setattr(library, "indicators", {"adt": an_indicator("adt", 1e-4, "m", -3, 3)})
    geobox = GeoBox((4, 4), Affine(0.125, 0, 12, 0, -0.125, 38), "EPSG:4326")
    late = a_scene("sea_level", first.assets, geobox, datetime(2005, 7, 1, tzinfo=UTC))
    (outcome,) = compute_block(the_block([late], geobox, "adt", path.parent, date(2005, 7, 1)), "run")
    assert outcome.record.failed_reads == 1
    assert (outcome.pixels.n_failed == 1).all()
    assert "has 0 time steps on 2005-07-01" in outcome.manifest["scenes"][0]["failed"]["adt"]


def test_items_in_a_file_lead_to_a_month_of_sea_level(altimetry, monkeypatch, tmp_path):
    path, scenes = altimetry
    monkeypatch.setattr(library, "indicators", {"adt": an_indicator("adt", 1e-4, "m", -3, 3)})
    west, south, east, north = scenes[0].bbox
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    features = [
        {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": f"dt_med_allsat_phy_l4_{day}",
            "collection": "sea-level",
            "geometry": {"type": "Polygon", "coordinates": [corners]},
            "bbox": [west, south, east, north],
            "properties": {"datetime": f"2005-04-{day[-2:]}T00:00:00Z"},
            "assets": {"data": {"href": str(path), "raster:bands": [{"scale": 1e-4, "nodata": -32767}]}},
            "links": [],
        }
        for day in ("20050401", "20050402", "20050403")
    ]
    items = tmp_path / "items.json"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    source = Source.model_validate({"sensor": "sea_level", "catalogs": [{"id": "local", "file": str(items)}]})
    geobox = GeoBox((8, 8), Affine(0.125, 0, 17, 0, -0.125, 36), "EPSG:4326")
    answer = search(source, (17, 35, 18, 36), datetime(2005, 4, 1, tzinfo=UTC), datetime(2005, 4, 3, tzinfo=UTC))
    assert [scene.identity.datatake for scene in answer.scenes] == ["20050401", "20050402"]
    (outcome,) = compute_block(the_block(answer.scenes, geobox, "adt", path.parent, date(2005, 4, 1)), "run")
    with xr.open_dataset(path) as dataset:
        days = dataset["adt"].sel(time=slice("2005-04-01", "2005-04-02")).values[:, ::-1][:, 80:88, 184:192]
    np.testing.assert_allclose(outcome.pixels.values * 1e-4, days.mean(axis=0), atol=0.5e-4 + 1e-6)
    assert (outcome.pixels.n_seen == 2).all()


def test_an_oisst_item_in_its_folder_is_found_and_resolved(data):
    folder = data / "sst" / "oisst_cog_20220913"
    source = Source.model_validate({"sensor": "oisst", "catalogs": [{"id": "local", "file": str(folder)}]})
    answer = search(source, (-5, 40, 5, 45), datetime(2022, 9, 1, tzinfo=UTC), datetime(2022, 10, 1, tzinfo=UTC))
    (scene,) = answer.scenes
    band = library.sensors["oisst"].band("anom")
    geobox = GeoBox((8, 8), Affine(0.25, 0, -5, 0, -0.25, 36), "EPSG:4326")
    reading = read_scene(scene, band, library.sensors["oisst"], geobox, Rules((folder.resolve(),)))
    with rasterio.open(folder / scene.id / f"{scene.id}-anom.tif") as file:
        np.testing.assert_array_equal(reading.numbers, file.read(1, window=((216, 224), (700, 708))))


def clipped(item: dict) -> dict:
    """The item without what a tile at the edge of the world is drawn beyond 180 degrees, where nothing is."""
    (ring,) = item["geometry"]["coordinates"]
    corners = [[max(-180, min(180, lon)), lat] for lon, lat in ring]
    west, south, east, north = item["bbox"]
    bbox = [max(-180, west), south, min(180, east), north]
    return {**item, "geometry": {"type": "Polygon", "coordinates": [corners]}, "bbox": bbox}


@pytest.mark.parametrize(
    ("product", "sensor", "scales", "shape"),
    [
        ("13Q1", "modis_vi", {"ndvi": 1e-4, "evi": 1e-4, "pixel_reliability": 1}, 4800),
        ("13A1", "modis_vi", {"ndvi": 1e-4, "evi": 1e-4, "pixel_reliability": 1}, 2400),
        ("11A1", "modis_lst", {"lst": 0.02, "lst_night": 0.02, "qc_day": 1, "qc_night": 1}, 1200),
        ("11A2", "modis_lst", {"lst": 0.02, "lst_night": 0.02, "qc_day": 1, "qc_night": 1}, 1200),
        ("10A1", "modis_snow", {"ndsi_snow_cover": 0.01}, 2400),
    ],
)
@pytest.mark.parametrize("catalog", ["planetary_computer", "local"])
def test_recorded_modis_items_resolve_to_asset_scale_and_offset(data, catalog, product, sensor, scales, shape):
    (reply,) = (data / "stac" / "planetary-computer").glob(f"*-modis-{product}-061-items-limit-1_*.json")
    (item,) = json.loads(reply.read_text("utf-8"))["features"]
    collections = library.catalogs[catalog].collections[sensor]
    (collection,) = [one for one in collections if one.id == f"modis-{product}-061"]
    declared = library.sensors[sensor]
    scene = read_item(clipped(item), declared, library.catalogs[catalog], collection)
    assert scene.assets.keys() == scales.keys() == declared.band_names
    assert scene.time.isoformat() == item["properties"]["start_datetime"].replace("Z", "+00:00")
    assert scene.identity.tile == "h35v10"
    for name, scale in scales.items():
        asset, band = scene.assets[name], declared.band(name)
        assert (asset.shape, asset.crs, asset.nodata) == ((shape, shape), None, None)
        found = calibration_of(scene, band, declared)
        assert (found.scale, found.offset) == (pytest.approx(scale), 0)
        keys = collection.assets[name]
        assert any(asset.href.endswith(f"_{key}.tif") for key in ([keys] if isinstance(keys, str) else keys))


def test_two_products_of_a_day_are_one_acquisition_of_which_the_first_is_taken(data):
    found = {}
    for product in ("13Q1", "13A1"):
        (reply,) = (data / "stac" / "planetary-computer").glob(f"*-modis-{product}-061-items-limit-1_*.json")
        (item,) = json.loads(reply.read_text("utf-8"))["features"]
        found[product] = library.sensors["modis_vi"].identify(item["id"], item["properties"])
    assert found["13Q1"] == found["13A1"] == Identity("terra", "2025049", "h35v10", "")
    ids = [one.id for one in library.catalogs["planetary_computer"].collections["modis_vi"]]
    assert ids == ["modis-13Q1-061", "modis-13A1-061"]
