"""What an authenticator remembers without power, read once and written record by record.

A record is a value that knows its name in the storage; most are kept as small CBOR arrays. Every
change of state goes through `State.change`, which makes one atomic write of it; what is in memory
follows only when the write has succeeded.
"""

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar, TypeVar, final

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.model import AlwaysUv, Model
from mfalab.devices.ctap.storage import Storage

_T = TypeVar("_T")

EMPTY_LARGE_BLOBS = b"\x80" + sha256(b"\x80").digest()[:16]
"""The initial large-blob array: an empty CBOR array and its truncated hash, 17 bytes."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What each reset makes new. All lengths in bytes: 32, 32, 16, 16."""

    record_name: ClassVar[str] = "secrets"
    master: bytes
    persistent_token: bytes
    identifier: bytes
    store_state: bytes


@dataclass(frozen=True, slots=True)
class Pin:
    """A PIN as it is kept: the first 16 bytes of its SHA-256, and its length in code points."""

    record_name: ClassVar[str] = "pin"
    digest: bytes
    length: int


@dataclass(frozen=True, slots=True)
class Retries:
    """Tries left until the PIN and until built-in user verification are blocked.

    `uv_since_pin` counts the successes of built-in user verification since the PIN was last given.
    """

    record_name: ClassVar[str] = "retries"
    pin: int
    uv: int
    uv_since_pin: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """What authenticatorConfig changes, and the next serial number of a credential."""

    record_name: ClassVar[str] = "settings"
    min_pin_length: int
    min_pin_length_rp_ids: tuple[str, ...] = ()
    force_pin_change: bool = False
    always_uv: bool = False
    enterprise_attestation: bool = False
    long_touch_for_reset: bool = False
    pin_complexity_policy: bool = False
    next_serial: int = 0


@dataclass(frozen=True, slots=True)
class Counter:
    """A signature counter: the global one, or that of a credential under a name of its own."""

    value: int
    record_name: str = "counter"


@dataclass(frozen=True, slots=True)
class LargeBlobs:
    """The serialized large-blob array."""

    record_name: ClassVar[str] = "large-blobs"
    array: bytes


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
    def record_name(self) -> str:
        """The name of a discoverable credential's record."""
        return f"cred/{self.serial:08}"

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

    @property
    def record_name(self) -> str:
        """The name of its record."""
        return f"finger/{self.id.hex()}"


Record = Secrets | Pin | Retries | Settings | Counter | LargeBlobs | Credential | Finger


@final
class State:
    """The remembered state of one authenticator.

    Args:
        storage: Where it is kept. An empty storage becomes that of a new authenticator, by its
            first write.
        model: Gives what a new authenticator starts with.
        random_bytes: Where its secrets come from.
    """

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

    def change(self, *put: Record, delete: Iterable[Credential | Finger] = ()) -> None:
        """Put and delete these records in one atomic write; all others stay.

        Raises:
            PowerCut: Power failed; the state is read again at power-up.
            StoreWornOut: Nothing has changed.
        """
        delete = tuple(delete)
        if any(isinstance(each, Credential) for each in (*put, *delete)):
            # The identifier of the store's state must be another one after each of its changes.
            following = sha256(b"store state" + self.secrets.store_state).digest()[:16]
            put = (*put, replace(self.secrets, store_state=following))
        if not put and not delete:
            return
        self._storage.write(dict.fromkeys(each.record_name for each in delete) | _encoded(put))
        for gone in delete:
            kept = self.credentials if isinstance(gone, Credential) else self.fingers
            kept.pop(gone.id, None)
        for record in put:
            self._remember(record)

    def _remember(self, record: Record) -> None:
        match record:
            case Secrets():
                self.secrets = record
            case Settings():
                self.settings = record
            case Retries():
                self.retries = record
            case Pin():
                self.pin = record
            case LargeBlobs():
                self.large_blobs = record.array
            case Counter(record_name="counter"):
                self.counter = record.value
            case Counter():
                self.counters[record.record_name] = record.value
            case Credential():
                self.credentials[record.id] = record
            case Finger():
                self.fingers[record.id] = record

    def reset(self) -> None:
        """Make everything new in one atomic write.

        The counter, which never falls, and the serial number stay.
        """
        model, random_bytes = self._model, self._random_bytes
        secrets = Secrets(random_bytes(32), random_bytes(32), random_bytes(16), random_bytes(16))
        records = self._storage.read()
        counter = cbor.decode(records["counter"]) if "counter" in records else model.counter_start
        serial_number = records.get("serial-number") or random_bytes(8)
        fresh = (
            secrets,
            Settings(model.min_pin_length, always_uv=model.always_uv is AlwaysUv.ON),
            Retries(model.pin_retries, model.uv_retries),
            Counter(counter),
        )
        changes = dict.fromkeys(records) | _encoded(fresh) | {"serial-number": serial_number}
        self._storage.write(changes)
        self.load()


def _encoded(records: Iterable[Record]) -> dict[str, bytes | None]:
    return {record.record_name: _encode(record) for record in records}


def _encode(record: Record) -> bytes:
    match record:
        case LargeBlobs():
            return record.array
        case Counter():
            return cbor.encode(record.value)
    return cbor.encode(astuple(record))


def _items(record: bytes) -> list[Any]:
    """The fields of a record, inner arrays as tuples."""
    return [_frozen(item) for item in cbor.decode(record)]


def _frozen(value: _T) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
