"""The authenticator: requests and events in, answers and deadlines out, and no I/O.

One command is under way at a time; a second answers CHANNEL_BUSY. Answers that are fetched call by
call belong to the channel that began them, and any other command ends them.
"""

from collections.abc import Callable
from typing import Any, final

from mfalab.devices.clock import Clock
from mfalab.devices.ctap import cbor, u2f
from mfalab.devices.ctap.bio_enrollment import bio_enrollment
from mfalab.devices.ctap.client_pin import client_pin
from mfalab.devices.ctap.commands import (
    Capability,
    Command,
    CredentialManagementSubcommand,
    Transport,
)
from mfalab.devices.ctap.config import config
from mfalab.devices.ctap.core import Call, Core, Session
from mfalab.devices.ctap.credential_management import credential_management as manage
from mfalab.devices.ctap.faults import NO_FAULTS, Faults
from mfalab.devices.ctap.fields import Members
from mfalab.devices.ctap.get_assertion import get_assertion, get_next_assertion
from mfalab.devices.ctap.info import get_info
from mfalab.devices.ctap.large_blobs import large_blobs
from mfalab.devices.ctap.make_credential import make_credential
from mfalab.devices.ctap.metadata import metadata_statement
from mfalab.devices.ctap.model import Model
from mfalab.devices.ctap.requests import read_request
from mfalab.devices.ctap.reset import reset, selection
from mfalab.devices.ctap.state import State
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.storage import PowerCut, Storage, StoreWornOut
from mfalab.devices.ctap.transaction import Steps, Transaction

_Handler = Callable[[Core, Call], Steps[dict[int, Any]]]


class NoPower(Exception):
    """A request reached an authenticator that has no power."""

    def __init__(self, model: str) -> None:
        super().__init__(model)
        self.model = model

    def __str__(self) -> str:
        return f"The {self.model} has no power. Call power_up() first."


@final
class Authenticator:
    """One security key, without its plug.

    Args:
        model: What kind it is.
        storage: What it keeps without power; an empty one makes it a new key.
        clock: Its own time, for the limits of the standard.
        random_bytes: Where its keys come from; the same stream and requests give the same bytes.
        faults: What is wrong with it.
    """

    def __init__(
        self,
        model: Model,
        *,
        storage: Storage,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        faults: Faults = NO_FAULTS,
    ) -> None:
        self._core = Core(model, storage, clock, random_bytes, faults)
        self._powered = False
        self._transaction: Transaction | None = None
        self._winks = 0

    @property
    def model(self) -> Model:
        """What kind it is."""
        return self._core.model

    @property
    def state(self) -> State:
        """What it keeps without power, to look at; commands alone change it."""
        return self._core.state

    @property
    def session(self) -> Session:
        """What it knows until power goes, to look at."""
        return self._core.session

    @property
    def faults(self) -> Faults:
        """What is wrong with it; may be set at any time."""
        return self._core.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._core.faults = faults

    @property
    def powered(self) -> bool:
        """It has power."""
        return self._powered

    @property
    def transaction(self) -> Transaction | None:
        """The command under way, or None."""
        transaction = self._transaction
        return transaction if transaction is not None and transaction.under_way else None

    @property
    def winks(self) -> int:
        """How often it has winked."""
        return self._winks

    @property
    def capabilities(self) -> Capability:
        """What CTAPHID_INIT says of it."""
        model = self.model
        capabilities = Capability(0)
        for there, bit in (
            (model.wink, Capability.WINK),
            (model.lock, Capability.LOCK),
            (model.ctap2, Capability.CBOR),
            (not model.u2f, Capability.NMSG),
        ):
            if there:
                capabilities |= bit
        return capabilities

    def metadata_statement(self) -> dict[str, Any]:
        """What the FIDO Metadata Service would say of the model, ready for JSON."""
        return metadata_statement(self._core)

    def power_up(self) -> None:
        """Power comes: the 10 s for a reset begin, token and tries of this session are new."""
        if self._powered:
            return
        self._core.state.load()
        self._core.session = self._core.new_session()
        self._powered = True

    def power_down(self) -> None:
        """Power goes; a command under way never answers."""
        self._powered = False
        transaction, self._transaction = self._transaction, None
        if transaction is not None:
            transaction.abandon()

    def touch(self) -> None:
        """A touch: the command under way takes it, or the next U2F request does."""
        transaction = self.transaction
        if transaction is not None:
            transaction.touch()
        elif self._powered:
            u2f.touched(self._core)

    def wink(self) -> None:
        """Show which one it is."""
        self._winks += 1

    def end_channel(self, channel: int) -> None:
        """A channel is gone: what it has not fetched is over."""
        walk = self._core.session.walk
        if walk is not None and walk.channel == channel:
            self._core.session.walk = None

    def begin_cbor(
        self, channel: int, request: bytes, transport: Transport = Transport.USB
    ) -> Transaction:
        """Take a CTAP2 request: the command byte and its CBOR.

        Raises:
            NoPower: It has none.
        """
        self._check_power()
        if self.transaction is not None:
            return self._answered(bytes([CtapStatus.CHANNEL_BUSY]))
        steps = self._cbor_steps(channel, request, transport)
        return self._begin(Transaction(self._core.clock, steps, self.power_down))

    def begin_u2f(
        self, channel: int, apdu: bytes, transport: Transport = Transport.USB
    ) -> Transaction:
        """Take a U2F request; its answer is there at once.

        Raises:
            NoPower: It has none.
        """
        self._check_power()
        if self.transaction is not None:
            return self._answered(u2f.StatusWord.CONDITIONS_NOT_SATISFIED.to_bytes(2, "big"))
        self._core.session.walk = None
        try:
            answer = u2f.handle(self._core, apdu, transport)
        except StoreWornOut:
            answer = u2f.StatusWord.MEMORY_FAILURE.to_bytes(2, "big")
        except PowerCut:
            self.power_down()
            return Transaction(self._core.clock, None, self.power_down)
        on_touch = self.touch if u2f.wants_touch(answer, apdu) else None
        return self._answered(answer, on_touch)

    def _check_power(self) -> None:
        if not self._powered:
            raise NoPower(self.model.name)

    def _begin(self, transaction: Transaction) -> Transaction:
        # A power cut may have come in the very first step.
        self._transaction = transaction if transaction.under_way else None
        return transaction

    def _answered(self, response: bytes, on_touch: Callable[[], None] | None = None) -> Transaction:
        return Transaction(
            self._core.clock, None, self.power_down, response=response, on_touch=on_touch
        )

    def _cbor_steps(self, channel: int, request: bytes, transport: Transport) -> Steps[bytes]:
        core = self._core
        if not core.model.ctap2:
            raise CtapError(CtapStatus.INVALID_COMMAND, "CTAP2 is not spoken")
        if not request:
            raise CtapError(CtapStatus.INVALID_LENGTH, "the request is empty")
        if len(request) > core.model.max_msg_size:
            raise CtapError(CtapStatus.REQUEST_TOO_LARGE, f"{len(request)} bytes")
        handler = self._handler(request[0])
        content = cbor.decode(request[1:]) if request[1:] else {}
        members = read_request(request[0], content, core.model)
        if not _goes_on(request[0], members):
            core.session.walk = None
        answer = yield from handler(core, Call(channel, transport, request[0], members))
        body = cbor.encode(answer) if answer else b""
        return bytes([CtapStatus.SUCCESS]) + core.faults.spoil_answer(request[0], body)

    def _handler(self, command: int) -> _Handler:
        """The handler of a command that the model has.

        Raises:
            CtapError: INVALID_COMMAND.
        """
        if command in _HANDLERS:
            handler, offered, name = _HANDLERS[command]
            there = not offered or getattr(self.model, offered)
            if there and (not name or self._core.has(name)):
                return handler
        raise CtapError(CtapStatus.INVALID_COMMAND, f"command 0x{command:02x} is not known")


def _get_info(core: Core, call: Call) -> Steps[dict[int, Any]]:
    yield from ()
    return get_info(core)


_HANDLERS: dict[int, tuple[_Handler, str, str]] = {
    Command.MAKE_CREDENTIAL: (make_credential, "", ""),
    Command.GET_ASSERTION: (get_assertion, "", ""),
    Command.GET_NEXT_ASSERTION: (get_next_assertion, "", ""),
    Command.GET_INFO: (_get_info, "", ""),
    Command.RESET: (reset, "", ""),
    Command.CLIENT_PIN: (client_pin, "pin_uv_protocols", "clientPin"),
    Command.CREDENTIAL_MANAGEMENT: (manage, "cred_mgmt", "credMgmt"),
    Command.CREDENTIAL_MANAGEMENT_PREVIEW: (manage, "cred_mgmt_preview", ""),
    Command.LARGE_BLOBS: (large_blobs, "large_blob_bytes", "largeBlobs"),
    Command.CONFIG: (config, "authnr_cfg", "authnrCfg"),
    Command.BIO_ENROLLMENT: (bio_enrollment, "bio_enroll", "bioEnroll"),
    Command.BIO_ENROLLMENT_PREVIEW: (bio_enrollment, "bio_enroll_preview", ""),
    Command.SELECTION: (selection, "selection", "selection"),
}
"""By command: what answers it, the key of a model that offers it, and its name in `Faults.missing`.
"""


def _goes_on(command: int, members: Members) -> bool:
    """Whether a request fetches the next of several answers."""
    if command == Command.GET_NEXT_ASSERTION:
        return True
    if command in (Command.CREDENTIAL_MANAGEMENT, Command.CREDENTIAL_MANAGEMENT_PREVIEW):
        return members.raw().get(0x01) in (
            CredentialManagementSubcommand.ENUMERATE_RPS_NEXT,
            CredentialManagementSubcommand.ENUMERATE_CREDENTIALS_NEXT,
        )
    return False
