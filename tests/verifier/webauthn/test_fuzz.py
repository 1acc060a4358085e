"""What a page may post as the answer of a security key: anything, and a good answer spoilt.

A spoilt answer is refused with the outcome MALFORMED, or with that of the check that it fails, or
it is taken because nothing that counts was spoilt. Nothing else is raised, and a refusal registers
nothing and signs nobody in.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fido2 import cbor
from fido2.utils import websafe_decode, websafe_encode

from mfalab.simulator.entropy import Entropy, Stream
from mfalab.verifier import CeremonyOutcome, ServiceError, SqliteStore
from mfalab.verifier.webauthn.outcomes import CeremonyFailed

DEEP: Any = "x"
for _ in range(3_000):
    DEEP = [DEEP]
ANYTHING: list[Any] = [
    None,
    True,
    1,
    -1.5,
    float("inf"),
    10**400,
    "x",
    "",
    "\ud800",
    b"bytes",
    [],
    [1],
    {},
    set(),
    object(),
    DEEP,
    {"error": DEEP},
    {"error": {"name": "\ud800"}},
    {"error": {"name": "x" * 100_000}},
    {"error": None},
    {"response": DEEP, "type": DEEP, "id": DEEP, "rawId": copy.deepcopy("x")},
    {"response": {}, "type": DEEP},
    {"response": {}, "type": "public-key", "id": DEEP, "rawId": DEEP},
]
MEMBERS: list[Any] = [
    *ANYTHING[:17],
    "x" * 100_000,
    "A===",
    "AA==",
    "-_" * 50_000,
    ["usb", "\ud800"],
]
REFUSALS = {"InvalidRegistration", "SecurityKeyNotAccepted", "InvalidAssertion"}


class Desk:
    """Where Alice registers a key, and signs in with another."""

    def __init__(self, people: Any, new_key: Callable[..., Any]) -> None:
        self.people, self.new_key = people, new_key
        people.company.set(devices_per_identity=1_000)
        self.ada = people.session()
        self.known = new_key()
        people.register(self.known, "bob")

    def register(self, change: Callable[[dict[str, Any]], Any], form: str = "self") -> Any:
        console = self.people.console
        options = console.begin_security_key(self.ada, name="key", user_name="alice")
        answer = change(self.new_key(form=form).create(options))
        return self.ended(
            lambda: console.finish_security_key(self.ada, response=answer, user_name="alice")
        )

    def sign_in(self, change: Callable[[dict[str, Any]], Any]) -> Any:
        page = self.people.page("bob")
        answer = change(self.known.get(page.assertion_options))
        return self.ended(lambda: self.people.console.submit_assertion(page.id, answer))

    def ended(self, call: Callable[[], object]) -> Any:
        """The outcome; what was refused is told with a reason that may be printed."""
        refusal = None
        try:
            call()
        except ServiceError as error:
            refusal = error.code
        seen = self.people.last()
        assert refusal in REFUSALS or (refusal is None and seen.accepted)
        assert bool(seen.reason) == (refusal is not None)
        assert len(json.dumps([seen.reason, seen.origin, seen.attestation])) < 10_000
        assert f"{seen.reason} {seen.origin} {seen.attestation}".encode()
        return seen.outcome


@pytest.fixture
def desk(
    tmp_path: Any, new_company: Callable[[Any], Any], people_of: Any, new_key: Any
) -> Iterator[Desk]:
    with SqliteStore(tmp_path / "verifier.db") as store:
        yield Desk(people_of(new_company(store)), new_key)


def test_anything_for_an_answer(desk: Desk) -> None:
    for answer in ANYTHING:
        found = desk.register(lambda _: answer), desk.sign_in(lambda _: answer)  # noqa: B023 - used at once
        assert found == (CeremonyOutcome.MALFORMED, CeremonyOutcome.MALFORMED), repr(answer)[:80]
    assert desk.people.company.serials("alice") == []


def with_member(path: tuple[str, ...], value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        inner: Any = answer
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = value
        return answer

    return change


OUTER = ["id", "rawId", "type", "clientExtensionResults", "response", "authenticatorAttachment"]
COUNTED = {"id", "rawId", "type", "response"}
"""What every relying party has to look at."""


@pytest.mark.parametrize("member", [*OUTER, "unknown"])
def test_any_value_for_a_member(desk: Desk, member: str) -> None:
    for value in MEMBERS:
        for found in (
            desk.register(with_member((member,), value)),
            desk.sign_in(with_member((member,), value)),
        ):
            assert found is not CeremonyOutcome.ACCEPTED or member not in COUNTED, repr(value)[:80]


INNER = {
    "clientDataJSON": CeremonyOutcome.MALFORMED,
    "attestationObject": CeremonyOutcome.MALFORMED,
    "authenticatorData": CeremonyOutcome.MALFORMED,
    "signature": CeremonyOutcome.MALFORMED,
    "userHandle": None,
    "transports": None,
}


@pytest.mark.parametrize("member", INNER)
def test_any_value_for_a_member_of_the_response(desk: Desk, member: str) -> None:
    of_registration = member in ("clientDataJSON", "attestationObject", "transports")
    for value in MEMBERS:
        ways = [desk.register] if of_registration else []
        ways += [desk.sign_in] if member not in ("attestationObject", "transports") else []
        for way in ways:
            found = way(with_member(("response", member), value))
            assert found is not CeremonyOutcome.ACCEPTED or INNER[member] is None, repr(value)[:80]


CLIENT_DATA: list[bytes] = [
    b"",
    b"\xff",
    b"null",
    b"[]",
    b"[" * 50_000,
    b'{"type":1}',
    b'{"type":"webauthn.create","challenge":"\\ud800","origin":"x"}',
    b'{"type":"webauthn.create","challenge":"AA","origin":"\\udfff"}',
    b'{"type":"\\ud800","challenge":"AA","origin":"x"}',
    b'{"type":"webauthn.create","challenge":"AA","origin":"x","topOrigin":"\\ud800"}',
    b'{"type":"webauthn.create","challenge":"AA","origin":"x","crossOrigin":1}',
    b'{"type":"webauthn.create","challenge":"AA","origin":"x","n":NaN}',
    b'{"type":"webauthn.create","challenge":"AA","origin":"x","n":' + b"9" * 10_000 + b"}",
]


@pytest.mark.parametrize("data", CLIENT_DATA, ids=lambda data: data[:60].decode("latin-1"))
def test_client_data_that_is_none(desk: Desk, data: bytes) -> None:
    change = with_member(("response", "clientDataJSON"), websafe_encode(data))
    assert desk.register(change) is CeremonyOutcome.MALFORMED
    assert desk.sign_in(change) is CeremonyOutcome.MALFORMED


@pytest.mark.parametrize("form", ["", "x" * 33, 'quo"te', "back\\slash", "é", "new\nline", " "])
def test_format_whose_identifier_is_none(desk: Desk, form: str) -> None:
    def change(answer: dict[str, Any]) -> dict[str, Any]:
        made = dict(cbor.decode(websafe_decode(answer["response"]["attestationObject"])))
        answer["response"]["attestationObject"] = websafe_encode(cbor.encode({**made, "fmt": form}))
        return answer

    assert desk.register(change) is CeremonyOutcome.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        lambda made: ["fmt", "none"],
        lambda made: {**made, "authData": made["authData"][:32] + b"\x01" + bytes(4)},
        lambda made: {**made, "authData": made["authData"] + b"\0"},
        lambda made: {**made, "authData": "text"},
        lambda made: {**made, "attStmt": []},
        lambda made: {"fmt": "none", "attStmt": {}},
    ],
)
def test_attestation_object_that_is_none(desk: Desk, change: Callable[[Any], Any]) -> None:
    def spoil(answer: dict[str, Any]) -> dict[str, Any]:
        made = dict(cbor.decode(websafe_decode(answer["response"]["attestationObject"])))
        answer["response"]["attestationObject"] = websafe_encode(cbor.encode(change(made)))
        return answer

    assert desk.register(spoil) is CeremonyOutcome.MALFORMED


def bent(data: bytes, chance: Stream) -> bytes:
    """Bytes with some changed, cut off, doubled or put in."""
    made = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(4):
            case 0 if at < len(made):
                made[at] = chance.randrange(256)
            case 1:
                del made[at : at + chance.randrange(1, 9)]
            case 2:
                made[at:at] = made[at : at + chance.randrange(1, 40)]
            case _:
                made[at:at] = chance.randbytes(chance.randrange(1, 9))
    return bytes(made)


@pytest.mark.parametrize("seed", range(60))
def test_bytes_of_an_answer_are_bent(desk: Desk, seed: int) -> None:
    chance = Entropy(seed).stream("bent")

    def change(answer: dict[str, Any]) -> dict[str, Any]:
        inner = answer["response"]
        member = chance.choice([name for name in inner if name != "transports"])
        inner[member] = websafe_encode(bent(websafe_decode(inner[member]), chance))
        return answer

    for _ in range(4):
        desk.register(change, chance.choice(["self", "none"]))
        desk.sign_in(change)


def test_reason_that_quotes_a_megabyte_is_cut() -> None:
    short = CeremonyFailed(CeremonyOutcome.MALFORMED, "x" * 500)
    assert short.reason == "x" * 500
    assert CeremonyFailed(CeremonyOutcome.MALFORMED, "x" * 501).reason == "x" * 500 + "..."
