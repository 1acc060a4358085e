"""Typed codes become the words of a step."""

import pytest

from mfalab.devices.otp.seed import OtpSeed
from mfalab.simulator.language.codes import Typed, as_typed
from mfalab.simulator.shelf.shelf import Shelf
from mfalab.simulator.shelf.typed_codes import NotSaid, StandIn, TypedCodes
from mfalab.verifier import ServiceError

from .conftest import People, steps_of

NOW_S = 1_772_442_000
SECRET = b"12345678901234567890"
PHONE = StandIn("phone", "totp_app", "alice", SECRET)
KEY = StandIn("key", "security_key", "alice")


@pytest.fixture
def codes() -> TypedCodes:
    return TypedCodes(lambda: NOW_S * 10**9)


def code_of(steps: int) -> str:
    return OtpSeed(SECRET).code_at_step(NOW_S // 30 + steps)


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (0, {}),
        (-2, {"code": "-2 steps"}),
        (20, {"code": "+20 steps"}),
        (-120, {"code": "-120 steps"}),
        (21, {"code": "wrong"}),
        (-121, {"code": "wrong"}),
    ],
)
def test_which_code_of_a_secret(codes: TypedCodes, steps: int, words: dict[str, str]) -> None:
    assert codes.single(code_of(steps), [KEY, PHONE], ["alice"]) == ("phone", words)


@pytest.mark.parametrize("typed", ["with a space", "full-width"])
def test_code_is_typed_as_it_was(codes: TypedCodes, typed: Typed) -> None:
    words = {"typed": typed}
    assert codes.single(as_typed(code_of(0), typed), [PHONE], ["alice"]) == ("phone", words)
    words = {"code": "-1 steps", "typed": typed}
    assert codes.single(as_typed(code_of(-1), typed), [PHONE], ["alice"]) == ("phone", words)
    with pytest.raises(NotSaid, match="no step types"):
        codes.pair(code_of(-1), as_typed(code_of(0), typed), [PHONE], ["alice"])


@pytest.mark.parametrize("typed", [" {}", "{}\n", "{0} {0}", 123456, None])
def test_code_that_nobody_types(codes: TypedCodes, typed: object) -> None:
    typed = typed.format(code_of(0)) if isinstance(typed, str) else typed
    with pytest.raises(NotSaid, match="no step types"):
        codes.single(typed, [PHONE], ["alice"])


def test_code_of_a_device_that_another_has(codes: TypedCodes) -> None:
    with pytest.raises(NotSaid, match="of phone, which ada did not have"):
        codes.single(code_of(0), [PHONE], ["ada"])
    with pytest.raises(NotSaid, match="of phone, which ada and bob did not have"):
        codes.pair(code_of(0), code_of(1), [PHONE], ["ada", "bob"])
    with pytest.raises(NotSaid, match="of no device"):
        codes.single("000000", [PHONE], ["ada"])


def test_pair_of_which_one_is_wrong(codes: TypedCodes) -> None:
    assert codes.pair(code_of(-1), code_of(0), [PHONE], ["alice"]) == (
        "phone",
        ["-1 steps", "current"],
    )
    assert codes.pair("000000", code_of(0), [PHONE], ["alice"]) == ("phone", ["wrong", "current"])
    assert codes.pair("000000", "000001", [PHONE], ["alice"]) == ("phone", ["wrong", "wrong"])


def test_code_where_nothing_shows_any(codes: TypedCodes) -> None:
    with pytest.raises(NotSaid, match="of no device"):
        codes.single("123456", [KEY], ["alice"])


def test_event_based_token_may_be_pressed_for_nothing(shelf: Shelf, people: People) -> None:
    shelf.step({"do": "change_verifier", "to": {"hotp_tokens": True}})
    shelf.put({"counter": {"kind": "hardware_hotp", "owner": "alice"}})
    codes = [shelf.press("counter").thing.display for _ in range(4)]
    people.verifier.iam(people.keys["alice"]).enable_mfa_device(
        UserName="alice",
        SerialNumber=shelf.device("counter").known_serial(),
        AuthenticationCode1=codes[2],
        AuthenticationCode2=codes[3],
    )
    people.session("counter", shelf.press("counter").thing.display)
    for _ in range(200):
        shelf.press("counter")
    with pytest.raises(ServiceError):
        people.session("counter", shelf.press("counter").thing.display)
    steps_of(shelf)
