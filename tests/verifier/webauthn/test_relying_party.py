"""A relying party with users of its own: whose keys it takes, and what it forgets."""

from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest

from mfalab.verifier import AWS_IMMEDIATE, CeremonyOutcome, CounterRule
from mfalab.verifier.webauthn import messages, relying_party
from mfalab.verifier.webauthn.outcomes import CeremonyFailed
from mfalab.verifier.webauthn.relying_party import MOST_KEYS, RelyingParty

PLACE = "https://signin.aws.amazon.com"
PROFILE = replace(AWS_IMMEDIATE, rp_id="aws.amazon.com", origins=(PLACE,), app_id=None)


@dataclass
class Clock:
    now: int = 10**18

    def now_ns(self) -> int:
        return self.now


class Party(RelyingParty):
    """A relying party with a browser before it."""

    def __init__(self, **rules: Any) -> None:
        numbers = count(1)
        self.clock = Clock()
        super().__init__(
            replace(PROFILE, **rules), self.clock, lambda size: next(numbers).to_bytes(size)
        )

    def enrol(self, key: Any, name: str = "alice", **twists: Any) -> None:
        asked, options = self.begin_registration(name, name.title(), self.profile)
        registration = messages.registration(key.create(options, **twists))
        self.check(asked, registration.client_data)
        self.register(asked, registration)

    def sign_in(self, key: Any, name: str = "alice", **twists: Any) -> None:
        asked, options = self.begin_authentication(name, self.profile)
        assertion = messages.assertion(key.get(options, **twists))
        self.check(asked, assertion.client_data)
        self.authenticate(asked, assertion)


def refused(outcome: CeremonyOutcome) -> Any:
    return pytest.raises(CeremonyFailed, match=outcome.value)


def test_key_is_registered_and_signs_in(new_key: Any) -> None:
    party, key = Party(), new_key()
    party.enrol(key)
    party.sign_in(key)
    asked, options = party.begin_registration("alice", "A. Person", PROFILE)
    assert options["user"]["displayName"] == "A. Person"
    assert options["user"]["id"] == messages.encode(asked.user.id)
    assert [each["transports"] for each in options["excludeCredentials"]] == [["nfc", "usb"]]


def test_key_of_another_user_is_none_of_ones_own(new_key: Any) -> None:
    party, key, other = Party(), new_key(), new_key()
    party.enrol(key)
    party.enrol(other, "bob")
    theirs = next(iter(other.credentials))
    with refused(CeremonyOutcome.UNKNOWN_CREDENTIAL):
        party.sign_in(other, credential_id=theirs)
    with refused(CeremonyOutcome.WRONG_USER_HANDLE):
        party.sign_in(key, user_handle=b"somebody")
    party.sign_in(other, "bob")


def test_credential_id_is_taken_once_for_all_users(new_key: Any) -> None:
    party, key = Party(), new_key()
    party.enrol(key)
    asked, options = party.begin_registration("bob", "Bob", PROFILE)
    response = key.create(options)
    registration = messages.registration(response)
    data = registration.authenticator_data
    known = next(iter(party._owners))
    copied = replace(
        registration,
        credential_id=known,
        authenticator_data=replace(data, credential_id=known),
    )
    with refused(CeremonyOutcome.ALREADY_REGISTERED):
        party.register(asked, copied)


@pytest.mark.parametrize(
    ("rule", "again"),
    [
        (CounterRule.REFUSE, CeremonyOutcome.COUNTER_REGRESSED),
        (CounterRule.LOCK, CeremonyOutcome.CLONED),
        (CounterRule.REPORT, None),
        (CounterRule.IGNORE, None),
    ],
)
def test_copy_is_treated_by_the_rule(
    new_key: Any, rule: CounterRule, again: CeremonyOutcome | None
) -> None:
    party, key = Party(counter_rule=rule), new_key()
    party.enrol(key)
    party.sign_in(key)
    if again is None:
        party.sign_in(key, count=1)
        return
    with refused(CeremonyOutcome.COUNTER_REGRESSED):
        party.sign_in(key, count=1)
    with refused(again):
        party.sign_in(key, count=1)
    if rule is CounterRule.REFUSE:
        party.sign_in(key)


def test_challenge_grows_old(new_key: Any) -> None:
    party, key = Party(), new_key()
    asked, options = party.begin_registration("alice", "Alice", PROFILE)
    registration = messages.registration(key.create(options))
    party.clock.now += PROFILE.challenge_lifetime_s * 10**9
    party.check(asked, registration.client_data)
    party.clock.now += 1
    with refused(CeremonyOutcome.EXPIRED_CHALLENGE):
        party.check(asked, registration.client_data)


def test_challenge_of_another_ceremony_or_answered_before(new_key: Any) -> None:
    party, key = Party(), new_key()
    asked, options = party.begin_registration("alice", "Alice", PROFILE)
    client_data = messages.registration(key.create(options)).client_data
    other, _ = party.begin_registration("alice", "Alice", PROFILE)
    with refused(CeremonyOutcome.UNKNOWN_CHALLENGE):
        party.check(other, client_data)
    with refused(CeremonyOutcome.REPLAYED_CHALLENGE):
        party.check(replace(asked, answered=True), client_data)


def test_who_was_not_seen_for_longest_is_forgotten(
    new_key: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relying_party, "MOST_USERS", 2)
    party, keys = Party(), {name: new_key() for name in ("alice", "bob", "carol")}
    party.enrol(keys["alice"], "alice")
    party.enrol(keys["bob"], "bob")
    party.sign_in(keys["alice"], "alice")
    asked, options = party.begin_registration("bob", "Bob", PROFILE)
    party.sign_in(keys["alice"], "alice")
    party.enrol(keys["carol"], "carol")
    assert set(party._users) == {"alice", "carol"}
    assert len(party._owners) == 2
    with refused(CeremonyOutcome.UNKNOWN_CREDENTIAL):
        party.begin_authentication("bob", PROFILE)
    with refused(CeremonyOutcome.UNKNOWN_CHALLENGE):  # a ceremony that outlived its user
        party.register(asked, messages.registration(new_key().create(options)))


def test_user_has_so_many_keys(new_key: Any) -> None:
    party = Party()
    for _ in range(MOST_KEYS):
        party.enrol(new_key())
    with refused(CeremonyOutcome.ALREADY_REGISTERED):
        party.enrol(new_key())


def test_what_is_kept_of_a_key_is_bounded(new_key: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    party, key = Party(), new_key()
    asked, options = party.begin_registration("alice", "Alice", PROFILE)
    response = key.create(options)
    response["response"]["transports"] = ["usb", "x" * 1000, "nfc"]
    party.register(asked, messages.registration(response))
    (kept,) = asked.user.keys.values()
    assert kept.transports == ("nfc", "usb")
    monkeypatch.setattr(relying_party, "LONGEST_PUBLIC_KEY", 10)
    with refused(CeremonyOutcome.INVALID_KEY):
        party.enrol(new_key())
