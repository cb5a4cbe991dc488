"""A reader sees one version or the next, never some of each."""

from pathlib import Path

from benchmarks import polling, small


def test_a_reader_during_a_backfill_meets_no_error_and_no_mixed_state(tmp_path: Path) -> None:
    store = small.lay_out(str(tmp_path / "store"))
    store.commit([small.outcome(one, 0) for one in polling.BATCH], "run0", "0")
    told = polling.poll(store.url, seconds=4)
    assert (told["errors"], told["mixed"], told["writer"]) == (0, 0, 0), told["first"]
    assert told["looks"] >= 5
    assert told["versions_seen"] >= 3


def test_a_mixed_state_would_be_seen(tmp_path: Path) -> None:
    store = small.lay_out(str(tmp_path / "store"))
    first, *others = polling.BATCH
    store.commit([small.outcome(first, 1), *(small.outcome(one, 2) for one in others)], "run", "mixed")
    assert polling.look(store.url) == (1, ["rounds [1, 2] in one version"])
