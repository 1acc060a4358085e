"""Every code of a refusal and every decision that a scenario can expect: a misspelt one is refused.

A scenario that expects what cannot happen is not caught by running it where it may fail anyhow.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from inspect import signature

from fido2.ctap import CtapError

from mfalab.devices import errors
from mfalab.simulator.environment.outcome import PREVENTED
from mfalab.simulator.language.words import nearest
from mfalab.verifier import CeremonyOutcome, Outcome, ServiceError, refusals

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


@cache
def codes() -> list[str]:
    """What `expect: {refused: CODE}` can name, in alphabetical order."""
    return sorted({*_of_the_service(), *_of_devices(), *INJECTED, *PREVENTED})


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
    for status in CtapError.ERR:
        if status.value and not status.name.startswith(_RANGES):
            yield status.name
