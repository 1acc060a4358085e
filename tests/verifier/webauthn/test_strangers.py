"""What the relying party asks, as other implementations read it."""

import json
import pickle
from typing import Any

import pytest
from fido2.webauthn import PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions
from webauthn.helpers import (
    parse_authentication_options_json,
    parse_registration_options_json,
)

from mfalab.verifier.webauthn.cbor import CborError
from mfalab.verifier.webauthn.cose import InvalidKey
from mfalab.verifier.webauthn.outcomes import CeremonyFailed, CeremonyOutcome


def test_creation_options_are_those_of_the_standard(people: Any, new_key: Any) -> None:
    people.register(new_key())
    session = people.session()
    options = people.console.begin_security_key(session, name="k", user_name="alice")
    fido2 = PublicKeyCredentialCreationOptions.from_dict(options)
    other = parse_registration_options_json(json.dumps(options))
    assert fido2.challenge == other.challenge
    assert fido2.user.id == other.user.id == people.company.ids["alice"].encode()
    (excluded,) = fido2.exclude_credentials or ()
    assert excluded.id == people.credential().credential_id
    assert [entry.alg for entry in fido2.pub_key_cred_params] == [-7, -8, -257]


def test_request_options_are_those_of_the_standard(people: Any, new_key: Any) -> None:
    people.register(new_key())
    options = people.page().assertion_options
    fido2 = PublicKeyCredentialRequestOptions.from_dict(options)
    other = parse_authentication_options_json(json.dumps(options))
    assert fido2.challenge == other.challenge
    assert fido2.rp_id == other.rp_id == "aws.amazon.com"
    (allowed,) = fido2.allow_credentials or ()
    assert allowed.id == people.credential().credential_id


@pytest.mark.parametrize(
    "error",
    [
        CborError("a key is repeated", 3),
        InvalidKey("it is no map"),
        CeremonyFailed(CeremonyOutcome.WRONG_ORIGIN, "elsewhere"),
    ],
)
def test_errors_survive_pickling(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.args, str(again)) == (error.args, str(error))
    assert str(type(error)(*error.args)) == str(error)
