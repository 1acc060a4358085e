"""Ways for CTAP2 and U2F requests: a channel of CTAPHID, or a card in a reader's field.

What passes is written down as it passes: reports on the one, APDUs on the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from fido2.ctap import CtapDevice, CtapError

from mfalab.devices.ctap.ctaphid import HidCommand
from mfalab.devices.transports.wire import Direction
from mfalab.simulator.conformance.hid import Answer, HidClient
from mfalab.simulator.conformance.verdicts import Failure, KeyGone, expect
from mfalab.simulator.keys.fixture import Reports
from mfalab.simulator.traces.frames import Frame, FrameKind

__all__ = ["CardLink", "HidLink", "Link", "RecordedReports", "Traffic"]


class Traffic:
    """What passed between this program and the key since a test began.

    Args:
        now_ns: the fixture's time.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.frames: list[Frame] = []

    def passed(self, direction: Direction, data: bytes, kind: FrameKind = FrameKind.REPORT) -> None:
        """Something passed now."""
        self.frames.append(Frame(self._now_ns(), direction, data, kind))

    def begin(self) -> None:
        """Begin a new list."""
        self.frames = []


class RecordedReports:
    """Reports on their way, written down.

    Args:
        inner: the way.
        traffic: where to.
    """

    def __init__(self, inner: Reports, traffic: Traffic) -> None:
        self._inner = inner
        self._traffic = traffic

    def write(self, report: bytes) -> None:
        """See `Reports.write`."""
        self._traffic.passed(Direction.TO_KEY, report)
        self._inner.write(report)

    def read(self, within_ns: int) -> bytes | None:
        """See `Reports.read`."""
        report = self._inner.read(within_ns)
        if report is not None:
            self._traffic.passed(Direction.TO_HOST, report)
        return report

    def close(self) -> None:
        """See `Reports.close`."""
        self._inner.close()


class Link(ABC):
    """A way for requests that wait for their answers."""

    @abstractmethod
    def cbor(self, request: bytes) -> Answer:
        """Send a CTAP2 request: command byte and CBOR; the answer begins with the status byte.

        Raises:
            Failure: no such answer comes.
        """

    @abstractmethod
    def msg(self, apdu: bytes) -> Answer:
        """Send a U2F request; the answer ends with the status word.

        Raises:
            Failure: no such answer comes.
        """

    @abstractmethod
    def close(self) -> None:
        """End it."""


class HidLink(Link):
    """A channel of CTAPHID.

    Args:
        client: the client.
        channel: its channel.
    """

    def __init__(self, client: HidClient, channel: int) -> None:
        self.client = client
        self.channel = channel

    def cbor(self, request: bytes) -> Answer:
        """See `Link.cbor`."""
        return self._expect(HidCommand.CBOR, request)

    def msg(self, apdu: bytes) -> Answer:
        """See `Link.msg`."""
        return self._expect(HidCommand.MSG, apdu)

    def _expect(self, command: HidCommand, data: bytes) -> Answer:
        answer = self.client.transact(self.channel, command, data)
        answered = answer.command == command
        expect(answered, f"an answer to CTAPHID_{command.name}", answer)
        return answer

    def close(self) -> None:
        """See `Link.close`."""
        self.client.close()


class CardLink(Link):
    """A card; opening one is a tap.

    Args:
        device: python-fido2's way to it.
        now_ns: the fixture's time.
        traffic: where what passes is written down.
    """

    def __init__(self, device: CtapDevice, now_ns: Callable[[], int], traffic: Traffic) -> None:
        self._device = device
        self._now_ns = now_ns
        self._traffic = traffic
        exchange = getattr(device, "apdu_exchange", None)
        if exchange is None:
            return

        def recorded(apdu: bytes, protocol: int | None = None) -> tuple[bytes, int, int]:
            traffic.passed(Direction.TO_KEY, apdu, FrameKind.APDU)
            data, sw1, sw2 = exchange(apdu, protocol)
            traffic.passed(Direction.TO_HOST, bytes((*data, sw1, sw2)), FrameKind.APDU)
            return data, sw1, sw2

        # Only here do all APDUs pass by, chained ones and GET RESPONSE included.
        vars(device)["apdu_exchange"] = recorded

    def cbor(self, request: bytes) -> Answer:
        """See `Link.cbor`."""
        return self._call(HidCommand.CBOR, request)

    def msg(self, apdu: bytes) -> Answer:
        """See `Link.msg`."""
        return self._call(HidCommand.MSG, apdu)

    def _call(self, command: HidCommand, data: bytes) -> Answer:
        sent_ns = self._now_ns()
        keepalives: list[tuple[int, int]] = []
        try:
            answer = self._device.call(
                command,
                data,
                on_keepalive=lambda status: keepalives.append((self._now_ns(), int(status))),
            )
        except CtapError as error:
            raise Failure("an answer with status word 9000", str(error)) from error
        except Exception as error:
            # Readers raise what they like; all of it means that there was no answer.
            raise KeyGone("a card that answers", str(error)) from error
        now_ns = self._now_ns()
        return Answer(command, answer, sent_ns, now_ns, now_ns, tuple(keepalives))

    def close(self) -> None:
        """See `Link.close`."""
        self._device.close()
