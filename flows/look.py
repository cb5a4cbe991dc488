"""Look without touching: states, explanations, shelves."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING, Any

from flows.terminal import give_json, give_table, tell
from sco import library, uncertainty
from sco.errors import ConfigurationError, unknown
from sco.model import Indicator
from sco.partition import Partition, Record
from sco.project import CONFIGS, Project
from sco.tile import Tile, tiles_of

if TYPE_CHECKING:
    from sco.audit import Holding
    from sco.journal import Attempt

KINDS = ("stored", "empty", "failed", "missing")


def status(name: str, as_json: bool) -> None:
    """Every partition's state as the store and the journal have it."""
    from sco.recorded import roll_of

    project = Project.load(name, lay=False)
    roll = roll_of(project)
    records, tiles = (roll.records, tiles_of(*roll.shape)) if roll else ({}, project.tiling)
    attempts = _uncomputed(project)
    standings = {
        one: _standing(records.get(one), attempts.get(str(one)) if attempts else None)
        for one in _partitions(project, tuple(tiles))
    }
    if as_json:
        partitions = [_partition_entry(one, standing, records.get(one)) for one, standing in sorted(standings.items())]
        counts = Counter(standing.state for standing in standings.values())
        give_json("status", {"project": project.id, "counts": counts, "partitions": partitions})
        return
    by_period: dict[str, list[_Standing]] = defaultdict(list)
    for partition, standing in standings.items():
        by_period[partition.period.label].append(standing)
    give_table(("period", *KINDS, "why"), ((label, *_counted(together)) for label, together in by_period.items()))


def explain(name: str, period: str, at: str | None, as_json: bool) -> None:
    """The manifests behind one period's numbers, and the numbers at a point."""
    from sco.store import Store

    project = Project.load(name)
    slices = {one.label: one for one in project.period.slices()}
    if period not in slices:
        raise ConfigurationError(unknown("period", period, slices, project.id))
    store = Store.open(project.store_url)
    point = _point(project, at) if at else None
    tiles = [point.tile] if point else list(project.tiling)
    wanted = (Partition(slices[period], tile, name) for name in project.indicators for tile in tiles)
    stored = store.records()
    there = [one for one in wanted if one in stored]
    manifests = [store.manifest(one) | _emptiness(stored[one]) for one in there]
    if not manifests:
        raise ConfigurationError(f"nothing is stored for {period} yet: run `sco update {name}` first")
    values = _values_at(store, slices[period].start, point) if point else {}
    if as_json:
        give_json("explanation", {"project": project.id, "period": period, "values": values, "manifests": manifests})
        return
    for manifest in manifests:
        _tell_manifest(manifest)
    give_table(("variable", "value"), _shown(values))


def audit(name: str, start: date | None, end: date | None, as_json: bool) -> None:
    """Show how many of the known acquisitions each catalog has, and in JSON which ones it lacks."""
    from sco.audit import audit as count

    project = Project.load(name)
    holdings = count(project, start, end)
    if as_json:
        give_json("audit", {"project": project.id, "holdings": [_holding_entry(one) for one in holdings]})
        return
    rows = ((one.sensor, one.month, one.catalog, _had(one), _share(one)) for one in holdings)
    give_table(("sensor", "month", "catalog", "has", "completeness"), rows)


def shelf(name: str, as_json: bool) -> None:
    """What sensors, indicators, catalogs or projects there are."""
    rows = list(_shelf_rows(name))
    if as_json:
        give_json("list", {name: [{"id": one, "title": title, "detail": detail} for one, title, detail in rows]})
    else:
        give_table((name, "title", "detail"), rows)


def _holding_entry(one: "Holding") -> dict[str, Any]:
    return {
        "sensor": one.sensor,
        "month": one.month,
        "catalog": one.catalog,
        "have": None if one.failure else one.have,
        "known": one.known,
        "completeness": one.completeness,
        "missing": [{"id": lack.id, "in": lack.catalog, "time": lack.time.isoformat()} for lack in one.missing],
        "failure": one.failure,
    }


def _had(one: "Holding") -> str:
    return "no answer" if one.failure else f"{one.have} of {one.known}"


def _share(one: "Holding") -> str:
    return "" if one.completeness is None else f"{100 * one.completeness:.1f} %"


def _partitions(project: Project, tiles: Sequence[Tile]) -> Iterable[Partition]:
    return (
        Partition(period, tile, name)
        for period in project.period.slices()
        for tile in tiles
        for name in project.indicators
    )


@dataclass(frozen=True)
class _Standing:
    """How a partition stands without asking any catalog."""

    state: str
    reason: str = ""
    failure: str | None = None


def _standing(record: Record | None, attempt: "Attempt | None") -> _Standing:
    held = record is not None and not record.failed_reads
    if attempt is not None and not (held and record and record.fingerprint == attempt.fingerprint):
        return _Standing("failed", attempt.message, attempt.error_class)
    if record is None:
        return _Standing("missing")
    if record.failed_reads:
        return _Standing("failed", f"{record.failed_reads} reads failed", str(record.failure or "transient"))
    return _Standing("empty", str(record.empty)) if record.empty else _Standing("stored")


def _counted(together: Iterable[_Standing]) -> Iterable[object]:
    """How many are in each state, then what kinds of failures and of emptiness there are."""
    together = list(together)
    counts = Counter(one.state for one in together)
    kinds = Counter(one.failure or one.reason for one in together if one.failure or one.reason)
    return (*(counts[kind] for kind in KINDS), ", ".join(f"{number} {kind}" for kind, number in kinds.items()))


def _uncomputed(project: Project) -> "Mapping[str, Attempt]":
    from sco.journal import Journal

    kept = project.workspace / "journal.sqlite"
    if not kept.is_file():
        return {}
    with Journal(kept) as journal:
        return journal.uncomputed()


def _partition_entry(partition: Partition, standing: _Standing, record: Record | None) -> dict[str, Any]:
    return {
        "indicator": partition.indicator,
        "period": partition.period.label,
        "tile": str(partition.tile),
        "state": standing.state,
        "reason": standing.reason or None,
        "failure": standing.failure,
        "run": record.run if record else None,
    }


class _Point:
    """A place on the project's grid."""

    def __init__(self, tile: Tile, row: int, column: int) -> None:
        self.tile = tile
        self.row = row
        self.column = column


def _point(project: Project, at: str) -> _Point:
    from odc.geo.geom import point

    try:
        longitude, latitude = (float(part) for part in at.split(","))
    except ValueError as error:
        raise ConfigurationError(f"--at {at!r} is not LON,LAT: write it as in --at 4.5,43.5") from error
    placed = point(longitude, latitude, "EPSG:4326").to_crs(str(project.geobox.crs))
    x, y = ~project.geobox.transform * placed.coords[0]
    height, width = project.geobox.shape
    if not (0 <= x < width and 0 <= y < height):
        raise ConfigurationError(f"{at} is outside the area of {project.id}: give a point inside it")
    return _Point(Tile(int(y) // project.area.tile, int(x) // project.area.tile), int(y), int(x))


def _values_at(store: Any, start: date, point: _Point) -> dict[str, float | None]:
    """The numbers of a pixel; None where there is none."""
    here = store.dataset().isel(y=point.row, x=point.column).sel(time=str(start)).compute()
    numbers = {str(name): float(value) for name, value in here.data_vars.items() if value.ndim == 0}
    return {name: number if isfinite(number) else None for name, number in numbers.items()}


def _shown(values: Mapping[str, float | None]) -> Iterable[tuple[str, str]]:
    """Each number as people write it, with its standard error where one is known."""
    errors = {name: uncertainty.name_of(name) for name in values}
    for name in sorted(values.keys() - errors.values()):
        value, error = values[name], values.get(errors[name])
        told = "none" if value is None else f"{value:.6g}"
        yield name, told if error is None else f"{told} ± {error:.2g}"


def _tell_manifest(manifest: Mapping[str, Any]) -> None:
    partition, counts = manifest["partition"], manifest["counts"]
    title = f"{partition['indicator']} v{manifest['indicator_version']} {partition['period']} {partition['tile']}"
    seen = ", ".join(f"{counts[state]} {state}" for state in ("seen", "masked", "failed"))
    known = manifest.get("completeness")
    whole = f"; {known['used']} of {known['known']} known acquisitions usable" if known else ""
    tell(f"{title}: pixel observations {seen}{whole}; code {manifest['code']}")
    if "empty" in manifest:
        tell(f"  it holds no value: {manifest['empty']}")
    if "made_from" in manifest:
        tell_inputs(manifest)
        return
    rows = [
        (one["id"], one["catalog"], band, found["scale"], found["offset"], "; ".join(found["evidence"]))
        for one in manifest["scenes"]
        for band, found in one["calibration"].items()
    ]
    give_table(("scene", "catalog", "band", "scale", "offset", "evidence"), rows)
    failed = [
        (one["id"], one["catalog"], band, one.get("failure", {}).get(band, ""), reason)
        for one in manifest["scenes"]
        for band, reason in one["failed"].items()
    ]
    if failed:
        give_table(("not readable", "catalog", "band", "class", "why"), failed)
    if manifest["rejected"]:
        give_table(("rejected", "catalog", "why"), ((o["id"], o["catalog"], o["reason"]) for o in manifest["rejected"]))


def _emptiness(record: Record) -> dict[str, str]:
    return {"empty": str(record.empty)} if record.empty else {}


def tell_inputs(manifest: Mapping[str, Any]) -> None:
    """What a derived partition was made from, and against what it is measured."""
    rows = (
        (one["indicator"], one["tile"], " to ".join(dict.fromkeys(one["periods"])), one["partitions"])
        for one in manifest["made_from"]
    )
    give_table(("made from", "tile", "periods", "partitions"), rows)
    if manifest["reference"]:
        tell(f"  measured against {' to '.join(manifest['reference'])}")
    if ground := manifest.get("rural_area"):
        means = ", ".join(
            f"{name} {'none' if mean is None else f'{mean:.6g}'}" for name, mean in manifest["rural"].items()
        )
        bounds = " ".join(f"{edge:.10g}" for edge in ground["bounds"])
        tell(f"  the country around, {ground['km2']:g} km2 within {bounds} ({ground['crs']}), has {means}")
    if manifest["warning"]:
        tell(manifest["warning"]["en"])


def _shelf_rows(name: str) -> Iterable[tuple[str, str, str]]:
    match name:
        case "sensors":
            return ((one.id, one.title, ", ".join(band.name for band in one.bands)) for one in library.sensors.values())
        case "indicators":
            return ((one.id, one.title.en, _made_from(one)) for one in library.indicators.values())
        case "catalogs":
            return ((one.id, one.title, one.url) for one in library.catalogs.values())
        case _:
            projects = [Project.load(file) for file in sorted(CONFIGS.glob("*.toml"))]
            return ((one.id, one.title.en, ", ".join(one.indicators)) for one in projects)


def _made_from(indicator: Indicator) -> str:
    return ", ".join(indicator.bands or dict.fromkeys(one.indicator for one in indicator.inputs))
