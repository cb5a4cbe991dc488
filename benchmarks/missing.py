"""Our rules for missing values beside xclim's of the same names: in how many periods they differ, as one JSON line.

xclim is no dependency of ours: run this with an interpreter that has it, from the checkout,
`PYTHONPATH=. python benchmarks/missing.py [--record tests/missing_xclim.csv]`. What is recorded is read by
`tests/test_season.py`.
"""

import argparse
import json
import warnings
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

RULES: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "any": ("any", {}),
    "wmo": ("wmo", {}),
    "pct 0.1": ("pct", {"tolerance": 0.1}),
    "pct 0.25": ("pct", {"tolerance": 0.25}),
    "at_least_n 20": ("at_least_n", {"n": 20}),
    "at_least_n 70": ("at_least_n", {"n": 70}),
}
LENGTHS = {"month": "MS", "season": "QS-DEC", "year": "YS"}


def holed() -> xr.DataArray:
    """Four years of days of which some are missing, alone and several in a row, in some months many."""
    random = np.random.default_rng(29)
    times = pd.date_range("2001-01-01", "2004-12-31")
    missing = random.random(len(times)) < np.repeat(random.choice([0, 0, 0.05, 0.3, 0.6], 60), 30)[: len(times)]
    for start in random.choice(len(times) - 10, 25, replace=False):
        missing[start : start + random.integers(3, 9)] = True
    missing[times.year == 2003] &= random.random((times.year == 2003).sum()) < 0.1
    missing[times.year == 2002] = False
    return xr.DataArray(np.where(missing, np.nan, 1.0), {"time": times}, ("time",))


def theirs(series: xr.DataArray, rule: str, options: Mapping[str, float], to: str) -> pd.Series:
    """Whether a period is missing, by its first day, as xclim has it."""
    from xclim.core.missing import MISSING_METHODS

    found = MISSING_METHODS[rule](**options)(series, freq=LENGTHS[to], src_timestep="D")
    return found.to_series().astype(bool)


def ours(series: xr.DataArray, rule: str, options: Mapping[str, Any], to: str) -> pd.Series:
    """The same as `aggregate` has it."""
    from sco.season import aggregate

    whole = aggregate(series, to, "mean", rule, **options)  # type: ignore[arg-type]
    return whole.isnull().to_series()


def main() -> None:
    """Compare, print, and record where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", type=Path)
    record = parser.parse_args().record
    warnings.simplefilter("ignore")
    cases = [(name, to) for name in RULES for to in LENGTHS]
    peer = pd.concat({case: theirs(holed(), *RULES[case[0]], case[1]) for case in cases}, names=["rule", "to"])
    own = pd.concat({case: ours(holed(), *RULES[case[0]], case[1]) for case in cases}, names=["rule", "to"])
    if record:
        peer.astype(int).rename("missing").to_csv(record)
    facts = {"peer": f"xclim {version('xclim')}", "periods": len(peer), "missing": int(peer.sum())}
    differ = int((own.reindex(peer.index) != peer).sum()) + len(own.index.symmetric_difference(peer.index))
    print(json.dumps({"benchmark": "missing", **facts, "differ": differ}))


if __name__ == "__main__":
    main()
