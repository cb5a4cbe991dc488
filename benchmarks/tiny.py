"""A territory of 32 x 32 pixels over a few months, simulated, and projects over it that need no server."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sco.simulator import Simulation, World, simulate

WORLD = World(size_m=6_400, start=date(2022, 1, 1), end=date(2022, 3, 31), revisit_days=15, landsat_revisit_days=60)
SENTINEL2 = "sentinel-2-l2a"


@dataclass(frozen=True)
class Tiny:
    """A simulated territory, and where its projects go."""

    simulation: Simulation

    def items(self) -> list[dict[str, Any]]:
        """The items of its Sentinel-2 scenes."""
        features = json.loads(self.simulation.items.read_text("utf-8"))["features"]
        return [one for one in features if one["collection"] == SENTINEL2]

    def project(self, folder: Path, indicators: tuple[str, ...] = ("ndvi",), tile: int = 16) -> Path:
        """A project in a folder of its own, over a copy of the items: 3 months of 4 tiles, unless told."""
        folder.mkdir(parents=True)
        put_items(folder, self.items())
        world, scenes = self.simulation.world, self.simulation.folder / "scenes"
        file = folder / "project.toml"
        file.write_text(
            f"""id = "tiny"
title = {{ en = "Tiny territory (simulated)", fr = "Territoire minuscule (simulé)" }}
indicators = {list(indicators)}
store = "store"
[period]
start = {world.start}
end = {world.end}
every = "month"
reference = [{world.start}, {world.end}]
[area]
bounds = {list(world.grid.bounds)}
crs = "{world.grid.crs}"
resolution = {world.resolution_m}
tile = {tile}
[[sources]]
sensor = "sentinel2"
catalogs = [{{ id = "local", file = "items.json" }}]
[access]
files = ["{scenes}"]
[publish]
to = "product"
""",
            "utf-8",
        )
        return file


def make(folder: Path, world: World = WORLD) -> Tiny:
    """The territory in `folder`; simulated where it is not there yet, in about 5 s."""
    return Tiny(simulate(folder, world))


def put_items(folder: Path, items: list[dict[str, Any]]) -> None:
    """Make these the items of the project in `folder`."""
    content = json.dumps({"type": "FeatureCollection", "features": items})
    (folder / "items.json.part").write_text(content, "utf-8")
    (folder / "items.json.part").replace(folder / "items.json")
