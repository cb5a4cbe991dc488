"""Grid conformance: rasters whose numbers are places, read into other grids, against PROJ for every single pixel."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import Transformer

from sco.grid import degrees_boxes, middle_longitude
from sco.model import Asset, Band
from sco.preflight import Rules
from sco.read import read

SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"
CLASSES = Band("scl", 20, nodata=0, resampling="nearest")
EDGE = 0.02
"""Pixels nearer than this to an edge may fall to either side."""

CASES = {
    "over the edge of two UTM zones": (
        "EPSG:32632",
        (235_000, 5_060_000, 200),
        "EPSG:32631",
        (707_000, 5_055_000, 200),
    ),
    "over the antimeridian, UTM 60 S to UTM 1 S": (
        "EPSG:32760",
        (790_000, 8_030_000, 250),
        "EPSG:32701",
        (160_000, 8_027_000, 250),
    ),
    "over the antimeridian, Mercator centred on 150 E": (
        "EPSG:3832",
        (3_300_000, -1_900_000, 1000),
        "EPSG:32701",
        (155_000, 8_095_000, 1000),
    ),
    "polar stereographic, from degrees": ("EPSG:4326", (100.0, -69.0, 0.02), "EPSG:3031", (2_160_000, -420_000, 1200)),
    "polar stereographic, to UTM": ("EPSG:3031", (-600_000, 1_500_000, 500), "EPSG:32727", (495_000, 1_612_000, 500)),
    "MODIS sinusoidal to UTM": (SINUSOIDAL, (300_000, 5_010_000, 463.312716), "EPSG:32631", (560_000, 5_000_000, 463)),
    "a third of a pixel off": ("EPSG:32631", (600_000, 4_850_000, 20), "EPSG:32631", (600_107, 4_849_883, 20)),
    "finer by a half": ("EPSG:32631", (600_000, 4_850_000, 20), "EPSG:32631", (600_100, 4_849_900, 10)),
    "finer and shifted": ("EPSG:32631", (600_000, 4_850_000, 30), "EPSG:32631", (600_103, 4_849_901, 10)),
}
SOURCE, TARGET = (160, 200), (60, 70)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_every_pixel_lands_where_it_belongs(write_raster, case):
    source_crs, (left, top, step), target_crs, (x, y, pixel) = case
    transform = Affine(step, 0, left, 0, -step, top)
    numbers = (1 + np.arange(SOURCE[0] * SOURCE[1])).reshape(SOURCE).astype(np.uint32)
    path = write_raster("places.tif", numbers, transform, source_crs)
    target = GeoBox(TARGET, Affine(pixel, 0, x, 0, -pixel, y), target_crs)
    found = read(Asset(str(path)), CLASSES, target, Rules((path.parent,))).numbers

    columns, rows = np.meshgrid(np.arange(TARGET[1]) + 0.5, np.arange(TARGET[0]) + 0.5)
    centres = target.transform @ (columns, rows)
    there = Transformer.from_crs(target_crs, source_crs, always_xy=True).transform(*centres)
    column, row = ~transform @ there
    inside = (column > EDGE) & (column < SOURCE[1] - EDGE) & (row > EDGE) & (row < SOURCE[0] - EDGE)
    sure = inside & (np.abs(column - np.round(column)) > EDGE) & (np.abs(row - np.round(row)) > EDGE)
    assert sure.mean() > 0.3
    expected = numbers[row[sure].astype(int), column[sure].astype(int)]
    np.testing.assert_array_equal(found[sure], expected)
    outside = (column < -EDGE) | (column > SOURCE[1] + EDGE) | (row < -EDGE) | (row > SOURCE[0] + EDGE)
    assert not found[outside].any()


def test_an_area_over_the_antimeridian_is_two_boxes():
    fiji = GeoBox((100, 100), Affine(1000, 0, 770_000, 0, -1000, 8_100_000), "EPSG:32760")
    east, west = degrees_boxes(fiji)
    assert east[2] == 180
    assert west[0] == -180
    assert 179 < east[0] < 180
    assert -180 < west[2] < -179
    assert abs(abs(middle_longitude(fiji)) - 180) < 0.6


def test_an_area_elsewhere_is_one_box_around_it():
    (box,) = degrees_boxes(GeoBox((100, 100), Affine(1000, 0, 600_000, 0, -1000, 4_850_000), "EPSG:32631"))
    assert box == pytest.approx((4.22, 42.88, 5.48, 43.8), abs=0.03)
    grid = GeoBox((100, 100), Affine(1000, 0, 600_000, 0, -1000, 4_850_000), "EPSG:32631")
    assert middle_longitude(grid) == pytest.approx((box[0] + box[2]) / 2, abs=0.02)
