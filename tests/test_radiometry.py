from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from sco import radiometry
from sco.errors import SceneError
from sco.library import sensors
from sco.model import Asset, Identity, Scene

SENTINEL2 = sensors["sentinel2"]
RED = SENTINEL2.band("red")
SCENE = Scene(
    id="S2A_31TFJ_20230715_0_L2A",
    sensor="sentinel2",
    catalog="earth_search",
    collection="sentinel-2-l2a",
    identity=Identity("s2a", "20230715T103031", "31TFJ", "20230715T103031"),
    time=datetime(2023, 7, 15, 10, 30, tzinfo=UTC),
    footprint="POLYGON ((4 43, 5 43, 5 44, 4 44, 4 43))",
    bbox=(4, 43, 5, 44),
    assets={"red": Asset("https://example.org/B04.tif", scale=1e-4, offset=-0.1)},
)


@pytest.mark.parametrize(
    ("baseline", "flag", "announced", "offset"),
    [
        ("03.01", None, None, 0.0),
        ("05.09", None, None, -0.1),
        ("05.09", False, -0.1, -0.1),
        ("05.09", True, -0.1, 0.0),
        ("05.00", None, -0.1, -0.1),
        ("02.14", True, -0.1, 0.0),
        (None, None, -0.1, -0.1),
    ],
    ids=[
        "before the offset",
        "raw, nothing announced",
        "raw, flag and announcement agree",
        "already taken although announced",
        "old acquisition reprocessed as Collection 1",
        "old baseline, flag set",
        "only an announcement",
    ],
)
def test_the_offset_follows_the_evidence(baseline, flag, announced, offset):
    scene = replace(
        SCENE, baseline=baseline, offset_applied=flag, assets={"red": replace(SCENE.assets["red"], offset=announced)}
    )
    calibration = radiometry.calibration_of(scene, RED, SENTINEL2)
    assert (calibration.scale, calibration.offset) == (1e-4, offset)
    assert calibration.evidence


def test_without_any_evidence_the_scene_is_refused():
    bare = replace(SCENE, assets={"red": Asset("https://example.org/B04.tif")})
    with pytest.raises(SceneError, match="nothing tells"):
        radiometry.calibration_of(bare, RED, SENTINEL2)


def test_a_baseline_that_is_no_number_is_refused():
    with pytest.raises(SceneError, match="not a number"):
        radiometry.calibration_of(replace(SCENE, baseline="latest"), RED, SENTINEL2)


def test_a_pixel_darker_than_the_offset_stays_a_dark_pixel():
    calibration = radiometry.Calibration(1e-4, -0.1, ())
    values = radiometry.apply(np.array([1, 1000, 1001, 3000], np.uint16), RED, calibration)
    np.testing.assert_allclose(values, [1e-4, 1e-4, 1e-4, 0.2], rtol=2e-7)
    assert values.dtype == np.float32


def test_the_files_own_tags_count_where_the_item_is_silent():
    silent = replace(SCENE, assets={"red": Asset("https://example.org/B04.tif")})
    tagged = radiometry.calibration_of(silent, RED, SENTINEL2, tags=(2e-4, -0.1))
    assert (tagged.scale, tagged.offset) == (2e-4, -0.1)
    assert tagged.evidence == ("file tags say scale 0.0002, offset -0.1",)
    told = replace(SCENE, baseline="05.09", offset_applied=True)
    spoken = radiometry.calibration_of(told, RED, SENTINEL2, tags=(1e-4, -0.1))
    assert (spoken.scale, spoken.offset) == (1e-4, 0.0)
    assert spoken.evidence[-1] == "file tags say scale 0.0001, offset -0.1"


def test_tags_of_a_sensor_without_a_rule_for_its_offset():
    landsat = sensors["landsat"]
    scene = replace(SCENE, sensor="landsat", assets={"lst": Asset("https://example.org/st.tif")})
    plain = radiometry.calibration_of(scene, landsat.band("lst"), landsat)
    assert (plain.scale, plain.offset, plain.evidence) == (0.00341802, 149.0, ("sensor gives the offset",))
    tagged = radiometry.calibration_of(scene, landsat.band("lst"), landsat, tags=(0.01, 100.0))
    assert (tagged.scale, tagged.offset) == (0.01, 100.0)
