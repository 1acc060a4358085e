"""One command under way, and what its handler may wait for.

A handler is a generator: it yields `Ask` when it wants a person and `Work` when it needs time, is
resumed with an `Event`, and returns the map of its answer or raises `CtapError`. A transaction runs
one handler; the owner of the clock calls `advance` when `deadline_ns` has come.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any, TypeVar, final

from mfalab.devices.clock import Clock
from mfalab.devices.ctap.commands import KeepaliveStatus, Prompt, SampleStatus
from mfalab.devices.ctap.status import CtapError, CtapStatus
from mfalab.devices.ctap.storage import PowerCut, StoreWornOut

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Ask:
    """Wait for a person."""

    prompt: Prompt
    timeout_ns: int
    rp_id: str | None = None
    info: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """Wait for the authenticator's own processor."""

    duration_ns: int


@unique
class EventKind(Enum):
    """Why a handler goes on."""

    TOUCHED = "touched"
    FINGER = "finger"
    DECLINED = "declined"
    TIMED_OUT = "timed out"
    WORKED = "worked"


@dataclass(frozen=True, slots=True)
class Event:
    """What a handler waited for, with the finger if it was one."""

    kind: EventKind
    template: bytes = b""
    sample: SampleStatus = SampleStatus.GOOD


_TOUCHED = Event(EventKind.TOUCHED)

Steps = Generator[Ask | Work, Event, _T]
"""A handler, or a part of one, that ends with a value."""


@final
class Transaction:
    """One command, from its request to its answer.

    Attributes:
        response: Status byte and CBOR, or a U2F answer with its status word; None while the
            command waits, and for ever when power was lost.
        wants: What a person is asked for.
        rp_id: The relying party a person is asked about, if there is one.
        info: What the request is for, in a word or two.
        deadline_ns: When it gives up or its work is done, by the authenticator's clock.
    """

    def __init__(
        self,
        clock: Clock,
        steps: Steps[bytes] | None,
        on_power_cut: Callable[[], None],
        *,
        response: bytes | None = None,
        on_touch: Callable[[], None] | None = None,
    ) -> None:
        self._clock = clock
        self._steps = steps
        self._on_power_cut = on_power_cut
        self._on_touch = on_touch
        self.response = response
        self.wants: Prompt | None = Prompt.TOUCH if on_touch else None
        self.rp_id: str | None = None
        self.info = ""
        self.deadline_ns: int | None = None
        if steps is not None:
            self._go(lambda: next(steps))

    @property
    def under_way(self) -> bool:
        """The command is neither answered nor lost."""
        return self._steps is not None

    @property
    def status(self) -> KeepaliveStatus:
        """What a keepalive says now."""
        return KeepaliveStatus.UPNEEDED if self.wants else KeepaliveStatus.PROCESSING

    def touch(self) -> None:
        """A person touches the authenticator; unless that is what it wants, nothing happens.

        A U2F request without presence is answered at once; a touch on it counts for the next.
        """
        if self._on_touch is not None:
            on_touch, self._on_touch, self.wants = self._on_touch, None, None
            on_touch()
        elif self.wants is Prompt.TOUCH:
            self._send(_TOUCHED)

    def finger(self, template: bytes | str, sample: SampleStatus = SampleStatus.GOOD) -> None:
        """A finger on the sensor; which one it is, any bytes or text tell.

        A sensor that wants a mere touch takes it for one.
        """
        if self.wants is Prompt.FINGER:
            raw = template.encode() if isinstance(template, str) else template
            self._send(Event(EventKind.FINGER, raw, sample))
        else:
            self.touch()

    def decline(self) -> None:
        """A person says no."""
        if self._steps is not None and self.wants is not None:
            self._send(Event(EventKind.DECLINED))

    def cancel(self) -> None:
        """The client gives up: KEEPALIVE_CANCEL, unless the answer is there already."""
        steps = self._steps
        if steps is not None:
            self._go(lambda: steps.throw(CtapError(CtapStatus.KEEPALIVE_CANCEL)))

    def advance(self) -> None:
        """The clock has moved: what is due happens."""
        while self.deadline_ns is not None and self._clock.now_ns() >= self.deadline_ns:
            kind = EventKind.TIMED_OUT if self.wants else EventKind.WORKED
            self._send(Event(kind))

    def abandon(self) -> None:
        """Power is gone; there will be no answer."""
        steps = self._steps
        self._finish(self.response)
        if steps is not None:
            steps.close()

    def _send(self, event: Event) -> None:
        steps = self._steps
        if steps is not None:
            self._go(lambda: steps.send(event))

    def _go(self, resume: Callable[[], Ask | Work]) -> None:
        try:
            waits = resume()
        except StopIteration as end:
            self._finish(end.value)
        except CtapError as error:
            self._finish(bytes([error.status]))
        except StoreWornOut:
            self._finish(bytes([CtapStatus.OTHER]))
        except PowerCut:
            self._finish(None)
            self._on_power_cut()
        else:
            self._wait(waits)

    def _wait(self, waits: Ask | Work) -> None:
        now = self._clock.now_ns()
        if isinstance(waits, Work):
            self.wants, self.rp_id, self.info = None, None, ""
            self.deadline_ns = now + waits.duration_ns
        else:
            self.wants, self.rp_id, self.info = waits.prompt, waits.rp_id, waits.info
            self.deadline_ns = now + waits.timeout_ns

    def _finish(self, response: Any) -> None:
        self._steps = None
        self.response = response
        self.wants, self.deadline_ns = None, None
