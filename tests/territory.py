"""Projects over a simulated territory, for tests that fill a store of their own."""

from pathlib import Path

import tomlkit

from sco.simulator import Simulation


def project_over(simulation: Simulation, folder: Path, **changes: object) -> Path:
    """Writes a project of its own over a territory: project_over(observatory, tmp_path, indicators=["ndvi"])."""
    content = tomlkit.parse(simulation.project.read_text("utf-8"))
    content["access"] = {"files": [str(simulation.folder / "scenes")]}
    content["zones"]["file"] = str(simulation.folder / "zones.geojson")
    content.update(changes)
    file = folder / "project.toml"
    file.write_text(tomlkit.dumps(content), "utf-8")
    return file
