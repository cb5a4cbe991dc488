"""How far the demonstration is from its truth, as the README says it: one JSON line.

Run `make demo` first, then `.venv/bin/python benchmarks/truth.py [DEMO_FOLDER]`.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr

import sco
from sco.simulator import compare


def main(folder: Path) -> None:
    """Print bias and RMSE by indicator, and the RMSE of NDVI by the number of clear observations."""
    stored = sco.open(folder / "project.toml")
    with xr.open_zarr(folder / "truth.zarr") as truth:
        error = (stored["ndvi"] - truth["ndvi"]).to_numpy()
        seen = stored["ndvi_n_seen"].to_numpy()
        rmse = {n: float(np.sqrt(np.nanmean(error[seen == n] ** 2))) for n in (1, 2, 3)}
        accuracy = [asdict(one) for one in compare(stored, truth)]
    print(json.dumps({"benchmark": "truth", "accuracy": accuracy, "ndvi_rmse_by_observations": rmse}))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
