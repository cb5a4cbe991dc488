"""Our marine heatwaves beside those of Eric Oliver's reference implementation: what differs, as one JSON line.

It comes with mhw-detect, which is no dependency of ours: run this with an interpreter that has it, from the checkout,
`PYTHONPATH=. python benchmarks/heatwaves.py [--record tests/indicators/marine_heatwave_oliver.csv]`. Both take the
climate from the reference years alone, and what is not seen for not warm. What is recorded is read by
`tests/indicators/test_marine_heatwave.py`.
"""

import argparse
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from tests.indicators.handmade_sea import REFERENCE, SEAS, TIMES, events_of


def theirs(series: xr.DataArray) -> pd.DataFrame:
    """By the first day of an event: its days, intensities and category; climate and threshold on its warmest day."""
    np.NaN = np.nan  # their name for it, which numpy has given up
    from src.mhw_detect.detection.marineHeatWavesOpt import detect

    days = np.array([day.toordinal() for day in TIMES])
    values = series.values[:, 0, 0].astype("float32")
    years = [int(year) for year in TIMES[REFERENCE].year[[0, -1]]]
    alone = [days[REFERENCE], values[REFERENCE]]  # or days after the last reference year would count for its end
    found = detect(days, values.copy(), climatologyPeriod=years, alternateClimatology=alone)[0]
    of = {name: np.asarray(found[name]) for name in found}
    table = {name: of[name] for name in ("duration", "intensity_max", "intensity_mean", "category")}
    table["climate"] = of["intensity_max_abs"] - of["intensity_max"]
    table["threshold"] = of["intensity_max_abs"] - of["intensity_max_relThresh"]
    return pd.DataFrame(table, TIMES[of["time_start"].astype(int) - days[0]].rename("time"))


def ours(series: xr.DataArray) -> pd.DataFrame:
    """The same of ours."""
    from indicators.marine_heatwave import heatwaves

    held = xr.DataArray(REFERENCE, {"time": TIMES}, ("time",))
    return events_of(heatwaves(series.astype("float32"), held))


def main() -> None:
    """Compare, print, and record where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--record", type=Path)
    record = parser.parse_args().record
    peer = pd.concat({name: theirs(sea()) for name, sea in SEAS.items()}, names=["sea"])
    own = pd.concat({name: ours(sea()) for name, sea in SEAS.items()}, names=["sea"])
    if record:
        peer.to_csv(record, float_format="%.7g")
    facts = {
        "peer": f"mhw-detect {version('mhw-detect')}",
        "events": {name: len(peer.loc[name]) for name in SEAS},
        "of_one_alone": len(peer.index.symmetric_difference(own.index)),
        "largest_difference": {name: float(abs(own[name] - peer[name]).max()) for name in peer},
    }
    print(json.dumps({"benchmark": "heatwaves", **facts}))


if __name__ == "__main__":
    main()
