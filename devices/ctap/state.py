"""What an authenticator remembers without power, read once and written record by record.

A record is a value that knows its name in the storage; most are kept as small CBOR arrays. Every
change of state goes through `State.change`, which makes one atomic write of it; what is in memory
follows only when the write has succeeded. What is read is held against the types and limits of its
record, so that a damaged storage is told at power-up and not in the middle of a ceremony. Records
with other names are not the authenticator's and stay as they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields, replace
from hashlib import sha256
from typing import Any, ClassVar, TypeVar, final, get_args, get_type_hints

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.cose import Algorithm
from mfalab.devices.ctap.model import AlwaysUv, Model
from mfalab.devices.ctap.status import CtapError
from mfalab.devices.ctap.storage import StateFileInvalid, Storage
from mfalab.devices.ctap.typed import fits

_T = TypeVar("_T")
_R = TypeVar("_R", bound="Record")

_SINGLE = ("secrets", "settings", "retries", "pin", "serial-number", "counter", "large-blobs")
_MANY = ("cred/", "finger/", "count/")
_ALWAYS = ("secrets", "settings", "retries", "serial-number", "counter")
_MOST = 2**63 - 1
_SERIAL_NUMBER_BYTES = 8

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


def own_records(storage: Storage) -> dict[str, bytes]:
    """The records of a storage that are the authenticator's."""
    records = storage.read().items()
    return {n: value for n, value in records if n in _SINGLE or n.startswith(_MANY)}


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
        """Read everything again, as at power-up.

        Raises:
            StateFileInvalid: A record is missing, or is not what the authenticator writes.
        """
        records = own_records(self._storage)
        if not records:
            self.reset()
            return
        for name in _ALWAYS:
            if name not in records:
                raise self._invalid(name, "it is missing")
        self.secrets = self._read(Secrets, "secrets", records)
        self.settings = self._read(Settings, "settings", records)
        self.retries = self._read(Retries, "retries", records)
        self.pin = self._read(Pin, "pin", records) if "pin" in records else None
        self.serial_number = records["serial-number"]
        if len(self.serial_number) != _SERIAL_NUMBER_BYTES:
            raise self._invalid("serial-number", f"it has {_SERIAL_NUMBER_BYTES} bytes")
        self.counter = self._read(Counter, "counter", records).value
        self.large_blobs = records.get("large-blobs", EMPTY_LARGE_BLOBS)
        if sha256(self.large_blobs[:-16]).digest()[:16] != self.large_blobs[-16:]:
            raise self._invalid("large-blobs", "its hash is that of something else")
        kept = sorted(records)
        self.counters: dict[str, int] = {
            name: self._read(Counter, name, records).value
            for name in kept
            if name.startswith("count/")
        }
        stored = [self._read(Credential, name, records) for name in kept if name[:5] == "cred/"]
        self.credentials = {c.id: c for c in sorted(stored, key=lambda c: c.serial)}
        fingers = [self._read(Finger, name, records) for name in kept if name[:7] == "finger/"]
        self.fingers = {finger.id: finger for finger in fingers}

    def _read(self, kind: type[_R], name: str, records: dict[str, bytes]) -> _R:
        try:
            value = cbor.decode(records[name])
        except CtapError as error:
            raise self._invalid(name, f"it is no CBOR: {error}") from error
        items = [value, name] if kind is Counter else _frozen(value)
        hints = _FIELDS[kind]
        if isinstance(items, list | tuple) and len(items) == len(hints):
            for item, (field, hint) in zip(items, hints, strict=True):
                if not fits(item, hint):
                    raise self._invalid(name, f"{field} is of another type")
            record = kind(*items)
            if why := _wrong(record, name):
                raise self._invalid(name, why)
            return record
        raise self._invalid(name, f"it is no list of {len(hints)}")

    def _invalid(self, name: str, why: str) -> StateFileInvalid:
        return StateFileInvalid(str(self._storage), f'record "{name}": {why}')

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
        records = own_records(self._storage)
        counter = cbor.decode(records["counter"]) if records else model.counter_start
        serial_number = records["serial-number"] if records else random_bytes(_SERIAL_NUMBER_BYTES)
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


_FIELDS: dict[Any, list[tuple[str, Any]]] = {
    kind: [(field.name, get_type_hints(kind)[field.name]) for field in fields(kind)]
    for kind in get_args(Record)
}
"""The fields of each record and their types."""


def _wrong(record: Record, name: str) -> str:
    """What a record of the right types must not say, or nothing."""
    if record.record_name != name:
        return f'it is the content of "{record.record_name}"'
    numbers = [value for value in astuple(record) if type(value) is int]
    match record:
        case Secrets(master, persistent_token, identifier, store_state):
            lengths = [*map(len, (master, persistent_token, identifier, store_state))]
            return "" if lengths == [32, 32, 16, 16] else f"its secrets have {lengths} bytes"
        case Pin(digest) if len(digest) != 16:
            return f"digest has {len(digest)} bytes, not 16"
        case Credential():
            rp, user = dict(record.rp), dict(record.user)
            if record.algorithm not in list(Algorithm):
                return f"there is no algorithm {record.algorithm}"
            if record.cred_protect not in (1, 2, 3):
                return f"there is no credProtect {record.cred_protect}"
            if len(record.rp_id_hash) != 32:
                return f"rp_id_hash has {len(record.rp_id_hash)} bytes, not 32"
            if "id" not in rp or not isinstance(user.get("id"), bytes):
                return "it has no RP ID or no user ID"
            numbers.remove(record.algorithm)
    return (
        ""
        if all(0 <= each <= _MOST for each in numbers)
        else f"{numbers} has one that is no counter"
    )


def _frozen(value: _T) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
