"""The same recipe on a new territory: a project's file from another one's."""

from pathlib import Path

from flows.terminal import give_json, tell
from sco.errors import ConfigurationError
from sco.project import CONFIGS, Project

LOCAL_TABLES = ("zones", "rural", "sheet", "summary")
"""What is true of one territory alone, and is not taken to another."""


def new(
    name: str, other: str, bbox: tuple[float, float, float, float], titles: tuple[str | None, str | None], as_json: bool
) -> None:
    """Write configs/NAME.toml after another project: its sources, period and indicators over another box of degrees.

    The grid is in the UTM zone of the box's middle where the other one is in a UTM zone, else in the same CRS. Raises
    ConfigurationError for a name that is taken and for whatever a file may not hold; nothing is then written.
    """
    file = CONFIGS / f"{name}.toml"
    if file.exists():
        raise ConfigurationError(f"{file} is there already: choose another name, or change that file")
    text, left_out = _recipe(name, Project.load(other), bbox, titles)
    _check(text, file)
    file.write_text(text, "utf-8")
    if as_json:
        give_json("new", {"project": name, "file": str(file), "left_out": left_out})
        return
    print(file)
    if left_out:
        tell(f"left out, as they belong to {other}: {', '.join(left_out)}. Write them for {name} if it needs them")
    tell(f"look at what it would do: sco plan {name}")


def _recipe(
    name: str, other: Project, bbox: tuple[float, float, float, float], titles: tuple[str | None, str | None]
) -> tuple[str, list[str]]:
    import tomlkit

    content = tomlkit.parse(other.file.read_text("utf-8"))
    left_out = [table for table in LOCAL_TABLES if table in content]
    for table in left_out:
        del content[table]
    content["id"] = name
    content["title"] = dict(zip(("en", "fr"), (title or name for title in titles), strict=True))
    content["store"] = f"data/{name}"
    content["area"] = {
        **{key: value for key, value in content["area"].items() if key in ("resolution", "tile")},
        "bbox": list(bbox),
        "crs": _crs(other.area.crs, bbox),
    }
    if other.publish:
        content["publish"]["to"] = f"products/{name}"
    return tomlkit.dumps(content), left_out


def _crs(other: str, bbox: tuple[float, float, float, float]) -> str:
    """The UTM zone of the middle of a box where the other CRS is a UTM zone of WGS84; the other CRS elsewhere."""
    from pyproj import CRS

    zone = CRS.from_user_input(other).utm_zone
    if zone is None:
        return other
    west, south, east, north = bbox
    number = int(((west + east) / 2 + 180) // 6) % 60 + 1
    return f"EPSG:{(32600 if south + north >= 0 else 32700) + number}"


def _check(text: str, file: Path) -> None:
    import tomllib

    Project.check(tomllib.loads(text), file)
