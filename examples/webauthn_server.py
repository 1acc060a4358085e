"""A WebAuthn server of py_webauthn and Flask that speaks the FIDO Alliance's server-test API.

    $ flask --app webauthn_server run --port 5000
    $ mfalab run --target webauthn:http://localhost:5000

The API is four requests: what a site's own routes do at registration and sign-in, under names that
every test tool knows. Behind `verify_...` is what py_webauthn leaves to its caller.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from typing import Any

import webauthn
from flask import Flask, Response, jsonify, request, session
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    UserVerificationRequirement,
)

RP_ID = "localhost"
ORIGIN = os.environ.get("ORIGIN", "http://localhost:5000")
app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)


@dataclass
class User:
    """A user with keys: public keys and counters by credential ids."""

    id: bytes
    keys: dict[bytes, tuple[bytes, int]] = field(default_factory=dict)

    def descriptors(self) -> list[PublicKeyCredentialDescriptor]:
        """The keys as options name them."""
        return [PublicKeyCredentialDescriptor(id=each) for each in self.keys]


@dataclass
class Ceremony:
    """What an answer is held to."""

    user: User
    challenge: bytes
    verification: UserVerificationRequirement


users: dict[str, User] = {}
ceremonies: dict[str, Ceremony] = {}
"""Those under way, by session. They stay here: a thief of a cookie could bring an old one."""


class Refused(Exception):
    """A check of ours was not passed. Args: which."""


def begin(user: User, options: Any, verification: str) -> Response:
    """Hand out options, and remember them for the session."""
    ceremony_id = session["ceremony"] = secrets.token_hex(16)
    ceremonies[ceremony_id] = Ceremony(
        user, options.challenge, UserVerificationRequirement(verification)
    )
    return jsonify(
        {"status": "ok", "errorMessage": "", **json.loads(webauthn.options_to_json(options))}
    )


def finish() -> Ceremony:
    """The session's ceremony, which is over with its first answer."""
    ceremony = ceremonies.pop(session.get("ceremony", ""), None)
    if ceremony is None:
        raise Refused("no options were asked for")
    return ceremony


@app.post("/attestation/options")
def registration_options() -> Response:
    """Options for a new key."""
    asked = request.get_json()
    user = users.setdefault(asked["username"], User(secrets.token_bytes(16)))
    verification = asked.get("authenticatorSelection", {}).get("userVerification", "preferred")
    options = webauthn.generate_registration_options(
        rp_id=RP_ID,
        rp_name="Example",
        user_id=user.id,
        user_name=asked["username"],
        user_display_name=asked["displayName"],
        attestation=AttestationConveyancePreference(asked.get("attestation", "none")),
        authenticator_selection=AuthenticatorSelectionCriteria(
            user_verification=UserVerificationRequirement(verification)
        ),
        exclude_credentials=user.descriptors(),
    )
    return begin(user, options, verification)


@app.post("/attestation/result")
def registration_result() -> Response:
    """Register a key."""
    ceremony = finish()
    verified = webauthn.verify_registration_response(
        credential=request.get_json(),
        expected_challenge=ceremony.challenge,
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        require_user_verification=ceremony.verification is UserVerificationRequirement.REQUIRED,
    )
    if any(verified.credential_id in user.keys for user in users.values()):
        raise Refused("this key is registered already")
    key = verified.credential_public_key, verified.sign_count
    ceremony.user.keys[verified.credential_id] = key
    return jsonify({"status": "ok", "errorMessage": ""})


@app.post("/assertion/options")
def authentication_options() -> Response:
    """Options for a sign-in."""
    asked = request.get_json()
    user = users.get(asked["username"])
    if user is None:
        raise Refused("there is no such user")
    verification = asked.get("userVerification", "preferred")
    options = webauthn.generate_authentication_options(
        rp_id=RP_ID,
        allow_credentials=user.descriptors(),
        user_verification=UserVerificationRequirement(verification),
    )
    return begin(user, options, verification)


@app.post("/assertion/result")
def authentication_result() -> Response:
    """Sign in."""
    ceremony, credential = finish(), request.get_json()
    user, credential_id = ceremony.user, base64url_to_bytes(credential["id"])
    if credential_id not in user.keys:
        raise Refused("this key is not the user's")
    handle = base64url_to_bytes(credential["response"].get("userHandle") or "")
    if handle not in (b"", user.id):
        raise Refused("the key answered for another user")
    public_key, sign_count = user.keys[credential_id]
    verified = webauthn.verify_authentication_response(
        credential=credential,
        expected_challenge=ceremony.challenge,
        expected_rp_id=RP_ID,
        expected_origin=ORIGIN,
        credential_public_key=public_key,
        credential_current_sign_count=sign_count,
        require_user_verification=ceremony.verification is UserVerificationRequirement.REQUIRED,
    )
    user.keys[credential_id] = public_key, verified.new_sign_count
    return jsonify({"status": "ok", "errorMessage": ""})


@app.errorhandler(Refused)
@app.errorhandler(WebAuthnException)
def refuse(error: Exception) -> tuple[Response, int]:
    """A refusal says why; what else is raised is Flask's 500, and no refusal."""
    return jsonify({"status": "failed", "errorMessage": str(error)}), 400
