"""Pictures: a small overlay for each layer, and a map and a chart for each indicator."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import xarray as xr
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from sco import climatology
from sco.model import Class, Indicator
from sco.products import coarse
from sco.products.contents import Layer, Publication, well_seen
from sco.products.shares import classes_of

OVERLAY_SIDE = 300
"""Most pixels on a side of an overlay, which a page must load in no time."""
MAP_SIDE = 900
"""Most pixels on a side of a map."""
SHADES = (63, 31, 15)
"""Colours of an overlay: more of them cannot be told apart, and weigh more. The fewer are for pictures too heavy."""
PICTURE_BYTES = 46_000
"""What an overlay may weigh, so that the first view of a page is light whatever it shows."""
PANELS = 8
"""Most zones on a chart."""
TWO_YEARS = 2
TICKS = 7
"""Most names of years or periods below a chart."""
INK, QUIET, ACCENT, WARNING = "#1d2a33", "#6b7a85", "#0b6e75", "#b3400f"
HATCH = "#6f7d86"
"""The lines, on white, where there was no clear observation: a texture, so that it is like no colour of a value."""
PAPER, DOT = "#ffffff", "#33424b"
"""What was seen and has no value: dots, on white."""
DOT_STEP = 3
"""Pixels of a picture from a dot to the next."""
Rectangle = tuple[float, float, float, float]
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": "#c3ccd2",
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.color": HATCH,
    "hatch.linewidth": 0.7,
}
"""Titles come from outside, so that a dollar sign in them is a dollar sign."""


@dataclass(frozen=True)
class Colours:
    """Which colour stands for which value of an indicator."""

    name: str
    low: float
    high: float
    classes: tuple[Class, ...] = ()
    """What single values stand for, each with a colour of its own, where the values are no measure."""

    def palette(self, steps: int = 255) -> NDArray[np.uint8]:
        """Red, green, blue of `steps` values from low to high, (steps, 3)."""
        shades = matplotlib.colormaps[self.name](np.linspace(0, 1, steps))
        return np.asarray(np.rint(shades[:, :3] * 255), dtype="uint8")

    def stops(self, count: int = 11) -> list[str]:
        """Colours from low to high as a page writes them."""
        return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in self.palette(count).tolist()]


def colours_of(publication: Publication, indicator: Indicator) -> Colours:
    """The indicator's colours over what was found; about 0 for a difference, whose valid range is about 0.

    In round numbers of half a decade, so that a new month seldom moves them and recolours the months before it.
    """
    found: Colours = publication.once(f"colours of {indicator.id}", lambda: _colours(publication, indicator))
    return found


def _colours(publication: Publication, indicator: Indicator) -> Colours:
    if indicator.classes:
        return Colours(indicator.colormap, *indicator.valid_range, indicator.classes)
    counted = publication.census.sel(indicator=indicator.id)
    low, high = float(counted["lowest"].min()), float(counted["highest"].max())
    floor, ceiling = indicator.valid_range
    if indicator.is_derived and floor == -ceiling:
        low, high = -max(abs(low), abs(high)), max(abs(low), abs(high))
    step = 10 ** math.floor(math.log10(max(high - low, 1e-6))) / 2
    low, high = max(math.floor(low / step) * step, floor), min(math.ceil(high / step) * step, ceiling)
    return (
        Colours(indicator.colormap, round(low, 9), round(high, 9))
        if low < high
        else Colours(indicator.colormap, floor, ceiling)
    )


def overlay_step(shape: tuple[int, int], side: int = OVERLAY_SIDE) -> int:
    """How many pixels of the grid, on a side, one pixel of an overlay stands for."""
    return -(-max(shape) // side)


def write_overlay(values: NDArray[np.floating[Any]], colours: Colours, path: Path) -> None:
    """(y, x) values as a picture, transparent where NaN; coarsened by the mean where it would be too large."""
    paint(coarse.coarsen(values, overlay_step((values.shape[0], values.shape[1]))), colours, path)


def paint(
    values: NDArray[np.floating[Any]], colours: Colours, path: Path, blank: NDArray[np.bool_] | None = None
) -> None:
    """(y, x) values as a picture of as many pixels, transparent where NaN, but dotted where `blank`.

    What is noise weighs more: it has fewer colours.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for shades in SHADES:
        coded = _classified(values, colours) if colours.classes else _shaded(values, colours, shades)
        content = _png(*coded, blank)
        if len(content) <= PICTURE_BYTES:
            break
    path.write_bytes(content)


def _shaded(values: NDArray[np.floating[Any]], colours: Colours, shades: int) -> tuple[NDArray[Any], list[int]]:
    """A code for each pixel, 0 for none, and red, green, blue of the codes from 1 on."""
    share = (values - colours.low) / (colours.high - colours.low)
    codes = np.where(np.isfinite(share), 1 + np.rint(np.clip(share, 0, 1) * (shades - 1)), 0)
    return codes, colours.palette(shades).ravel().tolist()


def _classified(values: NDArray[np.floating[Any]], colours: Colours) -> tuple[NDArray[Any], list[int]]:
    codes = sum(place * (values == one.value) for place, one in enumerate(colours.classes, start=1))
    return np.asarray(codes), [part for one in colours.classes for part in _rgb(one.colour)]


def dots(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where the dots of blank ground are, (y, x)."""
    rows, columns = np.indices(shape)
    return np.asarray((rows % DOT_STEP == 0) & (columns % DOT_STEP == 0))


def _rgb(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))


def _png(codes: NDArray[Any], palette: list[int], blank: NDArray[np.bool_] | None) -> bytes:
    """A picture with these colours for the codes from 1 on, transparent where 0, dots where blank."""
    paper = len(palette) // 3 + 1
    marked = codes if blank is None else np.where(blank, paper + dots(codes.shape), codes)
    picture = Image.fromarray(marked.astype("uint8"), mode="P")
    picture.putpalette([0, 0, 0, *palette, *(_rgb(PAPER) + _rgb(DOT) if blank is not None and blank.any() else [])])
    file = BytesIO()
    picture.save(file, "PNG", transparency=0)
    return file.getvalue()


def write_map(publication: Publication, layer: Layer, colours: Colours, path: Path) -> None:
    """The layer with its zones, coordinates, colour bar and unit."""
    left, bottom, right, top = publication.geobox.boundingbox.bbox
    unit_m = _unit(publication)
    height, width = publication.geobox.shape
    with rc_context(STYLE):
        tall = 5.5 * height / width
        figure = Figure(figsize=(9.2 if colours.classes else 7.6, tall + 1.1), dpi=140)
        axes = figure.add_axes(_inches(figure, 0.9, 0.5, 5.5, tall))
        extent = (left / unit_m[0], right / unit_m[0], bottom / unit_m[0], top / unit_m[0])
        shown, blank = _shown(publication, layer, overlay_step((height, width), MAP_SIDE))
        image = axes.imshow(shown, **_scale(colours), extent=extent, interpolation="nearest")
        axes.patch.set(facecolor="white", hatch="/////", edgecolor=HATCH, linewidth=0)
        if blank.any():
            axes.imshow(_dotted(blank), extent=extent, interpolation="nearest")
        for zone in publication.zoning.zones if publication.project.zones else ():
            for x, y in _rings(zone.geometry):
                axes.plot(x / unit_m[0], y / unit_m[0], color="white", linewidth=2, alpha=0.6)
                axes.plot(x / unit_m[0], y / unit_m[0], color=INK, linewidth=0.8)
        axes.set(xlim=extent[:2], ylim=extent[2:], xlabel=f"x ({unit_m[1]})", ylabel=f"y ({unit_m[1]})")
        bar = figure.colorbar(image, cax=figure.add_axes(_inches(figure, 6.55, 0.5 + tall / 8, 0.14, tall * 0.75)))
        bar.outline.set_visible(False)
        if colours.classes:
            told = [f"{one.words.fr}\n{one.words.en}" for one in colours.classes]
            bar.set_ticks([one.value for one in colours.classes], labels=told, fontsize=7)
        else:
            bar.set_label(unit_label(layer.indicator))
        _without_value(figure, bool(blank.any()))
        _head(figure, publication, layer.indicator, layer.period.label)
        _save(figure, path)


def _shown(publication: Publication, layer: Layer, step: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values over squares of `step` pixels, and where such a square was seen and has none."""
    frame = publication.frame(layer)
    values = coarse.of(layer.indicator, frame["values"].values, step)
    return values, np.isnan(values) & (coarse.coarsen(frame["n_seen"].values, step) > 0)


def _dotted(blank: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Red, green, blue, alpha of blank ground alone, (y, x, 4)."""
    colours = np.array([[*_rgb(PAPER), 255], [*_rgb(DOT), 255]], "uint8")
    return np.asarray(colours[dots(blank.shape).astype(int)] * blank[..., np.newaxis])


def _without_value(figure: Figure, has_blank: bool) -> None:
    """Say below the map what its textures stand for."""
    unseen = Patch(facecolor="white", hatch="//////", edgecolor=HATCH, linewidth=0.5)
    blank = Patch(facecolor=PAPER, hatch="....", edgecolor=DOT, linewidth=0.5)
    told = {"sans observation claire · no clear observation": unseen} | (
        {"vu, sans valeur · seen, no value": blank} if has_blank else {}
    )
    figure.legend(
        list(told.values()),
        list(told),
        loc="lower right",
        frameon=False,
        fontsize=7,
        borderaxespad=0.2,
        labelspacing=0.2,
    )


def write_chart(publication: Publication, indicator: Indicator, path: Path) -> None:
    """Each zone's series, over the mean and spread of its time of year where the project has a reference.

    Of classes their shares, one above the other.
    """
    table, classes = well_seen(publication.series[indicator.id]), classes_of(indicator)
    series = table["mean"]
    usual = None if classes else normals(publication, series)
    zones = _largest(publication)
    columns = 1 if len(zones) == 1 else 2
    rows = -(-len(zones) // columns)
    with rc_context(STYLE):
        named_classes = 0.15 * -(-len(classes) // 2)
        figure = Figure(figsize=(9, 1.2 + 1.9 * rows + named_classes), dpi=140)
        wide, tall = 8.1 / columns, 1.9
        places = [(column, row) for row in reversed(range(rows)) for column in range(columns)]
        first = None
        for place, (column, row) in zip(zones, places, strict=False):
            spot = _inches(figure, 0.75 + column * wide, 0.7 + named_classes + row * tall, wide - 0.3, tall - 0.42)
            axes = figure.add_axes(spot, sharex=first, sharey=first)
            first = first or axes
            if classes:
                _pile(axes, table["share"].isel(zone=place), classes)
            else:
                _draw(axes, series.isel(zone=place), None if usual is None else usual.isel(zone=place))
            axes.tick_params(length=0, labelbottom=row == 0, labelleft=column == 0)
            named = publication.project.zones is not None
            axes.set_title(publication.zoning.names[place] if named else "", loc="left", fontsize=8.5)
        assert first is not None  # noqa: S101 - there is one zone at least
        first.set_xticks(*_time_ticks(publication))
        if classes:
            _name(figure, classes)
        if usual is not None:
            figure.legend(*first.get_legend_handles_labels(), frameon=False, fontsize=7.5, loc="lower left")
        figure.supylabel("part · share" if classes else unit_label(indicator), fontsize=8.5, color=QUIET, x=0.015)
        _head(figure, publication, indicator, f"{publication.periods[0].label} – {publication.periods[-1].label}")
        _save(figure, path)


def _scale(colours: Colours) -> dict[str, Any]:
    """How imshow is to colour values."""
    if not colours.classes:
        return {"cmap": colours.name, "vmin": colours.low, "vmax": colours.high}
    edges = [one.value - 0.5 for one in colours.classes] + [colours.classes[-1].value + 0.5]
    listed = ListedColormap([one.colour for one in colours.classes])
    return {"cmap": listed, "norm": BoundaryNorm(edges, listed.N)}


def _inches(
    figure: Figure, left: float, bottom: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """A rectangle in inches as shares of the figure. To have the places found for us takes as long as the drawing."""
    across, up = figure.get_size_inches()
    return left / across, bottom / up, width / across, height / up


def _time_ticks(publication: Publication) -> tuple[list[np.datetime64], list[str]]:
    """Where years begin and their numbers, or periods and their labels where there are not two years; seven at most."""
    starts = [np.datetime64(period.start) for period in publication.periods]
    ticks = [(start, str(start.astype("datetime64[Y]"))) for start in starts]
    firsts = list({year: (start, year) for start, year in reversed(ticks)}.values())[::-1]
    named = [(start, period.label) for start, period in zip(starts, publication.periods, strict=True)]
    chosen = firsts if len(firsts) > TWO_YEARS else named
    thinned = chosen[:: -(-len(chosen) // TICKS)]
    return [start for start, _ in thinned], [label for _, label in thinned]


def normals(publication: Publication, series: xr.DataArray) -> xr.Dataset | None:
    """The project's reference of any series, laid out along its time; None for a project without one."""
    period = publication.project.period
    if period.reference is None:
        return None
    normal = climatology.reference(series, *period.reference, period.every)
    return climatology.expected(series["time"], normal, period.every)


def unit_label(indicator: Indicator) -> str:
    """The unit as people read it."""
    return "no unit (1)" if indicator.unit == "1" else indicator.unit


def _draw(axes: Axes, series: xr.DataArray, normal: xr.Dataset | None) -> None:
    time = series["time"].values
    if normal is not None:
        low, high = normal["mean"] - normal["std"], normal["mean"] + normal["std"]
        axes.fill_between(time, low.values, high.values, color=QUIET, alpha=0.18, linewidth=0)
        axes.plot(
            time,
            normal["mean"].values,
            color=QUIET,
            linewidth=1,
            linestyle=(0, (4, 2)),
            label="référence · reference mean",
        )
    axes.plot(time, series.values, color=ACCENT, linewidth=1.4, marker="o", markersize=2.2)
    axes.grid(axis="y", color="#e4e9ec", linewidth=0.7)


def _pile(axes: Axes, shares: xr.DataArray, classes: tuple[Class, ...]) -> None:
    """Bars of the shares of classes, (time, class), the lowest class at the foot."""
    time, foot = shares["time"].values, np.zeros(shares.sizes["time"])
    wide = np.diff(time).min() * 0.86 if time.size > 1 else np.timedelta64(30, "D")
    for place, one in enumerate(classes):
        share = np.nan_to_num(shares.values[:, place])
        axes.bar(time, share, width=wide, bottom=foot, color=one.colour)
        foot = foot + share
    axes.set_ylim(0, 1)


def _name(figure: Figure, classes: tuple[Class, ...]) -> None:
    """Say below the chart what the colours of classes stand for."""
    swatches = [Patch(color=one.colour) for one in classes]
    told = [f"{one.words.fr} · {one.words.en}" for one in classes]
    figure.legend(swatches, told, frameon=False, fontsize=6.5, loc="lower left", ncols=2, labelspacing=0.25)


def _head(figure: Figure, publication: Publication, indicator: Indicator, when: str) -> None:
    title, up = f"{indicator.title.fr} · {indicator.title.en}, {when}", figure.get_size_inches()[1]
    figure.text(0.01, 1 - 0.1 / up, title, fontsize=11, fontweight="bold", ha="left", va="top")
    if publication.project.simulated:
        figure.text(
            0.985, 1 - 0.1 / up, "SIMULATED · SIMULÉ", ha="right", va="top",
            fontsize=9.5, fontweight="bold", color="white", backgroundcolor=WARNING,
        )  # fmt: skip


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata: Mapping[str, Any] = {"Software": None}
    FigureCanvasAgg(figure).print_png(path, metadata=metadata)


def _rings(geometry: BaseGeometry) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    for polygon in polygons(geometry):
        for ring in (polygon.exterior, *polygon.interiors):
            x, y = ring.xy
            yield np.asarray(x), np.asarray(y)


def polygons(geometry: BaseGeometry) -> list[Polygon]:
    """The polygons that a geometry consists of."""
    if isinstance(geometry, Polygon):
        return [geometry]
    parts = geometry.geoms if hasattr(geometry, "geoms") else ()
    found = [part for part in parts if isinstance(part, Polygon | MultiPolygon)]
    return [polygon for part in found for polygon in polygons(part)]


def _largest(publication: Publication) -> list[int]:
    areas = [weights.zone_km2 for weights in publication.zoning.weights]
    largest = sorted(range(len(areas)), key=lambda place: -areas[place])[:PANELS]
    return sorted(largest)


def _unit(publication: Publication) -> tuple[float, str]:
    """What to divide coordinates by, and the name of what comes out."""
    crs = publication.geobox.crs
    return (1.0, "°") if crs is not None and crs.geographic else (1000.0, "km")
