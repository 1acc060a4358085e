"""The schedulers that devices bring along."""

from __future__ import annotations

import threading

import pytest

from mfalab.devices.schedule import NothingWillHappen, OwnTime, WallTime
from support.clocks import SetClock

MS = 1_000_000


class TestOwnTime:
    def test_it_stops_wherever_something_is_due_in_the_order_of_entry(self) -> None:
        time = OwnTime(100)
        seen: list[tuple[int, str]] = []
        for delay_ns, name in ((20, "late"), (10, "a"), (10, "b"), (31, "never")):
            time.after(delay_ns, lambda name=name: seen.append((time.now_ns(), name)))
        time.advance(30)
        assert seen == [(110, "a"), (110, "b"), (120, "late")]
        assert time.now_ns() == 130

    def test_what_is_planned_during_a_callback_happens_too(self) -> None:
        time = OwnTime()
        seen: list[int] = []

        def again() -> None:
            seen.append(time.now_ns())
            time.after(10, again)

        again()
        time.advance(35)
        assert seen == [0, 10, 20, 30]

    def test_a_wait_leaps_as_far_as_it_must_and_no_further(self) -> None:
        time = OwnTime()
        done: list[int] = []
        for delay_ns in (10, 20, 30):
            time.after(delay_ns, lambda: done.append(time.now_ns()))
        time.wait_until(lambda: len(done) == 2, None)
        assert time.now_ns() == 20

    def test_a_wait_for_nothing_says_so(self) -> None:
        with pytest.raises(NothingWillHappen, match="waits at 7 ns"):
            OwnTime(7).wait_until(lambda: False, None)


class TestWallTime:
    def test_what_is_due_is_done_by_the_thread_that_settles(self) -> None:
        clock = SetClock()
        time = WallTime(clock)
        seen: list[str] = []
        time.after(5, lambda: seen.append("a"))
        time.after(9, lambda: seen.append("b"))
        assert (time.settle(), seen) == (5, [])
        clock.ns = 6
        assert (time.settle(), seen) == (3, ["a"])
        clock.ns = 60
        assert (time.settle(), seen) == (None, ["a", "b"])

    def test_a_waiting_thread_does_what_is_due_and_looks_again(self) -> None:
        clock = SetClock()
        time = WallTime(clock)
        done: list[bool] = []
        time.after(1, lambda: done.append(True))
        clock.ns = 1
        time.wait_until(lambda: bool(done), None)
        assert done == [True]

    def test_a_waiting_thread_is_woken_by_another(self) -> None:
        time = WallTime(SetClock())
        ready, waiting = threading.Event(), threading.Event()

        def is_ready() -> bool:
            waiting.set()
            return ready.is_set()

        thread = threading.Thread(target=lambda: time.wait_until(is_ready, None))
        thread.start()
        assert waiting.wait(10)
        ready.set()
        time.wake(None)
        thread.join(10)
        assert not thread.is_alive()

    def test_the_guard_may_be_taken_twice_by_one_thread(self) -> None:
        time = WallTime(SetClock())
        with time.guard, time.guard:
            time.after(MS, lambda: None)
        assert time.settle() == MS

    def test_what_has_come_is_read_at_a_moment_before_anything_is_due(self) -> None:
        clock = SetClock()
        time = WallTime(clock)
        seen: list[tuple[str, int]] = []
        time.after(500 * MS, lambda: seen.append(("due", time.now_ns())))
        look_by_ns = time.wait_ns()
        clock.ns = 5_000 * MS

        def read(within_ns: int) -> bool:
            seen.append((f"read within {within_ns // MS} ms", time.now_ns()))
            return True

        assert time.settle_after(read, look_by_ns)
        assert seen == [
            ("read within 0 ms", 500 * MS - 1),
            ("read within 50 ms", 500 * MS - 1),
            ("due", 500 * MS),
        ]

    def test_what_falls_due_while_it_is_read_waits_for_the_next_look(self) -> None:
        clock = SetClock()
        time = WallTime(clock)
        seen: list[str] = []
        time.after(500 * MS, lambda: seen.append("due"))

        def slow(_: int) -> bool:
            clock.ns += 510 * MS
            return True

        assert time.settle_after(slow, time.wait_ns())
        assert seen == []
        assert time.settle_after(lambda _: True, time.now_ns())
        assert seen == ["due"]
        assert time.now_ns() == clock.ns  # ten milliseconds are not worth a correction

    def test_reading_can_end_it(self) -> None:
        assert not WallTime(SetClock()).settle_after(lambda _: False, 0)

    @pytest.mark.parametrize("left_ms", [0, 400, 1_000, 7_000])
    def test_what_has_come_is_read_as_of_the_moment_when_one_meant_to_look(
        self, left_ms: int
    ) -> None:
        clock = SetClock()
        time = WallTime(clock)
        seen: list[int] = []
        due: list[int] = []
        if left_ms:
            time.after(left_ms * MS, lambda: due.append(time.now_ns()))
        look_by_ns = time.wait_ns()
        assert look_by_ns == min(left_ms or 1_000, 1_000) * MS
        clock.ns = 5_000 * MS

        def read(_: int) -> bool:
            seen.append(time.now_ns())
            return True

        assert time.settle_after(read, look_by_ns)
        assert look_by_ns - 1 <= seen[0] <= look_by_ns
        # Time is given only where something is due in it.
        gone_ms = 5_000 if left_ms in {0, 7_000} else left_ms
        assert time.now_ns() == gone_ms * MS
        assert due == ([gone_ms * MS] if left_ms in {400, 1_000} else [])

    @pytest.mark.parametrize("starved_ms", [1_200, 1_499, 1_600, 9_000])
    def test_what_is_planned_by_what_lay_unread_has_its_whole_time(self, starved_ms: int) -> None:
        clock = SetClock()
        time = WallTime(clock)
        seen: list[str] = []
        look_by_ns = time.wait_ns()
        clock.ns = starved_ms * MS

        def read(_: int) -> bool:
            if not seen:
                seen.append("read")
                time.after(500 * MS, lambda: seen.append("due"))
            return True

        time.settle_after(read, look_by_ns)
        assert (seen, time.left_ns()) == (["read"], 500 * MS)
