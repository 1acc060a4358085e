"""Signing in with security keys at the console."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mfalab.verifier import (
    CeremonyOutcome,
    CounterRule,
    DeviceKind,
    MemoryStore,
    ServiceError,
    SignedIn,
    UserVerification,
)
from mfalab.verifier.store.sqlite import SqliteStore
from mfalab.verifier.webauthn import ceremonies

FAILED = ("InvalidAssertion", "Authentication with the security key failed. Try again.", 403)
UP, UV, BE, BS = 0x01, 0x04, 0x08, 0x10


@pytest.fixture
def key(people: Any, new_key: Any) -> Any:
    """Alice's security key."""
    made = new_key()
    people.register(made)
    return made


class TestPage:
    def test_only_kind_is_prompted_for_at_once(self, people: Any, key: Any) -> None:
        options = people.page().assertion_options
        assert options["rpId"] == "aws.amazon.com"
        assert options["timeout"] == 300_000
        assert options["userVerification"] == "discouraged"
        (entry,) = options["allowCredentials"]
        assert entry["type"] == "public-key"
        assert entry["transports"] == ["nfc", "usb"]
        assert "extensions" not in options

    def test_one_kind_of_several_is_chosen(self, people: Any, key: Any) -> None:
        people.company.enrol()
        page = people.company.page()
        assert set(page.kinds) == {DeviceKind.FIDO, DeviceKind.VIRTUAL}
        assert page.assertion_options is None
        chosen = people.console.choose(page.id, DeviceKind.FIDO)
        assert chosen.chosen is DeviceKind.FIDO
        people.console.submit_assertion(page.id, key.get(chosen.assertion_options))

    def test_any_of_several_keys_signs_in(self, people: Any, key: Any, new_key: Any) -> None:
        other = new_key()
        serial = people.register(other, name="other")
        assert len(people.page().assertion_options["allowCredentials"]) == 2
        assert people.sign_in(key).mfa
        assert people.sign_in(other).mfa_serial == serial

    def test_key_has_no_codes_and_no_resynchronisation(self, people: Any, key: Any) -> None:
        page = people.page()
        with pytest.raises(ServiceError, match="kind fido has no codes"):
            people.console.submit_code(page.id, "123456")
        people.register(key, "root")
        with pytest.raises(ServiceError, match="kind fido has no codes"):
            people.console.resync(people.page("root").id, "123456", "654321")

    def test_assertion_where_a_code_is_asked_for(self, people: Any, key: Any) -> None:
        page = people.page()
        response = key.get(page.assertion_options)
        people.company.enrol()
        people.console.choose(page.id, DeviceKind.VIRTUAL)
        with pytest.raises(ServiceError, match="no MFA device of kind fido"):
            people.console.submit_assertion(page.id, response)
        with pytest.raises(ServiceError, match="Choose the kind"):
            people.console.submit_assertion(people.company.page().id, response)

    def test_key_whose_credential_was_never_kept(self, people: Any) -> None:
        people.company.insert_key()
        assert people.page().assertion_options["allowCredentials"] == []


class TestAccepted:
    @pytest.mark.parametrize("algorithm", [-7, -8, -257])
    def test_sign_in_with_mfa(self, people: Any, new_key: Any, algorithm: int) -> None:
        key = new_key(algorithm=algorithm)
        serial = people.register(key)
        signed_in = people.sign_in(key)
        assert signed_in == SignedIn(
            signed_in.credentials, people.company.ids["alice"], True, serial
        )
        decision = people.last()
        assert (decision.outcome, decision.serial) == (CeremonyOutcome.ACCEPTED, serial)
        assert (decision.sign_count, decision.stored_sign_count) == (2, 2)
        context = people.company.verifier.mfa_context(signed_in.credentials)
        assert context.present is True
        check, login = people.company.trail("CheckMfa")[-1], people.company.trail("ConsoleLogin")
        assert check.fields["additionalEventData"]["MfaType"] == "U2F MFA"
        assert login[-1].fields["additionalEventData"]["MFAIdentifier"] == serial

    def test_record_follows(self, people: Any, new_key: Any) -> None:
        key = new_key(flags=UP | BE)
        people.register(key)
        people.company.clock.advance(60)
        people.sign_in(key, flags=UP | UV | BE | BS)
        record = people.credential()
        assert (record.backed_up, record.user_verified) == (True, True)
        assert record.last_used_ns == people.company.clock.now_ns()

    @pytest.mark.parametrize("handle", [None, ""], ids=["null", "empty"])
    def test_user_handle_of_a_key_that_stores_none(
        self, people: Any, key: Any, handle: str | None
    ) -> None:
        assert people.sign_in(key, user_handle=handle).mfa

    def test_user_handle_of_the_right_user(self, people: Any, key: Any) -> None:
        handle = people.company.ids["alice"].encode()
        assert people.sign_in(key, user_handle=handle).mfa

    def test_retry_after_choosing_again(self, people: Any, key: Any, refused: Any) -> None:
        page = people.page()
        with refused(*FAILED):
            people.console.submit_assertion(page.id, key.get(page.assertion_options, flags=0))
        with refused(*FAILED):
            people.console.submit_assertion(page.id, key.get(page.assertion_options))
        assert people.last().outcome is CeremonyOutcome.REPLAYED_CHALLENGE
        page = people.console.choose(page.id, DeviceKind.FIDO)
        assert page.failures == 2
        assert people.console.submit_assertion(page.id, key.get(page.assertion_options)).mfa


REFUSALS: list[tuple[str, dict[str, Any], CeremonyOutcome]] = [
    (
        "phishing origin",
        {"origin": "https://signin.aws.evil.example"},
        CeremonyOutcome.WRONG_ORIGIN,
    ),
    ("another rp id", {"rp_id": "evil.example"}, CeremonyOutcome.WRONG_RP_ID),
    ("in a frame", {"cross_origin": True}, CeremonyOutcome.CROSS_ORIGIN),
    ("made-up challenge", {"challenge": "AAAA"}, CeremonyOutcome.UNKNOWN_CHALLENGE),
    ("registration's type", {"type": "webauthn.create"}, CeremonyOutcome.WRONG_TYPE),
    ("no touch", {"flags": 0}, CeremonyOutcome.NO_USER_PRESENCE),
    ("backed up, not eligible", {"flags": UP | BS}, CeremonyOutcome.INCONSISTENT_BACKUP),
    ("suddenly eligible", {"flags": UP | BE}, CeremonyOutcome.INCONSISTENT_BACKUP),
    ("made-up credential", {"credential_id": b"made up"}, CeremonyOutcome.UNKNOWN_CREDENTIAL),
    ("another user's handle", {"user_handle": b"AIDAOTHER"}, CeremonyOutcome.WRONG_USER_HANDLE),
    ("spoilt signature", {"sign": lambda s: s[:-1]}, CeremonyOutcome.BAD_SIGNATURE),
    ("no signature", {"sign": lambda s: b""}, CeremonyOutcome.BAD_SIGNATURE),
    ("U2F scope", {"outputs": {"appid": True}}, CeremonyOutcome.WRONG_RP_ID),
    ("counter stands still", {"count": 1}, CeremonyOutcome.COUNTER_REGRESSED),
    ("counter back", {"count": 0}, CeremonyOutcome.COUNTER_REGRESSED),
    (
        "no client's answer",
        {"response": {"error": "NotAllowedError"}},
        CeremonyOutcome.CLIENT_ERROR,
    ),
    ("nothing", {"response": {}}, CeremonyOutcome.MALFORMED),
]


class TestRefused:
    @pytest.mark.parametrize(
        ("twists", "outcome"),
        [(twists, outcome) for _, twists, outcome in REFUSALS],
        ids=[name for name, _, _ in REFUSALS],
    )
    def test_every_check_has_its_outcome(
        self,
        people: Any,
        key: Any,
        refused: Any,
        twists: dict[str, Any],
        outcome: CeremonyOutcome,
    ) -> None:
        page, before = people.page(), people.credential()
        response = twists.get("response")
        if response is None:
            response = key.get(page.assertion_options, **twists)
        with refused(*FAILED):
            people.console.submit_assertion(page.id, response)
        decision = people.last()
        assert decision.outcome is outcome
        assert decision.reason
        cloned_ns = people.company.clock.now_ns() if "counter" in outcome else None
        assert people.credential() == replace(before, cloned_ns=cloned_ns)
        counted = people.console.choose(page.id, DeviceKind.FIDO).failures
        assert counted == (0 if outcome is CeremonyOutcome.CLIENT_ERROR else 1)
        assert len(people.company.everything()["Session"]) == 1  # Ada's

    def test_another_key_of_another_pair(
        self, people: Any, key: Any, refused: Any, new_pair: Any
    ) -> None:
        with refused(*FAILED):
            people.sign_in(key, pair=new_pair())
        assert people.last().outcome is CeremonyOutcome.BAD_SIGNATURE

    def test_borrowed_key(self, people: Any, key: Any, new_key: Any, refused: Any) -> None:
        """Bob's key is Bob's: at Alice's page its client finds nothing, and its answer is void."""
        bobs = new_key()
        people.register(bobs, "bob")
        with refused(*FAILED):
            people.sign_in(bobs, "alice")
        assert people.last().outcome is CeremonyOutcome.CLIENT_ERROR
        with refused(*FAILED):
            people.sign_in(bobs, "alice", credential_id=next(iter(bobs.credentials)))
        assert people.last().outcome is CeremonyOutcome.UNKNOWN_CREDENTIAL
        assert people.last().serial == ""

    def test_user_verification_where_it_is_required(
        self, people: Any, key: Any, refused: Any
    ) -> None:
        people.company.set(user_verification=UserVerification.REQUIRED)
        with refused(*FAILED):
            people.sign_in(key)
        assert people.last().outcome is CeremonyOutcome.NO_USER_VERIFICATION
        assert people.sign_in(key, flags=UP | UV).mfa

    def test_challenge_is_good_for_five_minutes(self, people: Any, key: Any, refused: Any) -> None:
        page = people.page()
        people.company.clock.advance(300)
        people.console.submit_assertion(page.id, key.get(page.assertion_options))
        page = people.page()
        people.company.clock.advance(300.001)
        with refused(*FAILED):
            people.console.submit_assertion(page.id, key.get(page.assertion_options))
        assert people.last().outcome is CeremonyOutcome.EXPIRED_CHALLENGE

    def test_assertion_for_another_page(self, people: Any, key: Any, refused: Any) -> None:
        first, second = people.page(), people.page()
        with refused(*FAILED):
            people.console.submit_assertion(second.id, key.get(first.assertion_options))
        assert people.last().outcome is CeremonyOutcome.UNKNOWN_CHALLENGE
        people.console.submit_assertion(first.id, key.get(first.assertion_options))

    def test_assertion_replayed(self, people: Any, key: Any) -> None:
        page = people.page()
        response = key.get(page.assertion_options)
        people.console.submit_assertion(page.id, response)
        with pytest.raises(ServiceError, match="no longer valid"):
            people.console.submit_assertion(page.id, response)
        other = people.page()
        with pytest.raises(ServiceError, match="security key failed"):
            people.console.submit_assertion(other.id, response)
        assert people.last().outcome is CeremonyOutcome.UNKNOWN_CHALLENGE

    def test_failures_lock_where_the_profile_says_so(
        self, people: Any, key: Any, refused: Any
    ) -> None:
        people.company.set(console_locked_after=2)
        for _ in range(2):
            with refused(*FAILED):
                people.sign_in(key, flags=0)
        with pytest.raises(ServiceError, match="Too many authentication codes"):
            people.page()


class TestCounter:
    def test_key_without_a_counter(self, people: Any, new_key: Any) -> None:
        key = new_key(step=0)
        people.register(key)
        assert all(people.sign_in(key).mfa for _ in range(3))
        assert people.credential().cloned_ns is None

    def test_clone_is_found_when_the_two_have_met(
        self, people: Any, key: Any, refused: Any
    ) -> None:
        copy = key.clone()
        people.sign_in(key)
        people.sign_in(key)
        with refused(*FAILED):
            people.sign_in(copy)
        decision = people.last()
        assert decision.outcome is CeremonyOutcome.COUNTER_REGRESSED
        assert (decision.sign_count, decision.stored_sign_count, decision.cloned) == (2, 3, True)
        assert people.credential().cloned_ns == people.company.clock.now_ns()
        assert people.sign_in(key).mfa, "the rule refuses what regressed, not the key"
        assert people.last().cloned

    def test_clone_locks_the_key(self, people: Any, key: Any, refused: Any) -> None:
        people.company.set(counter_rule=CounterRule.LOCK)
        copy = key.clone()
        people.sign_in(key)
        for thief, outcome in (
            (copy, CeremonyOutcome.COUNTER_REGRESSED),
            (copy, CeremonyOutcome.CLONED),
            (key, CeremonyOutcome.CLONED),
        ):
            with refused(*FAILED):
                people.sign_in(thief)
            assert people.last().outcome is outcome

    def test_clone_is_reported_and_let_in(self, people: Any, key: Any) -> None:
        people.company.set(counter_rule=CounterRule.REPORT)
        copy = key.clone()
        people.sign_in(key)
        assert people.sign_in(copy).mfa
        assert (people.last().accepted, people.last().cloned) == (True, True)
        assert people.credential().sign_count == 2

    def test_clone_is_ignored(self, people: Any, key: Any) -> None:
        people.company.set(counter_rule=CounterRule.IGNORE)
        assert people.sign_in(key, count=0).mfa
        assert people.credential().cloned_ns is None
        assert people.credential().sign_count == 1

    def test_another_key_cannot_mark_a_key_as_cloned(
        self, people: Any, key: Any, new_pair: Any, refused: Any
    ) -> None:
        with refused(*FAILED):
            people.sign_in(key, count=0, pair=new_pair())
        assert people.last().outcome is CeremonyOutcome.BAD_SIGNATURE
        assert people.credential().cloned_ns is None

    def test_first_mark_stays(self, people: Any, key: Any, refused: Any) -> None:
        with refused(*FAILED):
            people.sign_in(key, count=0)
        first_ns = people.company.clock.now_ns()
        people.company.clock.advance(60)
        with refused(*FAILED):
            people.sign_in(key, count=0)
        assert people.credential().cloned_ns == first_ns

    @settings(
        max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(counts=st.lists(st.integers(0, 6), min_size=1, max_size=8))
    def test_stored_counter_never_falls(
        self, new_company: Any, people_of: Any, new_key: Any, counts: list[int]
    ) -> None:
        people, key = people_of(new_company(MemoryStore())), new_key(step=0)
        people.register(key)
        for count in counts:
            before = people.credential().sign_count
            try:
                people.sign_in(key, count=count)
            except ServiceError:
                assert not ceremonies.counter_grew(before, count)
            else:
                assert ceremonies.counter_grew(before, count)
            assert people.credential().sign_count >= before


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    """What so many threads get that act together: a result or a refusal."""
    barrier, results = threading.Barrier(count), []

    def run() -> None:
        barrier.wait()
        try:
            results.append(act())
        except ServiceError as refusal:
            results.append(refusal)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_assertion_at_once_signs_in_once(
    store: Any, new_company: Any, people_of: Any, new_key: Any
) -> None:
    people, key = people_of(new_company(store)), new_key()
    people.register(key)
    for _ in range(5):
        page = people.page()
        response = key.get(page.assertion_options)
        results = at_once(
            6,
            lambda page=page, response=response: people.console.submit_assertion(page.id, response),
        )
        assert sum(isinstance(result, SignedIn) for result in results) == 1


def test_one_registration_at_once_registers_once(
    store: Any, new_company: Any, people_of: Any, new_key: Any
) -> None:
    people = people_of(new_company(store))
    ada = people.session()
    options = people.console.begin_security_key(ada, name="k", user_name="alice")
    response = new_key().create(options)
    results = at_once(
        6,
        lambda: people.console.finish_security_key(ada, response=response, user_name="alice"),
    )
    assert sum(isinstance(result, str) for result in results) == 1
    assert len(people.company.serials()) == 1
    outcomes = sorted(decision.outcome for decision in people.decisions())
    assert outcomes == ["accepted", *["replayed-challenge"] * 5]


def test_challenges_and_credentials_survive_a_restart(
    tmp_path: Path, new_company: Any, people_of: Any, new_key: Any
) -> None:
    from mfalab.verifier import CHEAP, Verifier

    key = new_key()
    with SqliteStore(tmp_path / "verifier.db") as opened:
        people = people_of(new_company(opened))
        serial = people.register(key)
        page = people.page()
    with SqliteStore(tmp_path / "verifier.db") as opened:
        verifier = Verifier(
            store=opened,
            clock=people.company.clock,
            random_bytes=bytes,
            password_cost=CHEAP,
            outbox=people.company.outbox,
        )
        signed_in = verifier.console.submit_assertion(page.id, key.get(page.assertion_options))
    assert signed_in.mfa_serial == serial
