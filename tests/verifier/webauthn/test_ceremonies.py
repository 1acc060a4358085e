"""The relying party's checks as pure functions."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfalab.verifier import AWS_IMMEDIATE, CeremonyOutcome
from mfalab.verifier.records import Ceremony, CredentialRecord
from mfalab.verifier.webauthn import ceremonies
from mfalab.verifier.webauthn.messages import ClientData
from mfalab.verifier.webauthn.outcomes import CeremonyFailed

ORIGIN = AWS_IMMEDIATE.origins[0]
AT_HOME = ClientData(
    type="webauthn.get",
    challenge="AA",
    origin=ORIGIN,
    cross_origin=False,
    top_origin=None,
    hash=b"",
)
CREDENTIAL = CredentialRecord(
    "d1", b"\x00\xff", b"", 0, bytes(16), ("usb",), False, False, False, "none"
)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_must_grow_unless_both_are_zero(stored: int, received: int) -> None:
    grew = ceremonies.counter_grew(stored, received)
    assert grew == (received > stored or (stored, received) == (0, 0))


def test_client_data_of_the_other_ceremony_is_refused() -> None:
    ceremonies.check_type(AT_HOME, Ceremony.AUTHENTICATION)
    with pytest.raises(CeremonyFailed, match=r"type 'webauthn\.get', not 'webauthn\.create'"):
        ceremonies.check_type(AT_HOME, Ceremony.REGISTRATION)


@pytest.mark.parametrize(
    ("client", "allowed", "outcome"),
    [
        ({}, {}, None),
        ({"origin": "https://evil.example"}, {}, CeremonyOutcome.WRONG_ORIGIN),
        ({"cross_origin": True}, {}, CeremonyOutcome.CROSS_ORIGIN),
        ({"cross_origin": True}, {"cross_origin": True}, None),
        (
            {"cross_origin": True, "top_origin": "https://top.example"},
            {"cross_origin": True},
            CeremonyOutcome.CROSS_ORIGIN,
        ),
        (
            {"cross_origin": True, "top_origin": "https://top.example"},
            {"cross_origin": True, "top_origins": ("https://top.example",)},
            None,
        ),
        (
            {"top_origin": "https://top.example"},
            {"top_origins": ("https://top.example",)},
            CeremonyOutcome.CROSS_ORIGIN,
        ),
    ],
)
def test_place_of_a_ceremony(
    client: dict[str, Any], allowed: dict[str, Any], outcome: CeremonyOutcome | None
) -> None:
    profile = replace(AWS_IMMEDIATE, **allowed)
    client_data = replace(AT_HOME, **client)
    if outcome is None:
        ceremonies.check_client_data(client_data, profile)
        return
    with pytest.raises(CeremonyFailed) as caught:
        ceremonies.check_client_data(client_data, profile)
    assert caught.value.outcome is outcome


def test_creation_options_exclude_the_appid_scope_where_the_profile_has_one() -> None:
    def options(app_id: str | None) -> dict[str, Any]:
        return ceremonies.creation_options(
            replace(AWS_IMMEDIATE, app_id=app_id),
            challenge="AA",
            user_id=b"u",
            user_name="alice",
            exclude=[CREDENTIAL],
        )

    assert options("https://app.example")["extensions"] == {"appidExclude": "https://app.example"}
    assert "extensions" not in options(None)
    assert options(None)["excludeCredentials"] == [
        {"type": "public-key", "id": "AP8", "transports": ["usb"]}
    ]


def test_request_options_name_the_app_id_only_for_its_own_keys() -> None:
    profile = replace(AWS_IMMEDIATE, app_id="https://app.example")
    old = replace(CREDENTIAL, app_id="https://app.example", transports=())
    for allow, extended in (([CREDENTIAL], False), ([CREDENTIAL, old], True)):
        options = ceremonies.request_options(profile, challenge="AA", allow=allow)
        assert ("extensions" in options) == extended
    assert options["allowCredentials"][1] == {"type": "public-key", "id": "AP8"}
    none = replace(AWS_IMMEDIATE, app_id=None)
    assert "extensions" not in ceremonies.request_options(none, challenge="AA", allow=[CREDENTIAL])
