"""The README's table of benchmarks says what their lines say."""

import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _beside_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts import their neighbours, as they do when they are run."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_a_line_becomes_a_row():
    import table

    figures = {"wall_s": 9.0, "cpu_s": 8.0, "peak_rss_mb": 600.4, "work_s": 2.0}
    deep = {
        "benchmark": "deep",
        "ours": figures,
        "peers": {"odc": figures | {"work_s": 12.5, "peak_rss_mb": 9.1}},
        "ratios": {"odc": {"work": 6.25, "wall": 1.0}},
        "times_the_floor": 1.234,
    }
    notebook = {
        "benchmark": "notebook",
        "ours": {"open_s": 0.0751, "series_s": 0.4},
        "peers": {"odc": {"open_s": 12.2, "series_s": 10.0}},
        "items": {"ours": 100_000, "odc": 10_000},
    }
    rows = table.table({"notebook": notebook, "deep": deep}).splitlines()[2:]
    assert rows == [
        "| deep: 24 scenes of one tile, monthly median | 2.00 s, 600 MB | odc 12 s, 9 MB | odc 6.2x; 1.2x the floor |",
        "| notebook: open a lazy cube over 100,000 items (odc: 10,000) | 0.075 s | odc 12 s | odc 162x |",
        "| notebook: a pixel's 100 days out of a lazy cube | 0.40 s | odc 10 s | odc 25x |",
    ]


def test_the_table_goes_between_the_readme_s_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import table

    readme, results = tmp_path / "README.md", tmp_path / "results.ndjson"
    readme.write_text(f"before\n{table.START}\nold\n{table.END}\nafter\n")
    line = (
        '{"benchmark": "increment", "ours": {"one_scene_s": 0.44, "rebuild_s": 24}, "ratios": {"share_of_rebuild": %s}}'
    )
    results.write_text(f"{line % 0.5}\nnoise\n{line % 0.0183}\n")
    monkeypatch.setattr(table, "README", readme)
    table.main(results)
    before, row, after = (readme.read_text().splitlines()[place] for place in (0, 4, -1))
    assert (before, after) == ("before", "after")
    assert row == "| increment: one new scene in 120 months | 0.44 s | full rebuild 24 s | 1.8% of it |"
    assert table.START in (BENCHMARKS.parent / "README.md").read_text("utf-8")


def test_the_server_answers_ranges_late(tmp_path: Path):
    import time
    import urllib.request

    import latency

    (tmp_path / "numbers.tif").write_bytes(bytes(range(100)))
    with latency.serving(tmp_path) as url:
        began = time.perf_counter()
        asked = urllib.request.Request(f"{url}/numbers.tif", headers={"Range": "bytes=10-19"})
        with urllib.request.urlopen(asked) as reply:
            assert (reply.status, reply.read()) == (206, bytes(range(10, 20)))
            assert reply.headers["Content-Range"] == "bytes 10-19/100"
        assert time.perf_counter() - began > latency.DELAY_MS / 1000
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}/../../etc/hostname")


def test_our_means_over_pixel_edges_are_the_plain_ones():
    import polygons
    import zonal

    frames = polygons.frames()[:2, :200, :200]
    top, left = 5, 5  # the square's first pixel
    (found,) = zonal.ours(frames, [zonal.SQUARE]).T
    assert found == pytest.approx([np.nanmean(one[top : top + 20, left : left + 20]) for one in frames], abs=1e-6)
    assert "rasterstats" not in sys.modules  # which only the peers' environment has


def test_our_overview_is_the_plain_mean_but_for_rounding(tmp_path: Path):
    import deep
    import ours
    import rasterio
    import scenes

    days, side = 3, 160
    recipe = scenes.Recipe(days=days, size=10 * side, patch=160)
    project = scenes.write(tmp_path, recipe, resolution=100, tile=512)
    ours.main(project, 2)
    ratios = []
    for day in range(days):
        folder = tmp_path / f"d{day:04d}r00c00"
        red, nir, codes = (rasterio.open(folder / f"{band}.tif").read(1) for band in ("red", "nir", "scl"))
        red, nir = (band.astype(float).reshape(side, 10, side, 10).mean((1, 3)) for band in (red, nir))
        ratios.append(np.where(codes[2::5, 2::5] == scenes.CLEAR, (nir - red) / (nir + red), np.nan))
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        plain = np.nanmedian(ratios, axis=0)
    found = deep.difference(deep.numbers(project), plain)
    # the files' overviews are integers that were rounded already, of which the mean is taken
    assert deep.HALF_A_STEP < found["most"] < 0.0004
    assert (np.isnan(deep.numbers(project)) == np.isnan(plain)).all()
