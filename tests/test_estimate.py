"""What past batches took tells what a plan will take, with an interval; a journal by hand has a known answer."""

from pathlib import Path

import pytest

from sco.estimate import Cost, Interval, estimate, history
from sco.journal import Journal, Spent

READING = Cost(partitions=40, scenes=100, reads=1000, from_store=0, task_memory=7)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Eleven batches of 10 reads: 0.1 to 1.1 s, 1 to 11 kB and 1 to 11 requests a read; 100 to 110 MB of memory."""
    file = tmp_path / "journal.sqlite"
    with Journal(file) as kept:
        run = kept.start_run("p", "update", 44)
        for n in range(1, 12):
            kept.note(spent=Spent(run, 4, 0, 10, float(n), n * 10_000, n * 10, (99 + n) * 10**6))
        kept.note(spent=Spent(run, 4, 2, 10, 1e6, 10**12, 10**6, 10**12))  # half of it failed, it tells nothing
    return file


def test_without_a_past_nothing_is_made_up(tmp_path):
    assert history(tmp_path / "journal.sqlite") == []
    found = estimate(READING, [])
    assert (found.partitions, found.scenes, found.reads, found.task_memory) == (40, 100, 1000, 7)
    assert (found.seconds, found.bytes, found.requests, found.peak_memory) == (None, None, None, None)


def test_intervals_are_the_first_and_the_ninth_tenth_of_what_a_read_took(journal):
    found = estimate(READING, history(journal))
    assert found.seconds == Interval(pytest.approx(200), pytest.approx(600), pytest.approx(1000))
    assert found.bytes == Interval(pytest.approx(2e6), pytest.approx(6e6), pytest.approx(1e7))
    assert found.requests == Interval(pytest.approx(2000), pytest.approx(6000), pytest.approx(10_000))
    assert found.peak_memory == Interval(pytest.approx(101e6), pytest.approx(105e6), pytest.approx(109e6))


def test_what_is_made_from_the_store_is_learned_by_partition_and_added(journal):
    mixed = Cost(partitions=60, scenes=100, reads=1000, from_store=20, task_memory=7)
    assert estimate(mixed, history(journal)).seconds is None  # no batch has told what one takes
    with Journal(journal) as kept:
        kept.note(spent=Spent("r", 5, 0, 0, 2.5, 500, 0, 100 * 10**6))
    found = estimate(mixed, history(journal))
    assert found.seconds == Interval(pytest.approx(210), pytest.approx(610), pytest.approx(1010))
    assert found.bytes == Interval(pytest.approx(2e6 + 2000), pytest.approx(6e6 + 2000), pytest.approx(1e7 + 2000))


def test_nothing_to_do_takes_nothing_and_unmeasured_bytes_stay_unknown(journal):
    nothing = estimate(Cost(0, 0, 0, 0, 0), history(journal))
    assert nothing.seconds == nothing.bytes == nothing.peak_memory == Interval(0, 0, 0)
    on_a_cluster = [Spent("r", 4, 0, 10, 5.0)]
    found = estimate(READING, on_a_cluster)
    assert found.seconds == Interval(500, 500, 500)
    assert (found.bytes, found.requests, found.peak_memory) == (None, None, None)
