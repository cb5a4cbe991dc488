"""A catalog that returns rubbish costs the rubbish and nothing else, and the command says so."""

import json
from pathlib import Path

import numpy as np
import tomlkit
import xarray as xr
from command import sco

from observatory import landing, page, playing, say
from sco.project import Project
from sco.store import Store


def test_the_run_goes_on_without_the_rubbish_and_ends_with_5(make_project, observatory, computed, tmp_path):
    good = json.loads(observatory.items.read_text("utf-8"))["features"]
    like = good[0]
    first, second, *others = like["geometry"]["coordinates"][0]
    ring = [first, [float("nan"), second[1]], *others]
    rubbish = [
        like | {"id": "no-geometry", "geometry": None},
        like | {"id": "nan", "geometry": {"type": "Polygon", "coordinates": [ring]}},
        like | {"id": "../../escaped"},
        like | {"id": "long", "properties": like["properties"] | {"title": "x" * 10_000_000}},
        like | {"id": "bare", "assets": {}},
    ]
    half = len(good) // 2
    served = [[*good[:half], *rubbish[:3]], [*rubbish[3:], *good[half:]]]

    def answer(play, request):
        if request.path == "/":
            return say(landing(play))
        number = int(request.body.get("token", 0))
        again = sum(int(one.body.get("token", 0)) == number for one in play.searches)
        links = [{"rel": "next", "href": "/search", "method": "POST", "merge": True, "body": {"token": number + 1}}]
        content = json.dumps(page(*served[number], links=links[: len(served) - 1 - number])).encode()
        return say(content[: len(content) // 2] if number == 1 and again == 1 else content)

    with playing(answer) as play:
        file = make_project(**_pointed_at(observatory.project, play.url))
        told = sco("update", file, "--engine", "local", "--json")
        again = sco("update", file, "--engine", "local")
    summary = json.loads(told.stdout)
    assert (told.returncode, again.returncode) == (5, 5)
    assert summary["failed"] == []
    assert summary["computed"] + summary["empty"] == 40
    assert len(summary["unusable"]) == len(rubbish)
    assert "5 items of the catalogs are no scenes and were passed over" in told.stderr
    assert "no-geometry of simulated: it has no geometry" in told.stderr
    assert "nan of simulated: its geometry has coordinates that are not numbers" in told.stderr
    assert "'../../escaped' of simulated: its id '../../escaped' is not" in told.stderr
    assert "long of simulated: its property 'title' is 10,000,000 characters long" in told.stderr
    assert "bare of simulated: it offers none of" in told.stderr
    assert "Traceback" not in told.stderr + again.stderr
    assert not list(tmp_path.parent.rglob("*escaped*"))
    assert {path.name for path in file.parent.iterdir()} <= {"project.toml", "store", "store.lock", "store.work"}
    clean = Store.open(computed.store_url).dataset()
    xr.testing.assert_equal(
        Store.open(Project.load(file).store_url).dataset()[["ndvi", "ndvi_n_seen"]], clean[["ndvi", "ndvi_n_seen"]]
    )
    assert np.isfinite(clean["ndvi"]).any()


def _pointed_at(project: Path, url: str) -> dict[str, object]:
    content = tomlkit.parse(project.read_text("utf-8")).unwrap()
    for source in content["sources"]:
        source["catalogs"] = [{"id": "simulated", "url": url}]
    return {"sources": content["sources"]}
