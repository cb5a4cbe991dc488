"""The benchmarks' lines as the README's table: `table.py RESULTS.ndjson` writes it between the README's markers.

Of a benchmark with several lines the last one counts. Figures are medians, of the work alone unless said otherwise.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

README = Path(__file__).parents[1] / "README.md"
START, END = "<!-- benchmarks -->", "<!-- /benchmarks -->"
TITLES = {
    "deep": "deep: 24 scenes of one tile, monthly median",
    "wide": "wide: 64 scenes of one day side by side",
    "latency": "latency: the same behind a server, every answer 40 ms late",
    "overview": "overview: 24 scenes of 10 m to a map of 100 m, from any overview",
    "overview_means": "overview: the same, ours with exact means",
    "depth": "depth: 24 to 240 scenes",
    "increment": "increment: one new scene in 120 months",
    "notebook": "notebook: a pixel's 100 days out of a lazy cube",
    "zones": "zones: 1,000 polygons x 100 frames",
}
Line = Mapping[str, Any]
Row = tuple[str, str, str, str]


def main(results: Path) -> None:
    """Put the table of these lines into the README."""
    told = [json.loads(text) for text in results.read_text("utf-8").splitlines() if text.startswith("{")]
    lines = {line["benchmark"]: line for line in told}
    readme = README.read_text("utf-8")
    before, rest = readme.split(START, 1)
    _, after = rest.split(END, 1)
    README.write_text(f"{before}{START}\n{table(lines)}{END}{after}", "utf-8")


def table(lines: Mapping[str, Line]) -> str:
    """The table in Markdown, one row a benchmark."""
    rows = [row for name in TITLES if name in lines for row in ROWS.get(name, _race)(lines[name])]
    head = "| benchmark | ours | others | ratio |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _race(line: Line) -> Iterator[Row]:
    ours, peers = line["ours"], line["peers"]
    others = ", ".join(
        f"{name} {_seconds(peer['work_s'])}, {peer['peak_rss_mb']:.0f} MB" for name, peer in peers.items()
    )
    ratios = ", ".join(f"{name} {found['work']:.1f}x" for name, found in line["ratios"].items())
    floor = f"; {line['times_the_floor']:.1f}x the floor" if "times_the_floor" in line else ""
    yield TITLES[line["benchmark"]], f"{_seconds(ours['work_s'])}, {ours['peak_rss_mb']:.0f} MB", others, ratios + floor


def _depth(line: Line) -> Iterator[Row]:
    ours = ", ".join(
        f"{days}: {_seconds(one['work_s'])}, {one['peak_rss_mb']:.0f} MB" for days, one in line["ours"].items()
    )
    found = line["ratios"]
    ratio = f"peak memory {found['peak_rss']:.2f}x, time a scene {found['work_s_a_scene']:.2f}x"
    yield TITLES["depth"], ours, "", ratio


def _increment(line: Line) -> Iterator[Row]:
    ours = line["ours"]
    share = f"{line['ratios']['share_of_rebuild']:.1%} of it"
    yield TITLES["increment"], _seconds(ours["one_scene_s"]), f"full rebuild {_seconds(ours['rebuild_s'])}", share


def _notebook(line: Line) -> Iterator[Row]:
    ours, odc, items = line["ours"], line["peers"]["odc"], line["items"]
    title = f"notebook: open a lazy cube over {items['ours']:,} items (odc: {items['odc']:,})"
    for name, key in ((title, "open_s"), (TITLES["notebook"], "series_s")):
        yield name, _seconds(ours[key]), f"odc {_seconds(odc[key])}", f"odc {odc[key] / ours[key]:.0f}x"


def _seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 0.1 else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


ROWS: dict[str, Callable[[Line], Iterator[Row]]] = {"depth": _depth, "increment": _increment, "notebook": _notebook}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
