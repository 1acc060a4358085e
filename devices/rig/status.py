"""The status of a board: its error queue and its registers (IEEE 488.2 chapters 10 and 11)."""

from __future__ import annotations

from collections import deque

from mfalab.devices.rig.scpi import Code, Refusal

_MOST_ERRORS = 16

# Bits of the event status register (IEEE 488.2 section 11.5.1.1).
_OPERATION_COMPLETE, _POWER_ON = 1 << 0, 1 << 7
_EVENT_OF_HUNDRED = {1: 1 << 5, 2: 1 << 4, 3: 1 << 3, 4: 1 << 2}
# Bits of the status byte (IEEE 488.2 section 11.2.1, SCPI-99 volume 1 section 5).
_ERROR_QUEUE, _MESSAGE, _EVENT, _SUMMARY = 1 << 2, 1 << 4, 1 << 5, 1 << 6


class Status:
    """The status of one board since it was plugged in.

    Attributes:
        events_enabled: what `*ESE` has enabled.
        answered: whether the line that is being done has an answer already.
    """

    def __init__(self) -> None:
        self._errors: deque[Refusal] = deque()
        self._events = _POWER_ON
        self._service_enabled = 0
        self.events_enabled = 0
        self.answered = False

    def queue(self, error: Refusal) -> None:
        """Queue an error for `SYST:ERR?`."""
        self._events |= _EVENT_OF_HUNDRED[-error.code // 100]
        if len(self._errors) < _MOST_ERRORS:
            self._errors.append(error)
        else:
            self._errors[-1] = Refusal(Code.QUEUE_OVERFLOW)

    def take_error(self) -> str:
        """The oldest error, which leaves the queue."""
        return str(self._errors.popleft() if self._errors else Refusal(Code.NO_ERROR))

    @property
    def errors(self) -> int:
        """How many errors are queued."""
        return len(self._errors)

    def clear(self) -> None:
        """`*CLS`."""
        self._errors.clear()
        self._events = 0

    def complete(self) -> None:
        """`*OPC`."""
        self._events |= _OPERATION_COMPLETE

    def take_events(self) -> int:
        """`*ESR?`, which clears what it reads."""
        events, self._events = self._events, 0
        return events

    @property
    def service_enabled(self) -> int:
        """What `*SRE` has enabled; bit 6 is always 0 (IEEE 488.2 section 11.3.2.3)."""
        return self._service_enabled

    @service_enabled.setter
    def service_enabled(self, mask: int) -> None:
        self._service_enabled = mask & ~_SUMMARY

    @property
    def byte(self) -> int:
        """`*STB?`."""
        status = _ERROR_QUEUE if self._errors else 0
        status |= _MESSAGE if self.answered else 0
        status |= _EVENT if self._events & self.events_enabled else 0
        return status | (_SUMMARY if status & self._service_enabled else 0)
