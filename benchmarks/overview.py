"""Overview: scenes of 10 m to a map of 100 m, against odc-stac and stackstac: a JSON line for each way to make it.

The scenes' overviews are averages, and every reader averages down. "overview" lets us take the coarsest overview that
is fine enough, as the peers do; "overview_means" is our default, which takes none but those that give exact means and
so decodes sixteen times as many pixels. The truth that the lines tell the distances from is the median of the NDVI of
the plain means of all pixels, clouds being as wide as sixteen pixels of the map.
"""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from contest import Contest, Numbers, hold
from numpy.typing import NDArray
from scenes import CLEAR, Recipe

RECIPE = Recipe(size=7680, patch=160, distinct=4)
STEP = 10
PROJECT = {"resolution": 10 * STEP, "tile": 512}
ASKED = ("--resolution", "100", "--chunk", "512")


def truth(folder: Path) -> Numbers:
    """The median NDVI by plain means of the pixels of each scene, (y, x), NaN where no scene is clear."""
    scenes = sorted(path.parent for path in folder.glob("*/scl.tif"))
    return np.asarray(np.nanmedian([ndvi(scene) for scene in scenes], axis=0))


def ndvi(scene: Path) -> Numbers:
    """Of one scene, (y, x), NaN under its clouds."""
    red, nir = (means(numbers(scene / f"{band}.tif")) for band in ("red", "nir"))
    clear = numbers(scene / "scl.tif")[:: STEP // 2, :: STEP // 2] == CLEAR
    return np.where(clear, (nir - red) / (nir + red), np.nan)


def means(fine: NDArray[np.integer[Any]]) -> Numbers:
    """Of squares of pixels, (y, x)."""
    rows, columns = (side // STEP for side in fine.shape)
    return np.asarray(fine.reshape(rows, STEP, columns, STEP).mean(axis=(1, 3), dtype="float64"))


def numbers(path: Path) -> NDArray[np.integer[Any]]:
    """What is stored in a file, (y, x)."""
    with rasterio.open(path) as file:
        return np.asarray(file.read(1))


if __name__ == "__main__":
    hold(Contest("overview", RECIPE, {**PROJECT, "overviews": "any"}, ASKED), truth=truth)
    hold(Contest("overview_means", RECIPE, PROJECT, ASKED), truth=truth)
