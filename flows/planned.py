"""Show what a run would do, keep it in a file, and compare two such plans."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.terminal import give_json, give_table, readable_bytes, tell
from sco.bulk import staying
from sco.entry import Only
from sco.errors import ConfigurationError
from sco.progress import spoken
from sco.project import Project

if TYPE_CHECKING:
    from sco.chain import Link
    from sco.estimate import Estimate, Interval
    from sco.plan import Plan
    from sco.saved import Line

UNKNOWN = "unknown until a run has told"
STATES = ("new", "stale", "current", "empty", "failed")


def plan(
    name: str,
    start: date | None,
    end: date | None,
    save: Path | None,
    as_json: bool,
    only: Only = Only.DUE,
    narrow: "Callable[[Plan], Plan] | None" = None,
) -> None:
    """Show what a run would do and why; keep it in a file if asked. `narrow` takes away what the run would not do."""
    from sco.chain import links
    from sco.estimate import estimate, history
    from sco.plan import make_plan

    project = Project.load(name)
    with staying():
        made = make_plan(project, start, end)
        made = narrow(made) if narrow else made
        cost = estimate(made.cost(only), history(project.workspace / "journal.sqlite"))
        chain = links(project, made.entries, only)
        document = made.document() | {"estimate": asdict(cost), "chain": [vars(link) for link in chain]}
    if save:
        _save(save, document)
    if as_json:
        give_json("plan", document)
        return
    give_table(("period", *STATES, "scenes", "why"), _rows_by_period(document["partitions"]))
    _tell_cost(cost)
    _tell_chain(chain, bool(cost.partitions))


def compare(name: str, files: Sequence[Path], start: date | None, end: date | None, as_json: bool) -> None:
    """Show in what a saved plan differs from how things are now, or from a second saved plan."""
    from sco.plan import make_plan
    from sco.saved import SavedPlan, by_name, changes

    if len(files) > 2:
        raise ConfigurationError(f"--against takes one saved plan or two, not {len(files)}")
    project = Project.load(name)
    saved = [SavedPlan.load(file) for file in files]
    span = saved[0].span(project)
    now: Mapping[str, Line] = (
        saved[1].by_name
        if len(saved) == 2
        else by_name(make_plan(project, start or span[0], end or span[1]).document()["partitions"])
    )
    found = changes(saved[0].by_name, now)
    if as_json:
        give_json("plan_changes", {"project": project.id, "changes": [asdict(one) for one in found]})
        return
    give_table(("partition", "then", "now", "why"), ((one.partition, one.before, one.now, one.why) for one in found))
    tell(f"{len(found)} of {len(now)} partitions differ from {files[0]}, which was made {saved[0].made}")


def _tell_cost(cost: "Estimate") -> None:
    tell(
        f"{cost.partitions} partitions to compute from {cost.scenes} scenes: {cost.reads} reads, "
        f"at most {readable_bytes(cost.task_memory)} a task"
    )
    told: tuple[tuple[str, Interval | None, Callable[[float], str]], ...] = (
        ("time", cost.seconds, spoken),
        ("bytes to read", cost.bytes, readable_bytes),
        ("web requests", cost.requests, lambda count: f"{count:.0f}"),
        ("memory", cost.peak_memory, readable_bytes),
    )
    for what, interval, words in told:
        tell(f"  {what}: {_in_words(interval, words)}")


def _in_words(interval: "Interval | None", words: Callable[[float], str]) -> str:
    if interval is None:
        return UNKNOWN
    if words(interval.low) == words(interval.high):
        return words(interval.likely)
    return f"{words(interval.likely)}, most likely between {words(interval.low)} and {words(interval.high)}"


def _tell_chain(chain: "Sequence[Link]", anything: bool) -> None:
    for link in chain:
        parts = f", by the reference of {', '.join(link.parts)}" if link.parts else ""
        tell(f"{link.source} -> {link.indicator}: {link.partitions} partitions{parts}")
    if chain or anything:
        tell("then, when it is published: the zones' rows of these periods, and the page")


def _save(file: Path, document: Mapping[str, Any]) -> None:
    from sco.saved import text_of

    staged = file.with_name(file.name + ".part")
    staged.write_text(text_of(document), "utf-8")
    staged.replace(file)
    tell(
        f"plan saved in {file}; apply it with: sco backfill {document['project']} --plan {file}; "
        f"see what has changed since with: sco plan {document['project']} --against {file}"
    )


def _rows_by_period(partitions: Iterable[Mapping[str, Any]]) -> Iterable[tuple[object, ...]]:
    periods: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for one in partitions:
        periods[one["period"]].append(one)
    for label, entries in periods.items():
        states = Counter(one["state"] for one in entries)
        scenes = max(one["scenes"] for one in entries)
        yield (label, *(states[state] for state in STATES), scenes, _why(entries))


def _why(entries: Sequence[Mapping[str, Any]]) -> str:
    """The first reason of those that need one most: what failed, then what is stale, then what is empty."""
    told = (
        next((one["reason"] for one in entries if one["state"] == state), "") for state in ("failed", "stale", "empty")
    )
    return next(filter(None, told), "")
