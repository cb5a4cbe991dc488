"""The Space for Climate Observatory's pipeline: from public satellite catalogs to climate indicators.

From a notebook: `sco.open("demo/project.toml")` is the stored Dataset; `sco.open_cube(...)` is a lazy cube of scenes.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from sco.project import Project

BEGAN = time_ns()
"""Before any other code of ours was loaded, so that a file that is older is what runs."""

__all__ = ["open", "open_cube", "open_project", "open_store"]


def open_project(name_or_path: str | Path) -> "Project":
    """The project of this name in configs/, or of this TOML file. Raises ConfigurationError."""
    from sco.project import Project

    return Project.load(name_or_path)


def open_store(url: str, *, tag: str | None = None) -> Any:
    """The stored cube at this path or address, for `xarray.open_zarr(..., consolidated=False)`; read only."""
    from sco.store import open_store

    return open_store(url, tag=tag)


def open(name_or_path: str | Path) -> "xr.Dataset":
    """What is stored for a project (its name, its TOML file) or in a store (its path or address); lazy.

    Dimensions (time, y, x); each indicator with its units and its counts; `spatial_ref` holds the CRS.
    """
    import rioxarray  # noqa: F401 - gives the Dataset its .rio

    from sco.project import REMOTE
    from sco.store import Store

    text = str(name_or_path)
    is_store = text.startswith(REMOTE) or Path(text).is_dir()
    return Store.open(text if is_store else open_project(text).store_url).dataset()


def open_cube(
    name_or_path: "str | Path | Project",
    sensor: str,
    start: str | date,
    end: str | date,
    bands: Sequence[str] = (),
    mask: Sequence[str] | None = None,
    fresh: bool = False,
) -> "xr.Dataset":
    """A lazy cube of a project's area as one sensor saw it from `start` to `end`, both included.

    Dimensions (time, y, x), one step a solar day; bands by STAC common name, float32, NaN where not seen. `mask`
    replaces the sensor's own choice of what is masked, as in mask=("cloud", "shadow", "snow"). The scenes are those
    of the last plan's kept answers; `fresh` asks the catalogs again.
    """
    from sco import library
    from sco.answers import gather
    from sco.cube import load
    from sco.plan import rules_of
    from sco.project import Project

    one = name_or_path if isinstance(name_or_path, Project) else open_project(name_or_path)
    first, last = (day if isinstance(day, date) else date.fromisoformat(day) for day in (start, end))
    found = gather(one, sensor, first, last, fresh)
    masked = None if mask is None else frozenset(mask)
    return load(found, library.sensors[sensor], one.tiling, rules_of(one), bands, masked)
