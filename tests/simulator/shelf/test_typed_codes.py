"""Typed codes become the words of a step."""

import pytest

from mfalab.devices.otp.seed import OtpSeed
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
    assert codes.single(code_of(steps), [KEY, PHONE]) == ("phone", words)


def test_code_with_spaces_is_the_same(codes: TypedCodes) -> None:
    code = code_of(0)
    assert codes.single(f" {code[:3]} {code[3:]}", [PHONE]) == ("phone", {})


def test_pair_of_which_one_is_wrong(codes: TypedCodes) -> None:
    assert codes.pair(code_of(-1), code_of(0), [PHONE]) == ("phone", ["-1 steps", "current"])
    assert codes.pair("000000", code_of(0), [PHONE]) == ("phone", ["wrong", "current"])
    assert codes.pair("000000", "000001", [PHONE]) == ("phone", ["wrong", "wrong"])


def test_code_where_nothing_shows_any(codes: TypedCodes) -> None:
    with pytest.raises(NotSaid, match="of no device"):
        codes.single("123456", [KEY])


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
