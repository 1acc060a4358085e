"""What can be wrong with an authenticator: named switches, all off unless they are set.

A fault is a value, so a scenario can say which key is broken how; set `Authenticator.faults` to
change it while the key runs. Faults of the wire belong to the transports.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from hashlib import sha256

from mfalab.devices.ctap import cbor
from mfalab.devices.ctap.storage import PowerCut, Storage, StoreWornOut


@unique
class Lapse(StrEnum):
    """A rule of the standard that the firmware does not keep; its value says what happens.

    Each rule stands in CTAP 2.1, in the section that is named beside it.
    """

    # Tokens: 6.1.2 step 14, 6.2.2 steps 6 and 9, 6.5.5.6, 6.6, 6.10.2.
    ASSERTION_SPENDS_NOTHING = "assertion-spends-nothing"
    SPENDS_ONE_PERMISSION = "spends-one-permission"
    SPENDING_GIVES_LBW = "spending-gives-lbw"
    SPENDING_TAKES_LBW = "spending-takes-lbw"
    SILENT_ASSERTION_SPENDS = "silent-assertion-spends"
    TOKEN_SURVIVES_RESET = "token-survives-reset"
    TOKEN_SURVIVES_PIN_CHANGE = "token-survives-pin-change"
    TOKEN_IS_BOUND_TO_NO_RP = "token-is-bound-to-no-rp"
    ANY_TOKEN_WRITES_BLOBS = "any-token-writes-blobs"
    # What else a reset has to end: 6.6.
    BLOBS_SURVIVE_RESET = "blobs-survive-reset"
    SETTINGS_SURVIVE_RESET = "settings-survive-reset"
    # Credentials and what is told of them: 6.1.2 steps 12 and 17, 6.2.2, 6.8.5, 12.1, 12.3.
    ASSERTION_IS_ALWAYS_VERIFIED = "assertion-is-always-verified"
    NAMES_FOR_EVERYONE = "names-for-everyone"
    EXCLUDES_WITHOUT_TOUCH = "excludes-without-touch"
    EXCLUDES_PROTECTED = "excludes-protected"
    DISCOVERS_PROTECTED = "discovers-protected"
    U2F_USES_PROTECTED = "u2f-uses-protected"
    USER_ID_BY_PREFIX = "user-id-by-prefix"
    ONE_LARGE_BLOB_KEY = "one-large-blob-key"
    SCOPED_TOKEN_DELETES_OTHERS = "scoped-token-deletes-others"
    # The PIN: 6.5.5.6, 6.11.4.
    CHANGE_IS_NOT_PROVED = "change-is-not-proved"
    SHORT_PIN_IS_KEPT = "short-pin-is-kept"


@dataclass(frozen=True, slots=True)
class Faults:
    """One set of switches.

    Attributes:
        seed: Chooses the bit of a bad signature, and for each command how its answers are
            malformed.
        bad_signatures: Every signature has one bit wrong.
        wrong_aaguid: Authenticator data has another AAGUID than getInfo.
        malformed_cbor: Successful answers carry CBOR that is cut, not canonical or no CBOR.
        missing: Announced option IDs (`credMgmt`), extensions or commands (`selection`) that are
            not there: commands answer INVALID_COMMAND, extensions are ignored.
        counter_still: The signature counter does not move.
        counter_back: How far the counter in each signature lies behind the stored one.
        full_store: No room for another discoverable credential.
        worn_out_store: Every write fails and changes nothing.
        power_cut_at_write: Power fails at this write, counted from 1 when the fault is set.
        power_cut_done: The write at which power fails is still finished.
        slow_crypto_ns: How long each signature or key takes.
        lapses: Rules of the standard that it does not keep.
    """

    seed: int = 0
    bad_signatures: bool = False
    wrong_aaguid: bool = False
    malformed_cbor: bool = False
    missing: frozenset[str] = field(default_factory=frozenset)
    counter_still: bool = False
    counter_back: int = 0
    full_store: bool = False
    worn_out_store: bool = False
    power_cut_at_write: int | None = None
    power_cut_done: bool = False
    slow_crypto_ns: int = 0
    lapses: frozenset[Lapse] = field(default_factory=frozenset)

    def choice(self, of: int, *about: bytes) -> int:
        """A number below `of` that depends on the seed and on what it is about."""
        digest = sha256(self.seed.to_bytes(16, "big", signed=True) + b"".join(about)).digest()
        return int.from_bytes(digest[:8], "big") % of

    def spoil_signature(self, signature: bytes) -> bytes:
        """The signature, one bit wrong when signatures are bad."""
        if not self.bad_signatures:
            return signature
        # The last bytes are part of a number in every format, so the form stays right.
        at = len(signature) - 1 - self.choice(8, signature)
        spoiled = bytearray(signature)
        spoiled[at] ^= 1 << self.choice(8, b"bit", signature)
        return bytes(spoiled)

    def spoil_aaguid(self, aaguid: bytes) -> bytes:
        """The AAGUID, or its complement."""
        return bytes(byte ^ 0xFF for byte in aaguid) if self.wrong_aaguid else aaguid

    def spoil_answer(self, command: int, body: bytes) -> bytes:
        """The CBOR of an answer, or what a broken firmware makes of it.

        The seed and the command choose what; were it the answer's bytes, each change of a model
        would change what a seed means.
        """
        if not self.malformed_cbor or not body:
            return body
        match self.choice(4, b"malformed CBOR", bytes((command,))):
            case 0:
                return body[:-1]  # cut short
            case 1:
                return body + b"\x00"  # something follows
            case 2:
                return b"\xbf" + body[1:] + b"\xff"  # indefinite length
            case _:
                return cbor.encode(list(body[:4]))  # not a map


NO_FAULTS = Faults()
"""A good key."""


class FaultyStorage:
    """A storage with the faults of a moment in front of another storage.

    Args:
        inner: Where the records are.
        faults: Gives the faults now.
    """

    def __init__(self, inner: Storage, faults: Callable[[], Faults]) -> None:
        self._inner = inner
        self._faults = faults
        self._armed_for: Faults | None = None
        self._since_armed = 0

    def __str__(self) -> str:
        return str(self._inner)

    @property
    def writes(self) -> int:
        """How many writes there have been."""
        return self._inner.writes

    def read(self) -> dict[str, bytes]:
        """A copy of all records."""
        return self._inner.read()

    def write(self, changes: Mapping[str, bytes | None]) -> None:
        """Write, unless the memory is worn out or power fails."""
        faults = self._faults()
        if faults is not self._armed_for:
            self._armed_for, self._since_armed = faults, 0
        self._since_armed += 1
        if faults.worn_out_store:
            raise StoreWornOut(self._inner.writes + 1)
        if self._since_armed == faults.power_cut_at_write:
            if faults.power_cut_done:
                self._inner.write(changes)
            raise PowerCut(self._since_armed, faults.power_cut_done)
        self._inner.write(changes)
