"""Challenges and credentials in the store; the cryptography is in `webauthn/`."""

import json
from typing import Any

import pytest
from fido2.utils import websafe_encode

from mfalab.verifier import CeremonyDecision, CeremonyOutcome, ServiceError
from mfalab.verifier.webauthn.outcomes import CeremonyFailed


def answer(options: dict[str, Any]) -> dict[str, Any]:
    """An assertion to these options by a credential that is not registered."""
    client_data = {
        "type": "webauthn.get",
        "challenge": options["challenge"],
        "origin": "https://signin.aws.amazon.com",
    }
    return {
        "id": "AA",
        "rawId": "AA",
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": websafe_encode(json.dumps(client_data).encode()),
            "authenticatorData": websafe_encode(bytes(37)),
            "signature": "AA",
        },
    }


@pytest.fixture
def page(company: Any) -> Any:
    """Alice's second page; her security key has no credential."""
    company.insert_key()
    return company.page()


@pytest.fixture
def outcome(company: Any, page: Any) -> Any:
    """What becomes of an answer to a page."""

    def submit(response: dict[str, Any], page_id: str = page.id) -> CeremonyOutcome:
        with pytest.raises(ServiceError) as caught:
            company.console.submit_assertion(page_id, response)
        assert caught.value.code == "InvalidAssertion"
        decisions = [seen for seen in company.observed if isinstance(seen, CeremonyDecision)]
        return decisions[-1].outcome

    return submit


def test_challenge_is_spent_by_its_first_answer_good_or_bad(page: Any, outcome: Any) -> None:
    response = answer(page.assertion_options)
    assert outcome(response) is CeremonyOutcome.UNKNOWN_CREDENTIAL
    assert outcome(response) is CeremonyOutcome.REPLAYED_CHALLENGE


def test_error_of_the_client_spends_no_challenge(page: Any, outcome: Any) -> None:
    error = {"error": {"name": "NotAllowedError"}}
    assert outcome(error) is CeremonyOutcome.CLIENT_ERROR
    assert outcome(answer(page.assertion_options)) is CeremonyOutcome.UNKNOWN_CREDENTIAL


def test_challenge_is_for_the_page_that_showed_it(company: Any, page: Any, outcome: Any) -> None:
    other = company.page()
    response = answer(page.assertion_options)
    assert outcome(response, other.id) is CeremonyOutcome.UNKNOWN_CHALLENGE
    assert outcome(response) is CeremonyOutcome.UNKNOWN_CREDENTIAL


def test_challenge_expires_after_its_lifetime(company: Any, page: Any, outcome: Any) -> None:
    company.set(challenge_lifetime_s=60)
    company.clock.advance(60.001)
    assert outcome(answer(page.assertion_options)) is CeremonyOutcome.EXPIRED_CHALLENGE


def test_device_without_a_credential_is_not_asked_for(page: Any) -> None:
    assert page.assertion_options["allowCredentials"] == []


def test_u2f_key_needs_an_app_id_in_the_profile(company: Any) -> None:
    company.set(app_id=None)
    with pytest.raises(CeremonyFailed, match="the profile has no app_id") as caught:
        company.verifier.register_u2f_key(company.ids["alice"], "old", b"", bytes(32))
    assert caught.value.outcome is CeremonyOutcome.WRONG_RP_ID
