"""What all commands of one authenticator share: its state, its session and its people.

`Core` is the inside of `Authenticator`. The `Session` is what a loss of power ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, final

from mfalab.devices.clock import Clock
from mfalab.devices.ctap import credentials, crypto
from mfalab.devices.ctap.commands import BE, BS, Permission, Prompt, Transport
from mfalab.devices.ctap.faults import Faults, FaultyStorage, Lapse
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.model import CounterKind, Model
from mfalab.devices.ctap.pin_protocols import PinUvProtocol
from mfalab.devices.ctap.state import Counter, Credential, State
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.storage import Storage
from mfalab.devices.ctap.token import PinUvAuthToken
from mfalab.devices.ctap.transaction import Ask, Event, EventKind, Steps, Work
from mfalab.devices.durations import NS_PER_S

_COUNTER_MOST = 0xFFFFFFFF
"""Where a counter ends: it stays there, since it may never fall."""


@dataclass(frozen=True, slots=True)
class Call:
    """One CTAP2 request as its handler sees it."""

    channel: int
    transport: Transport
    command: int
    members: Members


@dataclass(slots=True)
class Walk:
    """The rest of an answer that a client fetches call by call, on one channel."""

    kind: int
    channel: int
    answers: list[Any]
    expires_ns: int | None = None


@dataclass(slots=True)
class Session:
    """What an authenticator knows only as long as it has power.

    Attributes:
        powered_up_ns: When power came.
        token: The pinUvAuthToken.
        protocols: PIN/UV protocols with their key agreement keys, made when first used.
        pin_mismatches: Wrong PINs in a row since then.
        walk: The answers still to be fetched.
        blob_write: Length expected of a large-blob array, and the bytes so far.
        enrolment: The fingerprint template being enrolled.
        tap: The tap that brought power over NFC has not been taken for presence yet.
        u2f_asked_until_ns: Until when a touch is one that U2F asked for.
        u2f_touched_until_ns: Until when a touch counts for U2F.
    """

    powered_up_ns: int
    token: PinUvAuthToken
    protocols: dict[int, PinUvProtocol] = field(default_factory=dict)
    pin_mismatches: int = 0
    walk: Walk | None = None
    blob_write: tuple[int, bytes] | None = None
    enrolment: Any = None
    tap: bool = True
    u2f_asked_until_ns: int | None = None
    u2f_touched_until_ns: int | None = None


@final
class Core:
    """The inside of an authenticator; its handlers are the modules named after the commands."""

    def __init__(
        self,
        model: Model,
        storage: Storage,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        faults: Faults,
    ) -> None:
        self.model = model
        self.clock = clock
        self.random_bytes = random_bytes
        self.faults = faults
        self.state = State(FaultyStorage(storage, lambda: self.faults), model, random_bytes)
        self.session = self.new_session()

    def new_session(self) -> Session:
        """A session that begins now."""
        return Session(self.clock.now_ns(), PinUvAuthToken(self.random_bytes))

    # What is there

    def has(self, capability: str) -> bool:
        """Whether a command, option or extension that is announced really works."""
        return capability not in self.faults.missing

    def lapses(self, rule: Lapse) -> bool:
        """Whether it does not keep a rule of the standard."""
        return rule in self.faults.lapses

    def has_extension(self, name: str) -> bool:
        """Whether an extension is offered and works."""
        return name in self.model.extensions and self.has(name)

    @property
    def fingers_enrolled(self) -> bool:
        """Built-in user verification is configured."""
        return bool(self.state.fingers)

    @property
    def protected(self) -> bool:
        """Some form of user verification is configured."""
        return self.state.pin is not None or self.fingers_enrolled

    @property
    def uv_not_required(self) -> bool:
        """`makeCredUvNotRqd` as it is now: alwaysUv overrules it."""
        return self.model.make_cred_uv_not_required and not self.state.settings.always_uv

    @property
    def pin_gives_mc_ga(self) -> bool:
        """A client could get a token for this operation with the PIN."""
        return self.model.client_pin and not self.model.no_mc_ga_permissions_with_client_pin

    def uv_missing(self) -> CtapError:
        """What to answer when user verification was needed and not given."""
        if self.pin_gives_mc_ga:
            return CtapError(CtapStatus.PUAT_REQUIRED, "a pinUvAuthParam is needed")
        return CtapError(CtapStatus.OPERATION_DENIED, "user verification is needed")

    # Tokens

    def protocol(self, number: int) -> PinUvProtocol:
        """The PIN/UV protocol of that number.

        Raises:
            CtapError: INVALID_PARAMETER when it is not supported.
        """
        if number not in self.model.pin_uv_protocols:
            why = f"PIN/UV protocol {number} is not supported"
            raise CtapError(CtapStatus.INVALID_PARAMETER, why)
        if number not in self.session.protocols:
            self.session.protocols[number] = PinUvProtocol(number, self.random_bytes)
        return self.session.protocols[number]

    def protocol_of(self, members: Members, key: int) -> PinUvProtocol:
        """The PIN/UV protocol that a request with a pinUvAuthParam names.

        Raises:
            CtapError: MISSING_PARAMETER, INVALID_PARAMETER, or what the model has answered to both
                before CTAP 2.1.
        """
        number = members.unsigned(key)
        older = self.model.missing_protocol_status
        if older is not None and number not in self.model.pin_uv_protocols:
            raise CtapError(older, f"PIN/UV protocol {number}")
        if number is None:
            raise CtapError(CtapStatus.MISSING_PARAMETER, "no PIN/UV protocol is named")
        return self.protocol(number)

    def check_token(
        self,
        protocol: PinUvProtocol,
        message: bytes,
        signature: bytes,
        permission: Permission,
        rp_id: str | None = None,
    ) -> PinUvAuthToken:
        """The token that signed the message and has the permission.

        Args:
            protocol: The protocol that the request names.
            message: What was signed.
            signature: The pinUvAuthParam.
            permission: What it is used for.
            rp_id: The relying party of a ceremony; a token without one is bound to it.

        Raises:
            CtapError: PIN_AUTH_INVALID; only a use that was granted counts as one.
        """
        token = self.session.token
        token.observe(self.clock.now_ns())
        if (
            not token.in_use
            or token.protocol != protocol.number
            or not protocol.verify(token.value, message, signature)
        ):
            raise CtapError(CtapStatus.PIN_AUTH_INVALID, "pinUvAuthParam is wrong")
        writes = permission is Permission.LARGE_BLOB_WRITE
        waived = writes and self.lapses(Lapse.ANY_TOKEN_WRITES_BLOBS)
        if permission not in token.permissions and not waived:
            raise CtapError(CtapStatus.PIN_AUTH_INVALID, f"the token lacks {permission.name}")
        if rp_id is not None:
            if token.rp_id not in (None, rp_id) or not token.user_verified:
                raise CtapError(CtapStatus.PIN_AUTH_INVALID, f"the token is for {token.rp_id}")
            if self.model.pin_uv_auth_token and not self.lapses(Lapse.TOKEN_IS_BOUND_TO_NO_RP):
                token.rp_id = rp_id  # those of CTAP 2.0 serve every relying party
        token.use()
        return token

    def check_ceremony(
        self,
        protocol: PinUvProtocol,
        message: bytes,
        signature: bytes,
        permission: Permission,
        rp_id: str,
    ) -> PinUvAuthToken | None:
        """The token of a registration or sign-in, None when there is nothing that it could protect.

        Raises:
            CtapError: PIN_AUTH_INVALID, or what the model answers when there is no PIN.
        """
        if self.protected:
            return self.check_token(protocol, message, signature, permission, rp_id)
        status = self.model.param_without_pin_status
        if status is not None:
            raise CtapError(status, "there is no PIN for a pinUvAuthParam")
        return None

    def spend_token(self, permission: Permission) -> None:
        """An operation with presence has used that permission: the token is spent for all others.

        Before CTAP 2.1 a token serves on.
        """
        token, registers = self.session.token, permission is Permission.MAKE_CREDENTIAL
        if not token.in_use or not self.model.token_serves_one_operation:
            return
        if self.lapses(Lapse.ASSERTION_SPENDS_NOTHING) and not registers:
            return
        before = token.permissions
        token.spend()
        if self.lapses(Lapse.SPENDS_ONE_PERMISSION):
            token.permissions, token.user_verified = before & ~permission, True
        if self.lapses(Lapse.SPENDING_TAKES_LBW):
            token.permissions = Permission(0)
        if self.lapses(Lapse.SPENDING_GIVES_LBW):
            token.permissions = Permission.LARGE_BLOB_WRITE

    # People

    def presence(
        self,
        call: Call,
        rp_id: str | None,
        info: str,
        timeout_status: CtapStatus | None = None,
    ) -> Steps[None]:
        """A touch, or the tap that brought the authenticator to an NFC reader, once.

        Args:
            call: The request.
            rp_id: The relying party a person is told of.
            info: What for, in a word or two.
            timeout_status: The code when no touch comes, if not the model's.

        Raises:
            CtapError: OPERATION_DENIED, the code for no touch, or UP_REQUIRED when the tap
                was spent.
        """
        if call.transport is Transport.NFC:
            if not self.session.tap:
                raise CtapError(CtapStatus.UP_REQUIRED, "the tap has been taken for presence")
            self.session.tap = False
            return
        event = yield self.ask(Prompt.TOUCH, rp_id, info)
        self.refuse_unless_given(event, timeout_status or self.model.touch_timeout_status)

    def ask(self, prompt: Prompt, rp_id: str | None, info: str) -> Ask:
        """A prompt with the model's time limit."""
        return Ask(prompt, self.model.user_action_timeout_s * NS_PER_S, rp_id, info)

    def refuse_unless_given(self, event: Event, timeout_status: CtapStatus) -> None:
        """Raise what a declined or forgotten prompt answers.

        Raises:
            CtapError: OPERATION_DENIED or the code for no touch.
        """
        if event.kind is EventKind.DECLINED:
            raise CtapError(CtapStatus.OPERATION_DENIED, "the user declined")
        if event.kind is EventKind.TIMED_OUT:
            raise CtapError(timeout_status, "no touch came in time")

    def verify_user(self, rp_id: str | None, info: str, attempts: int) -> Steps[None]:
        """Built-in user verification: a finger, whose touch is presence as well.

        Raises:
            CtapError: UV_INVALID, UV_BLOCKED, OPERATION_DENIED, USER_ACTION_TIMEOUT.
        """
        state = self.state
        for _ in range(attempts):
            if state.retries.uv == 0:
                break
            event = yield self.ask(Prompt.FINGER, rp_id, info)
            self.refuse_unless_given(event, CtapStatus.USER_ACTION_TIMEOUT)
            # Counted before it is compared, so that pulling the plug wins no try.
            state.change(replace(state.retries, uv=state.retries.uv - 1))
            if any(finger.template == event.template for finger in state.fingers.values()):
                since_pin = state.retries.uv_since_pin + 1
                uv = self.model.uv_retries
                state.change(replace(state.retries, uv=uv, uv_since_pin=since_pin))
                return
        if state.retries.uv == 0:
            raise CtapError(CtapStatus.UV_BLOCKED, "too many wrong fingers")
        raise CtapError(CtapStatus.UV_INVALID, "the finger is not enrolled")

    # Signatures

    def crypto_time(self) -> Steps[None]:
        """The time a key or a signature takes, on an authenticator with slow crypto."""
        if self.faults.slow_crypto_ns:
            yield Work(self.faults.slow_crypto_ns)

    def sign(self, algorithm: int, seed: bytes, message: bytes) -> bytes:
        """A signature, spoiled if the authenticator's signatures are bad."""
        return self.faults.spoil_signature(crypto.sign(algorithm, seed, message))

    def count(self, credential_id: bytes) -> list[Counter]:
        """The records that count one signature, for `State.change`."""
        if self.faults.counter_still:
            return []
        return credentials.count(credential_id, self.state, self.model)

    def counter(self, credential_id: bytes) -> int:
        """The counter that goes into a signature."""
        value = credentials.signature_counter(credential_id, self.state, self.model)
        if self.model.counter is CounterKind.ZERO:
            return 0
        return min(max(0, value - self.faults.counter_back), _COUNTER_MOST)

    def auth_data(self, rp_id_hash: bytes, flags: int, counter: int, rest: bytes = b"") -> bytes:
        """Authenticator data: 37 bytes, then attested data and extensions if there are any."""
        if self.model.backup_eligible:
            flags |= BE
        if self.model.backup_state:
            flags |= BS
        return rp_id_hash + bytes([flags]) + counter.to_bytes(4, "big") + rest

    def verify_user_inside(self, rp_id: str, info: str) -> Steps[None]:
        """Built-in user verification inside an operation, with the codes it has there.

        Raises:
            CtapError: PUAT_REQUIRED when a PIN would do instead, else OPERATION_DENIED;
                USER_ACTION_TIMEOUT.
        """
        try:
            yield from self.verify_user(rp_id, info, self.model.uv_attempts)
        except CtapError as error:
            if error.status not in (CtapStatus.UV_INVALID, CtapStatus.UV_BLOCKED):
                raise
            if self.state.pin is not None:
                raise self.uv_missing() from error
            raise CtapError(CtapStatus.OPERATION_DENIED, error.why) from error

    def usable(self, credential: Credential, *, uv: bool, listed: bool) -> bool:
        """Whether credProtect lets a credential be found. CTAP 2.1 section 12.1."""
        if uv or credential.cred_protect == 1:
            return True
        if self.lapses(Lapse.DISCOVERS_PROTECTED) and credential.cred_protect == 3:
            return not listed
        return credential.cred_protect == 2 and listed


def rp_id_hash(rp_id: str) -> bytes:
    """SHA-256 of an RP ID."""
    return sha256(rp_id.encode()).digest()
