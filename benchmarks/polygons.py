"""The polygons and frames that the zones are measured with, made from nothing but numbers."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 1000
STEPS = 100
ZONES = 1000
LEFT, TOP, PIXEL = 600_000, 4_900_000, 10
CRS = "EPSG:32631"


def frames() -> NDArray[np.float32]:
    """(step, y, x), a tenth of it NaN in patches."""
    random = np.random.default_rng(11)
    values = random.random((STEPS, SIDE, SIDE), np.float32)
    holes = random.random((STEPS, SIDE // 20, SIDE // 20)) < 0.1
    values[holes.repeat(20, axis=1).repeat(20, axis=2)] = np.nan
    return values


def rings(blocky: bool = False) -> list[list[tuple[float, float]]]:
    """Outlines of some 300 m across, from 5 to 40 corners; or squares whose sides lie on pixel edges."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(ZONES):
        x, y = LEFT + random.uniform(200, 9800), TOP - random.uniform(200, 9800)
        if blocky:
            x, y, side = round(x, -1), round(y, -1), 10 * int(random.integers(5, 20))
            found.append([(x, y), (x + side, y), (x + side, y - side), (x, y - side)])
        else:
            angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 41)))
            reach = random.uniform(80, 190, angles.size)
            found.append(list(zip(x + reach * np.cos(angles), y + reach * np.sin(angles), strict=True)))
    return found


def keep(means: NDArray[Any], out: Path) -> None:
    """Write the means, (step, zone), for the others to be compared with."""
    np.save(out, np.asarray(means, np.float64))
