"""The same recipe on a new territory, by command."""

import json
import shutil
from pathlib import Path

import pytest
from command import sco

from flows import territory
from sco.errors import ConfigurationError
from sco.project import CONFIGS, Project


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "configs"
    folder.mkdir()
    shutil.copy(CONFIGS / "camargue.toml", folder)
    for module in ("flows.territory", "sco.project"):
        monkeypatch.setattr(f"{module}.CONFIGS", folder)
    return folder


def test_it_takes_the_recipe_and_not_the_place(configs, capsys):
    territory.new("delta", "camargue", (-16.6, -15.2, -16.0, -14.8), ("Delta", None), as_json=True)
    told = json.loads(capsys.readouterr().out)
    made, other = Project.load("delta"), Project.load("camargue")
    assert Path(told["file"]) == configs / "delta.toml"
    assert told["left_out"] == ["sheet", "summary"]
    assert (made.indicators, made.sources, made.period) == (other.indicators, other.sources, other.period)
    assert (made.id, made.title.en, made.title.fr) == ("delta", "Delta", "delta")
    assert (made.area.crs, made.area.resolution) == ("EPSG:32728", 10)
    assert made.store_url == str(configs.parent / "data" / "delta")
    assert made.product_root == configs.parent / "products" / "delta"
    assert made.zones is None


def test_a_bad_territory_leaves_nothing(configs):
    with pytest.raises(ConfigurationError, match="is outside the world"):
        territory.new("delta", "camargue", (170, 10, 190, 20), (None, None), as_json=False)
    with pytest.raises(ConfigurationError, match="is there already"):
        territory.new("camargue", "camargue", (4, 43, 5, 44), (None, None), as_json=False)
    assert [one.name for one in configs.iterdir()] == ["camargue.toml"]


def test_a_box_that_is_none_is_one_message():
    told = sco("new", "delta", "--from", "camargue", "--bbox", "4,43,5")
    assert told.returncode == 3
    assert told.stderr.strip() == "error: '4,43,5' is no box: write west,south,east,north in degrees"
    assert not (CONFIGS / "delta.toml").exists()
