"""A security key as the people of a lab work with it: simulated in virtual time, or on the bench.

Steps and browsers ask a `KeyAccess` and do not know which it is. With a simulated key a client runs
on the timeline and nothing waits. With a key on the bench the client waits as it would anywhere,
and the timeline follows by as much as that took: only what is real takes real time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

from fido2.ctap import CtapDevice, CtapError
from fido2.ctap2.base import Ctap2
from fido2.ctap2.bio import FPBioEnrollment
from fido2.ctap2.credman import CredentialManagement
from fido2.ctap2.pin import ClientPin

from mfalab.devices.ctap.user import Asked, Reaction, User, absent
from mfalab.devices.security_key import SecurityKey
from mfalab.devices.transports.wire import GOOD_WIRE
from mfalab.simulator.clocks.blocking import BlockingClients
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.clocks.timeline import Timeline
from mfalab.simulator.environment.outcome import ScenarioError
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.keys.hands import Later

T = TypeVar("T")

_PATIENCE_NS: Final = 300 * NS_PER_S
"""How long a client is left alone with a key that does not answer, as browsers do."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What is to be seen of a key; None where it cannot be told.

    Attributes:
        pin_retries: tries left until the PIN is blocked.
        uv_retries: fingers left until built-in user verification is blocked.
        pin_is_set: whether it has a PIN.
        discoverable: how many discoverable credentials it holds.
        powered: whether it is plugged in.
    """

    pin_retries: int | None = None
    uv_retries: int | None = None
    pin_is_set: bool | None = None
    discoverable: int | None = None
    powered: bool | None = None


class KeyAccess(ABC):
    """One key and the time that clients spend with it."""

    @property
    @abstractmethod
    def label(self) -> str:
        """What stands for the scenario's device: an address, or nothing when it is simulated."""

    @property
    @abstractmethod
    def usable(self) -> bool:
        """Whether it works; unplugged it still does."""

    @property
    @abstractmethod
    def answers_well(self) -> bool:
        """Whether neither it nor its wire was made faulty."""

    @abstractmethod
    def work(
        self,
        function: Callable[[CtapDevice], T],
        user: User,
        *,
        pulled_out_after_ns: int | None = None,
        touched: bool = True,
    ) -> T:
        """Let a client work with the key while a person sits in front of it.

        Args:
            function: what the client does with a way to the key.
            user: who sits there.
            pulled_out_after_ns: when the key is pulled out, counted from now; None for not at all.
            touched: whether the key will ask for its user; over NFC a tap comes first then.

        Raises:
            OSError: the key is not plugged in, or is pulled out.
            WaitedTooLong: the client was not done after five minutes.
        """

    @abstractmethod
    def pause(self, duration_ns: int) -> None:
        """Let the client wait for a person who types."""

    @abstractmethod
    def power(self, to: Literal["on", "off", "cycle"]) -> None:
        """Plug it in, pull it out, or both.

        Raises:
            DeviceError: it cannot be.
        """

    @abstractmethod
    def facts(self, pin: str | None, *, counting: bool) -> KeyFacts:
        """What is to be seen of it.

        Args:
            pin: its PIN, if it has one.
            counting: whether discoverable credentials are to be counted, for which a real key
                wants its PIN; typing that restores all tries.
        """

    @abstractmethod
    def break_(self) -> None:
        """Break it for good."""

    @property
    def simulated(self) -> SecurityKey:
        """The simulated key, for what only such a one can do.

        Raises:
            ScenarioError: it is a real one.
        """
        raise ScenarioError(f"{self.label} is a real key: it cannot be copied or made faulty")


class SimulatedKey(KeyAccess):
    """A simulated key on the timeline.

    Args:
        thing: the key.
        clients: who runs clients on the timeline, and is the key's scheduler.
        timeline: true time.
    """

    def __init__(self, thing: SecurityKey, clients: BlockingClients, timeline: Timeline) -> None:
        self._thing = thing
        self._clients = clients
        self._timeline = timeline

    @property
    def label(self) -> str:
        """Nothing."""
        return ""

    @property
    def simulated(self) -> SecurityKey:
        """The key."""
        return self._thing

    @property
    def usable(self) -> bool:
        """See `KeyAccess.usable`."""
        return self._thing.usable

    @property
    def answers_well(self) -> bool:
        """See `KeyAccess.answers_well`."""
        return not self._thing.faults.malformed_cbor and self._thing.wire == GOOD_WIRE

    def work(
        self,
        function: Callable[[CtapDevice], T],
        user: User,
        *,
        pulled_out_after_ns: int | None = None,
        touched: bool = True,
    ) -> T:
        """See `KeyAccess.work`."""
        self._thing.user = user
        if pulled_out_after_ns is not None:
            self._timeline.after(pulled_out_after_ns, self._thing.unplug)
        return self._clients.call(lambda: function(self._thing.device()), within_ns=_PATIENCE_NS)

    def pause(self, duration_ns: int) -> None:
        """See `KeyAccess.pause`."""
        self._clients.advance(duration_ns)

    def power(self, to: Literal["on", "off", "cycle"]) -> None:
        """See `KeyAccess.power`."""
        thing = self._thing
        {"on": thing.plug, "off": thing.unplug, "cycle": thing.power_cycle}[to]()

    def facts(self, pin: str | None, *, counting: bool) -> KeyFacts:
        """See `KeyAccess.facts`; all of it, from the inside."""
        state = self._thing.state
        return KeyFacts(
            pin_retries=state.pin_retries,
            uv_retries=state.uv_retries,
            pin_is_set=state.pin_is_set,
            discoverable=len(state.credentials),
            powered=state.powered,
        )

    def break_(self) -> None:
        """See `KeyAccess.break_`."""
        self._thing.break_()


class BenchKey(KeyAccess):
    """A key on the bench; the timeline follows the time that it takes.

    Args:
        fixture: the key.
        timeline: true time.
    """

    def __init__(self, fixture: Fixture, timeline: Timeline) -> None:
        self.fixture = fixture
        self._timeline = timeline
        self._followed_ns = 0

    @property
    def label(self) -> str:
        """Its address."""
        return self.fixture.name

    @property
    def usable(self) -> bool:
        """Always: a real key is not broken."""
        return True

    @property
    def answers_well(self) -> bool:
        """Always: a real key is not made faulty."""
        return True

    def work(
        self,
        function: Callable[[CtapDevice], T],
        user: User,
        *,
        pulled_out_after_ns: int | None = None,
        touched: bool = True,
    ) -> T:
        """See `KeyAccess.work`."""

        def react(asked: Asked) -> Reaction | None:
            self._follow()
            return user(asked)

        self.fixture.user = react if touched else absent
        self._followed_ns = self.fixture.now_ns()
        pulling: Later | None = None
        if pulled_out_after_ns is not None:
            pulling = Later(pulled_out_after_ns, lambda: self.fixture.power(False))
        try:
            with self.fixture.connect() as device:
                return function(device)
        finally:
            self.fixture.user = absent
            if pulling is not None:
                pulling.await_it()
            self._follow()

    def pause(self, duration_ns: int) -> None:
        """See `KeyAccess.pause`; no one types, so only the timeline moves."""
        self._follow()
        self._timeline.advance(duration_ns)

    def power(self, to: Literal["on", "off", "cycle"]) -> None:
        """See `KeyAccess.power`."""
        if to == "cycle":
            self.fixture.power_cycle()
        else:
            self.fixture.power(to == "on")

    def facts(self, pin: str | None, *, counting: bool) -> KeyFacts:
        """See `KeyAccess.facts`; what the key itself tells."""

        def look(device: CtapDevice) -> KeyFacts:
            ctap = Ctap2(device)
            told = _told(ctap)
            return replace(told, discoverable=_counted(ctap, told, pin)) if counting else told

        try:
            return self.work(look, absent, touched=False)
        except OSError:
            return KeyFacts(powered=False)
        except ValueError:
            return KeyFacts(powered=True)  # a key of U2F tells nothing

    def break_(self) -> None:
        """Not a real one.

        Raises:
            ScenarioError: always.
        """
        raise ScenarioError(f"{self.label} is a real key and is not broken for a test")

    def _follow(self) -> None:
        """Let the timeline catch up with what the key has taken."""
        now_ns = self.fixture.now_ns()
        self._timeline.advance(max(0, now_ns - self._followed_ns))
        self._followed_ns = now_ns


def _told(ctap: Ctap2) -> KeyFacts:
    options = ctap.info.options
    pin_is_set = options.get("clientPin")
    return KeyFacts(
        pin_retries=ClientPin(ctap).get_pin_retries()[0] if pin_is_set is not None else None,
        uv_retries=_uv_retries(ctap) if options.get("uv") is not None else None,
        pin_is_set=bool(pin_is_set),
        powered=True,
    )


def _counted(ctap: Ctap2, told: KeyFacts, pin: str | None) -> int | None:
    """How many discoverable credentials there are, when the key has a way to tell."""
    if not ctap.info.options.get("rk"):
        return 0
    if pin is None or not told.pin_is_set or not CredentialManagement.is_supported(ctap.info):
        return None
    client = ClientPin(ctap)
    token = client.get_pin_token(pin, ClientPin.PERMISSION.CREDENTIAL_MGMT)
    counted = CredentialManagement(ctap, client.protocol, token).get_metadata()
    return int(counted[CredentialManagement.RESULT.EXISTING_CRED_COUNT])


def _uv_retries(ctap: Ctap2) -> int | None:
    try:
        return ClientPin(ctap).get_uv_retries()
    except CtapError:
        return None


def enrol_finger(ctap: Ctap2, pin: str) -> None:
    """Enrol whichever finger the key's user presents."""
    client = ClientPin(ctap)
    token = client.get_pin_token(pin, ClientPin.PERMISSION.BIO_ENROLL)
    enroller = FPBioEnrollment(ctap, client.protocol, token).enroll()
    template = None
    while template is None:
        template = enroller.capture()
