"""What STS learns late: the boundaries of each delay, at the ends of what may be drawn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mfalab.verifier import AWS_OBSERVED, Delay, ServiceError, Store
from mfalab.verifier.records import PairAtSts

INVALID = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
UNKNOWN = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA "
    "serial number is valid and associated with this user."
)
ONLY = {
    "propagation_enable_s": Delay(),
    "propagation_disable_s": Delay(),
    "propagation_resync_old_s": Delay(),
    "propagation_resync_s": Delay(),
    "propagation_pair_code_s": Delay(),
}


@contextmanager
def refused(text: str) -> Iterator[None]:
    with pytest.raises(ServiceError) as caught:
        yield
    assert caught.value.args == ("AccessDenied", text, 403)


def drawn(company: Any, byte: bytes) -> None:
    """From now on every draw is at one end of its range."""
    company.verifier._service.delays = lambda name: lambda count: byte * count


@pytest.fixture
def people(new_company: Any, store: Store) -> Any:
    """The company at `aws-observed`, on each kind of store."""
    company = new_company(store)
    company.verifier.profile = AWS_OBSERVED
    return company


@pytest.mark.parametrize(("end", "seconds"), [(b"\x00", 7), (b"\xff", 9)])
def test_new_device_is_known_when_its_delay_is_over(
    people: Any, clock: Any, end: bytes, seconds: int
) -> None:
    drawn(people, end)
    token = people.enrol()
    people.clock.advance(seconds - 0.001)
    with refused(UNKNOWN):
        people.mfa_session(token, step=1)
    people.clock.advance(0.001)
    people.mfa_session(token, step=1)


@pytest.mark.parametrize(("end", "seconds"), [(b"\x00", 3), (b"\xff", 13)])
def test_removed_device_works_until_its_delay_is_over(
    people: Any, end: bytes, seconds: int
) -> None:
    token = people.enrol()
    people.clock.advance(60)
    drawn(people, end)
    people.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    people.clock.advance(seconds - 0.001)
    people.mfa_session(token)
    people.clock.advance(0.001)
    with refused(UNKNOWN):
        people.mfa_session(token, step=1)


@pytest.mark.parametrize(("end", "old_s", "new_s"), [(b"\x00", 2, 12), (b"\xff", 3, 14)])
def test_resync_is_seen_late_and_the_old_offset_holds_for_a_moment(
    people: Any, end: bytes, old_s: int, new_s: int
) -> None:
    token = people.enrol()
    people.clock.advance(90)
    drawn(people, end)
    people.resync(token, second=10)
    people.clock.advance(old_s - 0.001)
    people.mfa_session(token, step=1)
    with refused(INVALID):
        people.mfa_session(token, step=11)
    people.clock.advance(0.001)
    with refused(INVALID):
        people.mfa_session(token, step=2)
    with refused(INVALID):
        people.mfa_session(token, step=11)
    assert people.decisions()[-1].outcome == "early"
    people.clock.advance(new_s - old_s - 0.001)
    with refused(INVALID):
        people.mfa_session(token, step=11)
    people.clock.advance(0.001)
    people.mfa_session(token, step=11)
    with refused(INVALID):
        people.mfa_session(token, step=2)


@pytest.mark.parametrize(("end", "seconds"), [(b"\x00", 16), (b"\xff", 20)])
@pytest.mark.parametrize("pair", ["enable", "resync"])
def test_second_code_of_a_pair_comes_last(people: Any, pair: str, end: bytes, seconds: int) -> None:
    drawn(people, end)
    token = people.enrol()
    if pair == "resync":
        people.clock.advance(60)
        people.resync(token)
    second = token.code()
    people.clock.advance(seconds - 0.001)
    with refused(INVALID):
        people.session(SerialNumber=token.serial, TokenCode=second)
    assert people.decisions()[-1].outcome == "early"
    people.mfa_session(token, step=-1)
    people.clock.advance(0.001)
    people.session(SerialNumber=token.serial, TokenCode=second)
    with refused(INVALID):
        people.session(SerialNumber=token.serial, TokenCode=second)


def test_console_waits_for_nothing(people: Any) -> None:
    token = people.enrol()
    assert people.console.submit_code(people.page().id, token.code()).mfa
    people.resync(token, second=9)
    assert people.console.submit_code(people.page().id, token.code(10)).mfa


def test_code_around_the_old_offset_moves_no_window(people: Any) -> None:
    """A success in the moment of the old offset must not undo the resynchronisation."""
    people.set(drift_memory=True)
    token = people.enrol()
    people.clock.advance(90)
    people.resync(token, second=40)
    people.mfa_session(token, step=1)
    people.clock.advance(20)
    people.mfa_session(token, step=41)


def test_offset_of_a_pair_that_enables_again_comes_with_the_binding(people: Any) -> None:
    """Until STS knows the new owner, it sees the device as it knew it."""
    people.set(**ONLY | {"propagation_enable_s": Delay(8, 8), "propagation_disable_s": Delay(8, 8)})
    token = people.enrol()
    people.clock.advance(90)
    people.iam("ada").deactivate_mfa_device(UserName="alice", SerialNumber=token.serial)
    people.enable(token, "bob", second=10)
    people.clock.advance(7)
    people.mfa_session(token, "alice", step=1)
    people.clock.advance(1)
    people.mfa_session(token, "bob", step=10)


def test_second_resync_before_the_first_is_seen(people: Any) -> None:
    """STS goes on with what it knew, or with nothing, and then sees the last pair's offset."""
    token = people.enrol()
    people.clock.advance(90)
    people.resync(token, second=10)
    people.clock.advance(1)
    people.resync(token, second=20)
    people.mfa_session(token, step=1)
    people.clock.advance(5)
    people.resync(token, second=30)
    for step in (2, 10, 20, 30):
        with refused(INVALID):
            people.mfa_session(token, step=step)
    people.clock.advance(15)
    people.mfa_session(token, step=31)


def test_resync_at_the_sign_in_page_is_seen_late_too(people: Any) -> None:
    token = people.enrol()
    people.clock.advance(60)
    page = people.page()
    people.fail_code(page, token.wrong_code(), times=3)
    one, two = token.pair(10)
    people.console.resync(page.id, one, two)
    with refused(INVALID):
        people.mfa_session(token, step=11)
    people.clock.advance(14)
    people.mfa_session(token, step=11)


def test_early_code_is_not_used_up_and_costs_an_attempt(people: Any) -> None:
    people.set(throttle_budget=2)
    token = people.enrol()
    second = token.code()
    people.clock.advance(9)
    for text in (INVALID, INVALID, UNKNOWN):
        with refused(text):
            people.session(SerialNumber=token.serial, TokenCode=second)
    people.clock.advance(11)
    people.set(throttle_budget=3)
    people.session(SerialNumber=token.serial, TokenCode=second)


def test_profile_without_delays_writes_nothing_of_them(company: Any) -> None:
    token = company.enrol()
    company.clock.advance(60)
    company.resync(token)
    assert company.everything()[PairAtSts.__name__] == []
    assert company.mfa_session(token)


def test_news_of_a_profile_with_delays_ends_with_the_next_pair_of_one_without(people: Any) -> None:
    token = people.enrol()
    people.clock.advance(60)
    people.set(**ONLY)
    people.resync(token)
    assert people.everything()[PairAtSts.__name__] == []


def test_event_based_token_has_no_offset_to_be_late_with(people: Any) -> None:
    from mfalab.verifier import TokenSeed
    from mfalab.verifier.records import MovingFactor

    people.set(hotp_tokens=True)
    seed = TokenSeed("HOTP-00001", bytes(20), moving_factor=MovingFactor.EVENT)
    people.verifier.register_tokens([seed])
    import pyotp

    code: Callable[[int], str] = pyotp.HOTP("A" * 32).at
    four = {"UserName": "alice", "SerialNumber": "HOTP-00001"}
    people.iam("ada").enable_mfa_device(
        **four, AuthenticationCode1=code(4), AuthenticationCode2=code(5)
    )
    assert people.everything()[PairAtSts.__name__] == []
    people.clock.advance(9)
    people.session(SerialNumber="HOTP-00001", TokenCode=code(6))


def test_draws_move_no_other_draw(new_company: Any, store: Store) -> None:
    """Ids and seeds are the same with delays and without."""
    from mfalab.verifier import AWS_IMMEDIATE, MemoryStore

    made = []
    for profile in (AWS_OBSERVED, AWS_IMMEDIATE):
        company = new_company(MemoryStore())
        company.verifier.profile = profile
        company.enrol()
        made.append(company.create("second").seed)
    assert made[0] == made[1]
