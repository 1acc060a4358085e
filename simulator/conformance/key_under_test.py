"""The key under test: the ways to it, its user, its power, and a place for findings.

A `KeyUnderTest` opens ways to the key, sends requests, writes down what passed, measures, and
remembers what has to be judged over the whole run: answers that were not canonical, and signature
counters.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final, Protocol

from fido2 import cbor

from mfalab.devices.ctap.commands import Capability, Command
from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.devices.ctap.status import CtapStatus
from mfalab.devices.ctap.user import absent, declining, presenting, touching
from mfalab.devices.errors import DeviceError
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.abilities import Ability
from mfalab.simulator.clocks.durations import NS_PER_S
from mfalab.simulator.conformance.facts import Facts
from mfalab.simulator.conformance.hid import BROADCAST, Answer, HidClient
from mfalab.simulator.conformance.links import CardLink, HidLink, Link, Traffic
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.timings import Stopwatch
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, KeySilent, NotTested
from mfalab.simulator.keys.canonical import read
from mfalab.simulator.keys.fixture import Fixture
from mfalab.simulator.traces.frames import FrameKind
from mfalab.simulator.traces.recorder import HeardReports
from mfalab.simulator.traces.vocabulary import command_name

_PROMPT_NS: Final = 30 * NS_PER_S
_MEASURED: Final = {
    Command.GET_INFO: "getInfo to its first byte",
    Command.MAKE_CREDENTIAL: "makeCredential to its first byte after the touch",
    Command.GET_ASSERTION: "getAssertion to its first byte after the touch",
}
_TAKES_PRESENCE: Final = {
    Command.MAKE_CREDENTIAL,
    Command.GET_ASSERTION,
    Command.RESET,
    Command.SELECTION,
}


class Announcer(Protocol):
    """Tells the person in front of the key what they have to know."""

    def blink(self, left_ns: int) -> None:
        """The key waits for its user; the time is what is usually left."""

    def say(self, text: str) -> None:
        """Something that a person should read now."""


class _User:
    """The user in front of the key, as a test wants them."""

    def __init__(self, key: KeyUnderTest) -> None:
        self._key = key

    def touch(self, after_ns: int = 0) -> None:
        """Touch it whenever it asks."""
        self._key.fixture.user = touching(after_ns)

    def stay_away(self) -> None:
        """Do nothing."""
        if self._key.by_hand:
            self._key.announcer.say("Do not touch the key now.")
        self._key.fixture.user = absent

    def decline(self) -> None:
        """Say no."""
        self._key.fixture.user = declining()

    def present(self, finger: str) -> None:
        """Put that finger on the sensor."""
        if self._key.by_hand:
            self._key.announcer.say(f"Use this finger: {finger}.")
        self._key.fixture.user = presenting(finger)


class KeyUnderTest:
    """One key during one run.

    Args:
        fixture: the key and what is around it.
        random_bytes: where challenges, nonces and names come from.
        announcer: tells a person what to do.
        destructive: whether the key may be changed for good.
        touched: whether it is touched at all.
        by_hand: whether a person touches it, who has to be told.
        twin: another key, for what only two can show.

    Attributes:
        facts: what the key announces, as last read.
        channel: our channel of CTAPHID.
        traffic: what passed since the test began.
        times: how long things took.
        not_canonical: where answers were not canonical CBOR, each a sentence.
        counters: signature counters by credential ID, in their order.
        witness: signs once more with a credential of an earlier test, without a touch, so that
            its counter is seen during the whole run; None as long as there is none.
        dirty: what a reset has to clear away in the end.
        notes: what is left on the key, each a sentence.
    """

    def __init__(
        self,
        fixture: Fixture,
        *,
        random_bytes: Callable[[int], bytes],
        announcer: Announcer,
        destructive: bool = False,
        touched: bool = True,
        by_hand: bool = False,
        twin: Fixture | None = None,
    ) -> None:
        self.fixture = fixture
        self.random_bytes = random_bytes
        self.announcer = announcer
        self.destructive = destructive
        self.by_hand = by_hand
        self.twin = twin
        self._touched = touched
        self.facts = Facts()
        self.traffic = Traffic(fixture.now_ns)
        self.times = Stopwatch()
        self.not_canonical: list[str] = []
        self.counters: dict[bytes, list[int]] = {}
        self.witness: Callable[[], object] | None = None
        self.dirty: set[str] = set()
        self.notes: list[str] = []
        self.user = _User(self)
        self._link: Link | None = None
        self.channel = BROADCAST
        self._tap_used = False
        self._later: list[Callable[[], object]] = []

    # What can be done.

    @property
    def has_reports(self) -> bool:
        """Whether it is reached by CTAPHID, and not as a card."""
        return Ability.REPORTS in self.fixture.can

    @property
    def abilities(self) -> frozenset[Ability]:
        """What can be done with it in this run; a card is touched by a tap."""
        can = set(self.fixture.can)
        if not self.has_reports and Ability.POWER in can:
            can.add(Ability.TOUCH)
        return frozenset(can if self._touched else can - {Ability.TOUCH, Ability.FINGER})

    @property
    def now_ns(self) -> int:
        """The fixture's time."""
        return self.fixture.now_ns()

    # Ways to it.

    @property
    def hid(self) -> HidClient:
        """The CTAPHID client.

        Raises:
            NotTested: the key is a card.
        """
        if not isinstance(self.link, HidLink):
            raise NotTested("a card does not speak CTAPHID")
        return self.link.client

    @property
    def link(self) -> Link:
        """The way for requests; opened when it is first used.

        Raises:
            KeyGone: there is none.
        """
        if self._link is None:
            self._link = self._opened()
            self._tap_used = False
        return self._link

    def other_channel(self) -> int:
        """Another channel of the key, ours until the test ends."""
        channel = self.hid.init().channel
        self.after(lambda: self.hid.forget(channel))
        return channel

    def _opened(self) -> Link:
        fixture = self.fixture
        try:
            if not self.has_reports:
                return CardLink(fixture.connect(), fixture.now_ns, self.traffic)
            reports = HeardReports(fixture.reports(), self.traffic.passed)
        except (OSError, DeviceError) as error:
            raise KeyGone("a key that is there", str(error)) from error
        client = HidClient(reports, fixture.now_ns, self.random_bytes, self._keepalive)
        try:
            init = client.init()
        except BaseException:
            client.close()
            raise
        self.channel = init.channel
        return HidLink(client, init.channel)

    def _keepalive(self, status: int, waited_ns: int) -> None:
        if status == 2:
            self.announcer.blink(max(0, _PROMPT_NS - waited_ns))

    def let_go(self) -> None:
        """Close the way to it; the next request opens another."""
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def presence(self) -> None:
        """Make ready for a request that needs its user: a card whose tap was used is tapped."""
        if not self.has_reports and self._tap_used:
            self.let_go()

    def power_cycle(self) -> None:
        """Pull the key out and plug it in.

        Raises:
            NotTested: its power cannot be cut.
            KeyGone: it does not come back.
        """
        if Ability.POWER not in self.abilities:
            raise NotTested("the key's power cannot be cut")
        self.let_go()
        try:
            self.traffic.passed(Direction.TO_KEY, b"", FrameKind.POWER_OFF)
            self.fixture.power_cycle()
            self.traffic.passed(Direction.TO_KEY, b"", FrameKind.POWER_ON)
        except (OSError, DeviceError) as error:
            raise KeyGone("a key that comes back when it is plugged in", str(error)) from error

    def answers(self) -> bool:
        """Whether the key says anything at all, after its channel was made quiet."""
        if not self.has_reports:
            return True
        return self.hid.quiet(self.channel)

    # Requests.

    def call(self, command: int, members: Any = None, *, raw: bytes | None = None) -> Reply:
        """Send a CTAP2 request.

        Args:
            command: its command byte.
            members: its members; None for none.
            raw: CBOR as it is, instead of members.

        Raises:
            Failure: there is no answer.
        """
        link = self.link
        self._tap_used |= command in _TAKES_PRESENCE
        body = raw if raw is not None else b"" if members is None else cbor.encode(members)
        return self.reply(command, link.call(HidCommand.CBOR, bytes([command]) + body))

    def call_on(self, channel: int, command: int, members: Any = None) -> Reply:
        """Send a CTAP2 request on another channel than ours."""
        body = b"" if members is None else cbor.encode(members)
        answer = self.hid.transact(channel, HidCommand.CBOR, bytes([command]) + body)
        return self.reply(command, answer)

    def reply(self, command: int, answer: Answer) -> Reply:
        """The answer to a request that was sent by other means."""
        self._measure(command, answer)
        if not answer.data:
            raise Failure("a status byte", "an empty answer")
        status, body = answer.data[0], answer.data[1:]
        value = None
        if body:
            reading = read(body)
            value = reading.value
            name = command_name(command)
            self.not_canonical += [f"{name}: {problem}" for problem in reading.problems]
        return Reply(command, status, body, value, answer)

    def u2f(self, ins: int, p1: int = 0, data: bytes = b"", *, cla: int = 0) -> tuple[int, bytes]:
        """Send a U2F request as an extended APDU; returns status word and data."""
        lengths = b"\0" + len(data).to_bytes(2) if data else b"\0"
        return self.u2f_raw(bytes([cla, ins, p1, 0]) + lengths + data + b"\0\0")

    def u2f_raw(self, apdu: bytes) -> tuple[int, bytes]:
        """Send a U2F request as it is; returns status word and data."""
        link = self.link
        self._tap_used = True
        answer = link.call(HidCommand.MSG, apdu).data
        if len(answer) < 2:
            raise Failure("a status word", f"{len(answer)} bytes")
        return int.from_bytes(answer[-2:]), answer[:-2]

    def _measure(self, command: int, answer: Answer) -> None:
        times = [at_ns for at_ns, _ in answer.keepalives]
        for before, after in pairwise(times):
            self.times.add("keepalive period", after - before)
        waited = [at_ns for at_ns, status in answer.keepalives if status == 2]
        if command in _MEASURED and answer.data[:1] == b"\0":
            since_ns = waited[-1] if waited else answer.sent_ns
            self.times.add(_MEASURED[Command(command)], answer.first_ns - since_ns)

    # Facts.

    def refresh(self) -> Facts:
        """Read again what the key announces."""
        init = None
        if self.has_reports:
            init = self.hid.init()
            self.hid.forget(init.channel)
        if init is not None and not init.capabilities & Capability.CBOR:
            self.facts = Facts(init=init, u2f=not init.capabilities & Capability.NMSG)
            return self.facts
        info, trouble, ctap2 = self._info()
        u2f = "U2F_V2" in Facts(info=info).versions
        if not ctap2:
            u2f = self.u2f(3)[0] == 0x9000
        self.facts = Facts(init, info, trouble, ctap2, u2f)
        return self.facts

    def _info(self) -> tuple[dict[int, Any], str, bool]:
        """The members of getInfo, why they could not be read, and whether CTAP2 is spoken."""
        try:
            reply = self.call(Command.GET_INFO)
            if reply.status == CtapStatus.INVALID_COMMAND:
                return {}, "", False
            return reply.members(), "", True
        except (KeyGone, KeySilent):
            raise
        except Failure as failure:
            return {}, f"getInfo gave {failure.got}", self.has_reports

    def count(self, credential_id: bytes, counter: int) -> None:
        """A signature counter was seen."""
        self.counters.setdefault(credential_id, []).append(counter)

    def after(self, cleaning: Callable[[], object]) -> None:
        """Do something when the test has ended, however it does."""
        self._later.append(cleaning)
