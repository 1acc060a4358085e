"""One time for clients in several threads: it leaps, or stands still until a test moves it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event, get_ident

import pytest

from mfalab.devices.schedule import NothingWillHappen
from mfalab.simulator.bridge.key_time import KeyEvent, KeyTime

S = 10**9
REAL_S = 10


def sleeping(time: KeyTime, duration_ns: int) -> Callable[[], int]:
    def client() -> int:
        until_ns = time.now_ns() + duration_ns
        time.after(duration_ns, lambda: None)
        time.wait_until(lambda: time.now_ns() >= until_ns, None)
        return time.now_ns()

    return lambda: time.call(client)


def test_it_leaps_over_every_wait() -> None:
    time = KeyTime(5)
    assert sleeping(time, 3600 * S)() == 5 + 3600 * S


def test_it_leaps_only_when_every_client_waits() -> None:
    time, working, done = KeyTime(), Event(), Event()

    def worker() -> int:
        working.set()
        assert done.wait(REAL_S)
        return time.now_ns()

    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(time.call, worker)
        assert working.wait(REAL_S)
        asleep = pool.submit(sleeping(time, S))
        with pytest.raises(TimeoutError):
            asleep.result(0.05)
        done.set()
        assert busy.result(REAL_S) == 0
        assert asleep.result(REAL_S) == S


def test_clients_wake_in_the_order_of_time_and_each_at_its_own() -> None:
    """One that leapt on before the others had looked once took them along."""
    time, all_there = KeyTime(), Barrier(3)

    def client(duration_ns: int) -> int:
        all_there.wait(REAL_S)
        return sleeping(time, duration_ns)()

    with ThreadPoolExecutor(3) as pool:
        sleepers = [pool.submit(time.call, partial(client, n * S)) for n in (3, 1, 2)]
        assert [each.result(REAL_S) for each in sleepers] == [3 * S, 1 * S, 2 * S]


def test_held_it_moves_by_hand_only() -> None:
    time = KeyTime()
    with ThreadPoolExecutor(1) as pool:
        with time.hold():
            asleep = pool.submit(sleeping(time, 3 * S))
            time.advance(2 * S)
            with pytest.raises(TimeoutError):
                asleep.result(0.05)
            assert time.held
            time.advance(S)
            assert asleep.result(REAL_S) == 3 * S
        assert not time.held


def test_holds_nest() -> None:
    time = KeyTime()
    with time.hold():
        with time.hold():
            pass
        assert time.held


def test_client_that_waits_for_nothing_is_told() -> None:
    time = KeyTime()
    with pytest.raises(NothingWillHappen):
        time.call(lambda: time.wait_until(lambda: False, None))


def test_client_that_is_called_off_is_let_go_while_time_is_held() -> None:
    time = KeyTime()
    idents: Future[int] = Future()

    def client() -> int:
        idents.set_result(get_ident())
        return sleeping(time, S)()

    with ThreadPoolExecutor(1) as pool, time.hold():
        asleep = pool.submit(time.call, client)
        time.hurry(idents.result(REAL_S))
        assert asleep.result(REAL_S) == S


def test_event_is_waited_for_in_this_time() -> None:
    time = KeyTime()
    event = KeyEvent(time)
    assert not event.wait(0.25)
    assert time.now_ns() == S // 4
    time.after(S, event.set)
    assert event.wait(5)
    assert event.wait()
    assert time.now_ns() == S // 4 + S


def test_time_cannot_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        KeyTime().advance(-1)


def test_client_that_finished_before_another_waits_for_it_is_noticed() -> None:
    """The key was busy when it was asked, and is free: held, time would not pass until a look."""
    time = KeyTime()
    event = KeyEvent(time)
    with time.hold(), ThreadPoolExecutor(2) as pool:
        for _ in range(2):  # the second time it asks at once, after a wait
            event.ask()
            pool.submit(time.call, lambda: None).result(REAL_S)  # the other one
            waits = pool.submit(time.call, partial(event.wait, 0.1))
            try:
                assert waits.result(REAL_S) is False
            finally:
                time.advance(S)  # so that the thread ends where it waits
        event.ask()
        waits = pool.submit(time.call, partial(event.wait, 0.1))
        with pytest.raises(TimeoutError):
            waits.result(0.05)
        time.advance(S)
        assert waits.result(REAL_S) is False
