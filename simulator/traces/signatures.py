"""Whether what a key signed verifies, by python-fido2, with what passed and nothing else."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from fido2.attestation.base import Attestation, InvalidData, UnsupportedAttestation
from fido2.attestation.base import InvalidSignature as InvalidAttestation
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticatorData

from mfalab.devices.ctap.commands import Command
from mfalab.simulator.traces.exchanges import Exchange
from mfalab.simulator.traces.notation import Item

_GOOD: Final = "verifies"
_BAD: Final = "does not verify"
_UNKNOWN: Final = "cannot be verified"
_SENSELESS: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, InvalidData)


def judge(exchange: Exchange, public_keys: MutableMapping[bytes, Any]) -> str:
    """What is to be said of the signature in an answer, in words.

    Args:
        exchange: a registration or an authentication that succeeded.
        public_keys: those of earlier registrations by credential ID; a new one is added.
    """
    answer = exchange.answer
    if answer is None or answer.tree is None or answer.assembled is None:
        return _UNKNOWN
    # The tree knows what came, also where it has been masked for the eye.
    members = answer.tree.first
    try:
        if answer.code == Command.MAKE_CREDENTIAL:
            return _attestation(exchange, members, public_keys)
        return _assertion(exchange, members, public_keys)
    except (InvalidSignature, InvalidAttestation):
        return _BAD
    except UnsupportedAlgorithm:
        return _UNKNOWN
    except _SENSELESS:
        return _BAD


def _client_data_hash(exchange: Exchange, member: int) -> bytes:
    tree = exchange.request.tree
    found = tree.first.get(member) if tree is not None else None
    return bytes(found.value) if found is not None else b""


def _attestation(exchange: Exchange, members: Item, public_keys: MutableMapping[bytes, Any]) -> str:
    told = members.plain()
    data = AuthenticatorData(told[2])
    if data.credential_data is not None:
        public_keys[data.credential_data.credential_id] = dict(data.credential_data.public_key)
    if told[1] == "none":
        return "none"
    verifier = Attestation.for_type(told[1])()
    if isinstance(verifier, UnsupportedAttestation):
        return _UNKNOWN
    verifier.verify(told[3], data, _client_data_hash(exchange, 1))
    return _GOOD


def _assertion(exchange: Exchange, members: Item, public_keys: MutableMapping[bytes, Any]) -> str:
    told = members.plain()
    asked = exchange.request.tree.first.plain() if exchange.request.tree is not None else {}
    listed = asked.get(3) or [{}]
    credential = told.get(1, listed[0]).get("id", b"")
    if credential not in public_keys or exchange.request.code != Command.GET_ASSERTION:
        # Of getNextAssertion the challenge was in another request.
        return _UNKNOWN
    public_key = CoseKey.parse(public_keys[credential])
    public_key.verify(told[2] + _client_data_hash(exchange, 2), told[3])
    return _GOOD
