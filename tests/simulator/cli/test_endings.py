"""A signal ends a command, even where Python loses what it raised."""

import signal
import sys
import threading

import pytest

from mfalab.simulator.cli.endings import ended_cleanly, heeding


class Finalised:
    """What is raised while it is finalised is lost."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __del__(self) -> None:
        signal.raise_signal(self.number)


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_that_is_lost_ends_the_work_at_the_next_step(number: int) -> None:
    seen = []

    def work() -> None:
        for step in heeding(range(9)):
            seen.append(step)
            if step == 3:
                Finalised(number)

    with ended_cleanly() as ended_by, pytest.raises(KeyboardInterrupt):
        work()
    assert seen == [0, 1, 2, 3]
    assert ended_by == [number]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_faults_of_finalisers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))
    with ended_cleanly():
        for _ in heeding(range(1)):
            Finalised(-1)
    assert told == [OSError]


def test_work_without_a_signal_is_done_in_any_thread() -> None:
    done: list[int] = []
    with ended_cleanly():
        thread = threading.Thread(target=lambda: done.extend(heeding(range(3))))
        thread.start()
        thread.join()
        assert done == list(heeding(range(3)))


def test_signal_of_an_earlier_command_is_forgotten() -> None:
    steps = heeding(iter(lambda: signal.raise_signal(signal.SIGINT), 1))
    with ended_cleanly(), pytest.raises(KeyboardInterrupt):
        next(steps)
    with ended_cleanly():
        assert list(heeding(range(3))) == [0, 1, 2]
