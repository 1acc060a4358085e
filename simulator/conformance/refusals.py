"""Requests that a key must refuse, as rows of a table, and the codes that are taken for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mfalab.devices.ctap.status import CtapStatus
from mfalab.simulator.conformance.facts import SINCE_2_1, Condition, has_member
from mfalab.simulator.conformance.replies import Reply
from mfalab.simulator.conformance.subject import Subject
from mfalab.simulator.conformance.suite import Chapter

MISSING: Final = (CtapStatus.MISSING_PARAMETER,)
INVALID: Final = (CtapStatus.INVALID_PARAMETER,)
TYPE: Final = (CtapStatus.CBOR_UNEXPECTED_TYPE,)
LENGTH: Final = (CtapStatus.INVALID_LENGTH, CtapStatus.INVALID_PARAMETER)
UNAUTHORISED: Final = (CtapStatus.PUAT_REQUIRED, CtapStatus.MISSING_PARAMETER)
NOT_HERE: Final = (CtapStatus.NO_CREDENTIALS, CtapStatus.INVALID_CREDENTIAL)
UNTOUCHED: Final = (
    CtapStatus.USER_ACTION_TIMEOUT,
    CtapStatus.ACTION_TIMEOUT,
    CtapStatus.OPERATION_DENIED,
)
LISTED_TOO_MANY: Final = (
    CtapStatus.LIMIT_EXCEEDED,
    CtapStatus.INVALID_LENGTH,
    CtapStatus.REQUEST_TOO_LARGE,
)

Request = dict[int, Any]


def replace(key: int, value: Any) -> Callable[[Request], Request]:
    """A request with another value for a member."""
    return lambda request: request | {key: value}


def without(*keys: int) -> Callable[[Request], Request]:
    """A request without some members."""
    return lambda request: {key: value for key, value in request.items() if key not in keys}


def codes_text(codes: Sequence[CtapStatus]) -> str:
    """The names of some codes: `INVALID_LENGTH or INVALID_PARAMETER`."""
    return " or ".join(code.name for code in codes)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that a key must refuse.

    Attributes:
        name: the test's name.
        what: what is wrong with the request, after "when".
        request: its members, or a change of a good request; what the table's `ask` takes.
        codes: the codes that are taken; the first one goes into the test's sentence.
        when: what the key must announce.
    """

    name: str
    what: str
    request: Any
    codes: tuple[CtapStatus, ...]
    when: tuple[Condition, ...] = ()


def unproved(param: int) -> tuple[Refusal, ...]:
    """Rows for a request whose pinUvAuthParam has no protocol that is known.

    Args:
        param: the number of pinUvAuthParam; the protocol is the next member.
    """
    verifies = SINCE_2_1, has_member(0x06)

    def alone(request: Request) -> Request:
        return without(param + 1)(request) | {param: bytes(32)}

    def unknown(request: Request) -> Request:
        return request | {param: bytes(32), param + 1: 99}

    what = "pinUvAuthParam comes without a protocol"
    return (
        Refusal("param-without-protocol", what, alone, MISSING, verifies),
        Refusal("unknown-protocol", "pinUvAuthProtocol is unknown", unknown, INVALID, verifies),
    )


def send(command: int) -> Callable[[Subject, Request], Reply]:
    """What sends the members of a row with a command."""
    return lambda subject, members: subject.call(command, members)


def add_refusals(
    chapter: Chapter,
    ask: Callable[[Subject, Any], Reply],
    table: Mapping[str, Sequence[Refusal]],
    *,
    rule: str = "The code is",
) -> None:
    """Add a test for each row of a table.

    Args:
        chapter: where to.
        ask: sends what a row has as its request.
        table: the rows by their section.
        rule: how the requirement begins, before the codes.
    """
    for section, rows in table.items():
        for row in rows:
            chapter.add(
                row.name,
                section,
                f"When {row.what}, that is {row.codes[0].name}.",
                f"{rule} {codes_text(row.codes)}.",
                partial(_refused, ask, row),
                when=row.when,
            )


def _refused(ask: Callable[[Subject, Any], Reply], row: Refusal, subject: Subject) -> None:
    ask(subject, row.request).must(*row.codes)
