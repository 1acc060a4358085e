"""A security key: the authenticator with its ports, its power and the person who touches it.

`SecurityKey` is what scenarios and tests hold. It adds no rule of CTAP; it brings bytes to the
authenticator, lets its deadlines come true, and asks its user when it blinks.

    key = SecurityKey("ctap-2.1-pin", random_bytes=random_bytes)
    key.plug()
    client = Fido2Client(key.device(), collector)

Without further arguments the key has time of its own (`OwnTime`), which leaps whenever a client
waits and moves by `advance` otherwise. With `WallTime` it serves ordinary threads, and with a
simulator's scheduler it lives in virtual time among others. See `mfalab.devices.schedule`.

A key is either plugged in, in a reader's field, or without power. Losing power ends what was under
way and every connection; only what the authenticator had stored is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mfalab.devices.clock import Clock
from mfalab.devices.ctap.authenticator import Authenticator
from mfalab.devices.ctap.commands import SampleStatus, Transport
from mfalab.devices.ctap.ctaphid import CtapHid
from mfalab.devices.ctap.faults import NO_FAULTS, Faults
from mfalab.devices.ctap.iso7816 import FidoApplet
from mfalab.devices.ctap.model import Model, load_model
from mfalab.devices.ctap.prompting import Prompting
from mfalab.devices.ctap.state import own_records
from mfalab.devices.ctap.storage import FileStorage, MemoryStorage, Storage
from mfalab.devices.ctap.transaction import Transaction
from mfalab.devices.ctap.user import Asked, Gesture, Reaction, User, touching
from mfalab.devices.device import Device
from mfalab.devices.durations import NS_PER_MS
from mfalab.devices.errors import NotOffered
from mfalab.devices.power import PowerSource
from mfalab.devices.schedule import OwnTime, Scheduler
from mfalab.devices.transports.hid_device import HidDevice
from mfalab.devices.transports.memory import Connection, KeyUnplugged, Port
from mfalab.devices.transports.wire import GOOD_WIRE, Direction, Wire, WireFaults

if TYPE_CHECKING:
    from fido2.hid import CtapHidDevice

    from mfalab.devices.transports.python_fido2 import CardConnection, HidConnection


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key at one moment, for assertions.

    Attributes:
        powered: plugged in or in a field.
        prompt: what it asks its user for now.
        pin_is_set: whether it has a PIN.
        pin_retries: tries left until the PIN is blocked.
        uv_retries: fingers left until built-in user verification is blocked.
        fingers: names of the enrolled fingers.
        credentials: ID, RP ID and user handle of each discoverable credential, oldest first.
        counter: the global signature counter.
        writes: how often the store was written.
        winks: how often it was made to wink since power-up.
    """

    powered: bool
    prompt: Asked | None
    pin_is_set: bool
    pin_retries: int
    uv_retries: int
    fingers: tuple[str, ...]
    credentials: tuple[tuple[bytes, str, bytes], ...]
    counter: int
    writes: int
    winks: int


class SecurityKey(Device):
    """One security key.

    Args:
        model: what kind of key; a `Model`, or the name or path of a description file.
        random_bytes: where its chance comes from: keys, IVs, channels, wire faults.
        state: where it keeps its state: a file, which is made if need be and is this key's alone
            until `close`, or a `Storage`; None keeps it in memory.
        clock: what it counts its deadlines with; None for the scheduler's.
        scheduler: what lets time pass; None for time of its own.
        user: who touches it; see `mfalab.devices.ctap.user`.
        name: what to call it in errors and logs.
        faults: what is wrong with the authenticator.
        wire: what is wrong with its USB wire.
        power: for a key that has a battery; None for one that lives on its port.

    Raises:
        ModelInvalid: the description file describes no authenticator.
        StateInUse: another process, or another key, has the state file.
        StateFileInvalid: the state is not that of a security key.
    """

    broken_advice = "Use another security key and remove this one from the account."

    def __init__(
        self,
        model: Model | str | Path,
        *,
        random_bytes: Callable[[int], bytes],
        state: str | PathLike[str] | Storage | None = None,
        clock: Clock | None = None,
        scheduler: Scheduler | None = None,
        user: User | None = None,
        name: str = "security key",
        faults: Faults = NO_FAULTS,
        wire: WireFaults = GOOD_WIRE,
        power: PowerSource | None = None,
    ) -> None:
        super().__init__(name, power)
        self.model = model if isinstance(model, Model) else load_model(model)
        self._scheduler: Scheduler = OwnTime() if scheduler is None else scheduler
        self._clock: Clock = self._scheduler if clock is None else clock
        self._random_bytes = random_bytes
        if state is None:
            state = MemoryStorage()
        self._storage = FileStorage(state) if isinstance(state, str | PathLike) else state
        try:
            self.authenticator = Authenticator(
                self.model,
                storage=self._storage,
                clock=self._clock,
                random_bytes=random_bytes,
                faults=faults,
            )
        except BaseException:
            self._close_file()
            raise
        self._prompting = Prompting(
            touching() if user is None else user, self._requests, self._scheduler.after, self._do
        )
        self._wire = Wire(random_bytes, wire)
        self._port = Port(name, self._scheduler, self._from_host)
        self._hid: CtapHid | None = None
        self._applet: FidoApplet | None = None
        self._due_ns: int | None = None

    # Power.

    @property
    def plugged(self) -> bool:
        """Whether it is in a USB port."""
        return self._hid is not None

    @property
    def in_field(self) -> bool:
        """Whether it lies on a reader."""
        return self._hid is None and self._applet is not None

    def plug(self) -> None:
        """Put it into a USB port; nothing happens when it is in one.

        Raises:
            DeviceUnusable: it is broken.
            NotOffered: it has no USB plug.
        """
        with self._scheduler.guard:
            if self.plugged:
                return
            self.require_usable()
            self._require(Transport.USB, "USB")
            self.lift()
            self.authenticator.power_up()
            self._hid = CtapHid(
                self.authenticator,
                device_version=_version(self.model.firmware_version),
                first_channel=1 + int.from_bytes(self._random_bytes(3)),
                message_timeout_ns=self.model.message_timeout_ms * NS_PER_MS,
                unopened_channels=self.model.unopened_channels,
            )
            if Transport.SMART_CARD in self.model.transports:
                self._applet = FidoApplet(self.authenticator, transport=Transport.SMART_CARD)

    def unplug(self) -> None:
        """Pull it out; nothing happens when it is not plugged in."""
        with self._scheduler.guard:
            if self.plugged:
                self._lose_power()

    def power_cycle(self) -> None:
        """Pull it out and put it back, or lift it off the reader and tap again."""
        with self._scheduler.guard:
            again = self.tap if self.in_field else self.plug
            self._lose_power()
            again()

    def tap(self) -> None:
        """Put it on a reader, again if it lies there.

        Raises:
            DeviceUnusable: it is broken.
            NotOffered: it has no antenna, or it is in a USB port.
        """
        with self._scheduler.guard:
            self.require_usable()
            self._require(Transport.NFC, "NFC")
            if self.plugged:
                raise NotOffered(self.name, "NFC while it is plugged in", "Unplug it first.")
            self._lose_power()
            self.authenticator.power_up()
            self._applet = FidoApplet(self.authenticator)

    def lift(self) -> None:
        """Take it off the reader; nothing happens when it lies on none."""
        with self._scheduler.guard:
            if self.in_field:
                self._lose_power()

    def break_(self) -> None:
        """Break it for good."""
        with self._scheduler.guard:
            super().break_()
            self._lose_power()

    def wipe(self) -> None:
        """Make it as it left the factory, which no client can do; power is cycled."""
        with self._scheduler.guard:
            again = self.plug if self.plugged else self.tap if self.in_field else None
            self._lose_power()
            self._storage.write(dict.fromkeys(own_records(self._storage)))
            self.authenticator.state.load()
            if again is not None:
                again()

    def close(self) -> None:
        """Take its power and let go of its state file for others; twice does no harm."""
        with self._scheduler.guard:
            self._lose_power()
            self._close_file()

    def clone(
        self, *, random_bytes: Callable[[int], bytes], name: str | None = None
    ) -> SecurityKey:
        """Another key with a copy of this one's state, in memory; both live on by themselves."""
        return SecurityKey(
            self.model,
            random_bytes=random_bytes,
            state=MemoryStorage(self._storage.read()),
            clock=self._clock,
            scheduler=self._scheduler,
            user=self.user,
            name=f"clone of {self.name}" if name is None else name,
        )

    # Time.

    def advance(self, duration_ns: int) -> None:
        """Let time pass for a key that has time of its own.

        Raises:
            NotOffered: its time is that of its scheduler.
            ValueError: the duration is negative.
        """
        if not isinstance(self._scheduler, OwnTime):
            raise NotOffered(self.name, "time of its own", "Let the scheduler it was given move.")
        self._scheduler.advance(duration_ns)

    def call(self, client: Callable[[], T]) -> T:
        """Run a client of this key; its sleeps and time-outs are in the key's time, too."""
        return self._scheduler.call(client)

    # The user.

    @property
    def user(self) -> User:
        """Who sits in front of it; may be set at any time."""
        return self._prompting.user

    @user.setter
    def user(self, user: User) -> None:
        with self._scheduler.guard:
            self._prompting.user = user
            self._pump()

    def touch(self) -> None:
        """Touch it now; nothing happens when it does not ask for that.

        A U2F client asks again and again: a touch counts for 10 s after it has, also when the key
        is dark by then.
        """
        self._do(Reaction(Gesture.TOUCH))

    def finger(self, finger: bytes | str, *, sample: SampleStatus = SampleStatus.GOOD) -> None:
        """Put a finger on its sensor now; nothing happens when it does not ask for that."""
        self._do(Reaction(Gesture.FINGER, finger=finger, sample=sample))

    def decline(self) -> None:
        """Say no to what it asks; nothing happens when it asks nothing."""
        self._do(Reaction(Gesture.DECLINE))

    @property
    def asks(self) -> Asked | None:
        """What it asks its user for now; None when it is dark."""
        with self._scheduler.guard:
            return self._prompting.asked

    # Faults.

    @property
    def faults(self) -> Faults:
        """What is wrong with the authenticator; may be set at any time."""
        return self.authenticator.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.authenticator.faults = faults

    @property
    def wire(self) -> WireFaults:
        """What is wrong with the wire; may be set at any time."""
        return self._wire.faults

    @wire.setter
    def wire(self, faults: WireFaults) -> None:
        with self._scheduler.guard:
            self._wire.faults = faults
            self._from_host(None)

    # Ways to it.

    def connect(self, *, everything: bool = False) -> Connection:
        """A connection for 64-byte reports; it lasts until the key is pulled out.

        Args:
            everything: hear all reports for all channels, as a reader of a hidraw node does.

        Raises:
            KeyUnplugged: the key is in no port.
        """
        with self._scheduler.guard:
            if not self.plugged:
                raise KeyUnplugged(self.name)
            return self._port.connect(everything=everything)

    def connection(self, *, everything: bool = False) -> HidConnection:
        """The same for python-fido2: a `fido2.hid.base.CtapHidConnection`."""
        from mfalab.devices.transports.python_fido2 import HidConnection

        return HidConnection(self.connect(everything=everything))

    def device(self, *, everything: bool = False) -> CtapHidDevice:
        """A `fido2.hid.CtapHidDevice` with a channel of its own."""
        from fido2.hid import CtapHidDevice

        from mfalab.devices.transports.python_fido2 import descriptor

        about = descriptor(self.name, HidDevice.of(self.model))
        return CtapHidDevice(about, self.connection(everything=everything))

    def card(self) -> CardConnection:
        """A card connection as `fido2.pcsc.CtapPcscDevice` wants it.

        Connecting it is a tap, or for a key that is a contact card in its port a reset of the card.
        """
        from mfalab.devices.transports.python_fido2 import CardConnection

        return CardConnection(self._insert, self.lift, self.transmit_apdu)

    def transmit_apdu(self, apdu: bytes) -> bytes:
        """Send a command APDU and wait for the response APDU.

        Raises:
            KeyUnplugged: it lies on no reader, or was taken away.
        """
        scheduler = self._scheduler
        with scheduler.guard:
            response = self.begin_apdu(apdu)
            answers: list[bytes] = []

            def over() -> bool:
                if (answer := response()) is not None:
                    answers.append(answer)
                return bool(answers)

            scheduler.wait_until(over, self._port)
            return answers[0]

    def begin_apdu(self, apdu: bytes) -> Callable[[], bytes | None]:
        """Send a command APDU; the result is asked for the response APDU, None until it is there.

        Raises:
            KeyUnplugged: it lies on no reader. The result raises it when it was taken away
                since.
        """
        with self._scheduler.guard:
            applet = self._applet
            if applet is None:
                raise KeyUnplugged(self.name)
            applet.exchange(bytes(apdu), self._clock.now_ns())
            self._pump()

            def response() -> bytes | None:
                if applet.response is None and self._applet is not applet:
                    raise KeyUnplugged(self.name)
                return applet.response

            return response

    # Assertions.

    @property
    def state(self) -> KeyState:
        """The key as it is now."""
        with self._scheduler.guard:
            authenticator, state = self.authenticator, self.authenticator.state
            return KeyState(
                powered=authenticator.powered,
                prompt=self.asks,
                pin_is_set=state.pin is not None,
                pin_retries=state.retries.pin,
                uv_retries=state.retries.uv,
                fingers=tuple(finger.name for finger in state.fingers.values()),
                credentials=tuple(
                    (each.id, each.rp_id, each.user_id)
                    for each in state.credentials.values()
                    if each.discoverable
                ),
                counter=state.counter,
                writes=self._storage.writes,
                winks=authenticator.winks,
            )

    # Inside.

    def _close_file(self) -> None:
        if isinstance(self._storage, FileStorage):
            self._storage.close()

    def _insert(self) -> None:
        with self._scheduler.guard:
            if self.plugged and Transport.SMART_CARD in self.model.transports:
                self._applet = FidoApplet(self.authenticator, transport=Transport.SMART_CARD)
            else:
                self.tap()

    def _require(self, transport: Transport, called: str) -> None:
        if transport not in self.model.transports:
            others = ", ".join(each.value for each in self.model.transports)
            raise NotOffered(self.name, called, f"It is reached by {others}.")

    def _lose_power(self) -> None:
        if self._hid is None and self._applet is None:
            return
        self._hid = self._applet = None
        self._prompting.forget()
        self.authenticator.power_down()
        self._wire.cut()
        self._port.disconnect_all()
        self._scheduler.wake(self._port)

    def _from_host(self, report: bytes | None) -> None:
        """A report has been written; None looks only whether the wire lets go of something."""
        hid = self._hid
        if hid is None:
            return
        for arrived in self._wire.carry(Direction.TO_KEY, report):
            hid.feed(arrived, self._clock.now_ns())
            self._pump()
        if report is None:
            self._give(self._wire.carry(Direction.TO_HOST))

    def _pump(self) -> None:
        """Let everything happen that can happen now, and plan for what comes by itself."""
        now_ns = self._clock.now_ns()
        while True:
            for face in (self._applet, self._hid):
                if face is not None:
                    face.advance(now_ns)
            if not self.authenticator.powered:
                # Power was cut in the middle, so nothing gets out any more.
                self._lose_power()
                return
            self._drain()
            if not self._prompting.ask():
                break
        self._plan(now_ns)
        self._scheduler.wake(self._port)

    def _drain(self) -> None:
        while self._hid is not None and (report := self._hid.next_report()) is not None:
            self._give(self._wire.carry(Direction.TO_HOST, report))

    def _give(self, reports: list[bytes]) -> None:
        for report in reports:
            self._port.give(report)

    def _plan(self, now_ns: int) -> None:
        deadlines = [face.deadline_ns for face in (self._hid, self._applet) if face is not None]
        due_ns = min((each for each in deadlines if each is not None), default=None)
        if due_ns is None or (self._due_ns is not None and self._due_ns <= due_ns):
            return
        self._due_ns = due_ns
        # The key's clock may run otherwise than the scheduler's: it is looked at again then.
        self._scheduler.after(max(1, due_ns - now_ns), lambda: self._on_due(due_ns))

    def _on_due(self, due_ns: int) -> None:
        # What was planned before something more urgent must not plan everything a second time.
        if self._due_ns == due_ns:
            self._due_ns = None
            self._pump()

    def _do(self, reaction: Reaction) -> None:
        with self._scheduler.guard:
            if self._prompting.act(reaction):
                self._pump()
            elif reaction.gesture is Gesture.TOUCH:
                self.authenticator.touch()

    def _requests(self) -> list[Transaction | None]:
        return [face.transaction for face in (self._hid, self._applet) if face is not None]


def _version(firmware: int | None) -> tuple[int, int, int]:
    """A firmware number such as 0x00050704 as CTAPHID_INIT tells it: 5, 7, 4."""
    if firmware is None:
        return 1, 0, 0
    return firmware >> 16 & 0xFF, firmware >> 8 & 0xFF, firmware & 0xFF
