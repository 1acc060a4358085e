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
from mfalab.simulator.traces.frames import Frame, FrameKind
from mfalab.simulator.traces.recorder import hear_apdus


class Traffic:
    """What passed between this program and the key since a test began."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.frames: list[Frame] = []

    def passed(self, direction: Direction, data: bytes, kind: FrameKind = FrameKind.REPORT) -> None:
        """Something passed now."""
        self.frames.append(Frame(self._now_ns(), direction, data, kind))

    def begin(self) -> None:
        """Begin a new list."""
        self.frames = []


class Link(ABC):
    """A way for requests that wait for their answers."""

    @abstractmethod
    def call(self, command: HidCommand, data: bytes) -> Answer:
        """Send a request, `CBOR` for CTAP2 or `MSG` for U2F; gives its answer without a header.

        Raises:
            Failure: no such answer comes.
        """

    @abstractmethod
    def close(self) -> None:
        """End it."""


class HidLink(Link):
    """A channel of CTAPHID."""

    def __init__(self, client: HidClient, channel: int) -> None:
        self.client = client
        self.channel = channel

    def call(self, command: HidCommand, data: bytes) -> Answer:
        """See `Link.call`."""
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
        if hasattr(device, "apdu_exchange"):
            hear_apdus(
                device, lambda direction, apdu: traffic.passed(direction, apdu, FrameKind.APDU)
            )

    def call(self, command: HidCommand, data: bytes) -> Answer:
        """See `Link.call`."""
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
