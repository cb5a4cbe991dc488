"""Threads that want the same thing take turns, and those that want another do not wait for them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

from sco.turns import Turns


def test_no_two_threads_are_in_the_same_turn():
    turns, counting, inside, most = Turns(), Lock(), 0, 0
    start = Barrier(8)

    def enter() -> None:
        nonlocal inside, most
        start.wait(10)
        for _ in range(50):
            with turns.taken("file"):
                with counting:
                    inside += 1
                    most = max(most, inside)
                with counting:
                    inside -= 1

    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(enter) for _ in range(8)]:
            done.result(30)
    assert (most, inside) == (1, 0)


def test_another_key_does_not_wait():
    turns, held, entered = Turns(), Event(), Event()

    def hold() -> None:
        with turns.taken("one"):
            held.set()
            assert entered.wait(10)

    with ThreadPoolExecutor(1) as thread:
        holding = thread.submit(hold)
        assert held.wait(10)
        with turns.taken("other"):
            entered.set()
        holding.result(10)


def test_a_key_that_nobody_holds_is_forgotten():
    turns = Turns()
    for number in range(100):
        with turns.taken(number):
            pass
    assert len(turns._locks) == 0


def test_a_failure_inside_lets_the_next_one_in():
    turns = Turns()
    for _ in range(2):
        try:
            with turns.taken("file"):
                raise OSError
        except OSError:
            continue
    with turns.taken("file"):
        pass
