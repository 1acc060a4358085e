"""What an authenticator remembers without power, read once and written record by record.

Every change of state goes through `State.change`, which makes one atomic write of it; what is in
memory follows only when the write has succeeded. Records are small CBOR arrays.
"""

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, replace
from hashlib import sha256
from typing import Any, TypeVar, final

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.model import AlwaysUv, Model
from mfalab.devices.ctap.storage import Storage

__all__ = [
    "EMPTY_LARGE_BLOBS",
    "Credential",
    "Finger",
    "Pin",
    "Retries",
    "Secrets",
    "Settings",
    "State",
]

_T = TypeVar("_T")

EMPTY_LARGE_BLOBS = b"\x80" + sha256(b"\x80").digest()[:16]
"""The initial large-blob array: an empty CBOR array and its truncated hash, 17 bytes."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a reset makes anew. All lengths in bytes: 32, 32, 16, 16."""

    master: bytes
    persistent_token: bytes
    identifier: bytes
    store_state: bytes


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN as it is kept: the first 16 bytes of its SHA-256, and its length in code points."""

    digest: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Retries:
    """Tries left until the PIN and until built-in user verification are blocked.

    `uv_since_pin` counts the successes of built-in user verification since the PIN was last given.
    """

    pin: int
    uv: int
    uv_since_pin: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What authenticatorConfig changes, and the next serial number of a credential."""

    min_pin_length: int
    min_pin_length_rp_ids: tuple[str, ...] = ()
    force_pin_change: bool = False
    always_uv: bool = False
    enterprise_attestation: bool = False
    long_touch_for_reset: bool = False
    pin_complexity_policy: bool = False
    next_serial: int = 0


@dataclass(frozen=True, slots=True)
class Credential:
    """A public key credential source.

    Attributes:
        id: Random for a discoverable credential, the wrapped rest for any other.
        rp_id_hash: SHA-256 of the RP ID, or U2F's application parameter.
        algorithm: COSE number.
        seed: What the private key is made of.
        cred_protect: 1 optional, 2 optional with a list, 3 required.
        hmac_secret: The hmac-secret extension was asked for.
        large_blob_key: A largeBlobKey was asked for.
        third_party_payment: The thirdPartyPayment extension was asked for.
        cred_blob: What the relying party left, or None.
        serial: The order of creation; -1 when the credential is not discoverable.
        rp: The relying party's entity, only for discoverable ones.
        user: The user's entity, only for discoverable ones.
    """

    id: bytes
    rp_id_hash: bytes
    algorithm: int
    seed: bytes
    cred_protect: int = 1
    hmac_secret: bool = False
    large_blob_key: bool = False
    third_party_payment: bool = False
    cred_blob: bytes | None = None
    serial: int = -1
    rp: tuple[tuple[str, str], ...] = ()
    user: tuple[tuple[str, bytes | str], ...] = ()

    @property
    def discoverable(self) -> bool:
        """It is kept in the authenticator."""
        return self.serial >= 0

    @property
    def user_id(self) -> bytes:
        """The user handle of a discoverable credential."""
        value = dict(self.user)["id"]
        assert isinstance(value, bytes)
        return value

    @property
    def rp_id(self) -> str:
        """The RP ID of a discoverable credential."""
        return dict(self.rp)["id"]


@dataclass(frozen=True, slots=True)
class Finger:
    """An enrolled finger: template ID, what the sensor recognises, and its name."""

    id: bytes
    template: bytes
    name: str = ""


@final
class State:
    """The remembered state of one authenticator.

    Args:
        storage: Where it is kept. An empty storage becomes that of a new authenticator, by its
            first write.
        model: Gives what a new authenticator starts with.
        random_bytes: Where its secrets come from.
    """

    __slots__ = (
        "_model",
        "_random_bytes",
        "_storage",
        "counter",
        "counters",
        "credentials",
        "fingers",
        "large_blobs",
        "pin",
        "retries",
        "secrets",
        "serial_number",
        "settings",
    )

    def __init__(
        self, storage: Storage, model: Model, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._storage = storage
        self._model = model
        self._random_bytes = random_bytes
        self.load()

    def load(self) -> None:
        """Read everything again, as at power-up."""
        records = self._storage.read()
        if "secrets" not in records:
            self.reset()
            return
        self.secrets = Secrets(*_items(records["secrets"]))
        self.settings = Settings(*_items(records["settings"]))
        self.retries = Retries(*_items(records["retries"]))
        self.pin = Pin(*_items(records["pin"])) if "pin" in records else None
        self.serial_number = records["serial-number"]
        self.counter: int = cbor.decode(records["counter"])
        self.large_blobs = records.get("large-blobs", EMPTY_LARGE_BLOBS)
        self.counters: dict[str, int] = {
            name: cbor.decode(value) for name, value in records.items() if name[:6] == "count/"
        }
        stored = [
            Credential(*_items(value)) for name, value in records.items() if name[:5] == "cred/"
        ]
        self.credentials = {c.id: c for c in sorted(stored, key=lambda c: c.serial)}
        fingers = [
            Finger(*_items(records[name])) for name in sorted(records) if name[:7] == "finger/"
        ]
        self.fingers = {finger.id: finger for finger in fingers}

    def change(
        self,
        *,
        settings: Settings | None = None,
        retries: Retries | None = None,
        pin: Pin | None = None,
        counter: int | None = None,
        counters: dict[str, int] | None = None,
        large_blobs: bytes | None = None,
        put: Iterable[Credential] = (),
        delete: Iterable[Credential] = (),
        put_finger: Finger | None = None,
        delete_finger: Finger | None = None,
        new_persistent_token: bytes | None = None,
    ) -> None:
        """Make these changes in one atomic write; what is not named stays.

        Raises:
            PowerCut: Power failed; the state is read again at power-up.
            StoreWornOut: Nothing has changed.
        """
        put, delete = tuple(put), tuple(delete)
        changes: dict[str, bytes | None] = {}
        for name, value in (("settings", settings), ("retries", retries), ("pin", pin)):
            if value is not None:
                changes[name] = cbor.encode(astuple(value))
        if counter is not None:
            changes["counter"] = cbor.encode(counter)
        if large_blobs is not None:
            changes["large-blobs"] = large_blobs
        changes.update({name: cbor.encode(value) for name, value in (counters or {}).items()})
        changes.update({_credential_name(credential): None for credential in delete})
        changes.update({_credential_name(c): cbor.encode(astuple(c)) for c in put})
        if put_finger:
            changes[_finger_name(put_finger)] = cbor.encode(astuple(put_finger))
        if delete_finger:
            changes[_finger_name(delete_finger)] = None
        secrets = self.secrets
        if put or delete:
            following = sha256(b"store state" + secrets.store_state).digest()[:16]
            secrets = replace(secrets, store_state=following)
        if new_persistent_token:
            secrets = replace(secrets, persistent_token=new_persistent_token)
        if secrets is not self.secrets:
            changes["secrets"] = cbor.encode(astuple(secrets))
        if not changes:
            return
        self._storage.write(changes)

        self.secrets = secrets
        self.settings = settings or self.settings
        self.retries = retries or self.retries
        self.pin = pin or self.pin
        self.counter = self.counter if counter is None else counter
        self.large_blobs = self.large_blobs if large_blobs is None else large_blobs
        self.counters.update(counters or {})
        for credential in delete:
            self.credentials.pop(credential.id, None)
        self.credentials.update({credential.id: credential for credential in put})
        if put_finger:
            self.fingers[put_finger.id] = put_finger
        if delete_finger:
            self.fingers.pop(delete_finger.id, None)

    def reset(self) -> None:
        """Make everything new in one atomic write.

        The counter, which never falls, and the serial number stay.
        """
        fresh = Secrets(
            self._random_bytes(32),
            self._random_bytes(32),
            self._random_bytes(16),
            self._random_bytes(16),
        )
        model = self._model
        records = self._storage.read()
        counter = cbor.decode(records["counter"]) if "counter" in records else model.counter_start
        serial_number = records.get("serial-number") or self._random_bytes(8)
        settings = Settings(model.min_pin_length, always_uv=model.always_uv is AlwaysUv.ON)
        retries = Retries(model.pin_retries, model.uv_retries)
        changes: dict[str, bytes | None] = dict.fromkeys(records)
        changes |= {
            "secrets": cbor.encode(astuple(fresh)),
            "settings": cbor.encode(astuple(settings)),
            "retries": cbor.encode(astuple(retries)),
            "counter": cbor.encode(counter),
            "serial-number": serial_number,
        }
        self._storage.write(changes)
        self.secrets, self.settings, self.retries, self.counter = fresh, settings, retries, counter
        self.serial_number = serial_number
        self.pin, self.large_blobs = None, EMPTY_LARGE_BLOBS
        self.credentials, self.counters, self.fingers = {}, {}, {}


def _items(record: bytes) -> list[Any]:
    """The fields of a record, inner arrays as tuples."""
    return [_frozen(item) for item in cbor.decode(record)]


def _frozen(value: _T) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _credential_name(credential: Credential) -> str:
    return f"cred/{credential.serial:08}"


def _finger_name(finger: Finger) -> str:
    return f"finger/{finger.id.hex()}"
