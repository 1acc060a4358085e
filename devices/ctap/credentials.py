"""Finding, making and wrapping credentials.

A discoverable credential lives in the store under a random ID. Any other is wrapped: its ID is its
own content under AES-256-GCM with a key of the master secret, bound to the relying party, so it
takes no room and dies with the master secret. U2F key handles are the same thing.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.crypto import hkdf
from mfalab.devices.ctap.model import CounterKind, Model
from mfalab.devices.ctap.state import Counter, Credential, State
from mfalab.devices.ctap.status import CtapError

_WRAPPED = b"\x01"
_NONCE_BYTES = 12


def wrap(credential: Credential, state: State, random_bytes: Callable[[int], bytes]) -> Credential:
    """The credential with the ID that carries it."""
    content = cbor.encode(
        [
            credential.algorithm,
            credential.seed,
            credential.cred_protect,
            credential.hmac_secret,
            credential.third_party_payment,
        ]
    )
    nonce = random_bytes(_NONCE_BYTES)
    sealed = _cipher(state.secrets.master).encrypt(nonce, content, _WRAPPED + credential.rp_id_hash)
    return replace(credential, id=_WRAPPED + nonce + sealed)


def unwrap(credential_id: bytes, rp_id_hash: bytes, state: State) -> Credential | None:
    """The credential that a wrapped ID carries, or None if it is not ours for that party."""
    nonce, sealed = credential_id[1 : 1 + _NONCE_BYTES], credential_id[1 + _NONCE_BYTES :]
    if credential_id[:1] != _WRAPPED or len(sealed) < 16:
        return None
    try:
        content = _cipher(state.secrets.master).decrypt(nonce, sealed, _WRAPPED + rp_id_hash)
        algorithm, seed, protect, hmac_secret, payment = cbor.decode(content)
    except (InvalidTag, CtapError, ValueError):
        return None
    return Credential(
        credential_id,
        rp_id_hash,
        algorithm,
        seed,
        cred_protect=protect,
        hmac_secret=hmac_secret,
        third_party_payment=payment,
    )


def find(credential_id: bytes, rp_id_hash: bytes, state: State) -> Credential | None:
    """The credential with that ID, if it is ours and belongs to that relying party."""
    stored = state.credentials.get(credential_id)
    if stored is not None:
        return stored if stored.rp_id_hash == rp_id_hash else None
    return unwrap(credential_id, rp_id_hash, state)


def for_rp(rp_id_hash: bytes, state: State) -> list[Credential]:
    """The discoverable credentials of a relying party, newest first."""
    found = [c for c in state.credentials.values() if c.rp_id_hash == rp_id_hash]
    return sorted(found, key=lambda credential: -credential.serial)


def by_user(rp_id_hash: bytes, user_id: bytes, state: State) -> Credential | None:
    """The discoverable credential of that account, whose whole user ID is the same."""
    return next((c for c in for_rp(rp_id_hash, state) if c.user_id == user_id), None)


def count(credential_id: bytes, state: State, model: Model) -> list[Counter]:
    """The records that count one signature, for `State.change`."""
    match model.counter:
        case CounterKind.ZERO:
            return []
        case CounterKind.GLOBAL:
            return [Counter(state.counter + model.counter_step)]
        case CounterKind.PER_CREDENTIAL:
            name = _counter_name(credential_id)
            last = state.counters.get(name, model.counter_start)
            return [Counter(last + model.counter_step, name)]


def signature_counter(credential_id: bytes, state: State, model: Model) -> int:
    """The counter as the last signature of that credential had it."""
    match model.counter:
        case CounterKind.ZERO:
            return 0
        case CounterKind.GLOBAL:
            return state.counter
        case CounterKind.PER_CREDENTIAL:
            return state.counters.get(_counter_name(credential_id), model.counter_start)


def _counter_name(credential_id: bytes) -> str:
    return f"count/{sha256(credential_id).hexdigest()[:32]}"


@lru_cache(maxsize=512)
def _cipher(master: bytes) -> AESGCM:
    return AESGCM(hkdf(master, b"credential wrapping"))
