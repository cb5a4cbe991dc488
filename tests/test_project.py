"""A project file is right, or says in one line what is wrong with it."""

import json
import tomllib
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sco.errors import ConfigurationError
from sco.project import CONFIGS, Project, schema

GOOD = tomllib.loads(
    """
id = "camargue"
title = { en = "Camargue wetlands", fr = "Zones humides de Camargue" }
indicators = ["ndvi", "water_extent"]
store = "data/camargue"
[period]
start = 2018-01-01
end = 2022-12-31
[area]
bbox = [4.2, 43.3, 4.9, 43.7]
crs = "EPSG:32631"
resolution = 10
[[sources]]
sensor = "sentinel2"
catalogs = ["earth_search"]
max_cloud = 80
"""
)


def changed(path: str, value: Any) -> dict[str, Any]:
    content = deepcopy(GOOD)
    place: Any = content
    *way, last = path.split(".")
    for part in way:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    return content


def test_a_good_project(tmp_path):
    project = Project.check(GOOD, tmp_path / "camargue.toml")
    assert project.geobox.shape == (4549, 5743)
    assert str(project.geobox.crs) == "EPSG:32631"
    assert project.store_url == str(tmp_path / "data" / "camargue")
    assert len(project.period.slices()) == 60
    assert [one.label for one in project.period.slices(date(2019, 2, 3), date(2019, 4, 1))] == [
        "2019-02",
        "2019-03",
        "2019-04",
    ]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("indicator", ["ndvi"], r"no key 'indicator'; did you mean 'indicators'\?"),
        ("period.ned", "now", r"no key 'ned'; did you mean 'end'\? \[period\] has"),
        ("sources.0.sensro", "x", r"no key 'sensro'; did you mean 'sensor'\? \[sources\] has"),
        ("sources.0.sensor", "sentinel-2", r"no sensor 'sentinel-2'; did you mean 'sentinel2'\?"),
        ("indicators", ["ndvj"], r"no indicator 'ndvj'; did you mean 'ndvi'\?"),
        ("sources.0.catalogs", ["earth_serch"], r"no catalog 'earth_serch'; did you mean 'earth_search'\?"),
        ("sources.0.catalogs", [{"id": "earth_search", "ur": "http://x"}], r"no key 'ur'; did you mean 'url'\?"),
        ("sources.0.catalogs", [], "at least 1 item"),
        ("period.end", "2017-01-01", "ends on 2017-01-01, before it starts on 2018-01-01"),
        ("period.reference", ["2021-01-01", "2020-01-01"], "reference ends on 2020-01-01"),
        ("area.bbox", [4.2, 43.3, 190.0, 43.7], "outside the world"),
        ("area.bbox", [4.9, 43.3, 4.2, 43.7], "is empty"),
        ("area.bounds", [0, 0, 1, 1], "one of bbox, bounds, file"),
        ("area.crs", "EPSG:999999", "no CRS 'EPSG:999999'"),
        ("area.resolution", 0, "greater than 0"),
        ("area.resolution", 0.001, "choose a resolution"),
        ("id", "../etc", "id: String should match"),
        ("title", {"en": "Only English"}, r"title.fr: Field required"),
    ],
)
def test_bad_input_is_one_clear_message(tmp_path, path, value, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        Project.check(changed(path, value), tmp_path / "camargue.toml")
    assert "Traceback" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_indicator_whose_bands_no_source_has(tmp_path, monkeypatch):
    from dataclasses import replace

    from sco import library

    blind = replace(library.indicators["ndvi"], bands=("red", "sla"))
    monkeypatch.setattr("indicators.ndvi.INDICATOR", blind)
    with pytest.raises(ConfigurationError, match="'ndvi' needs red, sla"):
        Project.check(GOOD, tmp_path / "camargue.toml")


def test_not_toml_and_not_there(tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_text("id = [")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        Project.load(broken)
    with pytest.raises(ConfigurationError, match="no file"):
        Project.load(tmp_path / "gone.toml")
    with pytest.raises(ConfigurationError, match="no project 'camarge'"):
        Project.load("camarge")


def test_relative_places(tmp_path):
    folder = tmp_path / "configs"
    project = Project.check(changed("access", {"files": ["scenes"]}), folder / "camargue.toml")
    assert project.store_url == str(tmp_path / "data" / "camargue")
    assert project.file_roots == (folder / "scenes",)


def test_an_area_from_a_file_of_polygons(tmp_path):
    (tmp_path / "area.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": {"type": '
        '"Polygon", "coordinates": [[[4.2, 43.3], [4.9, 43.3], [4.9, 43.7], [4.2, 43.7], [4.2, 43.3]]]}}]}'
    )
    content = changed("area", {"file": "area.geojson", "crs": "EPSG:32631", "resolution": 10})
    assert Project.check(content, tmp_path / "camargue.toml").geobox.shape == (4549, 5743)
    (tmp_path / "area.geojson").write_text("{}")
    with pytest.raises(ConfigurationError, match="not a GeoJSON FeatureCollection"):
        Project.check(content, Path(tmp_path / "camargue.toml"))


def test_bounds_are_kept_as_given(tmp_path):
    area = {"bounds": [500_000, 5_000_000, 503_000, 5_002_000], "crs": "EPSG:32631", "resolution": 100, "tile": 16}
    project = Project.check(changed("area", area), tmp_path / "one.toml")
    assert project.geobox.shape == (20, 30)
    assert tuple(project.geobox.boundingbox.bbox) == (500_000, 5_000_000, 503_000, 5_002_000)


def test_the_kept_schema_is_the_models_own():
    kept = json.loads((CONFIGS / "project.schema.json").read_text())
    assert kept == schema(), "the project model changed: run `make schema`"
    assert kept["additionalProperties"] is False
    assert kept["$defs"]["Source"]["additionalProperties"] is False
