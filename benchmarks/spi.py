"""Our SPI beside xclim's, on the same sums and calibration: the largest difference, as one JSON line.

xclim is no dependency of ours: run this with an interpreter that has it, from the checkout,
`PYTHONPATH=. python benchmarks/spi.py [ERA5_FILE] [--record tests/indicators/spi_xclim.csv]`. The file is
`daily_surface_cancities_1990-1993.nc` of xclim-testdata; without it only made-up series are compared. What is recorded
is read by `tests/indicators/test_spi.py`.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

MONTHS = (1, 3, 6, 12)


def made_up() -> xr.DataArray:
    """Twenty years of rain at three places: wet, with dry months, and with gaps; mm a month."""
    random = np.random.default_rng(11)
    times = pd.date_range("1991-01-01", periods=240, freq="MS")
    rain = np.round(random.gamma(2.0, 30.0, (3, 240)), 1)
    rain[1][random.random(240) < 0.3] = 0.0
    rain[2][random.random(240) < 0.05] = np.nan
    return xr.DataArray(rain, {"place": ["wet", "dry", "gaps"], "time": times}, ("place", "time"))


def cities(file: Path) -> xr.DataArray:
    """Rain of five cities, mm a day on average of each month."""
    with xr.open_dataset(file) as opened:
        daily = opened["pr"].load().astype("float64") * 86400
    return daily.rename(location="place").drop_vars(("lat", "lon")).resample(time="MS").mean()


def theirs(rain: xr.DataArray, months: int, years: tuple[str, str]) -> xr.DataArray:
    """The SPI of xclim: gamma by maximum likelihood with its origin at 0."""
    from xclim.indices import standardized_precipitation_index

    return standardized_precipitation_index(
        rain.assign_attrs(units="mm/day"),
        freq=None,
        window=months,
        dist="gamma",
        method="ML",
        fitkwargs={"floc": 0},
        cal_start=years[0],
        cal_end=years[1],
    ).transpose("place", "time")


def main() -> None:
    """Compare, print, and record where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--record", type=Path)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    from indicators.spi import spi

    rains = {"1993-01-01/2008-12-31": made_up()} | ({"1990-01-01/1993-12-31": cities(asked.file)} if asked.file else {})
    tables, worst = [], 0.0
    for span, rain in rains.items():
        start, end = span.split("/")
        held = (rain["time"] >= np.datetime64(start)) & (rain["time"] <= np.datetime64(end))
        table = rain.rename("rain").to_dataset()
        for months in MONTHS:
            peer, ours = theirs(rain, months, (start, end)), spi(rain, held, months)
            worst = max(worst, float(abs(peer - ours).max()))
            assert bool((peer.isnull() == ours.isnull()).all())
            table[f"spi_{months}"] = peer.reset_coords(drop=True)
        tables.append(table.to_dataframe())
    table = pd.concat(tables)
    if asked.record:
        table.to_csv(asked.record, float_format="%.10g")
    from importlib.metadata import version

    facts = {"peer": f"xclim {version('xclim')}", "values": len(MONTHS) * len(table), "worst_difference": worst}
    print(json.dumps({"benchmark": "spi"} | facts))


if __name__ == "__main__":
    main()
