"""The STAC API of the demo: a real one, up for a block and gone after it."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pystac_client import Client

from sco.errors import UpstreamError
from sco.simulator.server import serve


def an_item(day: int) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": f"scene-{day}",
        "collection": "scenes",
        "geometry": {"type": "Polygon", "coordinates": [[[4, 43], [5, 43], [5, 44], [4, 44], [4, 43]]]},
        "bbox": [4, 43, 5, 44],
        "properties": {"datetime": f"2023-07-{day:02d}T10:00:00Z", "proj:code": "EPSG:32631"},
        "links": [],
        "assets": {"red": {"href": "/nowhere/red.tif", "file:checksum": "1220ab"}},
    }


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [an_item(day) for day in range(1, 13)]}))
    return path


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    content = {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": "scenes",
        "title": "Scenes that were made up",
        "description": "Simulated",
        "license": "CC0-1.0",
        "extent": {"spatial": {"bbox": [[4, 43, 5, 44]]}, "temporal": {"interval": [["2023-07-01T00:00:00Z", None]]}},
        "links": [{"rel": "item", "href": "./nowhere/scene-1.json"}],
    }
    path = tmp_path / "collection.json"
    path.write_text(json.dumps(content))
    return path


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


def is_up(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_items_are_served_as_they_are(items: Path) -> None:
    with serve(items) as url:
        found = list(Client.open(url).search(collections=["scenes"], limit=5).items_as_dicts())
        assert {item["id"] for item in found} == {f"scene-{day}" for day in range(1, 13)}
        first = next(item for item in found if item["id"] == "scene-1")
        assert first["assets"] == an_item(1)["assets"]
        assert first["properties"]["proj:code"] == "EPSG:32631"
    assert not is_up(port_of(url))


def test_lines_of_json_are_served_too(items: Path, tmp_path: Path) -> None:
    lines = tmp_path / "items.ndjson"
    lines.write_text("\n".join(json.dumps(item) for item in json.loads(items.read_text())["features"]))
    with serve(lines) as url:
        assert len(list(Client.open(url).search(collections=["scenes"]).items_as_dicts())) == 12


def test_a_described_collection_keeps_its_description(items: Path, collection: Path) -> None:
    with serve(items, [collection]) as url:
        client = Client.open(url)
        assert [found.title for found in client.get_collections()] == ["Scenes that were made up"]
        assert len(list(client.search(collections=["scenes"]).items_as_dicts())) == 12


def test_the_named_port_is_taken_and_given_back(items: Path) -> None:
    with serve(items) as url:
        port = port_of(url)
    for _ in range(2):
        with serve(items, port=port) as again:
            assert again == url
            assert is_up(port)


def test_the_server_stops_when_the_block_fails(items: Path) -> None:
    with pytest.raises(RuntimeError, match="in the block"), serve(items) as url:
        raise RuntimeError("in the block")
    assert not is_up(port_of(url))


def test_a_port_that_is_taken_is_refused_at_once(items: Path) -> None:
    with (
        serve(items) as url,
        pytest.raises(UpstreamError, match=f"port {port_of(url)} of 127.0.0.1 cannot be used"),
        serve(items, port=port_of(url)),
    ):
        pass
    with pytest.raises(UpstreamError, match="port 70000"), serve(items, port=70000):
        pass


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match=r"ended with status 1 .*No such file"), serve(tmp_path / "absent.json"):
        pass
    broken = tmp_path / "broken.json"
    broken.write_text('{"type": "FeatureCollection", "features": [')
    with pytest.raises(UpstreamError, match="ended with status 1"), serve(broken):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_the_server_ends_with_its_parent_however_that_ends(items: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from sco.simulator.server import serve\n"
        "with serve(Path(sys.argv[1])) as url: print(url, flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script, items], stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        port = port_of(parent.stdout.readline().strip())
        assert is_up(port)
        parent.kill()
    deadline = time.monotonic() + 5
    while is_up(port) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_up(port)
