"""Every code of a refusal and every decision that a scenario can expect: a misspelt one is refused.

A scenario that expects what cannot happen is not caught by running it where it may fail anyhow.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from inspect import signature
from typing import ClassVar, Protocol

from fido2.ctap import CtapError

from mfalab.devices import errors
from mfalab.simulator.environment.outcome import PREVENTED
from mfalab.simulator.language.words import nearest
from mfalab.verifier import CeremonyOutcome, Outcome, ServiceError, refusals
from mfalab.verifier.service_model import service_model


class Meeting(Protocol):
    """What a step declares about refusals; see `Step`."""

    calls: ClassVar[tuple[str, ...]]
    meets: ClassVar[frozenset[str]]
    decides: ClassVar[tuple[type[StrEnum], ...]]


ANY = "any"
_FEW = 50
"""So many words may stand in a message."""
_RANGES = ("SPEC_", "EXTENSION_", "VENDOR_")
"""CTAP's names for where ranges of statuses begin and end."""
INJECTED = {
    "ServiceFailure": ("The request processing has failed because of an unknown error.", 500),
    "ConcurrentModification": ("The entity is being modified by another request.", 409),
    "EntityTemporarilyUnmodifiable": ("The entity is temporarily unmodifiable.", 409),
}
"""What `inject` lets a call fail with: codes and statuses of the IAM model; the texts are ours."""

SIGNED = frozenset(
    {
        "AccessDenied",
        "ExpiredToken",
        "InvalidClientTokenId",
        "MalformedInput",
        "SignatureDoesNotMatch",
        "Throttling",
        "ValidationError",
        *INJECTED,
    }
)
"""What any signed call can be refused with."""
READING = frozenset(
    {
        "DeviceUnusable",
        "NoCode",
        "NoCodeArrived",
        "NoCodeReceived",
        "NotHeld",
        "NotItsSeed",
        "NotOffered",
        "NotReadable",
        "UnknownAccount",
    }
)
"""What stops a person who reads a code."""
CONSOLE = SIGNED | {
    "FailedAuthentication",
    "InvalidAssertion",
    "InvalidAuthenticationCode",
    "InvalidInput",
    "InvalidVerificationCode",
    "MailCodeRequired",
    "MfaEnrolmentRequired",
    "MfaRequired",
    "NewPasswordRequired",
    "NoSecondPage",
    "NoSuchEntity",
    "PasswordExpired",
    "SecurityKeyNotAccepted",
    "SignInExpired",
    "SignInLocked",
}
"""What the pages of the console refuse with, and where they leave a person standing."""
COPYING = frozenset(
    {
        "DeviceUnusable",
        "NoBackup",
        "NotHeld",
        "NotOffered",
        "ProvisioningError",
        "UnknownAccount",
    }
)
"""What stops a copy of a device or of an app."""


@cache
def codes() -> list[str]:
    """What `expect: {refused: CODE}` can name, in alphabetical order."""
    return sorted({*_of_the_service(), *_of_devices(), *INJECTED, *PREVENTED})


def of_service(code: str) -> bool:
    """Whether a code is one of AWS's, or of what is injected, rather than of a person or device."""
    return code in _service_codes()


@cache
def _service_codes() -> frozenset[str]:
    return frozenset({*_of_the_service(), *INJECTED})


def decisions() -> list[str]:
    """What `expect: {decision: WORD}` can name: how the verifier decides on what it refuses."""
    return [each.value for each in (*Outcome, *CeremonyOutcome) if each.value != Outcome.ACCEPTED]


def known_code(code: str) -> str:
    """A code that something can be refused with.

    Raises:
        ValueError: nothing is.
    """
    return _known("refusal", code, [*codes(), ANY])


def known_decision(word: str) -> str:
    """A decision that the verifier can come to.

    Raises:
        ValueError: it cannot.
    """
    return _known("decision on a refusal", word, decisions())


def met_by(step: type[Meeting]) -> frozenset[str]:
    """The codes of refusals that can end a step, by what it declares."""
    if not step.calls:
        return step.meets
    errors_of_calls = {
        code
        for call in step.calls
        for service in (service_model("iam"), service_model("sts"))
        if call in service.names
        for code in service.operation(call).errors
    }
    return step.meets | SIGNED | (errors_of_calls & set(codes()))


def decided_on(step: type[Meeting]) -> frozenset[str]:
    """The decisions on what is refused that the verifier can come to in a step."""
    return frozenset(each.value for kind in step.decides for each in kind) - {Outcome.ACCEPTED}


def _known(what: str, word: str, words: list[str]) -> str:
    if word in words:
        return word
    similar = {each.lower(): each for each in words}
    near = nearest(similar.get(word.lower(), word), words)
    some = f"; known: {', '.join(words)}" if len(words) < _FEW else "; such as AccessDenied"
    raise ValueError(f'"{word}" is no {what}{near or some}')


def _of_the_service() -> Iterator[str]:
    for made in vars(refusals).values():
        if callable(made) and getattr(made, "__module__", "") == refusals.__name__:
            refusal = made(*("0" for _ in signature(made).parameters))
            if isinstance(refusal, ServiceError):
                yield refusal.code


def _of_devices() -> Iterator[str]:
    for name, each in vars(errors).items():
        if isinstance(each, type) and errors.DeviceError in each.__bases__:
            yield name
    yield from _statuses()


def _statuses() -> Iterator[str]:
    """CTAP's statuses, with which a key answers."""
    for status in CtapError.ERR:
        if status.value and not status.name.startswith(_RANGES):
            yield status.name


SIGNING = frozenset(
    {
        "DeviceUnusable",
        "FingerNotRead",
        "KeyUnplugged",
        "NoAnswer",
        "NotHeld",
        "NotOffered",
        "SecurityError",
        *_statuses(),
    }
)
"""What stops a person at a security key."""
