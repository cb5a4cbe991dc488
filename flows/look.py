"""Look without touching: plans, states, explanations, shelves."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.terminal import give_json, give_table, readable_bytes, tell
from sco import library
from sco.errors import ConfigurationError, unknown
from sco.grid import Tile
from sco.model import Indicator
from sco.partition import Partition, Record
from sco.project import CONFIGS, Project

if TYPE_CHECKING:
    from sco.audit import Holding


def plan(name: str, start: date | None, end: date | None, save: Path | None, as_json: bool) -> None:
    """Show what a run would do and why; keep it in a file if asked."""
    from sco.chain import links
    from sco.plan import make_plan

    project = Project.load(name)
    made = make_plan(project, start, end)
    estimate = made.estimate(pace=_pace(project))
    chain = links(project, made.entries)
    document = made.document() | {"estimate": vars(estimate), "chain": [vars(link) for link in chain]}
    if save:
        _save(save, document)
    if as_json:
        give_json("plan", document)
        return
    give_table(("period", "new", "stale", "current", "empty", "scenes", "why"), _rows_by_period(document["partitions"]))
    took = f", about {estimate.seconds:.0f} s" if estimate.seconds is not None else ""
    tell(
        f"{estimate.partitions} partitions to compute from {estimate.scenes} scenes: {estimate.reads} reads, "
        f"{readable_bytes(estimate.bytes)}, {readable_bytes(estimate.peak_memory)} a task{took}"
    )
    for link in chain:
        parts = f", by the reference of {', '.join(link.parts)}" if link.parts else ""
        tell(f"{link.source} -> {link.indicator}: {link.partitions} partitions{parts}")
    if chain or made.chosen():
        tell("then, when it is published: the zones' rows of these periods, and the page")


def status(name: str, as_json: bool) -> None:
    """Every partition's state as the store has it."""
    from sco.store import Store

    project = Project.load(name)
    records = Store.open(project.store_url).records() if Store.exists(project.store_url) else {}
    states = {partition: _stored_state(records.get(partition)) for partition in _all_partitions(project)}
    if as_json:
        partitions = [_partition_entry(one, state, records.get(one)) for one, state in sorted(states.items())]
        give_json("status", {"project": project.id, "counts": Counter(states.values()), "partitions": partitions})
        return
    kinds = ("stored", "empty", "failed reads", "missing")
    by_period: dict[str, Counter[str]] = defaultdict(Counter)
    for partition, state in states.items():
        by_period[partition.period.label][state] += 1
    give_table(("period", *kinds), ((label, *(counts[kind] for kind in kinds)) for label, counts in by_period.items()))


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
    manifests = [store.manifest(one) for one in wanted if one in stored]
    if not manifests:
        raise ConfigurationError(f"nothing is stored for {period} yet: run `sco update {name}` first")
    values = _values_at(store, slices[period].start, point) if point else {}
    if as_json:
        give_json("explanation", {"project": project.id, "period": period, "values": values, "manifests": manifests})
        return
    for manifest in manifests:
        _tell_manifest(manifest)
    give_table(("variable", "value"), sorted(values.items()))


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


def _pace(project: Project) -> float | None:
    from sco.journal import Journal

    kept = project.workspace / "journal.sqlite"
    if not kept.is_file():
        return None
    with Journal(kept) as journal:
        return journal.pace()


def _save(file: Path, document: Mapping[str, Any]) -> None:
    import json

    staged = file.with_name(file.name + ".part")
    staged.write_text(json.dumps(document, indent=1, default=str), "utf-8")
    staged.replace(file)
    tell(f"plan saved in {file}; apply it with: sco backfill {document['project']} --plan {file}")


def _rows_by_period(partitions: Iterable[Mapping[str, Any]]) -> Iterable[tuple[object, ...]]:
    periods: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in partitions:
        periods[one["period"]].append(one)
    for label, entries in periods.items():
        states = Counter(one["state"] for one in entries)
        why = next((one["reason"] for one in entries if one["state"] == "stale"), "")
        scenes = max(one["scenes"] for one in entries)
        yield (label, *(states[state] for state in ("new", "stale", "current", "empty")), scenes, why)


def _all_partitions(project: Project) -> Iterable[Partition]:

    tiles = list(project.tiling)
    return (
        Partition(period, tile, name)
        for period in project.period.slices()
        for tile in tiles
        for name in project.indicators
    )


def _stored_state(record: Record | None) -> str:
    if record is None:
        return "missing"
    if record.failed_reads:
        return "failed reads"
    return "empty" if record.empty else "stored"


def _partition_entry(partition: Partition, state: str, record: Record | None) -> dict[str, Any]:
    return {
        "indicator": partition.indicator,
        "period": partition.period.label,
        "tile": str(partition.tile),
        "state": state,
        "reason": str(record.empty) if record and record.empty else None,
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


def _values_at(store: Any, start: date, point: _Point) -> dict[str, float]:
    here = store.dataset().isel(y=point.row, x=point.column).sel(time=str(start)).compute()
    return {str(name): float(value) for name, value in here.data_vars.items() if value.ndim == 0}


def _tell_manifest(manifest: Mapping[str, Any]) -> None:
    partition, counts = manifest["partition"], manifest["counts"]
    title = f"{partition['indicator']} v{manifest['indicator_version']} {partition['period']} {partition['tile']}"
    seen = ", ".join(f"{counts[state]} {state}" for state in ("seen", "masked", "failed"))
    known = manifest.get("completeness")
    whole = f"; {known['used']} of {known['known']} known acquisitions usable" if known else ""
    tell(f"{title}: pixel observations {seen}{whole}; code {manifest['code']}")
    if "made_from" in manifest:
        _tell_inputs(manifest)
        return
    rows = [
        (one["id"], one["catalog"], band, found["scale"], found["offset"], "; ".join(found["evidence"]))
        for one in manifest["scenes"]
        for band, found in one["calibration"].items()
    ]
    give_table(("scene", "catalog", "band", "scale", "offset", "evidence"), rows)
    if manifest["rejected"]:
        give_table(("rejected", "catalog", "why"), ((o["id"], o["catalog"], o["reason"]) for o in manifest["rejected"]))


def _tell_inputs(manifest: Mapping[str, Any]) -> None:
    rows = (
        (one["indicator"], one["tile"], " to ".join(dict.fromkeys(one["periods"])), one["partitions"])
        for one in manifest["made_from"]
    )
    give_table(("made from", "tile", "periods", "partitions"), rows)
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
