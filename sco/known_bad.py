"""The list of scenes that are not used although their catalogs offer them, with the reasons."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sco.errors import ConfigurationError

FILE = Path(__file__).parents[1] / "catalogs" / "known_bad.toml"


def why_bad(catalog: str, scene_id: str) -> str | None:
    """Why this scene of this catalog is not used, or None if nothing is known against it."""
    entries = known_bad()
    reason = entries.get((catalog, scene_id)) or entries.get(("", scene_id))
    return f"known to be bad: {reason}" if reason else None


@cache
def known_bad(file: Path = FILE) -> Mapping[tuple[str, str], str]:
    """(catalog or "" for every one, scene id) -> the reason and its source. Raises ConfigurationError."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
        if not isinstance(content["version"], int):
            raise TypeError("its version is no whole number")
        return {
            (str(entry.get("catalog", "")), str(entry["id"])): f"{entry['reason']} ({entry['source']})"
            for entry in content.get("scene", [])
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"{file} is no list of scenes with id, reason and source: {error}") from error
