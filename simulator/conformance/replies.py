"""The answer to a CTAP2 request, and what a test may expect of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.hid import Answer
from mfalab.simulator.conformance.verdicts import Failure, expect
from mfalab.simulator.keys.canonical import read
from mfalab.simulator.traces.vocabulary import command_name, status_name


def status_text(status: int) -> str:
    """A CTAP2 status code with its name: `0x2E NO_CREDENTIALS`."""
    return f"0x{status:02X} {status_name(status)}"


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a CTAP2 request.

    Attributes:
        command: what was asked.
        status: its first byte.
        body: what follows.
        value: what the body says, as far as it could be read; None when there is none.
        answer: when it came, and the keepalives before it.
    """

    command: int
    status: int
    body: bytes
    value: Any
    answer: Answer

    def must(self, *statuses: CtapStatus) -> Reply:
        """This reply, if it has one of these codes.

        Raises:
            Failure: it has another.
        """
        expected = " or ".join(status_text(each) for each in statuses)
        expect(self.status in statuses, expected, status_text(self.status))
        return self

    def refused(self) -> Reply:
        """This reply, if it has any code but success.

        Raises:
            Failure: it is success.
        """
        expect(self.status != CtapStatus.SUCCESS, "an error code", status_text(self.status))
        return self

    def members(self) -> dict[Any, Any]:
        """The members of a successful answer.

        Raises:
            Failure: it failed, or its body is no map.
        """
        self.must(CtapStatus.SUCCESS)
        if self.body and not isinstance(self.value, dict):
            name = command_name(self.command)
            problems = read(self.body).problems
            why = problems[0] if self.value is None and problems else type(self.value).__name__
            raise Failure(f"a CBOR map from {name}", why)
        return self.value or {}

    def member(self, key: int, kind: type) -> Any:
        """A member of a successful answer.

        Raises:
            Failure: it is not there or has another type.
        """
        found = self.members().get(key)
        fits = isinstance(found, kind) and not (kind is int and isinstance(found, bool))
        expected = f"member 0x{key:02X} of {command_name(self.command)} as {kind.__name__}"
        expect(fits, expected, "nothing" if found is None else type(found).__name__)
        return found
