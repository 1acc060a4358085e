"""WebAuthn servers: a right one passes, each fault is found and told, errors are no refusals."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from mfalab.simulator.eventlog import Event
from mfalab.simulator.runner import run_case
from mfalab.simulator.scenario_files.loader import Case
from mfalab.simulator.scenario_files.suites import collect, shipped
from mfalab.simulator.serving.fido import at_origin, origin_of
from mfalab.simulator.targets.webauthn.api import HttpServer
from mfalab.simulator.targets.webauthn.system import WebauthnSystem
from mfalab.verifier import AWS_IMMEDIATE
from mfalab.verifier.webauthn import ceremonies, statements
from mfalab.verifier.webauthn.messages import UP, UV
from mfalab.verifier.webauthn.outcomes import CeremonyFailed
from mfalab.verifier.webauthn.relying_party import RelyingParty
from mfalab.verifier.wire.fido import FidoApi
from mfalab.verifier.wire.messages import Request

SITE = "http://localhost:3000"
RULES = replace(AWS_IMMEDIATE, rp_id="localhost", origins=(SITE,), app_id=None)
Patch = pytest.MonkeyPatch


@dataclass
class StandingWall:
    """A wall that shows another time only when somebody waits."""

    now: int = 1_800_000_000 * 10**9

    def now_ns(self) -> int:
        return self.now

    def wait(self, duration_ns: int) -> None:
        self.now += duration_ns


class Session:
    """A browser's session with an API in this process."""

    def __init__(self, api: FidoApi) -> None:
        self.api, self.cookie = api, ""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        headers = (("content-type", "application/json"), ("cookie", self.cookie))
        answer = self.api.answer(Request("POST", path, "", headers, body))
        told = dict(answer.headers).get("set-cookie", self.cookie)
        self.cookie = told.partition(";")[0]
        return answer.status, answer.body


class Ours:
    """Our own server, on a wall's time."""

    def __init__(self, wall: StandingWall) -> None:
        numbers = count(1)

        def random_bytes(size: int) -> bytes:
            return next(numbers).to_bytes(size)

        self.api = FidoApi(RelyingParty(RULES, wall, random_bytes), random_bytes)

    def session(self) -> Any:
        return Session(self.api)


@pytest.fixture(scope="session")
def keys() -> list[Case]:
    """The cases that every WebAuthn server can be held to."""
    return collect([str(shipped() / "webauthn")])


Play = Callable[..., dict[str, Event]]


@pytest.fixture
def play(keys: list[Case]) -> Play:
    """Play the suite, or some of it: how each case finished, by its name."""

    def played(*words: str, server: Any = None) -> dict[str, Event]:
        wall = StandingWall()
        system = WebauthnSystem("mine", "webauthn:mine", server or Ours(wall), SITE, wall)
        chosen = [
            case for case in keys if not words or any(word in case.local_id for word in words)
        ]
        assert chosen
        return {case.local_id: run_case(case, 1, system=system)[-1] for case in chosen}

    return played


def failed(finished: dict[str, Event]) -> set[str]:
    assert {end["verdict"] for end in finished.values()} <= {"passed", "failed"}
    return {name for name, end in finished.items() if end["verdict"] == "failed"}


def test_verdicts_are_those_of_the_embedded_verifier(play: Play, keys: list[Case]) -> None:
    here = {case.local_id: run_case(case, 1)[-1]["verdict"] for case in keys}
    there = {name: end["verdict"] for name, end in play().items()}
    assert here == there
    assert Counter(here.values()) == {"passed": len(keys)}


def test_same_seed_meets_a_server_that_remembers(play: Play) -> None:
    """Its users and keys of the run before are there; at a later time they are others."""
    wall = StandingWall()
    ours = Ours(wall)
    assert failed(play("life-of-a-key", server=ours)) == set()

    case = collect([str(shipped() / "webauthn" / "life-of-a-key.scenario.yaml")])[0]
    wall.now += 1
    system = WebauthnSystem("mine", "webauthn:mine", ours, SITE, wall)
    assert run_case(case, 1, system=system)[-1]["verdict"] == "passed"


# -- faults of servers --


def authenticator_data(patch: Patch, better: Callable[[Any], Any]) -> None:
    right = ceremonies._check_authenticator_data
    patch.setattr(
        ceremonies,
        "_check_authenticator_data",
        lambda data, profile, wanted: right(better(data), profile, wanted),
    )


def counter_not_looked_at(patch: Patch) -> None:
    patch.setattr(ceremonies, "counter_grew", lambda stored, received: True)


def counter_may_stand_still(patch: Patch) -> None:
    patch.setattr(ceremonies, "counter_grew", lambda stored, received: received >= stored)


def keys_without_a_counter_refused(patch: Patch) -> None:
    patch.setattr(ceremonies, "counter_grew", lambda stored, received: received > stored)


def origin_not_looked_at(patch: Patch) -> None:
    patch.setattr(ceremonies, "check_client_data", lambda client_data, profile: None)


def origin_compared_by_its_end(patch: Patch) -> None:
    def broken(client_data: Any, profile: Any) -> None:
        if "localhost" not in client_data.origin:
            raise CeremonyFailed(ceremonies.CeremonyOutcome.WRONG_ORIGIN, "elsewhere")

    patch.setattr(ceremonies, "check_client_data", broken)


def challenge_not_looked_at(patch: Patch) -> None:
    patch.setattr(RelyingParty, "check", lambda self, asked, client_data: None)


def challenge_is_good_for_ever(patch: Patch) -> None:
    right = RelyingParty.check
    patch.setattr(
        RelyingParty,
        "check",
        lambda self, asked, data: right(self, replace(asked, answered=False), data),
    )
    counter_not_looked_at(patch)


def one_challenge_for_all(patch: Patch) -> None:
    """The last one that was given out, to whomever."""
    right_ask, right_check = RelyingParty._ask, RelyingParty.check
    last = []

    def ask(self: Any, *given: Any) -> Any:
        last.append(right_ask(self, *given))
        return last[-1]

    def check(self: Any, asked: Any, data: Any) -> None:
        right_check(self, replace(asked, challenge=last[-1].challenge), data)

    patch.setattr(RelyingParty, "_ask", ask)
    patch.setattr(RelyingParty, "check", check)


def presence_not_looked_at(patch: Patch) -> None:
    authenticator_data(patch, lambda data: replace(data, flags=data.flags | UP))


def verification_not_looked_at(patch: Patch) -> None:
    authenticator_data(patch, lambda data: replace(data, flags=data.flags | UV))


def attestation_not_verified(patch: Patch) -> None:
    right = statements.verify_statement

    def broken(registration: Any, key: Any) -> Any:
        return right(replace(registration, format="none", statement={}), key)

    patch.setattr(statements, "verify_statement", broken)


def nothing_excluded(patch: Patch) -> None:
    right = ceremonies.creation_options
    patch.setattr(
        ceremonies,
        "creation_options",
        lambda *given, **words: right(*given, **{**words, "exclude": ()}),
    )


def handle_not_looked_at(patch: Patch) -> None:
    right = RelyingParty.authenticate
    patch.setattr(
        RelyingParty,
        "authenticate",
        lambda self, asked, assertion: right(self, asked, replace(assertion, user_handle=None)),
    )


def any_users_key_taken(patch: Patch) -> None:
    right = RelyingParty.authenticate

    def broken(self: Any, asked: Any, assertion: Any) -> None:
        owner = self._owners.get(assertion.credential_id, asked.user)
        right(self, replace(asked, user=owner), assertion)

    patch.setattr(RelyingParty, "authenticate", broken)


def signature_not_verified(patch: Patch) -> None:
    class Anything:
        def verify(self, *_: Any) -> None:
            """All is right."""

    right = ceremonies.judge_assertion

    def broken(*given: Any) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(ceremonies.cose, "public_key", lambda _: Anything())
            right(*given)

    patch.setattr(ceremonies, "judge_assertion", broken)


FAULTS: dict[Callable[[Patch], None], set[str]] = {
    counter_not_looked_at: {
        "counter[stands still]",
        "counter[back to where it was]",
        "counter[back by more than there was]",
        "counter[a U2F key stands still]",
        "copied-key",
    },
    counter_may_stand_still: {
        "counter[stands still]",
        "counter[a U2F key stands still]",
    },
    keys_without_a_counter_refused: {
        "counter[always nought]",
        "life-of-a-key[slots-25]",
        "overheard-assertion[a key without a counter]",
    },
    origin_not_looked_at: {
        "elsewhere[another site]",
        "elsewhere[another port of the right host]",
        "elsewhere[a subdomain]",
    },
    origin_compared_by_its_end: {
        "elsewhere[another port of the right host]",
        "elsewhere[a subdomain]",
    },
    challenge_not_looked_at: {"overheard-assertion[a key without a counter]"},
    challenge_is_good_for_ever: {
        "overheard-assertion[stolen session]",
        "overheard-assertion[a U2F key]",
        "overheard-assertion[a key without a counter]",
    },
    one_challenge_for_all: {"two-at-once"},
    presence_not_looked_at: {"nobody-there[fido-2.0]", "nobody-there[ctap-2.1-pin]"},
    verification_not_looked_at: {"user-verification"},
    attestation_not_verified: {"bad-signature[packed]", "bad-signature[U2F]", "wrong-model"},
    nothing_excluded: {"same-key-twice[u2f-2016]", "same-key-twice[ctap-2.1-pin]"},
    handle_not_looked_at: {"handle-of-another-user"},
    any_users_key_taken: {
        "wrong-key[a page that asks it]",
        "wrong-key[a page that asks a U2F key]",
        "one-key-two-users",
    },
    signature_not_verified: {"bad-signature[packed]", "bad-signature[U2F]"},
}


@pytest.mark.parametrize(
    ("fault", "found"), FAULTS.items(), ids=[fault.__name__ for fault in FAULTS]
)
def test_fault_is_found(
    play: Play, monkeypatch: Patch, fault: Callable[[Patch], None], found: set[str]
) -> None:
    fault(monkeypatch)
    finished = play(*{name.partition("[")[0] for name in found})
    assert found <= failed(finished)
    assert all(finished[name]["reproduce"].endswith("--target webauthn:mine") for name in found)


# -- servers that are broken --


@dataclass
class Broken:
    """Our server, whose answers at some paths are spoilt."""

    wall: StandingWall
    spoil: Callable[[int, bytes], tuple[int, bytes]]
    path: str = "/assertion/result"

    def session(self) -> Any:
        session = Session(self.api)
        right = session.post

        def post(path: str, body: bytes) -> tuple[int, bytes]:
            answer = right(path, body)
            return self.spoil(*answer) if path == self.path else answer

        session.post = post  # type: ignore[method-assign]
        return session

    def __post_init__(self) -> None:
        self.api = Ours(self.wall).api


def raises(error: BaseException) -> Callable[..., Any]:
    def spoil(*_: Any) -> Any:
        raise error

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda status, body: (500, body), "answers with 500"),
        (lambda status, body: (status, b"<html>"), "and no JSON"),
        (lambda status, body: (200, b"{}"), "no `status`"),
        (raises(TimeoutError("timed out")), "is not answered: TimeoutError: timed out"),
        (raises(ConnectionResetError("gone")), "is not answered: ConnectionResetError"),
    ],
)
def test_broken_server_is_an_error_where_a_refusal_is_right(
    keys: list[Case], spoil: Any, told: str
) -> None:
    wall = StandingWall()
    case = next(each for each in keys if each.local_id == "wrong-key[a page that asks it]")
    system = WebauthnSystem("mine", "webauthn:mine", Broken(wall, spoil), SITE, wall)
    end = run_case(case, 1, system=system)[-1]
    assert end["verdict"] == "error"
    assert told in end["why"]


def test_no_options_are_an_error(keys: list[Case]) -> None:
    """A sign-in that is refused before any key was asked proves nothing."""
    wall = StandingWall()
    refusal = json.dumps({"status": "failed", "errorMessage": "no such user"}).encode()
    server = Broken(wall, lambda status, body: (400, refusal), "/assertion/options")
    case = next(each for each in keys if each.local_id == "wrong-key[a page that asks it]")
    system = WebauthnSystem("mine", "webauthn:mine", server, SITE, wall)
    end = run_case(case, 1, system=system)[-1]
    assert end["verdict"] == "error"
    assert end["why"].endswith("mine: /assertion/options gives no options: no such user")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"devices": {"app": {"kind": "totp_app", "owner": "alice"}}}, "judge one-time codes"),
        ({"verifier": {"counter_rule": "lock"}}, "be given other rules: it has rules of its own"),
        ({"start": "2038-01-19T00:00:00Z"}, "another time: it lives in the wall's time"),
        (
            {"steps": [{"do": "deactivate", "who": "alice", "device": "key"}]},
            "taken away: the FIDO server-test API has no request for it",
        ),
        ({"steps": [{"do": "register_u2f", "who": "alice", "device": "key"}]}, "the U2F API"),
    ],
)
def test_what_it_cannot_do_is_skipped_with_a_sentence(
    tmp_path: Any, words: dict[str, Any], why: str
) -> None:
    key = {"key": {"kind": "security_key", "owner": "alice"}}
    story = {
        "scenario": "a story",
        "people": {"alice": {}},
        "steps": [{"do": "sign_in", "who": "alice"}],
        **words,
        "devices": key | words.get("devices", {}),
    }
    path = tmp_path / "story.scenario.yaml"
    path.write_text(json.dumps(story))
    wall = StandingWall()
    system = WebauthnSystem("mine", "webauthn:mine", Ours(wall), SITE, wall)
    end = run_case(collect([str(path)])[0], 1, system=system)[-1]
    assert end["verdict"] == "skipped"
    assert end["why"].startswith("mine cannot ")
    assert why in end["why"]


def test_system_goes_to_other_processes() -> None:
    system = WebauthnSystem("mine", "webauthn:http://localhost:1", HttpServer("http://x"), SITE)
    there = pickle.loads(pickle.dumps(system))
    assert (there.server, there.origin) == (system.server, system.origin)


def test_served_application_has_these_rules() -> None:
    """What `mfalab serve` serves is what is tested here."""
    profile = at_origin(AWS_IMMEDIATE, origin_of("http://127.0.0.1:3000"))
    assert (profile.rp_id, profile.origins) == (RULES.rp_id, RULES.origins)
