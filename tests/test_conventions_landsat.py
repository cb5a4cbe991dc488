"""Landsat's identity, bands, bits and seasons, held against recorded items and real pixels."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from recorded import REFLECTANCE, TEMPERATURE, as_scene, item_of, items_in, scene_of

from catalogs import usgs
from sco import quality, radiometry
from sco.library import sensors
from sco.model import Band, BitField, Bits, Identity, Quality
from sco.quality import State

NEW_YORK = "landsat8_ny2018_gdalcubes"


@pytest.mark.parametrize(
    ("item_id", "identity"),
    [
        ("LC08_L2SP_047027_20201204_20210313_02_T1_SR", ("landsat-8", "20201204", "047027")),
        ("LC08_L2SP_047027_20201204_20210313_02_T1_ST", ("landsat-8", "20201204", "047027")),
        ("LC08_L2SP_047027_20201204_02_T1", ("landsat-8", "20201204", "047027")),
        ("LC08_L2SR_047027_20201204_20201204_02_RT", ("landsat-8", "20201204", "047027")),
        ("LE07_L2SP_044033_20210329_20210424_02_T1_SR", ("landsat-7", "20210329", "044033")),
        ("LT04_L2SP_044033_19890329_20210424_02_T2", ("landsat-4", "19890329", "044033")),
    ],
)
def test_landsats_versions_and_spellings_are_one_acquisition(item_id: str, identity: tuple[str, str, str]) -> None:
    assert sensors["landsat"].identify(item_id, {}) == Identity(*identity, "")


def test_landsat_is_identified_by_its_properties_where_the_id_tells_nothing() -> None:
    item, identify = item_of(("landsat", "planetary_computer", "landsat-c2-l2")), sensors["landsat"].identify
    assert identify("unheard-of", item["properties"]) == identify(item["id"], {})


def test_a_landsat_scene_of_reflectance_only_offers_no_temperature(data: Path) -> None:
    key = ("landsat", "planetary_computer", "landsat-c2-l2")
    file = "planetary-computer/GET_api-stac-v1-collections-landsat-c2-l2-items-collections-landsat-c2-l2_3e2bfe.json"
    offers = {
        (scene.id[5:9], "lst" in scene.assets)
        for scene in (as_scene(key, one) for one in items_in(data / "stac" / file))
    }
    assert offers == {("L2SR", False), ("L2SP", True)}


def test_the_temperature_of_older_landsats_is_the_same_band() -> None:
    key = ("landsat", "earth_search", "landsat-c2-l2")
    item = item_of(key)
    assert "lwir11" in item["assets"]
    assert "lwir" in item_of(("landsat", "usgs", "landsat-c2l2-st"))["assets"]
    older = {("lwir" if name == "lwir11" else name): asset for name, asset in item["assets"].items()}
    assert as_scene(key, {**item, "assets": older}).assets["lst"] == scene_of(key).assets["lst"]


def test_landsat_numbers_become_reflectance_and_kelvin() -> None:
    sensor = sensors["landsat"]
    red, lst = sensor.band("red"), sensor.band("lst")
    reflectances = radiometry.apply(
        np.array([7273, 18182, 43636], np.uint16), red, radiometry.Calibration(*REFLECTANCE, ())
    )
    np.testing.assert_allclose(reflectances, [2.75e-5, 0.300005, 0.99999], rtol=1e-4)
    kelvins = radiometry.apply(np.array([44177], np.uint16), lst, radiometry.Calibration(*TEMPERATURE, ()))
    np.testing.assert_allclose(kelvins, [300.0], atol=0.01)
    assert red.valid == (7273, 43636)


def test_qa_pixel_and_qa_radsat_are_the_bits_that_the_item_itself_describes() -> None:
    item = item_of(("landsat", "planetary_computer", "landsat-c2-l2"))
    pixel, radsat = sensors["landsat"].qualities
    told = {field["name"]: field["offset"] for field in item["assets"]["qa_pixel"]["classification:bitfields"]}
    ours = {"fill": pixel.not_acquired, **pixel.flags}
    same_names = {"cloud_shadow": "shadow", "dilated_cloud": "dilated_cloud"}
    single = {name: offset for name, offset in told.items() if "confidence" not in name}
    assert {same_names.get(name, name): Bits((offset,)) for name, offset in single.items()} == ours
    fields = {field["name"]: field["offset"] for field in item["assets"]["qa_radsat"]["classification:bitfields"]}
    assert radsat.flags["saturated"] == Bits(tuple(fields[f"band{number}"] for number in range(1, 8)))
    occlusion = next(offset for name, offset in fields.items() if "occl" in name)
    assert radsat.flags["occluded"] == Bits((occlusion,))


def test_landsats_bits_by_arithmetic() -> None:
    pixel, radsat = sensors["landsat"].qualities
    codes = np.array([1, 21824, 21952, 21824 | 2, 21824 | 4, 22280, 23888, 30048], np.uint16)
    seen, masked = State.SEEN, State.MASKED
    states = [State.NOT_ACQUIRED, seen, seen, masked, masked, masked, masked, seen]
    assert quality.decode(codes, pixel, pixel.masked).tolist() == states
    assert pixel.flags["water"].raised(codes).tolist() == [False, False, True, *[False] * 5]
    assert pixel.flags["snow"].raised(codes)[-1]
    codes = np.array([0, 1, 64, 128, 2048], np.uint16)
    assert quality.decode(codes, radsat, radsat.masked).tolist() == [seen, masked, masked, seen, masked]


COLLECTION_1_BQA = Quality(
    band="bqa",
    not_acquired=Bits((0,)),
    flags={
        "cloud": Bits((4,)),
        "likely_cloud": BitField(5, 2, (3,)),
        "shadow": BitField(7, 2, (3,)),
        "snow": BitField(9, 2, (3,)),
        "cirrus": BitField(11, 2, (3,)),
    },
    masked=frozenset({"cloud", "likely_cloud", "shadow", "cirrus"}),
)
"""The quality band that Collection 1 had, whose bits stand elsewhere than those of Collection 2's `qa_pixel`:
https://www.usgs.gov/landsat-missions/landsat-collection-1-level-1-quality-assessment-band"""


def clear_ndvi(folder: Path) -> float:
    """The median NDVI of clear pixels of one level 1 scene; the sun's height cancels in the ratio."""
    numbers = {}
    for band in ("B4", "B5", "BQA"):
        (file,) = folder.glob(f"*_{band}.TIF")
        with rasterio.open(file) as opened:
            numbers[band] = opened.read(1)
    clear = quality.decode(numbers["BQA"], COLLECTION_1_BQA, COLLECTION_1_BQA.masked) == State.SEEN
    clear &= (numbers["B4"] > 0) & (numbers["B5"] > 0)
    level_1 = radiometry.Calibration(2e-5, -0.1, ())
    red, nir = (radiometry.apply(numbers[band][clear], Band(band, 30), level_1) for band in ("B4", "B5"))
    return float(np.median((nir - red) / (nir + red)))


def test_landsat_of_2018_greens_in_spring_and_browns_in_autumn(data: Path) -> None:
    """Of the three path and rows one, 013032, is two thirds sea: the others tell of vegetation."""
    scenes = {folder.name.split("_")[3]: folder for folder in (data / NEW_YORK).glob("LC08_L1TP_014*")}
    days = ("20180311", "20180428", "20180530", "20180615", "20181005", "20181122", "20181208")
    march, april, may, june, october, november, december = (clear_ndvi(scenes[day]) for day in days)
    assert march == pytest.approx(0.12, abs=0.02)
    assert may == pytest.approx(0.75, abs=0.02)
    assert june == pytest.approx(0.75, abs=0.03)
    assert march < april < may
    assert june > october > november > december > march


def test_usgs_files_are_read_from_the_bucket_that_the_item_names_beside_them() -> None:
    for collection in ("landsat-c2l2-sr", "landsat-c2l2-st"):
        assets = item_of(("landsat", "usgs", collection))["assets"].values()
        named = {asset["href"]: asset["alternate"]["s3"]["href"] for asset in assets if "alternate" in asset}
        assert len(named) >= 5
        assert {href: usgs.in_bucket(href) for href in named} == named
    assert usgs.in_bucket("https://example.org/x.TIF") == "https://example.org/x.TIF"
