"""An app in real time, on a wall clock that moves when it is waited for."""

import pytest

from mfalab.devices.errors import UnknownAccount
from mfalab.simulator.environment.live_app import LiveApp, StandsStill

S = 10**9
STEP = 1_772_442_000 * S  # a time step begins here
URI = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


class Wall:
    """A clock that wakes those who wait a little early, as machines do."""

    def __init__(self, now_ns: int) -> None:
        self.now = now_ns
        self.waits: list[int] = []
        self.stands_still = False

    def now_ns(self) -> int:
        return self.now

    def wait(self, duration_ns: int) -> None:
        self.waits.append(duration_ns)
        if not self.stands_still:
            self.now += max(duration_ns - S // 10, S // 100)


@pytest.mark.parametrize("second", range(30))
@pytest.mark.parametrize("valid_for", ["0 s", "10 s", "29 s"])
def test_a_code_is_good_for_as_long_as_asked(second: int, valid_for: str) -> None:
    wall = Wall(STEP + second * S)
    app = LiveApp(wall=wall)
    label = app.add(URI)
    code = app.fresh_code(valid_for=valid_for)
    assert code == app.code(label)
    assert app.until_next_code_ns(label) >= int(valid_for.split(maxsplit=1)[0]) * S
    assert bool(wall.waits) is (30 - second < int(valid_for.split(maxsplit=1)[0]))


def test_no_code_is_given_twice_also_to_accounts_of_one_secret() -> None:
    wall = Wall(STEP)
    app = LiveApp(wall=wall)
    labels = [app.add(URI), app.add(URI.replace("alice", "bob"))]
    codes = [app.fresh_code(label) for label in labels * 3]
    assert len(set(codes)) == 6
    assert 150 * S <= wall.now - STEP < 180 * S


def test_a_clock_that_was_set_back_gives_no_old_code() -> None:
    wall = Wall(STEP + 60 * S)
    app = LiveApp(wall=wall)
    app.add(URI)
    code = app.fresh_code()
    wall.now = STEP
    assert app.fresh_code() != code
    assert wall.now >= STEP + 90 * S


def test_event_based_accounts_are_always_fresh() -> None:
    app = LiveApp(wall=Wall(STEP))
    app.add(URI.replace("totp", "hotp") + "&counter=0")
    assert [app.fresh_code() for _ in range(2)] == ["755224", "287082"]  # RFC 4226 appendix D


def test_frozen_time_is_told_in_place_of_waiting_for_ever() -> None:
    wall = Wall(STEP + 25 * S)
    wall.stands_still = True
    app = LiveApp(wall=wall)
    app.add(URI)
    with pytest.raises(StandsStill, match="time is frozen in this process"):
        app.fresh_code()


@pytest.mark.parametrize("valid_for", ["30 s", "-1 s", "1 h"])
def test_impossible_wishes_are_refused(valid_for: str) -> None:
    app = LiveApp(wall=Wall(STEP))
    app.add(URI)
    with pytest.raises(ValueError, match="give 0 s to 29 s"):
        app.fresh_code(valid_for=valid_for)


def test_an_account_is_named_where_there_are_several() -> None:
    app = LiveApp(wall=Wall(STEP))
    with pytest.raises(UnknownAccount):
        app.fresh_code()
    app.add(URI)
    app.add(URI.replace("alice", "bob"))
    with pytest.raises(UnknownAccount):
        app.fresh_code()
    assert app.fresh_code("bob")
